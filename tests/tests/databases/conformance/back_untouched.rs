//! Ways back that commit statement by statement and fail before anything is undone: the step is
//! applied as before. Where that is not certain it stays half undone.

use migrate_core::report::State;
use migrate_core::{ErrorCode, Event, History, Shutdown, StepError};
use migrate_tests::{Db, Function, TestDatabase, each_database, history, request, steps};

use super::back::{lenient, lines, recorded};
use super::sql::{ITEM, sleep};

each_database! {
    all: a_way_back_that_fails_at_its_first_statement_undoes_nothing,
        what_cannot_be_in_a_transaction_fails_without_effect,
        a_cancelled_first_statement_undoes_nothing,
        a_reverse_that_was_rolled_back_undoes_nothing,
        a_reverse_that_committed_before_it_failed_counts,
        a_reverse_that_was_given_up_counts,
        what_was_undone_before_the_statements_counts,
        records_that_went_along_count;
    servers: an_unknown_effect_counts, what_no_rollback_takes_back_counts;
}

/// A table, and a step with this way back, statement by statement.
fn shop(back: &str) -> History {
    let first = format!("-- migrate: up\n{ITEM};\n-- migrate: down\nDROP TABLE item;");
    let second = format!(
        "-- migrate: atomic = false\n-- migrate: up\nINSERT INTO item VALUES (1, 'a');\n\
         INSERT INTO item VALUES (2, 'a');\n-- migrate: down\n{back};\nDELETE FROM item;"
    );
    history(&[("0001_initial.sql", &first), ("0002_fill.sql", &second)])
}

/// What a failure says that it left behind.
fn left_behind(error: &migrate_core::Error) -> &str {
    let progress = error.progress().expect("how far it came");
    progress.left_behind.as_deref().unwrap_or_default()
}

async fn a_way_back_that_fails_at_its_first_statement_undoes_nothing(db: Db) {
    let database = TestDatabase::create(db).await;
    let shop = shop("UPDATE nowhere SET id = 1");
    database.migrate(shop.clone()).await;
    database
        .execute(
            "UPDATE migrate_steps SET host = 'there', pid = 1, app_version = '9.9' \
             WHERE name = '0002_fill'",
        )
        .await;
    let columns = "state, total, done, done_hash, intent, error, applied_at, seq, host, pid, \
                   app_version";
    let before = database.ledger_row(columns, "0002_fill").await;
    let error = database.refused_to(shop.clone(), "shop zero").await;
    assert_eq!(error.code(), ErrorCode::StepFailed, "{error}");
    assert!(error.message().contains("statement 1 of 2"), "{error}");
    assert!(
        left_behind(&error).contains("nothing was undone"),
        "{error}"
    );
    assert_eq!(database.ledger_row(columns, "0002_fill").await, before);
    assert_eq!(
        lines(&database, "0002_fill").await,
        ["run applied", "undo failed"]
    );
    let status = database.migrator(shop.clone()).status().await.unwrap();
    assert_eq!(status.steps[1].state, State::Applied);
    assert!(status.problems.is_empty(), "{:?}", status.problems);
    assert!(database.migrate(shop.clone()).await.is_empty());

    database.execute("CREATE TABLE nowhere (id INT)").await;
    database.migrate_to(shop, "undo").await;
    assert_eq!(recorded(&database).await, ["0001_initial"]);
    assert_eq!(database.count("SELECT count(*) FROM item").await, 0);
}

/// These begin with an intent, which is taken back where their error says enough.
async fn what_cannot_be_in_a_transaction_fails_without_effect(db: Db) {
    let refused = match db {
        Db::Sqlite => "VACUUM nowhere",
        Db::Postgres => "DROP INDEX CONCURRENTLY nowhere",
        Db::MySql => "ALTER TABLE item DROP COLUMN nowhere",
    };
    let database = TestDatabase::create(db).await;
    database.migrate(shop(refused)).await;
    let error = database.refused_to(shop(refused), "undo").await;
    assert_eq!(error.code(), ErrorCode::StepFailed, "{error}");
    assert!(
        left_behind(&error).contains("nothing was undone"),
        "{error}"
    );
    assert_eq!(recorded(&database).await, ["0001_initial", "0002_fill"]);
}

