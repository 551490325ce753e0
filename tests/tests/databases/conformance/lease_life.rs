//! The life of a lease: it lasts as long as its holder works, and ends with it on every path.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use migrate_core::{Event, History, Migrator, Target};
use migrate_tests::{Db, Function, TestDatabase, done, each_database, history, steps};
use sqlx::sqlite::{SqliteConnectOptions, SqlitePoolOptions};
use tokio::sync::Notify;

use super::sql::ITEM;

each_database! {
    all: a_long_function_keeps_its_lease, a_panic_of_an_observer_is_survived,
        a_dropped_run_does_not_keep_the_lock, a_borrowed_connection_has_a_long_lease;
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
    let all = thinks(&calls, &begun, Duration::from_secs(4));
    let migrator = |wait| {
        database
            .migrator(all.clone())
            .lease(Duration::from_secs(1))
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
