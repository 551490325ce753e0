//! Rows of the ledger that somebody deletes by hand under the lock: noticed, never passed over.

use std::sync::Arc;

use migrate_core::{ErrorCode, Event, History};
use migrate_tests::{Db, TestDatabase, each_database, history};

use super::sql::ITEM;

each_database! {
    all: a_row_deleted_between_two_statements_is_noticed, a_step_that_deletes_its_own_row_is_rolled_back,
        a_row_deleted_before_unmark_is_told;
}

const GONE: &str = "DELETE FROM migrate_steps WHERE name = '0002_fill'";

/// Deletes the step's row from another connection, and returns when that is done.
fn delete_row(database: &Arc<TestDatabase>) {
    let database = Arc::clone(database);
    let other = std::thread::spawn(move || {
        tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap()
            .block_on(database.execute(GONE));
    });
    other.join().unwrap();
}

fn three_statements(second: &str) -> History {
    let fill = format!(
        "-- migrate: atomic = false\nINSERT INTO item VALUES (1, 'a');\n{second};\nINSERT INTO item VALUES (3, 'c');"
    );
    history(&[("0001_initial.sql", ITEM), ("0002_fill.sql", &fill)])
}

async fn a_row_deleted_between_two_statements_is_noticed(db: Db) {
    // In a transaction with its progress, and between two rows of ours where it refuses that.
    let refuses = match db {
        Db::Sqlite => "VACUUM",
        Db::Postgres => "CREATE INDEX CONCURRENTLY item_name ON item (name)",
        Db::MySql => "CREATE INDEX item_name ON item (name)",
    };
    for second in ["INSERT INTO item VALUES (2, 'b')", refuses] {
        let database = Arc::new(TestDatabase::create(db).await);
        let deletes = Arc::clone(&database);
        let error = database
            .migrator(three_statements(second))
            .observer(move |event: &Event| {
                if matches!(event, Event::Statement { step, index: 1, .. } if step.name == "0002_fill") {
                    delete_row(&deletes);
                }
            })
            .run()
            .await
            .unwrap_err();
        assert_eq!(error.code(), ErrorCode::LedgerDamaged, "{error}");
        assert!(error.message().contains("`shop.0002_fill`"), "{error}");
        let items = database.count("SELECT count(*) FROM item").await;
        assert_eq!(items, 1, "nothing ran that could not be recorded: {second}");
        let rows = database.ledger_row("state", "0002_fill").await;
        assert_eq!(rows, None, "the row is not made up again");
        let entry = &database
            .migrator(three_statements(second))
            .history(Some("0002_fill"))
            .await
            .unwrap()[0];
        assert_eq!(entry.outcome, "failed", "the failure is recorded");
        assert!(database.is_unlocked().await);
    }
}

async fn a_step_that_deletes_its_own_row_is_rolled_back(db: Db) {
    let database = TestDatabase::create(db).await;
    let error = database.refused(three_statements(GONE)).await;
    assert_eq!(error.code(), ErrorCode::LedgerDamaged, "{error}");
    assert_eq!(database.count("SELECT count(*) FROM item").await, 1);
    let row = database.ledger_row("state, done", "0002_fill").await;
    let expected = ["failed", "1"].map(|text| Some(text.to_owned()));
    assert_eq!(
        row.as_deref(),
        Some(&expected[..]),
        "the deletion is undone"
    );
}

async fn a_row_deleted_before_unmark_is_told(db: Db) {
    let database = Arc::new(TestDatabase::create(db).await);
    let all = three_statements("INSERT INTO item VALUES (2, 'b')");
    database.migrate(all.clone()).await;
    let deletes = Arc::clone(&database);
    let error = database
        .migrator(all.clone())
        .observer(move |event: &Event| {
            if matches!(event, Event::LockTaken { .. }) {
                delete_row(&deletes);
            }
        })
        .unmark("0002_fill", None)
        .await
        .unwrap_err();
    assert_eq!(error.code(), ErrorCode::NotPossible, "{error}");
    let history = database.migrator(all).history(None).await.unwrap();
    assert!(history.iter().all(|entry| entry.action != "unmark"));
}
