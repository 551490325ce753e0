//! Runs one operation of the migrator while listening for Ctrl-C and SIGTERM and keeping the
//! progress display alive.

use std::future::Future;
use std::io;
use std::pin::pin;
use std::time::Duration;

use migrate_core::report::StepId;
use migrate_core::{Error, Migrator, Shutdown};

use crate::exit::Exit;
use crate::failure::Failure;
use crate::progress::Reporter;

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

/// A signal that asks the process to end.
#[derive(Clone, Copy, Debug)]
enum Signal {
    Interrupt,
    #[cfg(unix)]
    Terminate,
}

impl Signal {
    fn name(self) -> &'static str {
        match self {
            Self::Interrupt => "Ctrl-C",
            #[cfg(unix)]
            Self::Terminate => "SIGTERM",
        }
    }

    fn exit(self) -> Exit {
        match self {
            Self::Interrupt => Exit::Interrupted,
            #[cfg(unix)]
            Self::Terminate => Exit::Terminated,
        }
    }
}

#[cfg(unix)]
struct Signals {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Signals {
    fn listen() -> io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
        })
    }

    async fn next(&mut self) -> Signal {
        tokio::select! {
            _ = self.interrupt.recv() => Signal::Interrupt,
            _ = self.terminate.recv() => Signal::Terminate,
        }
    }
}

#[cfg(not(unix))]
struct Signals;

#[cfg(not(unix))]
impl Signals {
    fn listen() -> io::Result<Self> {
        Ok(Self)
    }

    async fn next(&mut self) -> Signal {
        if tokio::signal::ctrl_c().await.is_err() {
            // Without a console there is nothing to listen to; the operation ends by itself.
            std::future::pending::<()>().await;
        }
        Signal::Interrupt
    }
}
