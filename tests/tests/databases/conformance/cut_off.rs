//! What a run must not believe of a statement that was cut off, and what the session of the next
//! run must have again.

use migrate_core::{Error, ErrorCode};
use migrate_tests::{Db, Function, TestDatabase, each_database, history, steps};

use super::sql::ITEM;

each_database! {
    all: settings_are_set_again, temporary_tables_are_not_forgotten,
        an_inner_failure_is_the_functions_own;
    servers: another_text_is_not_taken_for_what_ran, what_was_there_before_proves_nothing,
        a_procedure_is_not_called_twice, a_name_that_is_taken_is_told_each_time,
        a_commit_in_disguise_is_noticed, several_names_may_be_gone_in_part;
}

const FIRST: (&str, &str) = ("0001_initial.sql", ITEM);

/// A non-atomic step: a row, these statements, and a last row.
fn step(statements: &str) -> String {
    format!(
        "-- migrate: atomic = false\nINSERT INTO item VALUES (1, 'a');\n{statements};\n\
         INSERT INTO item VALUES (2, 'b');"
    )
}

async fn refused(database: &TestDatabase, text: &str) -> Error {
    database
        .refused(history(&[FIRST, ("0002_work.sql", text)]))
        .await
}

async fn intent(database: &TestDatabase) -> Option<String> {
    let row = database.ledger_row("intent", "0002_work").await;
    row.and_then(|row| row[0].clone())
}

/// Leaves the step as a crash in its second statement does.
async fn crash_in(database: &TestDatabase, statement: &str, before: bool) {
    refused(database, &step("INSERT INTO nowhere VALUES (1)")).await;
    database
        .execute(&format!(
            "UPDATE migrate_steps SET state = 'running', intent = 1, intent_text = '{statement}', \
             intent_before = {} WHERE name = '0002_work'",
            i32::from(before)
        ))
        .await;
}

async fn settings_are_set_again(db: Db) {
    let (setting, uses, landed) = match db {
        Db::Sqlite => (
            "PRAGMA recursive_triggers = ON",
            "INSERT INTO item SELECT 70 + recursive_triggers, 'x' FROM pragma_recursive_triggers",
            "SELECT count(*) FROM item WHERE id = 71",
        ),
        Db::Postgres => (
            "SET search_path = apart",
            "CREATE TABLE landed (a int)",
            "SELECT count(*) FROM pg_tables WHERE schemaname = 'apart' AND tablename = 'landed'",
        ),
        Db::MySql => (
            "SET @wanted = 71",
            "INSERT INTO item VALUES (@wanted, 'x')",
            "SELECT count(*) FROM item WHERE id = 71",
        ),
    };
    let database = TestDatabase::create(db).await;
    if db == Db::Postgres {
        database.execute("CREATE SCHEMA apart").await;
    }
    let text = |second: &str| format!("-- migrate: atomic = false\n{setting};\n{second};\n{uses};");
    refused(&database, &text("INSERT INTO nowhere VALUES (1)")).await;
    let good = text("SELECT 1");
    let files = [FIRST, ("0002_work.sql", good.as_str())];
    assert_eq!(database.migrate(history(&files)).await, ["0002_work"]);
    assert_eq!(database.count(landed).await, 1);
}

async fn temporary_tables_are_not_forgotten(db: Db) {
    let database = TestDatabase::create(db).await;
    let text = |last: &str| {
        format!("-- migrate: atomic = false\nCREATE TEMPORARY TABLE held (id INT);\n{last};")
    };
    refused(&database, &text("INSERT INTO nowhere VALUES (1)")).await;
    for _ in 0..2 {
        let error = refused(
            &database,
            &text("INSERT INTO item SELECT id, 'x' FROM held"),
        )
        .await;
        assert_eq!(error.code(), ErrorCode::NeedsReview, "{error}");
        assert!(error.message().contains("temporary"), "{error}");
        assert!(error.message().contains("0002_work.sql:2"), "{error}");
    }
}

async fn an_inner_failure_is_the_functions_own(db: Db) {
    const NAME: &str = "work_v1_2026_01_02";
    let database = TestDatabase::create(db).await;
    let function = Function::sql(NAME, "INSERT INTO nowhere VALUES (1)")
        .non_atomic()
        .manual();
    let outer =
        format!("-- migrate: atomic = false, run = \"{NAME}\"\nINSERT INTO item VALUES (1, 'a')");
    let history = steps(&[FIRST, ("0002_work.sql", &outer)])
        .function(function.after(&["0001_initial"]).build())
        .build()
        .unwrap();
    let error = database.refused(history).await;
    let row = database.ledger_row("state, error", NAME).await.unwrap();
    assert_eq!(row[0].as_deref(), Some("failed"), "{error}");
    assert!(
        row[1]
            .as_deref()
            .is_some_and(|text| text.contains("nowhere")),
        "{row:?}"
    );
    let lines =
        format!("SELECT count(*) FROM migrate_runs WHERE name = '{NAME}' AND outcome = 'failed'");
    assert_eq!(database.count(&lines).await, 1);
}

