//! A holder that is stopped past its lease and then continued cannot commit, and while it sleeps
//! it does not stand in the way of the process that takes over.

use std::time::{Duration, Instant};

use migrate_tests::{Act, Db, Exit, Fault, Proxy, TestDatabase, When, each_database};
use rustix::process::Signal;

use super::service::{Expected, WRITES, Way, for_each, writes_of_a_run};

each_database! {
    all: stopped_inside_a_function, stopped_inside_a_way_back, stopped_before_writes,
        stopped_before_writes_of_the_way_back;
    servers: frozen_before_every_trip, frozen_after_every_trip,
        frozen_before_every_trip_of_the_way_back, frozen_after_every_trip_of_the_way_back;
}

/// The shortest lease that the machine can keep is the quickest test. A process that gets no
/// processor for most of its lease gives up, as it must; then the case is tried with a longer one.
const LEASES_MS: [&str; 4] = ["800", "3000", "10000", "30000"];

/// Whether a process gave up since it could not renew its lease in time.
fn gave_up(exit: &Exit) -> bool {
    exit.code == Some(5) && exit.stderr.contains("[lock_lost]")
}

/// A process hands over all messages of a round trip in one call, so a stop falls between round
/// trips: before the first message of one, or after its last.
async fn frozen_at_every_trip(db: Db, way: Way, when: When) {
    let expected = Expected::of_way(db, way).await;
    let first = |at: &usize| {
        expected
            .messages
            .get(*at)
            .is_none_or(|message| message.first_of_trip)
    };
    let messages: Vec<_> = match when {
        When::Before => (0..expected.messages.len())
            .filter(first)
            .map(|at| at + 1)
            .collect(),
        When::After => (1..=expected.messages.len()).filter(first).collect(),
    };
    for_each(messages, 12, |message| {
        let expected = expected.clone();
        async move {
            for lease in LEASES_MS {
                let database = way.begin(db).await;
                let case = frozen(&database, &expected, (message, when), lease);
                if case.await.is_some() {
                    return;
                }
            }
            panic!("no lease of {LEASES_MS:?} ms can be kept here");
        }
    })
    .await;
}

/// `None` when a process gave up that nobody had frozen.
async fn frozen(
    database: &TestDatabase,
    expected: &Expected,
    (message, when): (usize, When),
    lease: &str,
) -> Option<()> {
    let proxy = Proxy::start(database).await;
    let way = expected.way;
    let mut frozen = way
        .service(proxy.url())
        .env("FIXTURE_LEASE_MS", lease)
        .hold()
        .await;
    let pid = frozen.pid();
    proxy.arm(Fault {
        message,
        connection: Some(0),
        when,
        act: Act::Freeze(pid),
    });
    frozen.release().await;
    if !frozen.stops().await {
        // After its last message it may have ended by itself.
        const ANSWER: Duration = Duration::from_secs(5);
        if tokio::time::timeout(ANSWER, proxy.strike()).await.is_err() {
            let exit = frozen.wait().await;
            assert!(
                gave_up(&exit),
                "before {when:?} message {message}: {exit:?}"
            );
            return None;
        }
    }
    proxy.strike().await;

    // The other one waits for the lease to run out, takes over and finishes.
    let other = way
        .service(database.url())
        .env("FIXTURE_LEASE_MS", lease)
        .env("FIXTURE_WAIT_MS", "60000")
        .run()
        .await;
    if gave_up(&other) {
        return None;
    }
    let text = proxy
        .messages()
        .get(message - 1)
        .map(|m| format!("{:?} {}", m.kind, m.text));
    let after = format!(
        "frozen {when:?} message {message}: {}",
        text.unwrap_or_default()
    );
    assert!(
        other.code == Some(0),
        "{after}\n{:?}\n{}",
        other.code,
        other.stderr
    );
    expected.check(database, &after).await;

    // It wakes up: what it had in hand goes to the server now, or fails.
    proxy.release();
    let exit = frozen.wake_and_wait().await;
    assert!(matches!(exit.code, Some(0 | 1 | 5)), "{after}\n{exit:?}");
    assert!(!exit.stderr.contains("panicked"), "{after}\n{exit:?}");
    expected
        .check(database, &format!("{after}, continued"))
        .await;
    Some(())
}

async fn frozen_before_every_trip(db: Db) {
    frozen_at_every_trip(db, Way::There, When::Before).await;
}

