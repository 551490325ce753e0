//! Data migrations: their transaction, what they return, and every way in which they fail.

use migrate_core::{ErrorCode, StepError};
use migrate_tests::{Db, Function, Scope, TestDatabase, done, each_database, steps};
use sqlx::Connection as _;

use super::sql::ITEM;

each_database! {
    all: results_are_kept_and_reported, errors_roll_back, panics_are_failures_of_the_step,
        a_failing_check_rolls_back, a_commit_behind_our_back_is_noticed,
        a_commit_before_a_failure_is_told,
        what_no_rollback_takes_back_is_told,
        begin_inside_is_a_savepoint, an_error_ignored_is_not_passed_over,
        a_non_atomic_function_commits_as_it_goes, context_tells_how_it_was_asked,
        a_transaction_left_open_is_rolled_back;
    servers: ddl_in_an_atomic_function_is_noticed_where_it_commits;
}

/// A history of the table and one function after it.
fn with(function: Function) -> migrate_core::History {
    let function = function.after(&["0001_initial"]).build();
    steps(&[("0001_initial.sql", ITEM)])
        .function(function)
        .build()
        .unwrap()
}

/// The same history before the function was written.
fn table_alone() -> migrate_core::History {
    steps(&[("0001_initial.sql", ITEM)]).build().unwrap()
}

const NAME: &str = "work_v1_2026_01_02";

async fn results_are_kept_and_reported(db: Db) {
    let database = TestDatabase::create(db).await;
    let all: [(&str, Function, Option<&str>, Option<u64>); 5] = [
        (
            "a_v1_2026_01_02",
            Function::new("a_v1_2026_01_02", |_| Box::pin(async { done(()) })),
            None,
            None,
        ),
        (
            "b_v1_2026_01_02",
            Function::new("b_v1_2026_01_02", |_| Box::pin(async { done(42_u64) })),
            Some("42"),
            Some(42),
        ),
        (
            "c_v1_2026_01_02",
            Function::new("c_v1_2026_01_02", |_| Box::pin(async { done("text") })),
            Some("text"),
            None,
        ),
        (
            "d_v1_2026_01_02",
            Function::new("d_v1_2026_01_02", |_| Box::pin(async { done(None::<u64>) })),
            None,
            None,
        ),
        (
            "e_v1_2026_01_02",
            Function::new("e_v1_2026_01_02", |_| {
                Box::pin(async { done(Some(String::new())) })
            }),
            Some(""),
            None,
        ),
    ];
    for (name, function, result, rows) in all {
        let report = database.migrator(with(function)).run().await.unwrap();
        let run = report.steps.last().unwrap();
        assert_eq!((run.result.as_deref(), run.rows), (result, rows), "{name}");
        let row = database
            .ledger_row("result, rows_affected", name)
            .await
            .unwrap();
        assert_eq!(row[0].as_deref(), result, "{name}");
        assert_eq!(row[1], rows.map(|rows| rows.to_string()), "{name}");
    }
}

/// Runs a history whose function fails after writing a row, twice, and looks that nothing stays.
async fn fails(db: Db, function: impl Fn() -> Function, code: ErrorCode, text: &str) {
    let database = TestDatabase::create(db).await;
    for _ in 0..2 {
        let error = database.refused(with(function())).await;
        assert_eq!(error.code(), code, "{error}");
        assert!(error.message().contains(text), "{error}");
        assert!(error.message().contains("work_v1_2026_01_02"), "{error}");
        assert_eq!(
            database.count("SELECT count(*) FROM item").await,
            0,
            "{text}"
        );
        assert_eq!(database.ledger_row("1", NAME).await, None, "{text}");
        assert!(database.is_unlocked().await, "{text}");
    }
    let status = database.migrator(with(function())).status().await.unwrap();
    assert_eq!(status.steps[1].state, migrate_core::report::State::Failed);
}

