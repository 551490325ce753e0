//! Runs one operation of the migrator while listening for Ctrl-C and SIGTERM and keeping the
//! progress display alive.

use std::future::Future;
use std::pin::pin;
use std::time::Duration;

use migrate_core::report::StepId;
use migrate_core::{Error, Migrator, Shutdown};

use crate::exit::Exit;
use crate::failure::Failure;
use crate::progress::Reporter;
use crate::signals::{Signal, Signals};

/// A migrator with what watches it and what stops it.
pub(crate) struct Connected {
    pub(crate) migrator: Migrator<'static>,
    pub(crate) reporter: Reporter,
    pub(crate) shutdown: Shutdown,
}

impl Connected {
    /// The step of this binary that a name or the beginning of one means.
    pub(crate) fn step(&self, name: &str) -> Result<StepId, Failure> {
        Ok(self.migrator.steps()?.find(name)?.id().clone())
    }

    /// Waits for an operation of [`migrator`](Self::migrator).
    ///
    /// The first signal cancels: the running statement is stopped, its transaction rolled back
    /// and the lock released. A second one does not wait for that.
    pub(crate) async fn drive<T>(
        &self,
        operation: impl Future<Output = Result<T, Error>>,
    ) -> Result<T, Failure> {
        let mut operation = pin!(operation);
        let mut signals = Signals::listen().map_err(|error| {
            Failure::new(
                Exit::Failed,
                "signals",
                format!("cannot listen for signals: {error}"),
            )
        })?;
        let mut seconds = tokio::time::interval(Duration::from_secs(1));
        let mut stopped_by: Option<Signal> = None;
        let result = loop {
            tokio::select! {
                biased;
                result = &mut operation => break result.map_err(Failure::from),
                signal = signals.next() => {
                    if stopped_by.replace(signal).is_some() {
                        break Err(self.forced());
                    }
                    self.reporter.stopping(signal.name());
                    self.shutdown.cancel();
                }
                _ = seconds.tick() => self.reporter.tick(),
            }
        };
        self.reporter.finish();
        match (result, stopped_by) {
            (Err(failure), Some(signal)) => Err(Failure {
                exit: signal.exit(),
                ..failure
            }),
            (result, _) => result,
        }
    }

    /// Why nobody waits any more, and what that leaves.
    fn forced(&self) -> Failure {
        let message = "stopped without waiting for the database";
        let failure = Failure::new(Exit::Failed, "cancelled", message);
        match self.reporter.left_behind() {
            Some(left) => failure.help(left),
            None => failure.help("`migrate status` shows what is applied"),
        }
    }
}
