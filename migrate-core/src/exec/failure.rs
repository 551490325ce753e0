//! A step that failed: what is recorded of it, and what the caller is told.

use std::time::{Duration, Instant};

use migrate_source::Database;

use super::commit::commit;
use super::run::Runner;
use super::task::Task;
use crate::dialect::clear_audit;
use crate::domain::{LedgerRow, RowState};
use crate::error::{Error, ErrorCode};
use crate::event::Event;
use crate::lease::millis;
use crate::ledger::RunRow;
use crate::report::{Mode, RunProgress, StepId};
use crate::session::{Session, placeholders};

/// The step at which a run stopped.
#[derive(Clone, Debug)]
pub(super) struct Failed {
    pub(super) step: StepId,
    /// Whether the ledger says that it is applied, although its way back had begun.
    pub(super) still_applied: bool,
}

impl<'r> Runner<'r> {
    /// One line of history for a step that failed; that it cannot be written changes nothing.
    /// Says whether a step whose way back failed is applied as before.
    pub(super) async fn record_failure(
        &self,
        session: &mut dyn Session,
        task: Task<'r>,
        error: &Error,
        started: Instant,
    ) -> bool {
        self.parts.reporter.send(&Event::StepFailed {
            step: task.step.id.clone(),
            message: error.message().to_owned(),
        });
        // A statement that could not be cancelled still occupies the session.
        const PATIENCE: Duration = Duration::from_secs(5);
        let written = self.write_failure(session, task, error, started);
        match tokio::time::timeout(PATIENCE, written).await {
            Ok(still_applied) => still_applied,
            Err(_) => {
                tracing::warn!("the failure could not be recorded: the session is busy");
                false
            }
        }
    }

    async fn write_failure(
        &self,
        session: &mut dyn Session,
        task: Task<'r>,
        error: &Error,
        started: Instant,
    ) -> bool {
        let _ = session.script("ROLLBACK".to_owned()).await;
        if self.database() == Database::MySql {
            // Its variables outlive a rollback.
            let clear = clear_audit(&self.parts.ledger.tables);
            let _ = session.script(clear).await;
        }
        if error.code() == ErrorCode::LockLost {
            return false;
        }
        // A step may have made its session read-only.
        let _ = self.reset(session).await;
        let step = task.step;
        let (app, name) = (&step.id.app, &step.id.name);
        let text = crate::redact::redact(error.message());
        let stopped = error.code() == ErrorCode::Cancelled;
        let run = RunRow {
            app,
            name,
            action: task.work.action(),
            // Whoever stops a run on purpose has no failure to look into.
            outcome: if stopped { "cancelled" } else { "failed" },
            duration_ms: Some(millis(started.elapsed())),
            rows: None,
            checksum: Some(step.checksum(self.database())),
            error: Some(&text),
            reason: None,
        };
        let mut statements = vec![self.parts.ledger.run(&run)];
        let (piecewise, back) = (self.mode(task) != Mode::Atomic, task.is_backwards());
        if piecewise && back {
            if !stopped {
                statements.push(self.parts.ledger.failed_back(app, name, &text));
            }
            if self.shows_all_in_its_row(task, error) {
                statements.push(self.parts.ledger.still_applied(app, name));
            }
        } else if piecewise && !stopped && !self.is_applied(&step.id) {
            statements.push(self.parts.ledger.failed(app, name, &text));
        }
        if let Err(error) = commit(session, &statements).await {
            tracing::warn!(%error, "the failure could not be recorded");
        }
        piecewise && back && self.says_applied(session, &step.id).await
    }

