//! The fixture service as the process tests use it: how it is started, what an uninterrupted run
//! leaves, and what must hold after any run however it ended.

use std::sync::Arc;
use std::time::{Duration, Instant};

use migrate_tests::{Db, Exit, Message, Proxy, Scope, Starter, TestDatabase};
use rustix::process::Signal;
use tokio::task::JoinSet;

/// The steps of the fixture, functions included.
pub(crate) const STEPS: usize = 7;

/// Every system call by which SQLite changes a file.
pub(crate) const WRITES: &str = "pwrite64,fdatasync,fsync,unlink,ftruncate";

/// The fixture service on a database.
pub(crate) fn service(url: &str) -> Starter {
    Starter::new(env!("CARGO_BIN_EXE_migrate-fixture")).env("FIXTURE_URL", url)
}

/// Which way the service goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    /// From nothing to the latest state.
    There,
    /// From the latest state back to the first step, whose table tells what ran.
    Back,
}

impl Way {
    /// The fixture service, going this way.
    pub(crate) fn service(self, url: &str) -> Starter {
        match self {
            Self::There => service(url),
            Self::Back => service(url).env("FIXTURE_GOAL", "fixture 0001_initial"),
        }
    }

    /// How many steps it takes.
    pub(crate) fn steps(self) -> usize {
        match self {
            Self::There => STEPS,
            Self::Back => STEPS - 1,
        }
    }

    /// A database to begin at.
    pub(crate) async fn begin(self, db: Db) -> TestDatabase {
        let database = TestDatabase::create(db).await;
        if self == Self::Back {
            service(database.url()).run().await.expect_code(0);
        }
        database
    }
}

/// What an uninterrupted run leaves.
#[derive(Debug)]
pub(crate) struct Expected {
    /// Which way it went.
    pub(crate) way: Way,
    /// The dump, without the ledger.
    pub(crate) dump: String,
    /// The messages that the run sent; none where there is no server.
    pub(crate) messages: Vec<Message>,
}

impl Expected {
    /// Runs the service once on a database of its own.
    pub(crate) async fn of(db: Db) -> Arc<Self> {
        Self::of_way(db, Way::There).await
    }

    /// As [`of`](Self::of), there or back.
    pub(crate) async fn of_way(db: Db, way: Way) -> Arc<Self> {
        let database = way.begin(db).await;
        let (exit, messages) = if db.capabilities().server {
            let proxy = Proxy::start(&database).await;
            let exit = way.service(proxy.url()).run().await;
            (exit, proxy.messages())
        } else {
            (way.service(database.url()).run().await, Vec::new())
        };
        exit.expect_code(0);
        assert_eq!(applied_by(&exit), way.steps());
        let dump = database.dump(Scope::WithoutLedger).await;
        let expected = Arc::new(Self {
            way,
            dump,
            messages,
        });
        expected.check(&database, "an uninterrupted run").await;
        assert!(!lock_is_held(&database).await);
        expected
    }

    /// Panics unless the database holds what an uninterrupted run leaves and each step is recorded
    /// once.
    pub(crate) async fn check(&self, database: &TestDatabase, after: &str) {
        let dump = database.dump(Scope::WithoutLedger).await;
        assert_eq!(dump, self.dump, "{after}");
        let rows = database.rows("SELECT state FROM migrate_steps").await;
        let recorded = match self.way {
            Way::There => STEPS,
            Way::Back => 1,
        };
        assert_eq!(rows.len(), recorded, "steps recorded, {after}");
        for row in rows {
            assert_eq!(row[0].as_deref(), Some("applied"), "{after}");
        }
    }

    /// Panics unless the next run does what an interrupted one left, and does it soon: a lock of
    /// a dead process is noticed at once.
    pub(crate) async fn converges(&self, database: &TestDatabase, after: &str) {
        let started = Instant::now();
        let exit = self.way.service(database.url()).run().await;
        assert!(
            exit.code == Some(0),
            "the next run, {after}: {:?}\n{}\n{}",
            exit.code,
            exit.stdout,
            exit.stderr
        );
        let took = started.elapsed();
        assert!(
            took < Duration::from_secs(15),
            "the next run waited {took:?}, {after}"
        );
        self.check(database, after).await;
    }
}

/// Whether the ledger says that somebody holds the lock. A process that was killed cannot take
/// that back; whoever needs the lock next sees that it is dead.
pub(crate) async fn lock_is_held(database: &TestDatabase) -> bool {
    let held = "SELECT count(*) FROM migrate_lease WHERE expires_at IS NOT NULL";
    database.scalar(held).await.as_deref() != Some("0")
}

/// How many steps a run says that it applied, or undid.
pub(crate) fn applied_by(exit: &Exit) -> usize {
    let report = exit
        .stdout
        .lines()
        .last()
        .and_then(|line| serde_json::from_str(line).ok());
    let report: serde_json::Value = report.unwrap_or_else(|| panic!("no report: {exit:?}"));
    let steps = report["steps"].as_array().expect("a report has steps");
    let done = ["applied", "resumed", "reverted"];
    let done = |step: &&serde_json::Value| done.iter().any(|outcome| step["outcome"] == *outcome);
    steps.iter().filter(done).count()
}

/// Runs one case per number, `at_once` of them at a time: most of a case is waiting.
pub(crate) async fn for_each<F>(
    numbers: impl IntoIterator<Item = usize>,
    at_once: usize,
    case: impl Fn(usize) -> F,
) where
    F: Future<Output = ()> + Send + 'static,
{
    let mut running = JoinSet::new();
    for number in numbers {
        if running.len() == at_once {
            finish(running.join_next().await);
        }
        running.spawn(case(number));
    }
    while let Some(done) = running.join_next().await {
        finish(Some(done));
    }
}

/// How many of SQLite's writes a run makes, as `strace` counts them: the number of the last one
/// at which the service can be killed. `None` where there is no `strace`.
pub(crate) async fn writes_of_a_run(way: Way) -> Option<usize> {
    let (mut reached, mut beyond) = (0_usize, 4096_usize);
    while beyond - reached > 1 {
        let middle = reached.midpoint(beyond);
        let database = way.begin(Db::Sqlite).await;
        let starter = way
            .service(database.url())
            .signal_at_call(Signal::KILL, WRITES, middle)?;
        *if starter.run().await.was_killed() {
            &mut reached
        } else {
            &mut beyond
        } = middle;
    }
    assert!(reached > 20, "only {reached} writes were seen");
    Some(reached)
}

fn finish(done: Option<Result<(), tokio::task::JoinError>>) {
    if let Some(Err(error)) = done {
        std::panic::resume_unwind(error.into_panic());
    }
}
