//! A crash on the way back, in the middle of a statement that no transaction holds.

use migrate_core::{ErrorCode, History};
use migrate_tests::{Db, Scope, TestDatabase, each_database, history, request};

use super::back::{lenient, lines, recorded};
use super::sql::ITEM;

each_database! {
    all: a_person_decides_where_the_database_cannot_tell, settings_are_set_again;
    servers: looks_whether_it_happened;
}

/// A table with a column and an index, and a step that makes them and takes them back: a
/// statement in a transaction, `statement`, and one more.
fn shop(statement: &str) -> History {
    let first = format!("-- migrate: up\n{ITEM};\n-- migrate: down\nDROP TABLE item;");
    let second = format!(
        "-- migrate: atomic = false\n-- migrate: up\nINSERT INTO item VALUES (1, 'a');\n\
         CREATE INDEX item_name ON item (name);\nALTER TABLE item ADD COLUMN price INT;\n\
         -- migrate: down\nUPDATE item SET id = id + 1;\n{statement};\nUPDATE item SET id = id + 10;"
    );
    history(&[("0001_initial.sql", &first), ("0002_work.sql", &second)])
}

/// Leaves what a crash leaves that comes while the second statement of the way back runs.
async fn cut_off(db: Db, statement: &str, happened: bool) -> TestDatabase {
    let database = TestDatabase::create(db).await;
    database.migrate(shop(statement)).await;
    // The ledger is that of a way back that stopped after its first statement.
    database
        .execute("CREATE TABLE stops (id INT NOT NULL PRIMARY KEY)")
        .await;
    let stops = "INSERT INTO stops SELECT id FROM nowhere";
    database
        .migrator(shop(stops))
        .policies(lenient())
        .migrate(&request("undo"))
        .await
        .unwrap_err();
    database.execute("DROP TABLE stops").await;
    assert_eq!(
        recorded(&database).await,
        ["0001_initial", "0002_work reverting"]
    );
    let text = statement.replace('\'', "''");
    database
        .execute(&format!(
            "UPDATE migrate_steps SET intent = 1, intent_text = '{text}', intent_before = 0, \
             error = NULL WHERE name = '0002_work'"
        ))
        .await;
    if happened {
        database.execute(statement).await;
    }
    database
}

async fn looks_whether_it_happened(db: Db) {
    let statements = match db.capabilities().concurrent_index {
        true => vec!["DROP INDEX CONCURRENTLY item_name"],
        false => vec![
            "DROP INDEX item_name ON item",
            "ALTER TABLE item DROP COLUMN price",
        ],
    };
    for statement in statements {
        let mut dumps = Vec::new();
        for happened in [false, true] {
            let database = cut_off(db, statement, happened).await;
            let report = database
                .migrator(shop(statement))
                .migrate(&request("undo"))
                .await
                .unwrap_or_else(|error| panic!("{statement}, {happened}: {error}"));
            assert_eq!(report.steps.len(), 1);
            assert_eq!(recorded(&database).await, ["0001_initial"]);
            // Each of the others ran once: 1, then 2, then 12.
            assert_eq!(
                database.count("SELECT id FROM item").await,
                12,
                "{statement}"
            );
            dumps.push(database.dump(Scope::WithoutLedger).await);
        }
        assert_eq!(dumps[0], dumps[1], "{statement}");
    }
}

async fn a_person_decides_where_the_database_cannot_tell(db: Db) {
    let unclear = match db {
        // There every statement of a way back stands in a transaction but those that refuse one.
        Db::Sqlite => "PRAGMA user_version = 7",
        Db::Postgres => "ALTER SYSTEM SET work_mem = '4MB'",
        Db::MySql => "ALTER TABLE item MODIFY name VARCHAR(200)",
    };
    for done in [true, false] {
        let database = cut_off(db, unclear, false).await;
        let migrator = database.migrator(shop(unclear));
        let undo = request("undo");
        if !db.capabilities().server {
            migrator.migrate(&undo).await.unwrap();
            return;
        }
        for _ in 0..2 {
            let error = migrator.migrate(&undo).await.unwrap_err();
            assert_eq!(error.code(), ErrorCode::NeedsReview, "{error}");
            assert!(
                error.message().contains("the way back of `shop.0002_work`"),
                "{error}"
            );
            assert!(error.message().contains(unclear), "{error}");
            let command = "migrate resolve shop.0002_work --done";
            assert!(
                error.helps().iter().any(|help| help.contains(command)),
                "{error}"
            );
            assert!(database.is_unlocked().await);
        }
        migrator
            .resolve("0002_work", done, "looked at it")
            .await
            .unwrap();
        assert_eq!(
            recorded(&database).await,
            ["0001_initial", "0002_work reverting"]
        );
        migrator
            .migrate(&undo)
            .await
            .unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(recorded(&database).await, ["0001_initial"]);
        assert_eq!(database.count("SELECT id FROM item").await, 12);
        let outcome = if done {
            "resolve done"
        } else {
            "resolve not_done"
        };
        let lines = lines(&database, "0002_work").await;
        assert_eq!(lines[lines.len() - 2..], [outcome, "undo reverted"]);
    }
}

/// What a statement of the way back set in its session holds for the rest, also in another one.
async fn settings_are_set_again(db: Db) {
    let (set, look) = match db {
        Db::Sqlite => return,
        Db::Postgres => ("SET work_mem = '77MB'", "current_setting('work_mem')"),
        Db::MySql => ("SET SESSION sort_buffer_size = 65536", "@@sort_buffer_size"),
    };
    let database = TestDatabase::create(db).await;
    let text = |second: &str| {
        format!(
            "-- migrate: atomic = false\n-- migrate: up\nINSERT INTO item VALUES (1, 'a');\n\
             -- migrate: down\n{set};\n{second};\nUPDATE item SET name = {look};"
        )
    };
    let first = format!("-- migrate: up\n{ITEM};\n-- migrate: down\nDROP TABLE item;");
    let of = |second: &str| history(&[("0001_initial.sql", &first), ("0002_work.sql", second)]);
    let broken = of(&text("DELETE FROM nowhere"));
    database.migrate(broken.clone()).await;
    database.refused_to(broken.clone(), "undo").await;
    database.execute("CREATE TABLE nowhere (id INT)").await;
    database.migrate_to(broken, "undo").await;
    let expected = if db == Db::MySql { "65536" } else { "77MB" };
    assert_eq!(
        database.scalar("SELECT name FROM item").await.as_deref(),
        Some(expected)
    );
}
