//! The heartbeat: renews the lease from a connection of its own while steps run.
//!
//! It also carries the run's progress to the lease row, which is what waiters look at. SQLite
//! has none: its one writer's own transaction renews the lease.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use tokio::task::JoinHandle;

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
pub(crate) struct Beat {
    pub(crate) server: Options,
    pub(crate) tables: Tables,
    pub(crate) token: i64,
    pub(crate) lease: Duration,
    pub(crate) activity: Activity,
    pub(crate) interrupt: Interrupt,
}

impl Beat {
    pub(crate) fn start(self) -> Heartbeat {
        Heartbeat(tokio::spawn(self.run()))
    }

    async fn run(self) {
        let mut session: Option<Box<dyn Session>> = None;
        let mut renewed = Instant::now();
        loop {
            tokio::time::sleep(self.lease / 4).await;
            match self.beat(&mut session).await {
                Some(true) => renewed = Instant::now(),
                Some(false) => return self.interrupt.raise(Reason::LockLost),
                // The server may be restarting; a new connection is tried at the next beat,
                // until the lease has certainly run out.
                None => session = None,
            }
            if renewed.elapsed() > self.lease {
                return self.interrupt.raise(Reason::LockLost);
            }
        }
    }

    /// One renewal; `None` when the server could not be asked.
    async fn beat(&self, session: &mut Option<Box<dyn Session>>) -> Option<bool> {
        if session.is_none() {
            *session = self.server.open().await.ok();
        }
        let session = session.as_deref_mut()?;
        let activity = self.activity.take();
        let renewed = lease::renew(
            session,
            &self.tables,
            self.token,
            self.lease,
            activity.as_deref(),
        )
        .await;
        if let (Err(_), Some(activity)) = (&renewed, activity) {
            self.activity.set(activity);
        }
        renewed.ok()
    }
}