async fn a_cancelled_first_statement_undoes_nothing(db: Db) {
    let database = TestDatabase::create(db).await;
    let shop = shop(sleep(db));
    database.migrate(shop.clone()).await;
    let shutdown = Shutdown::new();
    let handle = shutdown.clone();
    let migrator = database
        .migrator(shop)
        .shutdown(shutdown)
        .observer(move |event: &Event| {
            if matches!(event, Event::StepStarted { .. }) {
                handle.cancel();
            }
        });
    let error = migrator.migrate(&request("undo")).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::Cancelled, "{error}");
    assert!(
        left_behind(&error).contains("nothing was undone"),
        "{error}"
    );
    assert_eq!(recorded(&database).await, ["0001_initial", "0002_fill"]);
    assert_eq!(
        lines(&database, "0002_fill").await,
        ["run applied", "undo cancelled"]
    );
}

const NAME: &str = "work_v1_2026_01_02";

/// A step that runs a data migration, and whose way back fails at its first statement.
fn runs(function: Function) -> History {
    let first = format!("-- migrate: up\n{ITEM};\n-- migrate: down\nDROP TABLE item;");
    let second = format!(
        "-- migrate: atomic = false, run = \"{NAME}\"\n-- migrate: up\n\
         INSERT INTO item VALUES (1, 'a');\n-- migrate: down\nDELETE FROM nowhere;"
    );
    steps(&[("0001_initial.sql", &first), ("0002_fill.sql", &second)])
        .function(function.after(&["0001_initial"]).manual().build())
        .build()
        .unwrap_or_else(|error| panic!("{error}"))
}

fn work() -> Function {
    Function::sql(NAME, "INSERT INTO item VALUES (2, 'b')")
}

/// Deletes the row, and fails.
fn fails(function: Function) -> Function {
    function.reverse(|cx| {
        Box::pin(async move {
            cx.execute("DELETE FROM item WHERE id = 2", &[]).await?;
            Err(StepError::msg("on purpose"))
        })
    })
}

async fn a_reverse_that_was_rolled_back_undoes_nothing(db: Db) {
    let database = TestDatabase::create(db).await;
    let shop = runs(fails(work()));
    database.migrate(shop.clone()).await;
    let error = database.refused_to(shop.clone(), "undo").await;
    assert!(
        left_behind(&error).contains("nothing was undone"),
        "{error}"
    );
    assert_eq!(
        recorded(&database).await,
        ["0001_initial", "0002_fill", NAME]
    );
    assert_eq!(database.count("SELECT count(*) FROM item").await, 2);
    assert!(database.migrate(shop).await.is_empty());
}

/// What a reverse does that ends its transaction, after it deleted the row.
#[derive(Clone, Copy, Debug)]
enum Ends {
    Fails,
    Panics,
    IsStopped,
    /// By DDL, where that commits.
    Alters,
}

fn ends(how: Ends, shutdown: &Shutdown) -> Function {
    let shutdown = shutdown.clone();
    work().reverse(move |cx| {
        let shutdown = shutdown.clone();
        Box::pin(async move {
            cx.execute("DELETE FROM item WHERE id = 2", &[]).await?;
            let end = match how {
                Ends::Alters => "ALTER TABLE item ADD COLUMN price INT",
                Ends::Fails | Ends::Panics | Ends::IsStopped => "COMMIT",
            };
            let ended = cx.conn().script(end.to_owned()).await;
            ended.map_err(|failed| failed.error)?;
            match how {
                Ends::Panics => panic!("on purpose"),
                Ends::IsStopped => {
                    shutdown.cancel();
                    tokio::task::yield_now().await;
                }
                Ends::Fails | Ends::Alters => {}
            }
            Err(StepError::msg("on purpose"))
        })
    })
}

async fn a_reverse_that_committed_before_it_failed_counts(db: Db) {
    let mut all = vec![Ends::Fails, Ends::Panics, Ends::IsStopped];
    all.extend((!db.capabilities().transactional_ddl).then_some(Ends::Alters));
    for how in all {
        let database = TestDatabase::create(db).await;
        let shutdown = Shutdown::new();
        let shop = runs(ends(how, &shutdown));
        database.migrate(shop.clone()).await;
        let migrator = database.migrator(shop).shutdown(shutdown);
        let error = migrator.migrate(&request("undo")).await.unwrap_err();
        let expected = match how {
            Ends::Panics => ErrorCode::StepPanicked,
            Ends::IsStopped => ErrorCode::Cancelled,
            Ends::Fails | Ends::Alters => ErrorCode::StepFailed,
        };
        assert_eq!(error.code(), expected, "{how:?}: {error}");
        assert!(
            left_behind(&error).contains("ended its transaction"),
            "{how:?}: {error}"
        );
        assert_eq!(
            recorded(&database).await,
            ["0001_initial", "0002_fill reverting", NAME],
            "{how:?}"
        );
        let undone = match how {
            Ends::IsStopped => "undo cancelled",
            Ends::Fails | Ends::Panics | Ends::Alters => "undo failed",
        };
        assert_eq!(
            lines(&database, "0002_fill").await,
            ["run applied", undone],
            "{how:?}"
        );
        assert_eq!(database.count("SELECT count(*) FROM item").await, 1);
    }
}

