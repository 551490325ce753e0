//! A shutdown during a long statement: cancelled there, rolled back, the lock free.

use std::sync::Arc;
use std::time::Duration;

use migrate_core::report::State;
use migrate_core::{ErrorCode, Event, History, Request, Shutdown};
use migrate_tests::{
    Db, Function, Scope, TestDatabase, done, each_database, history, request, steps,
};

use super::sql::{ITEM, sleep};

each_database! {
    all: cancels_an_atomic_sql_step, cancels_on_a_fresh_database, cancels_a_function,
        cancels_a_non_atomic_step, cancels_a_function_that_waits_for_something_else,
        cancels_a_wait_for_the_lock, cancels_between_two_steps, a_cancelled_handle_starts_nothing,
        cancels_a_dry_run, a_way_back_in_pieces_stops_half_way_and_goes_on;
    servers: nothing_runs_on_when_the_lock_is_free;
}

const FIRST: (&str, &str) = ("0001_initial.sql", ITEM);

/// The statements take a minute; a cancelled run must end long before.
const SOON: Duration = Duration::from_secs(20);

/// Runs a history and cancels when it tells of an event; gives the error.
async fn cancelled(
    database: &TestDatabase,
    history: History,
    when: impl Fn(&Event) -> bool + Send + Sync + 'static,
) -> migrate_core::Error {
    cancelled_within(database, history, when, SOON).await
}

async fn cancelled_within(
    database: &TestDatabase,
    history: History,
    when: impl Fn(&Event) -> bool + Send + Sync + 'static,
    soon: Duration,
) -> migrate_core::Error {
    cancelled_on_the_way(database, history, request(""), when, soon).await
}

async fn cancelled_on_the_way(
    database: &TestDatabase,
    history: History,
    request: Request,
    when: impl Fn(&Event) -> bool + Send + Sync + 'static,
    soon: Duration,
) -> migrate_core::Error {
    let shutdown = Shutdown::new();
    let handle = shutdown.clone();
    let reached = Arc::new(tokio::sync::Notify::new());
    let tell = Arc::clone(&reached);
    let migrator = database
        .migrator(history)
        .shutdown(shutdown)
        .observer(move |event: &Event| {
            if when(event) {
                tell.notify_one();
            }
        });
    let run = tokio::spawn(async move { migrator.migrate(&request).await });
    reached.notified().await;
    handle.cancel();
    let ended = tokio::time::timeout(soon, run).await;
    let error = ended
        .expect("the run was not cancelled")
        .unwrap()
        .unwrap_err();
    assert_eq!(error.code(), ErrorCode::Cancelled, "{error}");
    assert!(database.is_unlocked().await, "the lock is free");
    error
}

fn begins(name: &'static str) -> impl Fn(&Event) -> bool {
    move |event| matches!(event, Event::StepStarted { step, .. } if step.name == name)
}

async fn cancels_an_atomic_sql_step(db: Db) {
    let database = TestDatabase::create(db).await;
    database.migrate(history(&[FIRST])).await;
    let text = format!("INSERT INTO item VALUES (1, 'a');\n{};", sleep(db));
    let files = [FIRST, ("0002_long.sql", text.as_str())];
    let error = cancelled(&database, history(&files), begins("0002_long")).await;
    assert_eq!(
        error.progress().unwrap().failed.as_ref().unwrap().name,
        "0002_long"
    );
    assert_eq!(database.count("SELECT count(*) FROM item").await, 0);
    assert_eq!(database.ledger_row("1", "0002_long").await, None);
    let state = database
        .migrator(history(&files))
        .status()
        .await
        .unwrap()
        .steps[1]
        .state;
    assert!(matches!(state, State::Failed | State::Pending), "{state:?}");
}

async fn cancels_on_a_fresh_database(db: Db) {
    let database = TestDatabase::create(db).await;
    let text = format!("INSERT INTO item VALUES (2, 'b');\n{};", sleep(db));
    let files = [
        FIRST,
        ("0002_fill.sql", "INSERT INTO item VALUES (1, 'a')"),
        ("0003_long.sql", text.as_str()),
        ("0004_last.sql", "INSERT INTO item VALUES (3, 'c')"),
    ];
    let error = cancelled(&database, history(&files), begins("0003_long")).await;
    let progress = error.progress().unwrap();
    // Whatever is said to be applied is, and the rest is not.
    assert_eq!(
        database.count("SELECT count(*) FROM migrate_steps").await,
        i64::try_from(progress.applied.len()).unwrap()
    );
    assert_eq!(progress.applied.len() + 1 + progress.remaining.len(), 4);
    let good = [
        files[0],
        files[1],
        ("0003_long.sql", "INSERT INTO item VALUES (2, 'b')"),
        files[3],
    ];
    database.migrate(history(&good)).await;
    assert_eq!(database.count("SELECT sum(id) FROM item").await, 6);
}

