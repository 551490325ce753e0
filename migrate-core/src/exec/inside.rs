//! What a task does inside an open transaction, of its own or shared with others.

use std::collections::HashSet;

use migrate_source::Database;

use super::atomic::statement_failed;
use super::commit::execute_all;
use super::function::{clears_in_transaction, close_savepoint, open_savepoint, script};
use super::run::{Runner, step_run};
use super::task::{Task, Work};
use crate::context::StepOutput;
use crate::db_error::{self, Kind};
use crate::dialect::{Published, clear_audit};
use crate::domain::Body;
use crate::error::Error;
use crate::report::StepRun;
use crate::session::Session;

impl<'r> Runner<'r> {
    /// Does a task in the open transaction and records it, with the data migrations that its step
    /// runs; gives their results, the step's own last.
    pub(super) async fn in_transaction(
        &self,
        session: &mut dyn Session,
        task: Task<'r>,
        dry_run: bool,
        already: &HashSet<String>,
    ) -> Result<Vec<StepRun>, Error> {
        let started = std::time::Instant::now();
        let step = task.step;
        let mut results = Vec::new();
        let mut record = self.record_of(task);
        let mut output = StepOutput::default();
        if task.work.executes() {
            script(session, step, self.publish(step, Published::InTransaction)).await?;
            let kept = self.keep_settings(session, task).await?;
            let performed = self.execute_in_transaction(session, task, dry_run, already);
            let performed = performed.await;
            let given_back = self.give_back(session, &kept).await;
            (output, results) = performed?;
            given_back?;
            if clears_in_transaction(self.database()) {
                script(session, step, clear_audit(&self.parts.ledger.tables)).await?;
            }
        } else {
            for inner in self.recorded_along(task) {
                if already.contains(&inner.step.id.to_string()) {
                    continue;
                }
                let mut record = self.record_of(inner);
                record.duration_ms = Some(0);
                execute_all(session, &self.done(inner, &record)).await?;
                results.push(step_run(inner.step, self.outcome(inner)));
            }
        }
        record.duration_ms = Some(crate::lease::millis(started.elapsed()));
        record.rows = output.rows;
        record.result = output.text.as_deref();
        if !dry_run {
            execute_all(session, &self.done(task, &record)).await?;
        }
        let mut run = step_run(step, self.outcome(task));
        run.duration_ms = record.duration_ms.unwrap_or_default();
        run.rows = output.rows;
        run.result = output.text;
        run.refreshed = task.work == Work::Force && self.is_applied(&step.id);
        results.push(run);
        Ok(results)
    }

    /// What the step itself does: its function; or its statements and the data migrations that it
    /// runs, with their results.
    async fn execute_in_transaction(
        &self,
        session: &mut dyn Session,
        task: Task<'r>,
        dry_run: bool,
        already: &HashSet<String>,
    ) -> Result<(StepOutput, Vec<StepRun>), Error> {
        if let Body::Function(function) = &task.step.body {
            let output = self.function_in_transaction(session, task, function, dry_run);
            return Ok((output.await?, Vec::new()));
        }
        if !task.is_backwards() {
            self.statements_in_transaction(session, task).await?;
        }
        let inner = self
            .inner_in_transaction(session, task, dry_run, already)
            .await?;
        if task.is_backwards() {
            self.statements_in_transaction(session, task).await?;
        }
        Ok((StepOutput::default(), inner))
    }

    /// The data migrations that a SQL step runs, each with its record. On the way back the last
    /// one goes first.
    async fn inner_in_transaction(
        &self,
        session: &mut dyn Session,
        task: Task<'r>,
        dry_run: bool,
        already: &HashSet<String>,
    ) -> Result<Vec<StepRun>, Error> {
        let mut results = Vec::new();
        for inner in self.inner_tasks(task) {
            if already.contains(&inner.step.id.to_string()) {
                continue;
            }
            self.audit(inner.step, true);
            let runs = Box::pin(self.in_transaction(session, inner, dry_run, already)).await;
            self.audit(inner.step, false);
            results.extend(runs?);
        }
        if task.is_backwards() && !results.is_empty() {
            // Theirs was published last.
            let publish = self.publish(task.step, Published::InTransaction);
            script(session, task.step, publish).await?;
        }
        Ok(results)
    }

    /// The data migrations whose records come or go with that of the SQL step that runs them,
    /// although nothing is executed.
    pub(super) fn recorded_along(&self, task: Task<'r>) -> Vec<Task<'r>> {
        match task.work {
            Work::Fake | Work::FakeUndo => self.inner_tasks(task),
            Work::Record | Work::Run | Work::Force | Work::Undo => Vec::new(),
        }
    }

    /// What is left to do of the data migrations that a SQL step runs, in order.
    pub(super) fn inner_tasks(&self, task: Task<'r>) -> Vec<Task<'r>> {
        let history = self.parts.history;
        let runs = task.step.runs(self.database()).iter();
        let mut inner: Vec<_> = runs
            .filter_map(|id| history.get(id))
            .map(|step| task.inner(step))
            .filter(|inner| {
                if inner.is_backwards() {
                    self.is_applied(&inner.step.id) || self.interrupted_row(*inner).is_some()
                } else {
                    !self.is_applied(&inner.step.id)
                }
            })
            .collect();
        if task.is_backwards() {
            inner.reverse();
        }
        inner
    }

    async fn statements_in_transaction(
        &self,
        session: &mut dyn Session,
        task: Task<'r>,
    ) -> Result<(), Error> {
        let step = task.step;
        let statements = task.statements(self.database())?;
        let of = statements.len();
        // There a statement that is not known to commit may still do so.
        let guarded = self.database() == Database::MySql;
        if guarded {
            open_savepoint(session, step).await?;
        }
        for (i, statement) in statements.iter().enumerate() {
            if let Err(failed) = session.script(statement.text.clone()).await {
                let kind = db_error::kind(&failed.error);
                // These roll the whole transaction back, and the savepoint with it.
                let gone = matches!(
                    kind,
                    Kind::Retry | Kind::LockNotAvailable | Kind::ConnectionLost
                );
                if guarded && !gone {
                    close_savepoint(session, task).await?;
                }
                return Err(statement_failed(task, (i, of), statement, failed.error));
            }
            self.statement_done(step, i + 1, of, statement.line);
        }
        if guarded {
            close_savepoint(session, task).await?;
        }
        Ok(())
    }
}
