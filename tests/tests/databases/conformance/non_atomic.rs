//! Non-atomic steps: statement by statement, resumed at the one that had not finished.

use migrate_core::ErrorCode;
use migrate_core::report::{Mode, State, StepOutcome};
use migrate_tests::{Db, TestDatabase, each_database, history};

use super::sql::ITEM;

each_database! {
    all: resumes_at_the_failing_statement, resumes_when_it_was_corrected,
        refuses_when_a_finished_statement_was_edited, a_step_that_became_atomic_is_finished_so,
        statements_that_refuse_transactions_run, ddl_resumes_after_its_last_statement;
}

const FIRST: (&str, &str) = ("0001_initial.sql", ITEM);

async fn resumes_at_the_failing_statement(db: Db) {
    let database = TestDatabase::create(db).await;
    let files = [
        FIRST,
        (
            "0002_fill.sql",
            "-- migrate: atomic = false\nINSERT INTO item VALUES (1, 'a');\n\
             INSERT INTO item SELECT id + 1, name FROM source_table;\nINSERT INTO item VALUES (9, 'c');",
        ),
        ("0003_last.sql", "INSERT INTO item VALUES (10, 'z')"),
    ];
    let error = database.refused(history(&files)).await;
    assert_eq!(error.code(), ErrorCode::StepFailed, "{error}");
    assert!(
        error
            .message()
            .contains("statement 2 of 3 (shop/0002_fill.sql:3)"),
        "{error}"
    );
    let left = error.progress().unwrap().left_behind.as_deref().unwrap();
    assert!(left.contains("resumes"), "{left}");
    let status = database.migrator(history(&files)).status().await.unwrap();
    assert_eq!(
        (status.steps[1].state, status.steps[1].statements),
        (State::Failed, Some((1, 3)))
    );
    let plan = database.migrator(history(&files)).plan().await.unwrap();
    assert_eq!(
        (plan.steps[0].mode, plan.steps[0].resumes_after),
        (Mode::NonAtomic, Some((1, 3)))
    );
    assert_eq!(database.count("SELECT count(*) FROM item").await, 1);

    database
        .execute("CREATE TABLE source_table (id INT, name VARCHAR(10))")
        .await;
    database
        .execute("INSERT INTO source_table VALUES (4, 'd')")
        .await;
    let report = database.migrator(history(&files)).run().await.unwrap();
    assert_eq!(report.steps[0].outcome, StepOutcome::Resumed);
    assert_eq!(report.steps.len(), 2);
    assert_eq!(database.count("SELECT sum(id) FROM item").await, 25);
    let row = database
        .ledger_row("state, intent, error, done", "0002_fill")
        .await
        .unwrap();
    assert_eq!(row[0].as_deref(), Some("applied"));
    assert_eq!(row[1..], [None, None, None]);
}

async fn resumes_when_it_was_corrected(db: Db) {
    let database = TestDatabase::create(db).await;
    let bad = "-- migrate: atomic = false\nINSERT INTO item VALUES (1, 'a');\n\
               INSERT INTO item VALUES (1, 'b');\nINSERT INTO item VALUES (3, 'c');";
    database
        .refused(history(&[FIRST, ("0002_fill.sql", bad)]))
        .await;
    // One statement more than before, and the failing one is another now.
    let good = "-- migrate: atomic = false\nINSERT INTO item VALUES (1, 'a');\n\
                -- corrected\nINSERT INTO item VALUES (2, 'b');\nINSERT INTO item VALUES (3, 'c');\n\
                INSERT INTO item VALUES (4, 'd');";
    let files = [FIRST, ("0002_fill.sql", good)];
    assert_eq!(database.migrate(history(&files)).await, ["0002_fill"]);
    assert_eq!(database.count("SELECT sum(id) FROM item").await, 10);
    // The ledger has the text as it is now.
    assert_eq!(database.migrate(history(&files)).await.len(), 0);
    assert!(
        database
            .migrator(history(&files))
            .verify()
            .await
            .unwrap()
            .problems
            .is_empty()
    );
}

