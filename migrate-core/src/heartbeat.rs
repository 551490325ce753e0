//! The heartbeat: renews the lease from a connection of its own while steps run.
//!
//! It also carries the run's progress to the lease row, which is what waiters look at. On SQLite
//! the one writer's own transactions renew the lease, and the heartbeat beats only while a
//! function commits as it goes: nobody else knows how long that takes.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use migrate_source::Database;
use tokio::task::JoinHandle;

use crate::db_error::{self, Kind};
use crate::interrupt::{Interrupt, Reason};
use crate::lease;
use crate::ledger::Tables;
use crate::session::Session;
use crate::target::Options;

/// The last thing the run did, for waiters and for `lock status`.
#[derive(Clone, Debug, Default)]
pub(crate) struct Activity(Arc<Mutex<Option<String>>>);

impl Activity {
    /// Says what the run is at; each call is a sign of progress.
    pub(crate) fn set(&self, text: String) {
        if let Ok(mut current) = self.0.lock() {
            *current = Some(text);
        }
    }

    /// Gives back what could not be passed on, unless something newer was said.
    fn put_back(&self, text: Option<String>) {
        if let Ok(mut current) = self.0.lock() {
            *current = current.take().or(text);
        }
    }

    /// What was said since the last call.
    pub(crate) fn take(&self) -> Option<String> {
        self.0.lock().ok().and_then(|mut current| current.take())
    }
}

/// A running heartbeat; dropping it stops it.
#[derive(Debug)]
pub(crate) struct Heartbeat(JoinHandle<()>);

impl Drop for Heartbeat {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// What the heartbeat renews.
#[derive(Clone)]
pub(crate) struct Beat {
    pub(crate) server: Options,
    pub(crate) tables: Tables,
    pub(crate) token: i64,
    pub(crate) lease: Duration,
    pub(crate) activity: Activity,
    pub(crate) interrupt: Interrupt,
}

/// What came of one beat.
enum Beaten {
    Renewed,
    /// The token is no longer ours.
    Lost,
    /// Somebody writes to the SQLite file; then nobody can take the lease either.
    Busy,
    /// The server could not be asked.
    Unreachable,
}

impl Beat {
    /// Starts it for a lease that was last renewed at `renewed`.
    pub(crate) fn start(self, renewed: Instant) -> Heartbeat {
        Heartbeat(tokio::spawn(self.run(renewed)))
    }

    /// Renews until the token is lost or the lease has all but run out: a quarter of it is left
    /// for cancelling what runs, since the server may count from an earlier moment than we do.
    async fn run(self, mut renewed: Instant) {
        let quarter = self.lease / 4;
        let mut session: Option<Box<dyn Session>> = None;
        let mut pause = quarter;
        loop {
            tokio::time::sleep(pause).await;
            let sent = Instant::now();
            let left = (renewed + quarter * 3).saturating_duration_since(sent);
            let limit = match self.tables.database() {
                // A file answers or is busy; a renewal that is under way must not be dropped.
                Database::Sqlite => self.lease,
                Database::Postgres | Database::MySql => left.min(quarter),
            };
            let activity = self.activity.take();
            let beaten = self.beat(&mut session, activity.as_deref());
            let beaten = tokio::time::timeout(limit, beaten)
                .await
                .unwrap_or(Beaten::Unreachable);
            if !matches!(beaten, Beaten::Renewed) {
                self.activity.put_back(activity);
            }
            match beaten {
                Beaten::Renewed => (renewed, pause) = (sent, quarter),
                Beaten::Lost => return self.interrupt.raise(Reason::LockLost),
                // Often, to find the gap between two transactions of our own function.
                Beaten::Busy => {
                    pause = Duration::from_millis(10);
                    continue;
                }
                // The server may be restarting: a new connection is tried soon.
                Beaten::Unreachable => (session, pause) = (None, self.lease / 16),
            }
            if renewed.elapsed() >= quarter * 3 {
                return self.interrupt.raise(Reason::LockLost);
            }
        }
    }

    /// One renewal.
    async fn beat(&self, session: &mut Option<Box<dyn Session>>, activity: Option<&str>) -> Beaten {
        if session.is_none() {
            match self.open().await {
                Ok(opened) => *session = Some(opened),
                Err(beaten) => return beaten,
            }
        }
        let Some(session) = session.as_deref_mut() else {
            return Beaten::Unreachable;
        };
        match lease::renew(session, &self.tables, self.token, self.lease, activity).await {
            Ok(true) => Beaten::Renewed,
            Ok(false) => Beaten::Lost,
            Err(error) if self.is_busy(db_error::kind(&error)) => Beaten::Busy,
            Err(_) => Beaten::Unreachable,
        }
    }

    fn is_busy(&self, kind: Kind) -> bool {
        self.tables.database() == Database::Sqlite && kind == Kind::LockNotAvailable
    }

    async fn open(&self) -> Result<Box<dyn Session>, Beaten> {
        let mut session = self.server.open().await.map_err(|error| {
            let source = std::error::Error::source(&error)
                .and_then(|source| source.downcast_ref::<sqlx::Error>());
            match source.map(db_error::kind) {
                Some(kind) if self.is_busy(kind) => Beaten::Busy,
                _ => Beaten::Unreachable,
            }
        })?;
        if self.tables.database() == Database::Sqlite {
            // Waiting is done by us: the library's own pauses grow too long to find a gap.
            let sql = "PRAGMA busy_timeout = 0".to_owned();
            if session.script(sql).await.is_err() {
                return Err(Beaten::Unreachable);
            }
        }
        Ok(session)
    }
}

#[cfg(test)]
#[cfg(feature = "postgres")]
mod tests {
    use super::*;
    use crate::LedgerName;
    use crate::Shutdown;

    /// A server that accepts connections and says nothing.
    #[tokio::test]
    async fn a_silent_server_ends_the_lease_before_others_may_take_it() {
        let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("postgres://nobody@{}/none", silent.local_addr().unwrap());
        let interrupt = Interrupt::within(&Shutdown::new());
        let beat = Beat {
            server: crate::Target::from_url(&url).unwrap().server().unwrap(),
            tables: LedgerName::default()
                .tables(Database::Postgres, None)
                .unwrap(),
            token: 1,
            lease: Duration::from_secs(2),
            activity: Activity::default(),
            interrupt: interrupt.clone(),
        };
        let started = Instant::now();
        let _beating = beat.start(started);
        let raised = tokio::time::timeout(Duration::from_millis(1950), interrupt.raised()).await;
        assert_eq!(raised, Ok(Reason::LockLost), "{:?}", started.elapsed());
        assert!(started.elapsed() > Duration::from_secs(1));
    }
}
