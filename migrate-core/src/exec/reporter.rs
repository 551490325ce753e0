//! Where events go: to the observer, to tracing, and, as signs of life, to the heartbeat.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use crate::event::{Event, Observer, StepReporter};
use crate::heartbeat::Activity;

/// Sends events of one run.
#[derive(Clone, Default)]
pub(crate) struct Reporter {
    observer: Option<Arc<dyn Observer>>,
    activity: Activity,
}

impl Reporter {
    pub(crate) fn new(observer: Option<Arc<dyn Observer>>, activity: Activity) -> Self {
        Self { observer, activity }
    }

    pub(crate) fn send(&self, event: &Event) {
        match event {
            Event::StepStarted { step, .. } => {
                tracing::info!(%step, "migration started");
                self.activity.set(step.to_string());
            }
            Event::Statement {
                step, index, of, ..
            } => {
                tracing::debug!(%step, index, of, "statement finished");
                self.activity
                    .set(format!("{step}, statement {index} of {of}"));
            }
            Event::StepFinished(run) => {
                tracing::info!(step = %run.step, outcome = ?run.outcome, ms = run.duration_ms, "migration finished");
                self.activity.set(format!("{} finished", run.step));
            }
            Event::StepFailed { step, message } => {
                tracing::error!(%step, message, "migration failed");
            }
            Event::WaitingForLock { holder, waited_ms } => {
                tracing::info!(holder, waited_ms, "waiting for the migration lock");
            }
            Event::Warning { message } => tracing::warn!(message),
            _ => {}
        }
        if let Some(observer) = &self.observer {
            survive("the observer", || observer.event(event));
        }
    }
}

/// Calls what the application gave us to call. Its panic must neither end a run in the middle of a
/// step nor leave the lock behind.
pub(super) fn survive(what: &str, call: impl FnOnce()) {
    if catch_unwind(AssertUnwindSafe(call)).is_err() {
        tracing::warn!("{what} panicked; the run goes on without it");
    }
}

impl StepReporter for Reporter {
    fn progress(&self, step: &str, done: u64, total: Option<u64>) {
        let of = total
            .map(|total| format!(" of {total}"))
            .unwrap_or_default();
        self.activity.set(format!("{step}, {done}{of}"));
        self.send(&Event::Progress {
            step: step.to_owned(),
            done,
            total,
        });
    }

    fn log(&self, step: &str, level: u8, message: &str) {
        tracing::debug!(step, level, message);
        self.send(&Event::Log {
            step: step.to_owned(),
            level,
            message: message.to_owned(),
        });
    }
}