async fn errors_roll_back(db: Db) {
    let function = || {
        Function::new(NAME, |cx| {
            Box::pin(async move {
                cx.execute("INSERT INTO item VALUES (1, 'a')", &[]).await?;
                Err(StepError::msg("no more"))
            })
        })
    };
    fails(db, function, ErrorCode::StepFailed, "no more").await;
    let function = || {
        Function::new(NAME, |cx| {
            Box::pin(async move {
                cx.execute("INSERT INTO item VALUES (1, 'a')", &[]).await?;
                done(cx.execute("INSERT INTO nowhere VALUES (1)", &[]).await?)
            })
        })
    };
    fails(db, function, ErrorCode::StepFailed, "nowhere").await;
}

async fn panics_are_failures_of_the_step(db: Db) {
    let function = || {
        Function::new(NAME, |cx| {
            Box::pin(async move {
                cx.execute("INSERT INTO item VALUES (1, 'a')", &[]).await?;
                panic!("index {} is out of bounds", 7)
            })
        })
    };
    fails(
        db,
        function,
        ErrorCode::StepPanicked,
        "index 7 is out of bounds",
    )
    .await;
    // Before its first await, that is while the future is made.
    let function = || Function::new(NAME, |_| panic!("at once"));
    fails(db, function, ErrorCode::StepPanicked, "at once").await;
}

async fn a_failing_check_rolls_back(db: Db) {
    let function = || {
        Function::sql(NAME, "INSERT INTO item VALUES (1, 'a')").verify(|cx| {
            Box::pin(async move {
                let rows = cx.query("SELECT count(*) FROM item", &[]).await?;
                match rows[0].int(0) {
                    Some(0) => done(()),
                    other => Err(StepError::msg(format!("there are {other:?} items"))),
                }
            })
        })
    };
    fails(
        db,
        function,
        ErrorCode::VerifyFailed,
        "there are Some(1) items",
    )
    .await;
}

async fn a_commit_behind_our_back_is_noticed(db: Db) {
    let database = TestDatabase::create(db).await;
    for end in ["COMMIT", "ROLLBACK"] {
        let function = Function::new(NAME, move |cx| {
            Box::pin(async move {
                raw(cx, end).await?;
                done(())
            })
        });
        let error = database.refused(with(function)).await;
        assert_eq!(error.code(), ErrorCode::StepFailed, "{error}");
        assert!(error.message().contains("ended the transaction"), "{error}");
        assert_eq!(database.ledger_row("1", NAME).await, None);
        assert!(database.is_unlocked().await);
    }
    // And the next run works.
    let good = Function::sql(NAME, "INSERT INTO item VALUES (1, 'a')");
    assert_eq!(database.migrate(with(good)).await, [NAME]);
}

/// A failure says that all was rolled back only where that is so.
async fn a_commit_before_a_failure_is_told(db: Db) {
    let commits = |name| {
        Function::new(name, |cx| {
            Box::pin(async move {
                raw(cx, "COMMIT").await?;
                Err(StepError::msg("on purpose"))
            })
        })
    };
    let checked = Function::sql(NAME, "INSERT INTO item VALUES (1, 'a')").verify(|cx| {
        Box::pin(async move {
            raw(cx, "COMMIT").await?;
            Err(StepError::msg("on purpose"))
        })
    });
    let cases = [
        (commits(NAME), ErrorCode::StepFailed),
        (checked, ErrorCode::VerifyFailed),
    ];
    for (function, code) in cases {
        let database = TestDatabase::create(db).await;
        let error = database.refused(with(function)).await;
        assert_eq!(error.code(), code, "{error}");
        assert!(error.message().contains("on purpose"), "{error}");
        let left = error.progress().unwrap().left_behind.as_deref().unwrap();
        assert!(left.contains("ended its transaction"), "{left}");
        let helps = error.helps();
        assert!(
            helps.iter().any(|help| help.contains("leave COMMIT")),
            "{error}"
        );
        assert_eq!(database.ledger_row("1", NAME).await, None);
        assert!(database.is_unlocked().await);
    }
}

