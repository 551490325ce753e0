//! The lock: waiting, taking over, fencing; and that it is given back on every path.

use std::sync::Arc;
use std::time::Duration;

use migrate_core::{ErrorCode, Event, History, Migrator, RunStep};
use migrate_tests::{Db, Events, Function, TestDatabase, done, each_database, history, steps};
use tokio::sync::Notify;

use super::sql::{ITEM, STEAL};

each_database! {
    all: gives_up_on_a_holder_without_progress, waits_while_the_holder_makes_progress,
        a_dead_holder_is_noticed_at_once, a_stranger_is_not_taken_for_dead,
        an_expired_lease_is_taken_over, a_stolen_token_rolls_a_function_back,
        a_stolen_token_stops_before_the_next_step, release_needs_force_for_the_living;
    servers: the_former_session_is_ended, a_stolen_token_stops_a_non_atomic_step,
        the_fence_holds_without_strict_mode, a_lost_lock_cancels_the_statement;
}

const FILES: [(&str, &str); 2] = [
    ("0001_initial.sql", ITEM),
    ("0002_two.sql", "INSERT INTO item VALUES (1, 'a')"),
];

/// Microseconds since 1970 by the database's clock.
fn now(db: Db) -> &'static str {
    match db {
        Db::Sqlite => "unixepoch() * 1000000",
        Db::Postgres => "CAST(extract(epoch FROM clock_timestamp()) * 1000000 AS bigint)",
        Db::MySql => "UNIX_TIMESTAMP() * 1000000",
    }
}

/// A holder as the library writes it: host, pid, start, boot, pid namespace, version.
fn holder(pid: u32, start: &str, boot: &str, namespace: &str) -> String {
    ["somewhere", &pid.to_string(), start, boot, namespace, "9.9"].join("\t")
}

fn boot_id() -> String {
    let text = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap();
    text.trim().to_owned()
}

fn namespace() -> String {
    std::fs::read_link("/proc/self/ns/pid")
        .unwrap()
        .to_string_lossy()
        .into_owned()
}

/// A database whose lock somebody holds for so many seconds more.
async fn held_by(db: Db, holder: &str, session: &str, seconds: i32) -> TestDatabase {
    let database = TestDatabase::create(db).await;
    database.migrate(history(&FILES[..1])).await;
    let sql = format!("UPDATE migrate_lock SET holder = '{holder}', session = '{session}'");
    database.execute(&sql).await;
    let now = now(db);
    let micros = i64::from(seconds) * 1_000_000;
    let sql = format!(
        "UPDATE migrate_lease SET expires_at = {now} + {micros}, progress_at = {now}, \
         activity = 'shop.0007_big, statement 3 of 9'"
    );
    database.execute(&sql).await;
    database
}

async fn gives_up_on_a_holder_without_progress(db: Db) {
    let database = held_by(db, &holder(1, "1", "another", "x"), "", 3600).await;
    let events = Events::default();
    let migrator = database
        .migrator(history(&FILES))
        .wait(Duration::from_millis(300))
        .observer(events.clone());
    let error = migrator.run().await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::LockHeld, "{error}");
    for part in [
        "process 1 on somewhere (9.9)",
        "shop.0007_big, statement 3 of 9",
    ] {
        assert!(error.message().contains(part), "{error}");
    }
    let told = |event: &Event| matches!(event, Event::WaitingForLock { holder, .. } if holder.contains("process 1"));
    assert!(events.all().iter().any(told));
    // The other operations that write wait alike.
    for error in [
        migrator.mark("0002", None).await.unwrap_err(),
        migrator.unmark("0001", None).await.unwrap_err(),
    ] {
        assert_eq!(error.code(), ErrorCode::LockHeld, "{error}");
    }
    let status = migrator.status().await.unwrap().lock.unwrap();
    assert!(status.held && !status.dead);
    assert_eq!(
        status.activity.as_deref(),
        Some("shop.0007_big, statement 3 of 9")
    );
    assert_eq!(
        database.count("SELECT token FROM migrate_lock").await,
        1,
        "nothing was taken"
    );
    // With nothing pending nobody waits.
    assert!(database.migrate(history(&FILES[..1])).await.is_empty());
}

