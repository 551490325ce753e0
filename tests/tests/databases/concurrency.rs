//! Processes that start at once on a database without our tables: each step once, all succeed.

use std::time::Duration;

use migrate_tests::{Db, TestDatabase, each_database, together};

use super::service::{Expected, STEPS, Way, applied_by, lock_is_held, service};

each_database! {
    all: two_processes_at_once, eight_processes_at_once, eight_processes_going_back_at_once, thirty_processes_at_once,
        processes_that_have_nothing_to_do, a_waiter_outlasts_a_slow_step, a_waiter_gives_up;
    servers: a_waiter_stays_while_there_is_progress, a_live_holder_may_think_past_its_lease;
}

async fn at_once(db: Db, count: usize) {
    let expected = Expected::of(db).await;
    let database = TestDatabase::create(db).await;
    let starters: Vec<_> = (0..count).map(|_| service(database.url())).collect();
    let exits = together(&starters).await;
    let applied: usize = exits
        .iter()
        .map(|exit| applied_by(exit.expect_code(0)))
        .sum();
    assert_eq!(applied, STEPS, "each step once, whoever ran it");
    expected.check(&database, "all processes").await;
    assert!(!lock_is_held(&database).await);
}

async fn two_processes_at_once(db: Db) {
    at_once(db, 2).await;
}

async fn eight_processes_at_once(db: Db) {
    at_once(db, 8).await;
}

async fn eight_processes_going_back_at_once(db: Db) {
    let expected = Expected::of_way(db, Way::Back).await;
    let database = Way::Back.begin(db).await;
    let starters = vec![Way::Back.service(database.url()); 8];
    let exits = together(&starters).await;
    let undone: usize = exits
        .iter()
        .map(|exit| applied_by(exit.expect_code(0)))
        .sum();
    assert_eq!(
        undone,
        Way::Back.steps(),
        "each step once, whoever undid it"
    );
    expected.check(&database, "all processes").await;
    assert!(!lock_is_held(&database).await);
}

async fn thirty_processes_at_once(db: Db) {
    at_once(db, 30).await;
}

async fn processes_that_have_nothing_to_do(db: Db) {
    let expected = Expected::of(db).await;
    let database = TestDatabase::create(db).await;
    service(database.url()).run().await.expect_code(0);
    let starters = vec![service(database.url()); 8];
    for exit in together(&starters).await {
        assert_eq!(applied_by(exit.expect_code(0)), 0);
    }
    expected
        .check(&database, "processes with nothing to do")
        .await;
}

async fn a_waiter_outlasts_a_slow_step(db: Db) {
    let database = TestDatabase::create(db).await;
    let slow = service(database.url()).env("FIXTURE_PAUSE_MS", "2500");
    let exits = together(&vec![slow; 3]).await;
    let applied: usize = exits
        .iter()
        .map(|exit| applied_by(exit.expect_code(0)))
        .sum();
    assert_eq!(applied, STEPS);
}

/// The wait is bounded from the holder's last sign of progress, not from its beginning.
async fn a_waiter_stays_while_there_is_progress(db: Db) {
    let database = TestDatabase::create(db).await;
    let mut holder = service(database.url())
        .env("FIXTURE_PAUSE_MS", "4000")
        .env("FIXTURE_PROGRESS", "yes")
        .env("FIXTURE_LEASE_MS", "900")
        .start()
        .await;
    assert_eq!(holder.next_line().await.as_deref(), Some("in the function"));
    let waiter = service(database.url())
        .env("FIXTURE_WAIT_MS", "1500")
        .run()
        .await;
    assert_eq!(applied_by(waiter.expect_code(0)), 0);
    assert_eq!(applied_by(holder.wait().await.expect_code(0)), STEPS);
}

/// A heartbeat keeps the lock of a process that lives, whatever its function is busy with.
async fn a_live_holder_may_think_past_its_lease(db: Db) {
    let database = TestDatabase::create(db).await;
    let holder = service(database.url())
        .env("FIXTURE_PAUSE_MS", "3500")
        .env("FIXTURE_LEASE_MS", "1000")
        .run()
        .await;
    assert_eq!(applied_by(holder.expect_code(0)), STEPS);
}

/// A holder that shows no progress for the bound is given up on, with the exit code for that;
/// the holder is not disturbed.
async fn a_waiter_gives_up(db: Db) {
    let database = TestDatabase::create(db).await;
    let mut holder = service(database.url())
        .env("FIXTURE_PAUSE_MS", "4000")
        .start()
        .await;
    assert_eq!(holder.next_line().await.as_deref(), Some("in the function"));
    let waiter = service(database.url()).env("FIXTURE_WAIT_MS", "500");
    let started = std::time::Instant::now();
    let exit = waiter.run().await;
    assert!(started.elapsed() < Duration::from_secs(3), "gave up late");
    exit.expect_code(5);
    assert!(exit.stderr.contains("lock_held"), "{}", exit.stderr);
    assert_eq!(applied_by(holder.wait().await.expect_code(0)), STEPS);
}
