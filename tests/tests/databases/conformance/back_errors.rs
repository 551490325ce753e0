//! What is said when a way back fails: that it was one, what to correct, and what the ledger then
//! asks for.

use migrate_core::{Context, Error, ErrorCode, History, StepError};
use migrate_tests::{Db, Function, TestDatabase, done, each_database, history, steps};

use super::back::recorded;
use super::sql::ITEM;

each_database! {
    all: a_failing_reverse_is_said_to_undo, a_reverse_that_ends_its_transaction_leaves_the_record,
        a_reverse_that_leaves_a_transaction_open_is_half_undone,
        a_corrected_down_part_must_be_accepted, a_corrected_down_file_need_not_be_accepted,
        half_undone_asks_for_no_acceptance, what_fails_at_commit_was_being_undone,
        a_down_part_that_cannot_run_says_that_it_must_be_accepted,
        a_reverse_for_another_database_is_none, a_check_for_another_database_is_refused;
}

const NAME: &str = "fill_v1_2026_01_02";

fn has_help(error: &Error, part: &str) -> bool {
    error.helps().iter().any(|help| help.contains(part))
}

/// A table, and a data migration that fills it.
fn shop(function: Function) -> History {
    let first = format!("-- migrate: up\n{ITEM};\n-- migrate: down\nDROP TABLE item;");
    steps(&[("0001_initial.sql", &first)])
        .function(function.after(&["0001_initial"]).build())
        .build()
        .unwrap()
}

fn fill() -> Function {
    Function::sql(NAME, "INSERT INTO item VALUES (1, 'a')")
}

async fn a_failing_reverse_is_said_to_undo(db: Db) {
    for panics in [false, true] {
        let shop = shop(fill().reverse(move |_| {
            Box::pin(async move {
                assert!(!panics, "on purpose");
                Err(StepError::msg("on purpose"))
            })
        }));
        let database = TestDatabase::create(db).await;
        database.migrate(shop.clone()).await;
        let error = database.refused_to(shop, "undo").await;
        let begins = format!("undoing `shop.{NAME}` (src/lib.rs:7) ");
        assert!(error.message().starts_with(&begins), "{error}");
        if !panics {
            assert!(has_help(&error, "correct its `reverse`"), "{error}");
        }
        assert!(!has_help(&error, "migrate accept"), "{error}");
    }
}

async fn a_reverse_that_ends_its_transaction_leaves_the_record(db: Db) {
    let mut ends = vec!["COMMIT"];
    if !db.capabilities().transactional_ddl {
        ends.push("CREATE TABLE extra (id INT)");
    }
    for end in ends {
        let shop = shop(fill().reverse(move |cx| {
            Box::pin(async move {
                cx.execute("DELETE FROM item", &[]).await?;
                cx.execute(end, &[]).await?;
                done(())
            })
        }));
        let database = TestDatabase::create(db).await;
        database.migrate(shop.clone()).await;
        let error = database.refused_to(shop, "undo").await;
        let begins = format!("the way back of `shop.{NAME}` ");
        assert!(error.message().starts_with(&begins), "{error}");
        let recorded_as = "the step is still recorded as applied";
        assert!(error.message().contains(recorded_as), "{error}");
        let forget = format!("migrate unmark shop.{NAME}");
        assert!(has_help(&error, &forget), "{error}");
        assert_eq!(recorded(&database).await, ["0001_initial", NAME]);
        assert_eq!(database.count("SELECT count(*) FROM item").await, 0);
        // One of the two ways out.
        let migrator = database.migrator(self::shop(fill()));
        migrator.unmark(NAME, Some("undone by hand")).await.unwrap();
        assert_eq!(recorded(&database).await, ["0001_initial"]);
    }
}