async fn frozen_after_every_trip(db: Db) {
    frozen_at_every_trip(db, Way::There, When::After).await;
}

async fn frozen_before_every_trip_of_the_way_back(db: Db) {
    frozen_at_every_trip(db, Way::Back, When::Before).await;
}

async fn frozen_after_every_trip_of_the_way_back(db: Db) {
    frozen_at_every_trip(db, Way::Back, When::After).await;
}

/// Stopped in the middle of a function's transaction. Where rows are locked the other process
/// goes on; where there is one writer it gives up and the first one, continued, finishes.
async fn stopped_inside_a_function(db: Db) {
    stopped_inside_one(db, Way::There).await;
}

async fn stopped_inside_a_way_back(db: Db) {
    stopped_inside_one(db, Way::Back).await;
}

async fn stopped_inside_one(db: Db, way: Way) {
    let expected = Expected::of_way(db, way).await;
    for lease in LEASES_MS {
        let database = way.begin(db).await;
        if stopped_inside(&database, &expected, lease).await.is_some() {
            return;
        }
    }
    panic!("no lease of {LEASES_MS:?} ms can be kept here");
}

async fn stopped_inside(database: &TestDatabase, expected: &Expected, lease: &str) -> Option<()> {
    let row_locks = database.db().capabilities().row_locks;
    let way = expected.way;
    let (service, says) = match way {
        Way::There => (way.service(database.url()), "in the function"),
        Way::Back => (way.service(database.url()), "in the way back"),
    };
    let mut stopped = service
        .clone()
        .env("FIXTURE_LEASE_MS", lease)
        .env("FIXTURE_PAUSE_MS", "200")
        .start()
        .await;
    if stopped.next_line().await.as_deref() != Some(says) {
        let exit = stopped.wait().await;
        assert!(gave_up(&exit), "{exit:?}");
        return None;
    }
    stopped.signal(Signal::STOP);
    let other = service
        .env("FIXTURE_LEASE_MS", lease)
        .env("FIXTURE_WAIT_MS", if row_locks { "60000" } else { "2000" })
        .run()
        .await;
    if row_locks {
        if gave_up(&other) {
            return None;
        }
        other.expect_code(0);
        expected.check(database, "taken over").await;
        let exit = stopped.wake_and_wait().await;
        assert!(
            matches!(exit.code, Some(1 | 5)),
            "it lost its lock: {exit:?}"
        );
    } else {
        other.expect_code(5);
        stopped.wake_and_wait().await.expect_code(0);
    }
    expected.check(database, "continued").await;
    Some(())
}

/// One writer: whoever is stopped in the middle of a transaction holds the others up, and whoever
/// is stopped between two has its lock taken. Either way each step happens once.
async fn stopped_before_writes(db: Db) {
    stopped_before_the_writes_of(db, Way::There).await;
}

async fn stopped_before_writes_of_the_way_back(db: Db) {
    stopped_before_the_writes_of(db, Way::Back).await;
}

async fn stopped_before_the_writes_of(db: Db, way: Way) {
    if db.capabilities().server {
        return;
    }
    let Some(writes) = writes_of_a_run(way).await else {
        return;
    };
    let expected = Expected::of_way(db, way).await;
    // A sample, since each case waits for a while: an odd step meets every kind of write.
    for_each((1..=writes).step_by(7), 12, |write| {
        let expected = expected.clone();
        async move {
            let database = way.begin(db).await;
            let short = way.service(database.url()).env("FIXTURE_LEASE_MS", "300");
            let stopped = short
                .signal_at_call(Signal::STOP, WRITES, write)
                .expect("strace");
            let stopped = stopped.start().await;
            let after = format!("stopped before write {write}");
            if stopped.stops().await {
                let started = Instant::now();
                let other = short.env("FIXTURE_WAIT_MS", "900").run().await;
                assert!(matches!(other.code, Some(0 | 5)), "{after}\n{other:?}");
                // SQLite's own wait for a lock comes on top of ours, once or twice.
                let took = started.elapsed();
                assert!(
                    took < Duration::from_secs(70),
                    "the other waited {took:?}, {after}"
                );
            }
            let exit = stopped.wake_and_wait().await;
            assert!(matches!(exit.code, Some(0 | 1 | 5)), "{after}\n{exit:?}");
            expected.converges(&database, &after).await;
        }
    })
    .await;
}
