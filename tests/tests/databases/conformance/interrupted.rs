//! A crash in the middle of a statement that no transaction holds: looked up, never repeated blindly.

use migrate_core::ErrorCode;
use migrate_core::report::State;
use migrate_tests::{Db, TestDatabase, each_database, history};

use super::sql::ITEM;

each_database! {
    all: what_can_be_repeated_is, a_person_decides_where_the_database_cannot_tell,
        resolve_refuses_what_was_not_interrupted, an_id_of_another_session_is_not_taken_for_the_last;
    servers: looks_whether_it_happened, an_index_that_was_cut_off_is_built_again;
}

const FIRST: (&str, &str) = ("0001_initial.sql", ITEM);

/// Leaves a step as a crash does: its first statement done, its second begun.
///
/// The ledger is that of a run whose second statement was about to begin: the step fails there,
/// at a text that cannot work, and the intent is written by hand.
async fn crash_in(database: &TestDatabase, statement: &str) -> String {
    let text = |second: &str| {
        format!(
            "-- migrate: atomic = false\nINSERT INTO item VALUES (1, 'a');\n{second};\n\
             INSERT INTO item VALUES (2, 'b');"
        )
    };
    let broken = text("INSERT INTO nowhere VALUES (1)");
    database
        .refused(history(&[FIRST, ("0002_work.sql", &broken)]))
        .await;
    begun(database, statement).await;
    text(statement)
}

/// A statement, and what must be there before it.
struct Case {
    statement: &'static str,
    before: &'static str,
}

fn cases(db: Db) -> Vec<Case> {
    let case = |statement, before| Case { statement, before };
    if db.capabilities().concurrent_index {
        return vec![
            case("CREATE INDEX CONCURRENTLY x ON item (name)", "SELECT 1"),
            case(
                "CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS \"X y\" ON public.item (name)",
                "SELECT 1",
            ),
            case(
                "CREATE INDEX CONCURRENTLY z ON apart.thing (a)",
                "CREATE SCHEMA apart; CREATE TABLE apart.thing (a int)",
            ),
            case("DROP INDEX CONCURRENTLY x", "CREATE INDEX x ON item (name)"),
            case(
                "DROP INDEX CONCURRENTLY IF EXISTS apart.z",
                "CREATE SCHEMA apart; CREATE TABLE apart.thing (a int); CREATE INDEX z ON apart.thing (a)",
            ),
        ];
    }
    vec![
        case("CREATE TABLE made (id INT)", "SELECT 1"),
        case("CREATE TABLE `odd ``name` (id INT)", "SELECT 1"),
        case("DROP TABLE made", "CREATE TABLE made (id INT)"),
        case("CREATE VIEW seen AS SELECT id FROM item", "SELECT 1"),
        case("DROP VIEW seen", "CREATE VIEW seen AS SELECT id FROM item"),
        case("CREATE INDEX x ON item (name)", "SELECT 1"),
        case("DROP INDEX x ON item", "CREATE INDEX x ON item (name)"),
        case("ALTER TABLE item ADD COLUMN price INT", "SELECT 1"),
        case(
            "ALTER TABLE item ADD price INT NOT NULL DEFAULT 3",
            "SELECT 1",
        ),
        case(
            "ALTER TABLE item DROP COLUMN price",
            "ALTER TABLE item ADD price INT",
        ),
        case(
            "ALTER TABLE made RENAME TO renamed",
            "CREATE TABLE made (id INT)",
        ),
        case("RENAME TABLE made TO renamed", "CREATE TABLE made (id INT)"),
    ]
}

async fn looks_whether_it_happened(db: Db) {
    for Case { statement, before } in cases(db) {
        let mut dumps = Vec::new();
        for happened in [false, true] {
            let database = TestDatabase::create(db).await;
            database.execute(ITEM).await;
            for part in before.split("; ") {
                database.execute(part).await;
            }
            let files = [("0001_initial.sql", "SELECT 1")];
            database.migrate(history(&files)).await;
            let good = crash_in_existing(&database, statement).await;
            if happened {
                database.execute(statement).await;
            }
            let files = [files[0], ("0002_work.sql", good.as_str())];
            assert_eq!(
                database.migrate(history(&files)).await,
                ["0002_work"],
                "{statement}, {happened}"
            );
            assert_eq!(
                database.count("SELECT count(*) FROM item").await,
                2,
                "{statement}, {happened}"
            );
            dumps.push(database.dump(migrate_tests::Scope::WithoutLedger).await);
        }
        assert_eq!(dumps[0], dumps[1], "{statement}");
    }
}