async fn what_no_rollback_takes_back_is_told(db: Db) {
    if db != Db::MySql {
        // All tables of the others have transactions.
        return;
    }
    let database = TestDatabase::create(db).await;
    database
        .execute("CREATE TABLE kept (id INT PRIMARY KEY) ENGINE = MyISAM")
        .await;
    let function = Function::new(NAME, |cx| {
        Box::pin(async move {
            cx.execute("INSERT INTO kept VALUES (1)", &[]).await?;
            Err(StepError::msg("on purpose"))
        })
    });
    let error = database.refused(with(function)).await;
    let left = error.progress().unwrap().left_behind.as_deref().unwrap();
    assert!(left.contains("tables without transactions"), "{left}");
    assert_eq!(database.count("SELECT count(*) FROM kept").await, 1);
}

/// Sends a text past the driver's own account of transactions.
async fn raw(
    cx: &mut migrate_core::Context<'_, migrate_core::Portable>,
    sql: &'static str,
) -> migrate_core::Result<()> {
    cx.conn()
        .script(sql.to_owned())
        .await
        .map_err(|failed| failed.error)?;
    Ok(())
}

async fn ddl_in_an_atomic_function_is_noticed_where_it_commits(db: Db) {
    let database = TestDatabase::create(db).await;
    let function = || {
        Function::new(NAME, |cx| {
            Box::pin(async move {
                cx.execute("CREATE TABLE made (id INT)", &[]).await?;
                done(())
            })
        })
    };
    if db.capabilities().transactional_ddl {
        assert_eq!(database.migrate(with(function())).await.len(), 2);
        return;
    }
    let error = database.refused(with(function())).await;
    assert_eq!(error.code(), ErrorCode::StepFailed, "{error}");
    assert!(error.message().contains("DDL"), "{error}");
    assert_eq!(database.ledger_row("1", NAME).await, None);
}

async fn begin_inside_is_a_savepoint(db: Db) {
    let database = TestDatabase::create(db).await;
    macro_rules! function {
        ($database:ty) => {
            Function::typed::<$database, _>(NAME, |cx| {
                Box::pin(async move {
                    let mut kept = cx.conn().begin().await?;
                    sqlx::query("INSERT INTO item VALUES (1, 'kept')")
                        .execute(&mut *kept)
                        .await?;
                    kept.commit().await?;
                    let mut gone = cx.conn().begin().await?;
                    sqlx::query("INSERT INTO item VALUES (2, 'gone')")
                        .execute(&mut *gone)
                        .await?;
                    gone.rollback().await?;
                    // One that is dropped is rolled back, too.
                    let mut dropped = cx.conn().begin().await?;
                    sqlx::query("INSERT INTO item VALUES (3, 'gone')")
                        .execute(&mut *dropped)
                        .await?;
                    drop(dropped);
                    let failed = sqlx::query("SELECT fail FROM nowhere")
                        .execute(&mut *cx.conn().begin().await?)
                        .await;
                    assert!(failed.is_err());
                    done(())
                })
            })
        };
    }
    let function = || match db {
        Db::Sqlite => function!(sqlx::Sqlite),
        Db::Postgres => function!(sqlx::Postgres),
        Db::MySql => function!(sqlx::MySql),
    };
    // In a dry run as well.
    database.migrate(table_alone()).await;
    let before = database.dump(Scope::Everything).await;
    let report = database.migrator(with(function())).dry_run().await.unwrap();
    assert_eq!(report.steps.len(), 1);
    assert_eq!(database.dump(Scope::Everything).await, before);
    assert_eq!(database.migrate(with(function())).await, [NAME]);
    assert_eq!(
        database.rows("SELECT id FROM item").await,
        [[Some("1".to_owned())]]
    );
}