async fn another_text_is_not_taken_for_what_ran(db: Db) {
    let old = match db {
        Db::Postgres => "CREATE INDEX CONCURRENTLY old_one ON item (name)",
        _ => "CREATE INDEX old_one ON item (name)",
    };
    let removed = "-- migrate: atomic = false\nINSERT INTO item VALUES (1, 'a');";
    let replaced = step("DROP TABLE IF EXISTS nosuch");
    for text in [removed, &replaced] {
        let database = TestDatabase::create(db).await;
        crash_in(&database, old, false).await;
        for _ in 0..2 {
            let error = refused(&database, text).await;
            assert_eq!(error.code(), ErrorCode::NeedsReview, "{error}");
            assert!(error.message().contains(old), "{error}");
        }
        let files = [FIRST, ("0002_work.sql", text)];
        let migrator = database.migrator(history(&files));
        // That it is done is said of the old text, so the file must have it again.
        migrator
            .resolve("0002_work", true, "it is there")
            .await
            .unwrap();
        assert_eq!(refused(&database, text).await.code(), ErrorCode::StepEdited);
        let good = step(old);
        let files = [FIRST, ("0002_work.sql", good.as_str())];
        assert_eq!(database.migrate(history(&files)).await, ["0002_work"]);
        assert_eq!(database.count("SELECT count(*) FROM item").await, 2);
    }
}

async fn what_was_there_before_proves_nothing(db: Db) {
    let statement = match db {
        Db::Postgres => "CREATE INDEX CONCURRENTLY twin ON item (name)",
        _ => "CREATE INDEX twin ON item (name)",
    };
    let database = TestDatabase::create(db).await;
    crash_in(&database, statement, true).await;
    database.execute("CREATE INDEX twin ON item (name)").await;
    let error = refused(&database, &step(statement)).await;
    assert_eq!(error.code(), ErrorCode::NeedsReview, "{error}");
}

async fn a_name_that_is_taken_is_told_each_time(db: Db) {
    if db != Db::Postgres {
        return;
    }
    let database = TestDatabase::create(db).await;
    database.migrate(history(&[FIRST])).await;
    database.execute("CREATE TABLE other (name text)").await;
    database.execute("CREATE INDEX taken ON other (name)").await;
    for statement in [
        "CREATE INDEX CONCURRENTLY taken ON item (name)",
        "CREATE INDEX CONCURRENTLY taken ON other (name)",
        "CREATE INDEX CONCURRENTLY fresh ON item (nocolumn)",
        "DROP INDEX CONCURRENTLY nosuch",
    ] {
        for _ in 0..3 {
            let error = refused(&database, &step(statement)).await;
            assert_eq!(error.code(), ErrorCode::StepFailed, "{statement}: {error}");
            assert_eq!(intent(&database).await, None, "{statement}");
        }
    }
}

async fn a_procedure_is_not_called_twice(db: Db) {
    let database = TestDatabase::create(db).await;
    database.migrate(history(&[FIRST])).await;
    database
        .execute(match db {
            Db::Postgres => {
                "CREATE PROCEDURE p() LANGUAGE plpgsql AS 'BEGIN INSERT INTO item VALUES (7, current_user); \
                 COMMIT; INSERT INTO nowhere VALUES (1); END'"
            }
            _ => {
                "CREATE PROCEDURE p() BEGIN INSERT INTO item VALUES (7, 'p'); \
                 CREATE TABLE made (a INT); INSERT INTO nowhere VALUES (1); END"
            }
        })
        .await;
    let text = match db {
        Db::Postgres => "-- migrate: atomic = false\nCALL p();",
        _ => "INSERT INTO item VALUES (1, 'a');\nCALL p();",
    };
    let error = refused(&database, text).await;
    assert_eq!(error.code(), ErrorCode::StepFailed, "{error}");
    assert!(error.message().contains("nowhere"), "{error}");
    for _ in 0..2 {
        let error = refused(&database, text).await;
        assert_eq!(error.code(), ErrorCode::NeedsReview, "{error}");
        assert!(error.message().contains("CALL p()"), "{error}");
    }
    let count = "SELECT count(*) FROM item WHERE id = 7";
    assert_eq!(database.count(count).await, 1);
}

async fn a_commit_in_disguise_is_noticed(db: Db) {
    if db != Db::MySql {
        return;
    }
    let database = TestDatabase::create(db).await;
    let text = "INSERT INTO item VALUES (1, 'a');\n\
                SET STATEMENT max_statement_time = 60 FOR CREATE TABLE made (a INT);";
    let error = refused(&database, text).await;
    assert_eq!(error.code(), ErrorCode::StepFailed, "{error}");
    assert!(error.message().contains("ended the transaction"), "{error}");
}

async fn several_names_may_be_gone_in_part(db: Db) {
    if db != Db::MySql {
        return;
    }
    let database = TestDatabase::create(db).await;
    database.migrate(history(&[FIRST])).await;
    database.execute("CREATE TABLE made (a INT)").await;
    let text = step("DROP TABLE made, nosuch");
    assert_eq!(
        refused(&database, &text).await.code(),
        ErrorCode::StepFailed
    );
    let error = refused(&database, &text).await;
    assert_eq!(error.code(), ErrorCode::NeedsReview, "{error}");

    // Both names there: the new one is another table's.
    let database = TestDatabase::create(db).await;
    let rename = "RENAME TABLE one TO two";
    crash_in(&database, rename, false).await;
    database.execute("CREATE TABLE one (a INT)").await;
    database.execute("CREATE TABLE two (a INT)").await;
    let error = refused(&database, &step(rename)).await;
    assert_eq!(error.code(), ErrorCode::NeedsReview, "{error}");
}