/// A history of the table and a function that sleeps in the database.
fn sleeps(db: Db, atomic: bool) -> History {
    let sleep = sleep(db);
    let function = Function::new("work_v1_2026_01_02", move |cx| {
        Box::pin(async move {
            cx.execute("INSERT INTO item VALUES (1, 'a')", &[]).await?;
            cx.log("now");
            cx.query(sleep, &[]).await?;
            done(())
        })
    })
    .after(&["0001_initial"]);
    let function = if atomic {
        function
    } else {
        function.non_atomic()
    };
    steps(&[FIRST]).function(function.build()).build().unwrap()
}

async fn cancels_a_function(db: Db) {
    for atomic in [true, false] {
        let database = TestDatabase::create(db).await;
        database.migrate(history(&[FIRST])).await;
        cancelled(&database, sleeps(db, atomic), |event| {
            matches!(event, Event::Log { .. })
        })
        .await;
        assert_eq!(
            database.count("SELECT count(*) FROM item").await,
            i64::from(!atomic)
        );
        let row = database.ledger_row("state", "work_v1_2026_01_02").await;
        assert_eq!(row, (!atomic).then(|| vec![Some("running".to_owned())]));
    }
}

async fn cancels_a_non_atomic_step(db: Db) {
    let database = TestDatabase::create(db).await;
    let text = format!(
        "-- migrate: atomic = false\nINSERT INTO item VALUES (1, 'a');\n{};\nINSERT INTO item VALUES (2, 'b');",
        sleep(db)
    );
    let files = [FIRST, ("0002_long.sql", text.as_str())];
    let second = |event: &Event| matches!(event, Event::Statement { step, index: 1, .. } if step.name == "0002_long");
    cancelled(&database, history(&files), second).await;
    let row = database
        .ledger_row("state, done, intent", "0002_long")
        .await
        .unwrap();
    assert_eq!(
        row,
        [Some("running".to_owned()), Some("1".to_owned()), None]
    );
    // It goes on where it was stopped.
    let good = text.replace(sleep(db), "SELECT 1");
    assert_eq!(
        database
            .migrate(history(&[FIRST, ("0002_long.sql", &good)]))
            .await,
        ["0002_long"]
    );
    assert_eq!(database.count("SELECT sum(id) FROM item").await, 3);
}

async fn a_way_back_in_pieces_stops_half_way_and_goes_on(db: Db) {
    let text = |second: &str| {
        format!(
            "-- migrate: atomic = false\n-- migrate: up\nINSERT INTO item VALUES (1, 'a');\n\
             -- migrate: down\nUPDATE item SET id = id + 1;\n{second};\nUPDATE item SET id = id + 10;"
        )
    };
    let files = |text: &str| history(&[FIRST, ("0002_long.sql", text)]);
    let (long, good) = (text(sleep(db)), text("SELECT 1"));
    let database = TestDatabase::create(db).await;
    database.migrate(files(&long)).await;
    let first = |event: &Event| matches!(event, Event::Statement { index: 1, .. });
    let error = cancelled_on_the_way(&database, files(&long), request("undo"), first, SOON).await;
    let left = error.progress().unwrap().left_behind.clone().unwrap();
    assert!(left.contains("half undone"), "{left}");
    let row = database
        .ledger_row("state, done, intent", "0002_long")
        .await;
    let expected = [Some("reverting".to_owned()), Some("1".to_owned()), None];
    assert_eq!(row.unwrap(), expected);
    assert_eq!(database.count("SELECT id FROM item").await, 2);
    let error = database.refused(files(&good)).await;
    assert_eq!(error.code(), ErrorCode::HalfReverted, "{error}");
    // It goes on where it was stopped.
    database.migrate_to(files(&good), "undo").await;
    assert_eq!(database.ledger_row("1", "0002_long").await, None);
    assert_eq!(database.count("SELECT id FROM item").await, 12);
}

async fn cancels_a_function_that_waits_for_something_else(db: Db) {
    let database = TestDatabase::create(db).await;
    database.migrate(history(&[FIRST])).await;
    let function = Function::new("work_v1_2026_01_02", |cx| {
        Box::pin(async move {
            cx.execute("INSERT INTO item VALUES (1, 'a')", &[]).await?;
            cx.log("now");
            std::future::pending::<()>().await;
            done(())
        })
    })
    .after(&["0001_initial"])
    .build();
    let all = steps(&[FIRST]).function(function).build().unwrap();
    cancelled(&database, all, |event| matches!(event, Event::Log { .. })).await;
    assert_eq!(database.count("SELECT count(*) FROM item").await, 0);
    assert_eq!(database.ledger_row("1", "work_v1_2026_01_02").await, None);
}