async fn an_error_ignored_is_not_passed_over(db: Db) {
    let database = TestDatabase::create(db).await;
    let function = Function::new(NAME, |cx| {
        Box::pin(async move {
            cx.execute("INSERT INTO item VALUES (1, 'a')", &[]).await?;
            // Without this row the step is not what its author meant.
            cx.execute("INSERT INTO item VALUES (1, 'b')", &[])
                .await
                .ok();
            done(())
        })
    });
    let result = database.migrator(with(function)).run().await;
    match result {
        // Postgres aborts the transaction: all or nothing is nothing.
        Err(error) => {
            assert_eq!(error.code(), ErrorCode::StepFailed, "{error}");
            assert!(error.message().contains("cannot be committed"), "{error}");
            assert!(
                error.helps().iter().any(|help| help.contains("begin()")),
                "{error}"
            );
            assert_eq!(database.count("SELECT count(*) FROM item").await, 0);
            assert_eq!(database.ledger_row("1", NAME).await, None);
        }
        // The others take back the one statement; the rest and the row commit together.
        Ok(_) => {
            assert_eq!(database.count("SELECT count(*) FROM item").await, 1);
            assert!(database.ledger_row("1", NAME).await.is_some());
        }
    }
    assert!(database.is_unlocked().await);
}

async fn a_non_atomic_function_commits_as_it_goes(db: Db) {
    let database = TestDatabase::create(db).await;
    let failing = Function::new(NAME, |cx| {
        Box::pin(async move {
            cx.execute("INSERT INTO item VALUES (1, 'a')", &[]).await?;
            Err(StepError::msg("half-way"))
        })
    })
    .non_atomic();
    let error = database.refused(with(failing)).await;
    assert_eq!(error.code(), ErrorCode::StepFailed);
    let left = error.progress().unwrap().left_behind.as_deref().unwrap();
    assert!(
        left.contains("whatever the function had committed"),
        "{left}"
    );
    assert_eq!(database.count("SELECT count(*) FROM item").await, 1);
    let row = database.ledger_row("state", NAME).await.unwrap();
    assert_eq!(row[0].as_deref(), Some("failed"));
    let good = Function::sql(NAME, "INSERT INTO item VALUES (2, 'a')").non_atomic();
    assert_eq!(database.migrate(with(good)).await, [NAME]);
    let row = database
        .ledger_row("state, error, rows_affected", NAME)
        .await
        .unwrap();
    assert_eq!(
        row,
        [Some("applied".to_owned()), None, Some("1".to_owned())]
    );
}

async fn a_transaction_left_open_is_rolled_back(db: Db) {
    let database = TestDatabase::create(db).await;
    let function = Function::new(NAME, |cx| {
        Box::pin(async move {
            raw(cx, "BEGIN").await?;
            cx.execute("INSERT INTO item VALUES (1, 'a')", &[]).await?;
            done(())
        })
    })
    .non_atomic();
    // Whatever is said of it: what it forgot to commit is not there, and nothing is stuck.
    let result = database.migrator(with(function)).run().await;
    assert_eq!(
        database.count("SELECT count(*) FROM item").await,
        0,
        "{result:?}"
    );
    assert!(database.is_unlocked().await);
    assert!(
        result.is_err(),
        "rows that were lost must not pass for applied"
    );
}

async fn context_tells_how_it_was_asked(db: Db) {
    let database = TestDatabase::create(db).await;
    let function = || {
        Function::new(NAME, |cx| {
            Box::pin(async move {
                cx.progress(3, Some(9));
                cx.log("said");
                cx.detail("detailed");
                let text = format!("{} {} {}", cx.step(), cx.verbosity(), cx.dry_run());
                done(text)
            })
        })
    };
    let events = migrate_tests::Events::default();
    database.migrate(table_alone()).await;
    let dry = database
        .migrator(with(function()))
        .verbosity(9)
        .dry_run()
        .await
        .unwrap();
    assert_eq!(
        dry.steps[0].run.result.as_deref(),
        Some("shop.work_v1_2026_01_02 3 true")
    );
    let migrator = database.migrator(with(function())).observer(events.clone());
    let report = migrator.run().await.unwrap();
    assert_eq!(
        report.steps[0].result.as_deref(),
        Some("shop.work_v1_2026_01_02 1 false")
    );
    let told = format!("{:?}", events.all());
    for part in [
        "Progress",
        "done: 3, total: Some(9)",
        "level: 1, message: \"said\"",
        "level: 2, message: \"detailed\"",
    ] {
        assert!(told.contains(part), "{told}");
    }
}