/// As [`crash_in`], where the first step is only a note.
async fn crash_in_existing(database: &TestDatabase, statement: &str) -> String {
    let first = ("0001_initial.sql", "SELECT 1");
    let text = |second: &str| {
        format!(
            "-- migrate: atomic = false\nINSERT INTO item (id, name) VALUES (1, 'a');\n{second};\n\
             INSERT INTO item (id, name) VALUES (2, 'b');"
        )
    };
    let broken = text("INSERT INTO nowhere VALUES (1)");
    database
        .refused(history(&[first, ("0002_work.sql", &broken)]))
        .await;
    begun(database, statement).await;
    text(statement)
}

/// Writes by hand what a run writes before its second statement.
async fn begun(database: &TestDatabase, statement: &str) {
    let text = statement.replace('\'', "''");
    database
        .execute(&format!(
            "UPDATE migrate_steps SET state = 'running', intent = 1, intent_text = '{text}', \
             error = NULL WHERE name = '0002_work'"
        ))
        .await;
}

async fn an_index_that_was_cut_off_is_built_again(db: Db) {
    if !db.capabilities().concurrent_index {
        return;
    }
    let database = TestDatabase::create(db).await;
    let unique = "CREATE UNIQUE INDEX CONCURRENTLY item_name ON item (name)";
    database.migrate(history(&[FIRST])).await;
    let good = crash_in(&database, unique).await;
    // A build that fails leaves an invalid index behind, as one that is cut off does.
    database.execute("INSERT INTO item VALUES (7, 'a')").await;
    assert!(database.connect().await.try_execute(unique).await.is_err());
    let valid = "SELECT indisvalid FROM pg_index WHERE indexrelid = 'item_name'::regclass";
    assert_eq!(database.scalar(valid).await.as_deref(), Some("f"));
    // While the data does not allow the index, each run says so, and never "already exists".
    let files = [FIRST, ("0002_work.sql", good.as_str())];
    for _ in 0..2 {
        let error = database.refused(history(&files)).await;
        assert_eq!(error.code(), ErrorCode::StepFailed, "{error}");
        assert!(
            error.message().contains("could not create unique index"),
            "{error}"
        );
    }
    database.execute("DELETE FROM item WHERE id = 7").await;
    assert_eq!(database.migrate(history(&files)).await, ["0002_work"]);
    assert_eq!(database.scalar(valid).await.as_deref(), Some("t"));
}

async fn what_can_be_repeated_is(db: Db) {
    let database = TestDatabase::create(db).await;
    let repeatable = match db {
        Db::Sqlite => "VACUUM",
        Db::Postgres => "VACUUM item",
        Db::MySql => "OPTIMIZE TABLE item",
    };
    let good = crash_in(&database, repeatable).await;
    assert_eq!(
        database
            .migrate(history(&[FIRST, ("0002_work.sql", &good)]))
            .await,
        ["0002_work"]
    );
    assert_eq!(database.count("SELECT count(*) FROM item").await, 2);
}

/// A statement whose effect no catalogue shows.
fn unclear(db: Db) -> &'static str {
    match db {
        Db::Sqlite => "PRAGMA user_version = 7",
        Db::Postgres => "ALTER SYSTEM SET work_mem = '4MB'",
        Db::MySql => "ALTER TABLE item MODIFY name VARCHAR(200)",
    }
}