async fn waits_while_the_holder_makes_progress(db: Db) {
    let database = held_by(db, &holder(1, "1", "another", "x"), "", 3600).await;
    let events = Events::default();
    let migrator = database
        .migrator(history(&FILES))
        .wait(Duration::from_millis(900))
        .observer(events.clone());
    let run = tokio::spawn(async move { migrator.run().await });
    // Signs of progress, one after the other, over more than the bound; then the release.
    let started = std::time::Instant::now();
    let mut connection = database.connect().await;
    let mut sign = 0;
    while started.elapsed() < Duration::from_millis(2000) {
        sign += 1;
        let sql = format!("UPDATE migrate_lease SET progress_at = progress_at + {sign}");
        connection.execute(&sql).await;
        tokio::time::sleep(Duration::from_millis(50)).await;
        assert!(
            !run.is_finished(),
            "gave up on a holder that makes progress"
        );
    }
    connection
        .execute("UPDATE migrate_lease SET expires_at = NULL")
        .await;
    let report = run.await.unwrap().unwrap();
    assert_eq!(report.steps.len(), 1);
    assert!(report.waited_ms >= 1500, "{}", report.waited_ms);
}

/// Runs against a holder that must be taken over from, without waiting for its lease.
async fn taken_over(database: &TestDatabase) {
    let events = Events::default();
    let migrator = database
        .migrator(history(&FILES))
        .wait(Duration::ZERO)
        .observer(events.clone());
    assert_eq!(migrator.run().await.unwrap().steps.len(), 1);
    let told = |event: &Event| matches!(event, Event::LockTaken { taken_over_from: Some(from), token: 2 } if from.contains("somewhere"));
    assert!(events.all().iter().any(told), "{:?}", events.all());
    assert!(database.is_unlocked().await);
}

async fn a_dead_holder_is_noticed_at_once(db: Db) {
    let mut child = std::process::Command::new("true").spawn().unwrap();
    child.wait().unwrap();
    let gone = holder(child.id(), "1", &boot_id(), &namespace());
    let database = held_by(db, &gone, "", 3600).await;
    assert!(
        database
            .migrator(history(&FILES))
            .lock_status()
            .await
            .unwrap()
            .dead
    );
    taken_over(&database).await;
    // A process id that was used again by another process, here by this one.
    let reused = holder(std::process::id(), "1", &boot_id(), &namespace());
    taken_over(&held_by(db, &reused, "", 3600).await).await;
}

async fn a_stranger_is_not_taken_for_dead(db: Db) {
    let never = u32::MAX;
    for stranger in [
        holder(never, "1", &boot_id(), "pid:[1]"),
        holder(never, "1", "another-boot", &namespace()),
        holder(never, "", &boot_id(), &namespace()),
    ] {
        let database = held_by(db, &stranger, "", 3600).await;
        let migrator = database.migrator(history(&FILES)).wait(Duration::ZERO);
        assert!(!migrator.lock_status().await.unwrap().dead);
        let error = migrator.run().await.unwrap_err();
        assert_eq!(error.code(), ErrorCode::LockHeld, "{stranger:?}");
    }
}

async fn an_expired_lease_is_taken_over(db: Db) {
    let stranger = holder(1, "1", "another-boot", "x");
    let database = held_by(db, &stranger, "", -1).await;
    let status = database
        .migrator(history(&FILES))
        .lock_status()
        .await
        .unwrap();
    assert!(status.held && status.expires_in_ms.unwrap() < 0);
    taken_over(&database).await;
}

async fn the_former_session_is_ended(db: Db) {
    let database = held_by(db, &holder(1, "1", "another-boot", "x"), "", -1).await;
    let mut theirs = database.connect().await;
    let session = super::lease_life::name_of(&mut theirs, db).await;
    database
        .execute(&format!("UPDATE migrate_lock SET session = '{session}'"))
        .await;
    // In the middle of a transaction that has locked rows which the pending step wants.
    theirs.execute("BEGIN").await;
    theirs
        .execute("INSERT INTO item VALUES (1, 'theirs')")
        .await;
    taken_over(&database).await;
    assert!(
        theirs.try_execute("COMMIT").await.is_err(),
        "its session has ended"
    );
    assert_eq!(
        database.scalar("SELECT name FROM item").await.as_deref(),
        Some("a")
    );
}

