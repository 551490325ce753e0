//! The life of a lease: it lasts as long as its holder works, and ends with it on every path.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use migrate_core::{ErrorCode, Event, History, Migrator, Target};
use migrate_tests::{Db, Function, TestDatabase, done, each_database, history, steps};
use sqlx::sqlite::{SqliteConnectOptions, SqlitePoolOptions};
use tokio::sync::Notify;

use super::sql::{ITEM, Role};

each_database! {
    all: a_long_function_keeps_its_lease, an_atomic_function_may_think_past_its_lease, a_panic_of_an_observer_is_survived,
        a_dropped_run_does_not_keep_the_lock, a_borrowed_connection_has_a_long_lease;
    servers: a_forced_release_ends_the_session, a_repair_ends_the_session, a_free_lock_remembers_no_session,
        a_session_of_another_role_is_not_overlooked;
}

const FILES: [(&str, &str); 2] = [
    ("0001_initial.sql", ITEM),
    ("0002_two.sql", "INSERT INTO item VALUES (1, 'a')"),
];

/// A function that commits as it goes, counts its calls, and thinks for so long.
fn thinks(calls: &Arc<AtomicUsize>, begun: &Arc<Notify>, time: Duration) -> History {
    let (calls, begun) = (Arc::clone(calls), Arc::clone(begun));
    let function = Function::new("work_v1_2026_01_02", move |cx| {
        let (calls, begun) = (Arc::clone(&calls), Arc::clone(&begun));
        Box::pin(async move {
            calls.fetch_add(1, Ordering::SeqCst);
            cx.execute("INSERT INTO item VALUES (7, 'mine')", &[])
                .await?;
            begun.notify_one();
            tokio::time::sleep(time).await;
            done(())
        })
    })
    .after(&["0001_initial"])
    .non_atomic()
    .build();
    steps(&FILES[..1]).function(function).build().unwrap()
}

async fn a_long_function_keeps_its_lease(db: Db) {
    let database = TestDatabase::create(db).await;
    database.migrate(history(&FILES[..1])).await;
    let (calls, begun) = (Arc::default(), Arc::default());
    // Long enough for a busy machine to renew it in time.
    let all = thinks(&calls, &begun, Duration::from_secs(8));
    let migrator = |wait| {
        database
            .migrator(all.clone())
            .lease(Duration::from_secs(3))
            .wait(wait)
    };
    let first = migrator(Duration::ZERO);
    let first = tokio::spawn(async move { first.run().await });
    begun.notified().await;
    let second = migrator(Duration::from_secs(30)).run().await.unwrap();
    assert!(second.steps.is_empty(), "{:?}", second.steps);
    assert_eq!(first.await.unwrap().unwrap().steps.len(), 1);
    assert_eq!(calls.load(Ordering::SeqCst), 1, "it ran once");
    assert!(database.is_unlocked().await);
}

async fn an_atomic_function_may_think_past_its_lease(db: Db) {
    let database = TestDatabase::create(db).await;
    database.migrate(history(&FILES[..1])).await;
    let function = Function::new("work_v1_2026_01_02", |cx| {
        Box::pin(async move {
            cx.execute("INSERT INTO item VALUES (7, 'mine')", &[])
                .await?;
            tokio::time::sleep(Duration::from_secs(3)).await;
            done(())
        })
    })
    .after(&["0001_initial"])
    .build();
    let all = steps(&FILES[..1]).function(function).build().unwrap();
    let migrator = database.migrator(all).lease(Duration::from_secs(1));
    assert_eq!(migrator.run().await.unwrap().steps.len(), 1);
}

async fn a_panic_of_an_observer_is_survived(db: Db) {
    let database = TestDatabase::create(db).await;
    let report = database
        .migrator(history(&FILES))
        .observer(|event: &Event| {
            assert!(
                !matches!(event, Event::StepStarted { .. }),
                "a broken observer"
            );
        })
        .audit_hook(|_| panic!("a broken hook"))
        .run()
        .await
        .unwrap();
    assert_eq!(report.steps.len(), 2);
    assert!(database.is_unlocked().await);
}