async fn a_reverse_that_leaves_a_transaction_open_is_half_undone(db: Db) {
    let shop = shop(fill().non_atomic().reverse(|cx| {
        Box::pin(async move {
            cx.execute("BEGIN", &[]).await?;
            done(())
        })
    }));
    let database = TestDatabase::create(db).await;
    database.migrate(shop.clone()).await;
    let error = database.refused_to(shop, "undo").await;
    let begins = format!("the `reverse` of `shop.{NAME}` ");
    assert!(error.message().starts_with(&begins), "{error}");
    assert!(error.message().contains("half undone"), "{error}");
    let state = format!("{NAME} reverting");
    assert_eq!(recorded(&database).await, ["0001_initial", state.as_str()]);
}

/// A table, and a step whose way back stands in its own file.
fn in_one_file(header: &str, back: &str) -> History {
    let second = format!(
        "{header}-- migrate: up\nINSERT INTO item VALUES (1, 'a');\n-- migrate: down\n{back};"
    );
    history(&[("0001_initial.sql", ITEM), ("0002_fill.sql", &second)])
}

const ACCEPT: &str = "migrate accept shop.0002_fill";

async fn a_corrected_down_part_must_be_accepted(db: Db) {
    for header in ["", "-- migrate: atomic = false\n"] {
        let database = TestDatabase::create(db).await;
        let broken = in_one_file(header, "DELETE FROM nowhere");
        database.migrate(broken.clone()).await;
        let error = database.refused_to(broken, "undo").await;
        assert!(has_help(&error, "correct the way back"), "{error}");
        assert!(has_help(&error, ACCEPT), "{error}");
        assert!(has_help(&error, "undo it by hand"), "{error}");
        assert!(has_help(&error, "migrate unmark shop.0002_fill"), "{error}");
        // As it says.
        let corrected = in_one_file(header, "DELETE FROM item");
        let error = database.refused_to(corrected.clone(), "undo").await;
        assert_eq!(error.code(), ErrorCode::StepEdited, "{error}");
        let migrator = database.migrator(corrected.clone());
        migrator
            .accept("0002", "mended its way back")
            .await
            .unwrap();
        database.migrate_to(corrected, "undo").await;
        assert_eq!(recorded(&database).await, ["0001_initial"]);
    }
}

async fn a_corrected_down_file_need_not_be_accepted(db: Db) {
    let of = |back: &str| {
        history(&[
            ("0001_initial.sql", ITEM),
            ("0002_fill.up.sql", "INSERT INTO item VALUES (1, 'a');"),
            ("0002_fill.down.sql", back),
        ])
    };
    let database = TestDatabase::create(db).await;
    let broken = of("DELETE FROM nowhere;");
    database.migrate(broken.clone()).await;
    let error = database.refused_to(broken, "undo").await;
    assert!(!has_help(&error, ACCEPT), "{error}");
    assert!(has_help(&error, "undo it by hand"), "{error}");
    database.migrate_to(of("DELETE FROM item;"), "undo").await;
    assert_eq!(recorded(&database).await, ["0001_initial"]);
}

async fn half_undone_asks_for_no_acceptance(db: Db) {
    let header = "-- migrate: atomic = false\n";
    let database = TestDatabase::create(db).await;
    let broken = in_one_file(header, "DELETE FROM item;\nDELETE FROM nowhere");
    database.migrate(broken.clone()).await;
    let error = database.refused_to(broken, "undo").await;
    assert!(!has_help(&error, ACCEPT), "{error}");
    assert!(has_help(&error, "undo the rest by hand"), "{error}");
    assert!(has_help(&error, "migrate unmark shop.0002_fill"), "{error}");
    let corrected = in_one_file(header, "DELETE FROM item;\nDELETE FROM item");
    database.migrate_to(corrected, "undo").await;
    assert_eq!(recorded(&database).await, ["0001_initial"]);
}

