//! Either kind of runtime, from a `Send` future.

use migrate_core::{Error, Migrator, RunStep};
use migrate_tests::{Db, Function, TestDatabase, history, steps};

use super::sql::ITEM;

fn send<T: Send>(future: T) -> T {
    future
}

/// Compiles, or the promise is broken.
#[allow(dead_code, reason = "only its types are looked at")]
fn every_operation_is_send(migrator: &'static Migrator<'static>, pool: &'static sqlx::PgPool) {
    drop(send(migrator.run()));
    drop(send(migrator.dry_run()));
    drop(send(migrator.plan()));
    drop(send(migrator.status()));
    drop(send(migrator.verify()));
    drop(send(migrator.list(None)));
    drop(send(migrator.history(None)));
    drop(send(migrator.run_step("", RunStep::Run)));
    drop(send(migrator.dry_run_step("", true)));
    drop(send(migrator.mark("", None)));
    drop(send(migrator.unmark("", None)));
    drop(send(migrator.accept("", "")));
    drop(send(migrator.resolve("", true, "")));
    drop(send(migrator.lock_status()));
    drop(send(migrator.release_lock(true)));
    drop(send(async move {
        Migrator::new(pool, history(&[])).run().await
    }));
    fn thread_safe<T: Send + Sync>() {}
    thread_safe::<Migrator<'static>>();
    thread_safe::<Error>();
}

async fn work(db: Db) {
    let database = TestDatabase::create(db).await;
    let function = Function::sql("fill_v1_2026_01_02", "INSERT INTO item VALUES (1, 'a')")
        .after(&["0001_initial"])
        .build();
    let last = (
        "0002_last.sql",
        "-- migrate: atomic = false\nINSERT INTO item VALUES (2, 'b')",
    );
    let all = steps(&[("0001_initial.sql", ITEM), last])
        .function(function)
        .build()
        .unwrap();
    let migrator = database.migrator(all.clone());
    assert_eq!(migrator.run().await.unwrap().steps.len(), 3);
    let spawned =
        tokio::spawn(async move { migrator.run().await.map(|report| report.steps.len()) });
    assert_eq!(spawned.await.unwrap().unwrap(), 0);
    let local = tokio::task::LocalSet::new();
    let migrator = database.migrator(all);
    assert_eq!(
        local
            .run_until(async { migrator.status().await })
            .await
            .unwrap()
            .pending,
        0
    );
}

#[tokio::test(flavor = "current_thread")]
async fn on_one_thread() {
    for db in Db::ALL {
        work(db).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn on_several_threads() {
    for db in Db::ALL {
        work(db).await;
    }
}
