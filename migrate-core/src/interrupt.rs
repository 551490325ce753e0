//! Stopping early: a shutdown that the application asks for, or a lock that was lost.
//!
//! Both end in the same way: the running statement is cancelled, its transaction rolled back,
//! the lock released, and the error says which it was.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Duration;

use tokio::sync::Notify;

use crate::error::{Error, ErrorCode};

/// A handle by which an application stops a run: on SIGTERM, Ctrl-C, or when it shuts down.
///
/// ```
/// let shutdown = migrate_core::Shutdown::new();
/// let handle = shutdown.clone();
/// // Give `shutdown` to the migrator, and from a signal handler:
/// handle.cancel();
/// assert!(shutdown.is_cancelled());
/// ```
#[derive(Clone, Debug, Default)]
pub struct Shutdown(Interrupt);

impl Shutdown {
    /// A handle that nobody has cancelled.
    pub fn new() -> Self {
        Self::default()
    }

    /// Asks the run to stop: the running statement is cancelled, its transaction rolled back and
    /// the lock released. Calling it again does nothing.
    pub fn cancel(&self) {
        self.0.raise(Reason::Shutdown);
    }

    /// Whether [`cancel`](Self::cancel) was called.
    pub fn is_cancelled(&self) -> bool {
        self.0.reason() == Some(Reason::Shutdown)
    }
}

/// Why a run has to stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reason {
    Shutdown,
    LockLost,
}

/// A flag that stops a run, and optionally a second one that stops it too.
#[derive(Clone, Debug, Default)]
pub(crate) struct Interrupt {
    own: Arc<Flag>,
    outer: Option<Arc<Flag>>,
}

#[derive(Debug, Default)]
struct Flag {
    reason: AtomicU8,
    raised: Notify,
}

impl Flag {
    fn reason(&self) -> Option<Reason> {
        match self.reason.load(Ordering::SeqCst) {
            1 => Some(Reason::Shutdown),
            2 => Some(Reason::LockLost),
            _ => None,
        }
    }

    async fn raised(&self) -> Reason {
        loop {
            let notified = self.raised.notified();
            if let Some(reason) = self.reason() {
                return reason;
            }
            notified.await;
        }
    }
}

impl Interrupt {
    /// A flag of one run's own, which the application's shutdown raises too. A lock that one run
    /// lost must not stop the next.
    pub(crate) fn within(shutdown: &Shutdown) -> Self {
        Self {
            own: Arc::default(),
            outer: Some(Arc::clone(&shutdown.0.own)),
        }
    }

    /// The first reason stays.
    pub(crate) fn raise(&self, reason: Reason) {
        let code = match reason {
            Reason::Shutdown => 1,
            Reason::LockLost => 2,
        };
        let _ = self
            .own
            .reason
            .compare_exchange(0, code, Ordering::SeqCst, Ordering::SeqCst);
        self.own.raised.notify_waiters();
    }

    pub(crate) fn reason(&self) -> Option<Reason> {
        self.own
            .reason()
            .or_else(|| self.outer.as_ref().and_then(|outer| outer.reason()))
    }

    /// Returns when it is raised.
    pub(crate) async fn raised(&self) -> Reason {
        match &self.outer {
            None => self.own.raised().await,
            Some(outer) => tokio::select! {
                reason = self.own.raised() => reason,
                reason = outer.raised() => reason,
            },
        }
    }

    /// The error of an interrupt that was raised.
    pub(crate) fn check(&self) -> Result<(), Error> {
        match self.reason() {
            None => Ok(()),
            Some(reason) => Err(reason.error()),
        }
    }

    /// Sleeps, unless interrupted.
    pub(crate) async fn sleep(&self, duration: Duration) -> Result<(), Error> {
        tokio::select! {
            reason = self.raised() => Err(reason.error()),
            () = tokio::time::sleep(duration) => Ok(()),
        }
    }
}

impl Reason {
    pub(crate) fn error(self) -> Error {
        match self {
            Self::Shutdown => Error::new(ErrorCode::Cancelled, "the run was cancelled")
                .help("run the command again to continue; what was committed stays"),
            Self::LockLost => Error::new(
                ErrorCode::LockLost,
                "this process lost the migration lock: another one took it over, or somebody released it",
            )
            .help("`migrate lock status` shows whether another process goes on with the same history, and `migrate status` how far it is"),
        }
    }
}