async fn a_dropped_run_does_not_keep_the_lock(db: Db) {
    let database = TestDatabase::create(db).await;
    database.migrate(history(&FILES[..1])).await;
    let (calls, begun) = (Arc::default(), Arc::<Notify>::default());
    let all = thinks(&calls, &begun, Duration::from_secs(60));
    let migrator = database.migrator(all);
    tokio::select! {
        result = migrator.run() => panic!("{result:?}"),
        () = begun.notified() => {}
    }
    let files = history(&FILES);
    let next = database.migrator(files).wait(Duration::from_secs(5));
    assert_eq!(next.run().await.unwrap().steps.len(), 1);
    assert!(database.is_unlocked().await);
}

async fn a_borrowed_connection_has_a_long_lease(db: Db) {
    let database = TestDatabase::create(db).await;
    database.migrate(history(&FILES[..1])).await;
    let (calls, begun) = (Arc::default(), Arc::<Notify>::default());
    let all = thinks(&calls, &begun, Duration::from_secs(60));
    let mut connection = database.connect().await;
    let target: Target<'_> = match &mut connection {
        migrate_tests::Connection::Sqlite(connection) => connection.into(),
        migrate_tests::Connection::Postgres(connection) => connection.into(),
        migrate_tests::Connection::MySql(connection) => connection.into(),
    };
    let migrator = Migrator::new(target, all).lease(Duration::from_secs(1));
    tokio::select! {
        result = migrator.run() => panic!("{result:?}"),
        () = begun.notified() => {}
    }
    let other = database.migrator(history(&FILES)).wait(Duration::ZERO);
    let left = other.lock_status().await.unwrap().expires_in_ms.unwrap();
    assert!(left > 50 * 60 * 1000, "nothing renews it: {left} ms");
}

/// A session's name as the token row has it.
pub(super) async fn name_of(theirs: &mut migrate_tests::Connection, db: Db) -> String {
    let own = match db {
        Db::Postgres => {
            "SELECT pid || ':' || extract(epoch FROM backend_start) FROM pg_stat_activity \
             WHERE pid = pg_backend_pid()"
        }
        _ => {
            "SELECT CONCAT(CONNECTION_ID(), ':', CAST(UNIX_TIMESTAMP() - VARIABLE_VALUE AS SIGNED), ':', \
             SUBSTRING_INDEX(CURRENT_USER(), '@', 1)) FROM information_schema.global_status WHERE VARIABLE_NAME = 'Uptime'"
        }
    };
    theirs.rows(own).await[0][0].clone().unwrap()
}

/// A lock that `theirs` holds for an hour more, in the middle of a transaction.
async fn held(db: Db) -> (TestDatabase, migrate_tests::Connection) {
    let database = TestDatabase::create(db).await;
    database.migrate(history(&FILES[..1])).await;
    let mut theirs = database.connect().await;
    let session = name_of(&mut theirs, db).await;
    let holder = ["somewhere", "1", "1", "another-boot", "x", "9.9"].join("\t");
    let now = match db {
        Db::Sqlite => "unixepoch() * 1000000",
        Db::Postgres => "CAST(extract(epoch FROM clock_timestamp()) * 1000000 AS bigint)",
        Db::MySql => "UNIX_TIMESTAMP() * 1000000",
    };
    for sql in [
        format!("UPDATE migrate_lock SET holder = '{holder}', session = '{session}'"),
        format!("UPDATE migrate_lease SET expires_at = {now} + 3600000000, progress_at = {now}"),
    ] {
        database.execute(&sql).await;
    }
    theirs.execute("BEGIN").await;
    theirs
        .execute("INSERT INTO item VALUES (1, 'theirs')")
        .await;
    (database, theirs)
}