async fn cancels_a_wait_for_the_lock(db: Db) {
    let database = TestDatabase::create(db).await;
    database.migrate(history(&[FIRST])).await;
    database
        .execute("UPDATE migrate_lock SET holder = 'x'")
        .await;
    database
        .execute("UPDATE migrate_lease SET expires_at = 9000000000000000")
        .await;
    let shutdown = Shutdown::new();
    let handle = shutdown.clone();
    let files = [FIRST, ("0002_more.sql", "INSERT INTO item VALUES (1, 'a')")];
    let waits = move |event: &Event| {
        if matches!(event, Event::WaitingForLock { .. }) {
            handle.cancel();
        }
    };
    let migrator = database
        .migrator(history(&files))
        .shutdown(shutdown)
        .observer(waits);
    let ended = tokio::time::timeout(SOON, migrator.run()).await;
    let error = ended.expect("it waits on").unwrap_err();
    assert_eq!(error.code(), ErrorCode::Cancelled, "{error}");
    assert!(
        migrator.lock_status().await.unwrap().held,
        "it is still the other's"
    );
}

async fn cancels_between_two_steps(db: Db) {
    let database = TestDatabase::create(db).await;
    database.migrate(history(&[FIRST])).await;
    let shutdown = Shutdown::new();
    let handle = shutdown.clone();
    let files = [
        FIRST,
        ("0002_two.sql", "INSERT INTO item VALUES (2, 'b')"),
        ("0003_three.sql", "INSERT INTO item VALUES (3, 'c')"),
        ("0004_four.sql", "INSERT INTO item VALUES (4, 'd')"),
    ];
    let when_two_is_done = move |event: &Event| {
        if matches!(event, Event::StepFinished(run) if run.step.name == "0002_two") {
            handle.cancel();
        }
    };
    let migrator = database
        .migrator(history(&files))
        .shutdown(shutdown)
        .observer(when_two_is_done);
    let error = migrator.run().await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::Cancelled, "{error}");
    let progress = error.progress().unwrap();
    assert_eq!(progress.applied.len(), 1);
    assert_eq!((&progress.failed, &progress.left_behind), (&None, &None));
    let remaining: Vec<&str> = progress
        .remaining
        .iter()
        .map(|id| id.name.as_str())
        .collect();
    assert_eq!(remaining, ["0003_three", "0004_four"]);
    assert_eq!(database.count("SELECT count(*) FROM item").await, 1);
}

async fn a_cancelled_handle_starts_nothing(db: Db) {
    let database = TestDatabase::create(db).await;
    let shutdown = Shutdown::new();
    shutdown.cancel();
    let migrator = database.migrator(history(&[FIRST])).shutdown(shutdown);
    let error = migrator.run().await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::Cancelled, "{error}");
    assert!(!database.has_table("item").await);
}

async fn cancels_a_dry_run(db: Db) {
    let database = TestDatabase::create(db).await;
    database.migrate(history(&[FIRST])).await;
    let before = database.dump(Scope::Everything).await;
    let shutdown = Shutdown::new();
    let handle = shutdown.clone();
    let reached = Arc::new(tokio::sync::Notify::new());
    let tell = Arc::clone(&reached);
    let migrator = database
        .migrator(sleeps(db, true))
        .shutdown(shutdown)
        .observer(move |event: &Event| {
            if matches!(event, Event::Log { .. }) {
                tell.notify_one();
            }
        });
    let run = tokio::spawn(async move { migrator.dry_run().await });
    reached.notified().await;
    handle.cancel();
    let ended = tokio::time::timeout(SOON, run).await;
    let error = ended
        .expect("the dry run was not cancelled")
        .unwrap()
        .unwrap_err();
    assert_eq!(error.code(), ErrorCode::Cancelled, "{error}");
    assert_eq!(database.dump(Scope::Everything).await, before);
}

/// A function that will not stop is left to itself; what it still runs in the server is ended
/// before the lock is free for others.
async fn nothing_runs_on_when_the_lock_is_free(db: Db) {
    let database = TestDatabase::create(db).await;
    database.migrate(history(&[FIRST])).await;
    let function = Function::new("work_v1_2026_01_02", move |cx| {
        Box::pin(async move {
            loop {
                // Whatever it is told, it begins again.
                let _ = cx.conn().script(sleep(db).to_owned()).await;
            }
        })
    });
    let function = function.after(&["0001_initial"]).non_atomic().build();
    let all = steps(&[FIRST]).function(function).build().unwrap();
    let error = cancelled_within(&database, all, begins("work_v1_2026_01_02"), SOON * 2).await;
    assert!(error.progress().is_some(), "{error}");
    let asleep = match db {
        Db::Postgres => {
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() \
             AND query LIKE '%pg_sleep%' AND pid <> pg_backend_pid()"
        }
        _ => {
            "SELECT count(*) FROM information_schema.processlist WHERE db = DATABASE() \
             AND info LIKE '%SLEEP(60)%' AND id <> CONNECTION_ID()"
        }
    };
    assert_eq!(database.count(asleep).await, 0, "it runs on");
}