    /// Whether all that a way back may have done shows in the row of its step: nothing went before
    /// its statements, in this attempt or an earlier one.
    fn shows_all_in_its_row(&self, task: Task<'r>, error: &Error) -> bool {
        let database = self.database();
        let (id, runs) = (&task.step.id, task.step.runs(database));
        // A function that was given up on may have ended its transaction, and nobody has looked.
        let given_up =
            error.code() == ErrorCode::Cancelled && std::error::Error::source(error).is_none();
        let rolled_back = |inner: &Task<'_>| {
            !given_up && inner.mode(database) == Mode::Atomic && self.is_applied(&inner.step.id)
        };
        task.is_sql()
            && !error.ended_transaction()
            && !error.is_beyond_rollback()
            && self.row(id).is_some_and(LedgerRow::is_applied)
            && !self.along.contains_key(id)
            && !runs.iter().any(|inner| self.finished.has(inner))
            && self.inner_tasks(task).iter().all(rolled_back)
    }

    /// Whether the ledger's row of a step says now that it is applied.
    async fn says_applied(&self, session: &mut dyn Session, id: &StepId) -> bool {
        let tables = &self.parts.ledger.tables;
        let sql = format!(
            "SELECT state FROM {} WHERE app = ? AND name = ?",
            tables.steps()
        );
        let values = [id.app.as_str().into(), id.name.as_str().into()];
        let rows = session
            .query(&placeholders(&sql, tables.database()), &values)
            .await;
        let state = rows
            .ok()
            .and_then(|rows| rows.first()?.text(0).map(str::to_owned));
        state.as_deref() == Some(RowState::Applied.as_str())
    }

    /// What a failed step left in the database, as far as it can be known.
    fn left_behind(&self, task: Task<'r>, still_applied: bool, error: &Error) -> String {
        let text = match (self.mode(task), error.code()) {
            _ if still_applied => "nothing was undone: the step is applied as before",
            _ if error.ended_transaction() && task.is_backwards() => {
                "what its way back did before it ended its transaction: look before you run it again"
            }
            _ if error.ended_transaction() => {
                "what it did before it ended its transaction: look before you run it again"
            }
            (Mode::Atomic, _) if error.is_beyond_rollback() => {
                "what it did to tables without transactions: look before you run it again"
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
            _ => match (task.is_sql(), task.is_backwards()) {
                (false, false) => {
                    "whatever the function had committed: it is not atomic and will run again from its beginning"
                }
                (false, true) => {
                    "whatever its `reverse` had committed: it is not atomic and will run again from its beginning"
                }
                (true, false) => {
                    "the statements before the one that failed: they are recorded, and the next run resumes there"
                }
                (true, true) => {
                    "the step half undone: the statements before the one that failed are recorded, and `migrate undo` goes on there"
                }
            },
        };
        text.to_owned()
    }

    /// Adds what can be done about a faulty way back, besides correcting it: that depends on what
    /// the ledger says of the step.
    fn with_ways_out(&self, task: Task<'r>, still_applied: bool, error: Error) -> Error {
        let (id, database) = (&task.step.id, self.database());
        let applied = still_applied || self.mode(task) == Mode::Atomic;
        let error = match applied && task.down_in_its_file(database) {
            true => error.help(format!(
                "the step is applied, so a change of its file must be accepted first: `migrate accept {id} --why \"..\"`"
            )),
            false => error,
        };
        let what = match applied && !error.ended_transaction() {
            true => "it",
            false => "the rest",
        };
        error.help(format!(
            "or undo {what} by hand, then forget the step: `migrate unmark {id} --why \"..\"`"
        ))
    }

    /// Adds to an error what was done, what failed and what remains.
    pub(super) fn failure(&self, tasks: &[Task<'r>], error: Error) -> Error {
        let open = tasks
            .iter()
            .filter(|task| !self.finished.has(&task.step.id));
        // A run that is stopped between two steps has none that failed.
        let failed = self.failed.as_ref().and_then(|failed| {
            let task = tasks.iter().find(|task| task.step.id == failed.step)?;
            Some((*task, failed.still_applied))
        });
        let left_behind =
            failed.map(|(task, still_applied)| self.left_behind(task, still_applied, &error));
        let error = match failed {
            Some((task, still_applied)) if error.is_of_way_back() => {
                self.with_ways_out(task, still_applied, error)
            }
            _ => error,
        };
        let failed = failed.map(|(task, _)| task.step.id.clone());
        error.with_progress(RunProgress {
            applied: self.finished.runs().to_vec(),
            left_behind,
            remaining: open
                .map(|task| &task.step.id)
                .filter(|id| failed.as_ref() != Some(*id))
                .cloned()
                .collect(),
            failed,
        })
    }
}