async fn refuses_when_a_finished_statement_was_edited(db: Db) {
    let database = TestDatabase::create(db).await;
    let bad = "-- migrate: atomic = false\nINSERT INTO item VALUES (1, 'a');\n\
               INSERT INTO item VALUES (1, 'b');";
    database
        .refused(history(&[FIRST, ("0002_fill.sql", bad)]))
        .await;
    for edited in [
        "-- migrate: atomic = false\nINSERT INTO item VALUES (7, 'a');\nINSERT INTO item VALUES (2, 'b');",
        "-- migrate: atomic = false\nINSERT INTO item VALUES (2, 'b');",
    ] {
        let before = database.dump(migrate_tests::Scope::WithoutLedger).await;
        let files = [FIRST, ("0002_fill.sql", edited)];
        let error = database.refused(history(&files)).await;
        assert_eq!(error.code(), ErrorCode::StepEdited, "{error}");
        assert_eq!(
            database.dump(migrate_tests::Scope::WithoutLedger).await,
            before
        );
        assert!(database.is_unlocked().await);
        let report = database.migrator(history(&files)).verify().await.unwrap();
        assert_eq!(report.problems.len(), 1, "{report:?}");
        assert_eq!(report.problems[0].code, ErrorCode::StepEdited);
    }
    // Put back, and the failing statement corrected: it goes on.
    let good = bad.replace("(1, 'b')", "(2, 'b')");
    assert_eq!(
        database
            .migrate(history(&[FIRST, ("0002_fill.sql", &good)]))
            .await,
        ["0002_fill"]
    );
}

async fn a_step_that_became_atomic_is_finished_so(db: Db) {
    let database = TestDatabase::create(db).await;
    let bad = "-- migrate: atomic = false\nINSERT INTO item VALUES (1, 'a');\nINSERT INTO item VALUES (1, 'b');";
    database
        .refused(history(&[FIRST, ("0002_fill.sql", bad)]))
        .await;
    let good = "INSERT INTO item VALUES (1, 'a');\nINSERT INTO item VALUES (2, 'b');";
    assert_eq!(
        database
            .migrate(history(&[FIRST, ("0002_fill.sql", good)]))
            .await,
        ["0002_fill"]
    );
    assert_eq!(database.count("SELECT sum(id) FROM item").await, 3);
}

async fn statements_that_refuse_transactions_run(db: Db) {
    let database = TestDatabase::create(db).await;
    let outside = match db {
        Db::Sqlite => "VACUUM",
        Db::Postgres => "CREATE INDEX CONCURRENTLY item_name ON item (name)",
        Db::MySql => "CREATE INDEX item_name ON item (name)",
    };
    let text = format!(
        "-- migrate: atomic = false\nINSERT INTO item VALUES (1, 'a');\n{outside};\nINSERT INTO item VALUES (2, 'b');"
    );
    let files = [FIRST, ("0002_fill.sql", &text)];
    assert_eq!(database.migrate(history(&files)).await.len(), 2);
    assert_eq!(database.count("SELECT count(*) FROM item").await, 2);
}

async fn ddl_resumes_after_its_last_statement(db: Db) {
    let database = TestDatabase::create(db).await;
    let bad = "CREATE TABLE a (id INT);\nCREATE TABLE b (id INT);\nINSERT INTO nowhere VALUES (1);";
    database
        .refused(history(&[("0001_initial.sql", bad)]))
        .await;
    let transactional = db.capabilities().transactional_ddl;
    assert_eq!(database.has_table("a").await, !transactional);
    let good = bad.replace("nowhere", "b");
    assert_eq!(
        database
            .migrate(history(&[("0001_initial.sql", &good)]))
            .await,
        ["0001_initial"]
    );
    assert_eq!(database.count("SELECT count(*) FROM b").await, 1);
}