/// Constraints that are checked at the end alone: deferred ones, and SQLite's when they were off.
async fn what_fails_at_commit_was_being_undone(db: Db) {
    if !db.capabilities().transactional_ddl {
        return;
    }
    let tables = "CREATE TABLE parent (id INT NOT NULL PRIMARY KEY);\n\
                  CREATE TABLE child (parent INT REFERENCES parent (id) DEFERRABLE INITIALLY DEFERRED);\n\
                  INSERT INTO parent VALUES (1)";
    let headers = match db.capabilities().server {
        true => vec![""],
        false => vec!["", "-- migrate: foreign_keys = off\n"],
    };
    for header in headers {
        let second = format!(
            "{header}-- migrate: up\nINSERT INTO child VALUES (1);\n\
             -- migrate: down\nDELETE FROM parent;"
        );
        let shop = history(&[("0001_initial.sql", tables), ("0002_fill.sql", &second)]);
        let database = TestDatabase::create(db).await;
        database.migrate(shop.clone()).await;
        let error = database.refused_to(shop, "undo").await;
        assert_eq!(error.code(), ErrorCode::StepFailed, "{error}");
        let begins = "undoing `shop.0002_fill` (shop/0002_fill.sql) ";
        assert!(error.message().starts_with(begins), "{error}");
        assert!(!error.to_string().contains("applied;"), "{error}");
        assert!(has_help(&error, "correct the way back"), "{error}");
        assert!(has_help(&error, ACCEPT), "{error}");
        assert_eq!(recorded(&database).await, ["0001_initial", "0002_fill"]);
    }
}

async fn a_down_part_that_cannot_run_says_that_it_must_be_accepted(db: Db) {
    let database = TestDatabase::create(db).await;
    let broken = in_one_file("", "DELETE FROM item;\nCOMMIT");
    database.migrate(broken.clone()).await;
    let error = database.refused_to(broken, "undo").await;
    assert_eq!(error.code(), ErrorCode::InvalidStep, "{error}");
    assert!(has_help(&error, ACCEPT), "{error}");
}

async fn a_reverse_for_another_database_is_none(db: Db) {
    let other = match db {
        Db::Sqlite => {
            fill().reverse_for(|_: &mut Context<'_, sqlx::Postgres>| Box::pin(async { done(()) }))
        }
        _ => fill().reverse_for(|_: &mut Context<'_, sqlx::Sqlite>| Box::pin(async { done(()) })),
    };
    let first = format!("-- migrate: up\n{ITEM};\n-- migrate: down\nDROP TABLE item;");
    let shop = steps(&[
        ("0001_initial.sql", first.as_str()),
        (
            "0002_last.sql",
            "-- migrate: up\nSELECT 1;\n-- migrate: down\nDELETE FROM item;",
        ),
    ])
    .function(
        other
            .after(&["0001_initial"])
            .before(&["0002_last"])
            .build(),
    )
    .build()
    .unwrap();
    let database = TestDatabase::create(db).await;
    database.migrate(shop.clone()).await;
    let error = database.refused_to(shop, "shop zero").await;
    assert_eq!(error.code(), ErrorCode::Irreversible, "{error}");
    let why = "its `reverse` is not written for";
    assert!(error.message().contains(why), "{error}");
    assert_eq!(database.count("SELECT count(*) FROM item").await, 1);
    assert_eq!(
        recorded(&database).await,
        ["0001_initial", "0002_last", NAME]
    );
}

/// It would fail after the function, whose statements may have committed.
async fn a_check_for_another_database_is_refused(db: Db) {
    let other = match db {
        Db::Sqlite => {
            fill().verify_for(|_: &mut Context<'_, sqlx::Postgres>| Box::pin(async { done(()) }))
        }
        _ => fill().verify_for(|_: &mut Context<'_, sqlx::Sqlite>| Box::pin(async { done(()) })),
    };
    let database = TestDatabase::create(db).await;
    let error = database.refused(shop(other.non_atomic())).await;
    assert_eq!(error.code(), ErrorCode::WrongDatabase, "{error}");
    assert!(error.message().contains("`verify`"), "{error}");
    assert!(!database.has_table("item").await);
}
