//! Ctrl-C and SIGTERM, while something goes on and while a question waits for its answer.
//!
//! Whoever listens once has taken the signals from the process for good: from then on nothing
//! ends it but code that listens.

use std::io;

use crate::exit::Exit;

/// A signal that asks the process to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Signal {
    Interrupt,
    #[cfg(unix)]
    Terminate,
}

impl Signal {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Interrupt => "Ctrl-C",
            #[cfg(unix)]
            Self::Terminate => "SIGTERM",
        }
    }

    pub(crate) fn exit(self) -> Exit {
        match self {
            Self::Interrupt => Exit::Interrupted,
            #[cfg(unix)]
            Self::Terminate => Exit::Terminated,
        }
    }
}

#[cfg(unix)]
pub(crate) struct Signals {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Signals {
    pub(crate) fn listen() -> io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
        })
    }

    pub(crate) async fn next(&mut self) -> Signal {
        tokio::select! {
            _ = self.interrupt.recv() => Signal::Interrupt,
            _ = self.terminate.recv() => Signal::Terminate,
        }
    }
}

#[cfg(not(unix))]
pub(crate) struct Signals;

#[cfg(not(unix))]
impl Signals {
    pub(crate) fn listen() -> io::Result<Self> {
        Ok(Self)
    }

    pub(crate) async fn next(&mut self) -> Signal {
        if tokio::signal::ctrl_c().await.is_err() {
            // Without a console there is nothing to listen to; the operation ends by itself.
            std::future::pending::<()>().await;
        }
        Signal::Interrupt
    }
}

/// Waits for what blocks, such as a line that is typed, or for a signal.
///
/// The thread that is still blocked after a signal ends with the process. The signals have a
/// runtime of their own, because the caller's, if there is one, may have no other thread.
pub(crate) fn unless_stopped<T: Send + 'static>(
    begun: impl FnOnce(),
    blocking: impl FnOnce() -> T + Send + 'static,
) -> io::Result<Result<T, Signal>> {
    let runtime = || {
        tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
    };
    let (send, receive) = tokio::sync::oneshot::channel();
    let (listens, listening) = std::sync::mpsc::channel();
    let wait = move || {
        runtime()?.block_on(async {
            let mut signals = Signals::listen()?;
            // Who asked is there as long as this thread is.
            let _ = listens.send(());
            let done = tokio::select! {
                biased;
                signal = signals.next() => return Ok(Err(signal)),
                done = receive => done.map_err(io::Error::other)?,
            };
            // A signal that came before the answer may not have been seen yet.
            tokio::task::yield_now().await;
            tokio::select! {
                biased;
                signal = signals.next() => Ok(Err(signal)),
                () = std::future::ready(()) => Ok(Ok(done)),
            }
        })
    };
    std::thread::scope(|scope| {
        let waiting = scope.spawn(wait);
        // The question is shown when a signal is heard, and not before.
        if listening.recv().is_ok() {
            begun();
            // Nobody receives it after a signal.
            std::thread::spawn(move || drop(send.send(blocking())));
        }
        waiting
            .join()
            .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    })
}
