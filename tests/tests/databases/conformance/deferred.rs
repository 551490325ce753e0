//! Constraints that are checked at COMMIT alone, where several steps share it: the blame goes to
//! the step that broke them, or to nobody.

use migrate_core::{ErrorCode, History};
use migrate_tests::{Db, Function, TestDatabase, each_database, history, names, request, steps};

use super::back::recorded;

each_database! {
    all: the_step_at_fault_is_found_on_a_fresh_database, together_nobody_is_blamed,
        a_statement_that_commits_as_it_goes_is_named;
}

const TABLES: &str = "-- migrate: up\nCREATE TABLE parent (id INT NOT NULL PRIMARY KEY);\n\
     CREATE TABLE child (parent INT REFERENCES parent (id) DEFERRABLE INITIALLY DEFERRED);\n\
     -- migrate: down\nSELECT 1;";
const NAME: &str = "count_v1_2026_01_02";

/// Four steps, of which the third leaves a child without its parent.
fn shop() -> History {
    let orphan = format!(
        "-- migrate: after = [\"0001_tables\", \"{NAME}\"]\n-- migrate: up\n\
         INSERT INTO child VALUES (7);\n-- migrate: down\nSELECT 1;"
    );
    let last = "-- migrate: up\nINSERT INTO parent VALUES (2);\n-- migrate: down\nSELECT 1;";
    let count = Function::sql(NAME, "INSERT INTO parent VALUES (1)").after(&["0001_tables"]);
    steps(&[
        ("0001_tables.sql", TABLES),
        ("0002_orphan.sql", &orphan),
        ("0003_last.sql", last),
    ])
    .function(count.build())
    .build()
    .unwrap_or_else(|error| panic!("{error}"))
}

fn has_deferred(db: Db) -> bool {
    db.capabilities().transactional_ddl
}

async fn the_step_at_fault_is_found_on_a_fresh_database(db: Db) {
    if !has_deferred(db) {
        return;
    }
    let database = TestDatabase::create(db).await;
    let error = database.refused(shop()).await;
    assert_eq!(error.code(), ErrorCode::StepFailed, "{error}");
    let message = "`shop.0002_orphan` (shop/0002_orphan.sql) cannot be committed";
    assert!(error.message().starts_with(message), "{error}");
    let progress = error.progress().expect("how far it came");
    assert_eq!(names(&progress.applied), ["0001_tables", NAME]);
    let failed = progress.failed.as_ref().map(|id| id.name.as_str());
    assert_eq!(failed, Some("0002_orphan"));
    assert_eq!(progress.remaining.len(), 1, "{progress:?}");
    assert_eq!(recorded(&database).await, ["0001_tables", NAME]);
    assert_eq!(database.count("SELECT count(*) FROM parent").await, 1);
    assert!(database.is_unlocked().await);
}

async fn together_nobody_is_blamed(db: Db) {
    if !has_deferred(db) {
        return;
    }
    let database = TestDatabase::create(db).await;
    let together = request("").single_transaction(true);
    let error = database
        .migrator(shop())
        .migrate(&together)
        .await
        .unwrap_err();
    assert_eq!(error.code(), ErrorCode::StepFailed, "{error}");
    let message = "the 4 steps from `shop.0001_tables` to `shop.0003_last` cannot be committed";
    assert!(error.message().starts_with(message), "{error}");
    let progress = error.progress().expect("how far it came");
    assert!(progress.applied.is_empty(), "{progress:?}");
    assert_eq!(progress.failed, None);
    assert_eq!(progress.remaining.len(), 4, "{progress:?}");
    assert!(recorded(&database).await.is_empty());
    assert!(!database.has_table("parent").await);
    assert!(database.is_unlocked().await);
}

async fn a_statement_that_commits_as_it_goes_is_named(db: Db) {
    if !has_deferred(db) {
        return;
    }
    let fill =
        "-- migrate: atomic = false\nINSERT INTO parent VALUES (1);\nINSERT INTO child VALUES (7);";
    let files = [("0001_tables.sql", TABLES), ("0002_fill.sql", fill)];
    let database = TestDatabase::create(db).await;
    let error = database.refused(history(&files)).await;
    assert_eq!(error.code(), ErrorCode::StepFailed, "{error}");
    let place = "failed at statement 2 of 2 (shop/0002_fill.sql:3)";
    assert!(error.message().contains(place), "{error}");
    assert_eq!(
        recorded(&database).await,
        ["0001_tables", "0002_fill failed"]
    );
    database.execute("INSERT INTO parent VALUES (7)").await;
    assert_eq!(database.migrate(history(&files)).await, ["0002_fill"]);
    assert_eq!(database.count("SELECT count(*) FROM child").await, 1);
}