async fn a_person_decides_where_the_database_cannot_tell(db: Db) {
    for done in [true, false] {
        let database = TestDatabase::create(db).await;
        let good = crash_in(&database, unclear(db)).await;
        let files = [FIRST, ("0002_work.sql", good.as_str())];
        let first = database.migrator(history(&files)).run().await;
        if first.is_ok() {
            // Here every statement of that kind runs in a transaction: nothing can be unclear.
            assert!(!db.capabilities().server);
            return;
        }
        for _ in 0..2 {
            let error = database.refused(history(&files)).await;
            assert_eq!(error.code(), ErrorCode::NeedsReview, "{error}");
            assert!(error.message().contains(unclear(db)), "{error}");
            assert!(error.message().contains("0002_work.sql:3"), "{error}");
            for way in ["--done", "--not-done"] {
                let command = format!("migrate resolve shop.0002_work {way}");
                assert!(
                    error.helps().iter().any(|help| help.contains(&command)),
                    "{error}"
                );
            }
            assert!(database.is_unlocked().await);
        }
        let migrator = database.migrator(history(&files));
        let state = migrator.status().await.unwrap().steps[1].state;
        assert!(
            matches!(state, State::Interrupted | State::Failed),
            "{state:?}"
        );
        migrator
            .resolve("0002_work", done, "looked at it")
            .await
            .unwrap();
        let entry = &migrator.history(None).await.unwrap()[0];
        assert_eq!(
            (entry.action.as_str(), entry.reason.as_deref()),
            ("resolve", Some("looked at it"))
        );
        assert_eq!(database.migrate(history(&files)).await, ["0002_work"]);
        assert_eq!(database.count("SELECT count(*) FROM item").await, 2);
        if db == Db::MySql {
            let length = "SELECT character_maximum_length FROM information_schema.columns \
                          WHERE table_schema = DATABASE() AND table_name = 'item' AND column_name = 'name'";
            assert_eq!(database.count(length).await, if done { 100 } else { 200 });
        }
    }
}

async fn resolve_refuses_what_was_not_interrupted(db: Db) {
    let database = TestDatabase::create(db).await;
    let files = [
        FIRST,
        (
            "0002_fill.sql",
            "-- migrate: atomic = false\nINSERT INTO nowhere VALUES (1)",
        ),
    ];
    let migrator = database.migrator(history(&files));
    for step in ["0001_initial", "0002_fill"] {
        let error = migrator.resolve(step, true, "why").await.unwrap_err();
        assert_eq!(error.code(), ErrorCode::NotPossible, "{error}");
    }
    migrator.run().await.unwrap_err();
    for step in ["0001_initial", "0002_fill"] {
        let error = migrator.resolve(step, false, "why").await.unwrap_err();
        assert_eq!(error.code(), ErrorCode::NotPossible, "{error}");
    }
    assert_eq!(
        migrator
            .resolve("nothing", true, "why")
            .await
            .unwrap_err()
            .code(),
        ErrorCode::UnknownStep
    );
    assert!(database.is_unlocked().await);
}

async fn an_id_of_another_session_is_not_taken_for_the_last(db: Db) {
    let (tables, last) = match db {
        Db::Sqlite => (
            "CREATE TABLE parent (id INTEGER PRIMARY KEY, name TEXT)",
            "last_insert_rowid()",
        ),
        Db::Postgres => (
            "CREATE TABLE parent (id serial PRIMARY KEY, name text)",
            "lastval()",
        ),
        Db::MySql => (
            "CREATE TABLE parent (id INT AUTO_INCREMENT PRIMARY KEY, name VARCHAR(9))",
            "LAST_INSERT_ID()",
        ),
    };
    let first = format!("{tables};\nCREATE TABLE child (parent INT);");
    let text = |second: &str, child: &str| {
        format!(
            "-- migrate: atomic = false\nINSERT INTO parent (name) VALUES ('a');\n{second};\n{child};"
        )
    };
    let child = format!("INSERT INTO child VALUES ({last})");
    for (second, goes_on) in [
        ("UPDATE parent SET name = 'b'", false),
        // Then the id is one of this session.
        ("INSERT INTO parent (name) VALUES ('c')", true),
    ] {
        let database = TestDatabase::create(db).await;
        let broken = text("INSERT INTO nowhere VALUES (1)", &child);
        let files = |work| {
            history(&[
                ("0001_initial.sql", first.as_str()),
                ("0002_work.sql", work),
            ])
        };
        database.refused(files(&broken)).await;
        let good = text(second, &child);
        if goes_on {
            assert_eq!(database.migrate(files(&good)).await, ["0002_work"]);
            assert_eq!(database.count("SELECT parent FROM child").await, 2);
            continue;
        }
        let error = database.refused(files(&good)).await;
        assert_eq!(error.code(), ErrorCode::NeedsReview, "{error}");
        let told = error
            .message()
            .contains("the last inserted id of statement 1");
        assert!(told, "{error}");
        assert_eq!(database.count("SELECT count(*) FROM child").await, 0);
    }
}