async fn a_forced_release_ends_the_session(db: Db) {
    let (database, mut theirs) = held(db).await;
    let migrator = database.migrator(history(&FILES)).wait(Duration::ZERO);
    let error = migrator.release_lock(false).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::LockHeld, "{error}");
    assert!(migrator.release_lock(true).await.unwrap().held);
    assert!(
        theirs.try_execute("COMMIT").await.is_err(),
        "its session has ended"
    );
    assert!(!migrator.lock_status().await.unwrap().held);
    assert_eq!(migrator.run().await.unwrap().steps.len(), 1);
}

/// A lock whose rows were changed by hand still names its holder's session.
async fn a_repair_ends_the_session(db: Db) {
    for damage in [
        "UPDATE migrate_lease SET token = token + 7",
        "DELETE FROM migrate_lease",
    ] {
        let (database, mut theirs) = held(db).await;
        database.execute(damage).await;
        let migrator = database.migrator(history(&FILES)).wait(Duration::ZERO);
        assert!(migrator.release_lock(true).await.unwrap().held);
        let committed = theirs.try_execute("COMMIT").await;
        assert!(committed.is_err(), "its session has ended: {damage}");
        assert_eq!(migrator.run().await.unwrap().steps.len(), 1);
    }
}

async fn a_free_lock_remembers_no_session(db: Db) {
    let (database, _theirs) = held(db).await;
    let migrator = database.migrator(history(&FILES)).wait(Duration::ZERO);
    migrator.release_lock(true).await.unwrap();
    let session = database.scalar("SELECT session FROM migrate_lock").await;
    assert_eq!(session.as_deref(), Some(""));
}

#[tokio::test]
async fn every_way_to_write_in_memory_is_in_memory() {
    for name in [":memory:", ""] {
        let pool = SqlitePoolOptions::new()
            .max_connections(1)
            .connect_with(SqliteConnectOptions::new().filename(name))
            .await
            .unwrap();
        Migrator::new(&pool, history(&FILES)).run().await.unwrap();
        let items: i64 = sqlx::query_scalar("SELECT count(*) FROM item")
            .fetch_one(&pool)
            .await
            .unwrap();
        assert_eq!(items, 1, "{name:?}");
    }
}

/// A role that may not see the sessions of others must not take their lock over beside them.
async fn a_session_of_another_role_is_not_overlooked(db: Db) {
    let (database, mut theirs) = held(db).await;
    database
        .execute("UPDATE migrate_lease SET expires_at = 1")
        .await;
    let role = Role::create(&database).await;
    role.grant_all(&database).await;
    let target = Target::from_url(&role.url(&database)).unwrap();
    let migrator = Migrator::new(target, history(&FILES))
        .lease(Duration::from_secs(1))
        .wait(Duration::ZERO);
    let error = migrator.run().await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::LockHeld, "{error}");
    assert!(error.message().contains("its session"), "{error}");
    assert!(error.helps()[0].contains("one database user"), "{error}");
    theirs.execute("ROLLBACK").await;
    theirs.close().await;
    // Whoever may see that it has gone makes the lock free.
    database
        .migrator(history(&FILES))
        .release_lock(false)
        .await
        .unwrap();
    assert_eq!(migrator.run().await.unwrap().steps.len(), 1);
}

/// After a restart of the server the id may be another client's.
#[tokio::test]
async fn a_session_of_a_restarted_server_is_left_alone() {
    let (database, mut theirs) = held(Db::MySql).await;
    database
        .execute(
            "UPDATE migrate_lock SET session = CONCAT(SUBSTRING_INDEX(session, ':', 1), ':1:root')",
        )
        .await;
    let migrator = database.migrator(history(&FILES)).wait(Duration::ZERO);
    migrator.release_lock(true).await.unwrap();
    theirs.execute("ROLLBACK").await;
    assert_eq!(migrator.run().await.unwrap().steps.len(), 1);
}