/// A history whose function steals the token in the middle.
fn steals(database: &TestDatabase, atomic: bool) -> History {
    let (db, url) = (database.db(), database.url().to_owned());
    let function = Function::new("work_v1_2026_01_02", move |cx| {
        let url = url.clone();
        Box::pin(async move {
            cx.execute("INSERT INTO item VALUES (7, 'mine')", &[])
                .await?;
            if db.capabilities().row_locks {
                migrate_tests::Connection::open(db, &url)
                    .await
                    .execute(STEAL)
                    .await;
            } else {
                // The one writer is this transaction: only itself can change the row.
                cx.execute(STEAL, &[]).await?;
            }
            done(())
        })
    })
    .after(&["0001_initial"]);
    let function = if atomic {
        function
    } else {
        function.non_atomic()
    };
    steps(&FILES).function(function.build()).build().unwrap()
}

async fn a_stolen_token_rolls_a_function_back(db: Db) {
    for atomic in [true, false] {
        let database = TestDatabase::create(db).await;
        database.migrate(history(&FILES[..1])).await;
        let error = database.refused(steals(&database, atomic)).await;
        assert_eq!(error.code(), ErrorCode::LockLost, "{atomic}: {error}");
        assert!(!error.helps().is_empty());
        let committed = i64::from(!atomic);
        assert_eq!(
            database.count("SELECT count(*) FROM item").await,
            committed,
            "{atomic}"
        );
        let row = database.ledger_row("state", "work_v1_2026_01_02").await;
        assert_eq!(row, (!atomic).then(|| vec![Some("running".to_owned())]));
        assert_eq!(
            database.ledger_row("1", "0002_two").await,
            None,
            "nothing runs after that"
        );
        // No row of history either: this process has no right to write any more.
        assert_eq!(database.count("SELECT count(*) FROM migrate_runs").await, 1);
    }
}

async fn a_stolen_token_stops_before_the_next_step(db: Db) {
    let database = TestDatabase::create(db).await;
    database.migrate(history(&FILES[..1])).await;
    // Between two steps: the thief acts when the second step is announced.
    let (db, url) = (database.db(), database.url().to_owned());
    let observer = move |event: &Event| {
        if matches!(event, Event::StepStarted { index: 2, .. }) {
            let url = url.clone();
            let thief = std::thread::spawn(move || {
                let runtime = tokio::runtime::Builder::new_current_thread()
                    .enable_all()
                    .build()
                    .unwrap();
                runtime.block_on(async {
                    migrate_tests::Connection::open(db, &url)
                        .await
                        .execute(STEAL)
                        .await
                });
            });
            thief.join().unwrap();
        }
    };
    let files = [
        FILES[0],
        FILES[1],
        ("0003_three.sql", "INSERT INTO item VALUES (3, 'c')"),
    ];
    let error = database
        .migrator(history(&files))
        .observer(observer)
        .run()
        .await
        .unwrap_err();
    assert_eq!(error.code(), ErrorCode::LockLost, "{error}");
    assert_eq!(error.progress().unwrap().applied.len(), 1);
    assert_eq!(
        database.rows("SELECT id FROM item").await,
        [[Some("1".to_owned())]]
    );
    assert_eq!(database.ledger_row("1", "0003_three").await, None);
}

/// A non-atomic step in whose first statement the token is stolen, by a trigger.
async fn with_thief(db: Db) -> TestDatabase {
    let database = TestDatabase::create(db).await;
    database.migrate(history(&FILES[..1])).await;
    database
}

/// Steals when a statement was executed.
fn thief(database: &TestDatabase) -> impl Fn(&Event) + Send + Sync + 'static {
    let (db, url) = (database.db(), database.url().to_owned());
    move |event: &Event| {
        if matches!(event, Event::Statement { index: 1, .. }) {
            let url = url.clone();
            let thief = std::thread::spawn(move || {
                let runtime = tokio::runtime::Builder::new_current_thread()
                    .enable_all()
                    .build()
                    .unwrap();
                runtime.block_on(async {
                    migrate_tests::Connection::open(db, &url)
                        .await
                        .execute(STEAL)
                        .await
                });
            });
            thief.join().unwrap();
        }
    }
}

async fn stolen_after_the_first_statement(db: Db, first: &str) {
    let database = with_thief(db).await;
    let text = format!(
        "-- migrate: atomic = false\n{first};\nINSERT INTO item VALUES (2, 'b');\nINSERT INTO item VALUES (3, 'c')"
    );
    let files = [FILES[0], ("0002_two.sql", text.as_str())];
    let error = database
        .migrator(history(&files))
        .observer(thief(&database))
        .run()
        .await
        .unwrap_err();
    assert_eq!(error.code(), ErrorCode::LockLost, "{error}");
    let rows = database.rows("SELECT id FROM item WHERE id > 1").await;
    assert!(rows.is_empty(), "{first}: {rows:?}");
    let row = database
        .ledger_row("state, done", "0002_two")
        .await
        .unwrap();
    assert_eq!(row, [Some("running".to_owned()), Some("1".to_owned())]);
}

