//! A step that failed: what is recorded of it, and what the caller is told.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use migrate_source::Database;

use super::commit::commit;
use super::run::Runner;
use crate::dialect::clear_audit;
use crate::domain::{Body, Step};
use crate::error::{Error, ErrorCode};
use crate::event::Event;
use crate::lease::millis;
use crate::ledger::RunRow;
use crate::report::{Mode, RunProgress, StepId};
use crate::session::Session;

impl<'r> Runner<'r> {
    /// One line of history for a step that failed; that it cannot be written changes nothing.
    pub(super) async fn record_failure(
        &self,
        session: &mut dyn Session,
        step: &Step,
        action: &str,
        error: &Error,
        started: Instant,
    ) {
        self.parts.reporter.send(&Event::StepFailed {
            step: step.id.clone(),
            message: error.message().to_owned(),
        });
        // A statement that could not be cancelled still occupies the session.
        const PATIENCE: Duration = Duration::from_secs(5);
        let written = self.write_failure(session, step, action, error, started);
        if tokio::time::timeout(PATIENCE, written).await.is_err() {
            tracing::warn!("the failure could not be recorded: the session is busy");
        }
    }

    async fn write_failure(
        &self,
        session: &mut dyn Session,
        step: &Step,
        action: &str,
        error: &Error,
        started: Instant,
    ) {
        let _ = session.script("ROLLBACK".to_owned()).await;
        if self.database() == Database::MySql {
            // Its variables outlive a rollback.
            let clear = clear_audit(&self.parts.ledger.tables);
            let _ = session.script(clear).await;
        }
        if error.code() == ErrorCode::LockLost {
            return;
        }
        // A step may have made its session read-only.
        let _ = self.reset(session).await;
        let text = crate::redact::redact(error.message());
        let stopped = error.code() == ErrorCode::Cancelled;
        let run = RunRow {
            app: &step.id.app,
            name: &step.id.name,
            action,
            // Whoever stops a run on purpose has no failure to look into.
            outcome: if stopped { "cancelled" } else { "failed" },
            duration_ms: Some(millis(started.elapsed())),
            rows: None,
            checksum: Some(step.checksum(self.database())),
            error: Some(&text),
            reason: None,
        };
        let mut statements = vec![self.parts.ledger.run(&run)];
        let unfinished = step.mode(self.database()) != Mode::Atomic;
        if unfinished && !stopped && !self.is_applied(&step.id) {
            statements.push(self.parts.ledger.failed(&step.id.app, &step.id.name, &text));
        }
        if let Err(error) = commit(session, &statements).await {
            tracing::warn!(%error, "the failure could not be recorded");
        }
    }

    /// What a failed step left in the database, as far as it can be known.
    fn left_behind(&self, step: &Step, error: &Error) -> String {
        let function = matches!(step.body, Body::Function(_));
        let text = match (step.mode(self.database()), error.code()) {
            _ if error.ended_transaction() => {
                "what it did before it ended its transaction: look before you run it again"
            }
            (
                Mode::Atomic,
                ErrorCode::ConnectionLost
                | ErrorCode::Cancelled
                | ErrorCode::LockLost
                | ErrorCode::Database,
            ) => {
                "nothing, unless its COMMIT had reached the server; the next run reads what is there"
            }
            (Mode::Atomic, _) => "nothing: it was rolled back",
            _ if function => {
                "whatever the function had committed: it is not atomic and will run again from its beginning"
            }
            _ => {
                "the statements before the one that failed: they are recorded, and the next run resumes there"
            }
        };
        text.to_owned()
    }

    /// Adds to an error what ran, what failed and what remains.
    pub(super) fn failure(&self, steps: &[&Step], error: Error) -> Error {
        let done: HashSet<&StepId> = self.applied.iter().map(|run| &run.step).collect();
        let mut open = steps.iter().filter(|step| !done.contains(&step.id));
        let failed = open.next();
        let left_behind = failed.map(|step| self.left_behind(step, &error));
        error.with_progress(RunProgress {
            applied: self.applied.clone(),
            failed: failed.map(|step| step.id.clone()),
            left_behind,
            remaining: open.map(|step| step.id.clone()).collect(),
        })
    }
}