/// Nobody saw what became of its transaction.
async fn a_reverse_that_was_given_up_counts(db: Db) {
    let database = TestDatabase::create(db).await;
    let shutdown = Shutdown::new();
    let handle = shutdown.clone();
    let shop = runs(work().reverse(move |cx| {
        let handle = handle.clone();
        Box::pin(async move {
            let deleted = "DELETE FROM item WHERE id = 2; COMMIT";
            for sql in deleted.split("; ") {
                let ended = cx.conn().script(sql.to_owned()).await;
                ended.map_err(|failed| failed.error)?;
            }
            handle.cancel();
            std::future::pending().await
        })
    }));
    database.migrate(shop.clone()).await;
    let migrator = database.migrator(shop).shutdown(shutdown);
    let error = migrator.migrate(&request("undo")).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::Cancelled, "{error}");
    assert!(left_behind(&error).contains("half undone"), "{error}");
    assert_eq!(
        recorded(&database).await,
        ["0001_initial", "0002_fill reverting", NAME]
    );
}

async fn what_was_undone_before_the_statements_counts(db: Db) {
    let undone = runs(work().reverse_sql("DELETE FROM item WHERE id = 2"));
    let half = runs(fails(work()).non_atomic());
    for (shop, inner) in [(undone, None), (half, Some(format!("{NAME} reverting")))] {
        let database = TestDatabase::create(db).await;
        database.migrate(shop.clone()).await;
        // In the second attempt nothing is left to go before the statements.
        for _ in 0..2 {
            let error = database.refused_to(shop.clone(), "undo").await;
            assert!(left_behind(&error).contains("half undone"), "{error}");
            let mut expected = vec!["0001_initial".to_owned(), "0002_fill reverting".to_owned()];
            expected.extend(inner.clone());
            assert_eq!(recorded(&database).await, expected);
        }
        assert_eq!(database.count("SELECT count(*) FROM item").await, 1);
    }
}

/// The rows of what a squash stands for go when its way back begins.
async fn records_that_went_along_count(db: Db) {
    let first = format!("-- migrate: up\n{ITEM};\n-- migrate: down\nDROP TABLE item;");
    let squash = format!(
        "-- migrate: atomic = false, replaces = [\"0001_initial\"]\n-- migrate: up\n{ITEM};\n\
         -- migrate: down\nDROP TABLE nowhere;\nDROP TABLE item;"
    );
    let shop = history(&[("0001_initial.sql", &first), ("0001_squashed.sql", &squash)]);
    let database = TestDatabase::create(db).await;
    database.migrate(shop.clone()).await;
    let error = database.refused_to(shop, "shop zero").await;
    assert_eq!(error.code(), ErrorCode::StepFailed, "{error}");
    assert_eq!(recorded(&database).await, ["0001_squashed reverting"]);
}

/// The statement failed, and yet it may have done something.
async fn an_unknown_effect_counts(db: Db) {
    let in_part = match db.capabilities().concurrent_index {
        // It leaves an index that is not valid.
        true => "CREATE UNIQUE INDEX CONCURRENTLY item_name ON item (name)",
        false => "DROP TABLE item, nowhere",
    };
    let database = TestDatabase::create(db).await;
    database.migrate(shop(in_part)).await;
    let error = database
        .migrator(shop(in_part))
        .policies(lenient())
        .migrate(&request("undo"))
        .await
        .unwrap_err();
    assert!(left_behind(&error).contains("half undone"), "{error}");
    assert_eq!(
        recorded(&database).await,
        ["0001_initial", "0002_fill reverting"]
    );
}

/// Some tables of MySQL and MariaDB have no transactions: what a statement did before it failed
/// stays.
async fn what_no_rollback_takes_back_counts(db: Db) {
    if db != Db::MySql {
        return;
    }
    let database = TestDatabase::create(db).await;
    database
        .execute("CREATE TABLE kept (id INT PRIMARY KEY) ENGINE = MyISAM")
        .await;
    let shop = shop("INSERT INTO kept VALUES (1), (1)");
    database.migrate(shop.clone()).await;
    let error = database.refused_to(shop, "undo").await;
    assert!(left_behind(&error).contains("half undone"), "{error}");
    assert_eq!(
        recorded(&database).await,
        ["0001_initial", "0002_fill reverting"]
    );
    assert_eq!(database.count("SELECT count(*) FROM kept").await, 1);
}