async fn a_stolen_token_stops_a_non_atomic_step(db: Db) {
    stolen_after_the_first_statement(db, "INSERT INTO item VALUES (1, 'a')").await;
}

async fn the_fence_holds_without_strict_mode(db: Db) {
    let lax = match db {
        Db::MySql => "SET SESSION sql_mode = ''",
        _ => "SET standard_conforming_strings = off",
    };
    stolen_after_the_first_statement(db, lax).await;
}

async fn a_lost_lock_cancels_the_statement(db: Db) {
    let database = TestDatabase::create(db).await;
    database.migrate(history(&FILES[..1])).await;
    let begun = Arc::new(Notify::new());
    let in_step = Arc::clone(&begun);
    let sleep = super::sql::sleep(db);
    let function = Function::new("work_v1_2026_01_02", move |cx| {
        let in_step = Arc::clone(&in_step);
        Box::pin(async move {
            cx.execute("INSERT INTO item VALUES (7, 'mine')", &[])
                .await?;
            in_step.notify_one();
            cx.query(sleep, &[]).await?;
            done(())
        })
    })
    .after(&["0001_initial"])
    .build();
    let all = steps(&FILES[..1]).function(function).build().unwrap();
    let migrator = database.migrator(all).lease(Duration::from_secs(1));
    let run = tokio::spawn(async move { migrator.run().await });
    begun.notified().await;
    // Somebody else is the holder from now on; the heartbeat learns it long before the minute.
    let taken = "UPDATE migrate_lease SET token = token + 1";
    database.execute(STEAL).await;
    database.execute(taken).await;
    let ended = tokio::time::timeout(Duration::from_secs(20), run).await;
    let error = ended
        .expect("the statement was not cancelled")
        .unwrap()
        .unwrap_err();
    assert_eq!(error.code(), ErrorCode::LockLost, "{error}");
    assert_eq!(database.count("SELECT count(*) FROM item").await, 0);
}

async fn release_needs_force_for_the_living(db: Db) {
    let database = held_by(db, &holder(1, "1", "another-boot", "x"), "", 3600).await;
    let migrator: Migrator<'_> = database.migrator(history(&FILES)).wait(Duration::ZERO);
    let error = migrator.release_lock(false).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::LockHeld, "{error}");
    assert!(
        error.message().contains("process 1 on somewhere"),
        "{error}"
    );
    assert!(migrator.lock_status().await.unwrap().held);
    let before = migrator.release_lock(true).await.unwrap();
    assert!(before.held && before.holder.unwrap().contains("somewhere"));
    let after = migrator.lock_status().await.unwrap();
    assert!(!after.held && after.token > before.token);
    assert_eq!(migrator.run().await.unwrap().steps.len(), 1);
    // What is over or dead needs no force.
    let expired = held_by(db, &holder(1, "1", "another-boot", "x"), "", -1).await;
    expired
        .migrator(history(&FILES))
        .release_lock(false)
        .await
        .unwrap();
    assert!(expired.is_unlocked().await);
    // A holder that was forced out cannot commit.
    let database = TestDatabase::create(db).await;
    let (url, kind) = (database.url().to_owned(), database.db());
    let function = Function::new("work_v1_2026_01_02", move |_| {
        let url = url.clone();
        Box::pin(async move {
            let target = migrate_core::Target::from_url(&url).unwrap();
            if kind.capabilities().row_locks {
                Migrator::new(target, history(&FILES))
                    .release_lock(true)
                    .await?;
            }
            done(())
        })
    })
    .after(&["0001_initial"])
    .manual()
    .build();
    let all = steps(&FILES[..1]).function(function).build().unwrap();
    let migrator = database.migrator(all);
    migrator.run().await.unwrap();
    let result = migrator.run_step("work_v1_2026_01_02", RunStep::Run).await;
    if db.capabilities().row_locks {
        // Its session was ended, so it may not even have come to ask for the token.
        let code = result.unwrap_err().code();
        assert!(
            matches!(code, ErrorCode::LockLost | ErrorCode::StepFailed),
            "{code:?}"
        );
        assert_eq!(database.ledger_row("1", "work_v1_2026_01_02").await, None);
    } else {
        result.unwrap();
    }
}
