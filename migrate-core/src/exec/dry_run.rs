//! Dry runs: the steps, or their ways back, are executed, counted and rolled back, whatever their
//! authors did.
//!
//! Nothing is written that stays, not even the lock: the token row is locked by the dry run's
//! own transaction, so no run can begin meanwhile. Nor are records written in it: a rollback would
//! not bring back the numbers that the ledger gave them. On MySQL and MariaDB it runs inside XA,
//! where the server refuses statements that would commit.

use std::collections::HashSet;

use migrate_source::Database;

use super::prepare::outside;
use super::run::Runner;
use super::task::{Task, named};
use crate::db_error::{self, Kind};
use crate::dialect::{clear_audit, create_ledger, create_schema};
use crate::error::{Error, ErrorCode};
use crate::event::Event;
use crate::ledger::{Need, ledger_error};
use crate::report::{DryRunStep, NotTried, StepOutcome, StepRun};
use crate::session::Session;

mod counts;
mod deferred;
mod rolled_back;

use counts::{Counts, Reading};
use deferred::{fire_deferred, orphans, settle_events};
use rolled_back::{in_transaction, in_xa};

/// What a dry run tried, and what it did not.
pub(crate) struct Tried {
    pub(crate) steps: Vec<DryRunStep>,
    pub(crate) not_tried: Vec<NotTried>,
}

/// Does tasks up to the first that cannot be rolled back here, and rolls all of it back.
pub(crate) async fn dry_run<'r>(
    runner: &Runner<'r>,
    session: &mut dyn Session,
    tasks: &[Task<'r>],
    ledger_exists: bool,
) -> Result<Tried, Error> {
    let (tasks, not_tried) = up_to_the_first_obstacle(runner, tasks);
    let mut body = DryRun {
        runner,
        tasks,
        ledger_exists,
        already: HashSet::new(),
        done: Vec::new(),
        outcome: Ok(()),
        counts: Counts::new(runner.parts.ledger.tables.clone()),
    };
    if !tasks.is_empty() {
        body.counts.start(session).await;
        let result = match runner.database() {
            Database::MySql => {
                let result = in_xa(session, &mut body).await;
                // Its variables outlive a rollback.
                let clear = clear_audit(&runner.parts.ledger.tables);
                let _ = session.script(clear).await;
                result
            }
            Database::Sqlite | Database::Postgres => in_transaction(session, &mut body).await,
        };
        body.counts.stop(session).await;
        result?;
    }
    let DryRun { done, outcome, .. } = body;
    outcome?;
    for step in &done {
        runner
            .parts
            .reporter
            .send(&Event::StepFinished(step.run.clone()));
    }
    Ok(Tried {
        steps: done,
        not_tried,
    })
}

/// The tasks that can be tried, and the others with the reason.
fn up_to_the_first_obstacle<'t, 'r>(
    runner: &Runner<'r>,
    tasks: &'t [Task<'r>],
) -> (&'t [Task<'r>], Vec<NotTried>) {
    let obstacle = |task: &Task<'r>| outside(*task, &runner.rows, runner.database());
    let possible = tasks.iter().take_while(|task| obstacle(task).is_none());
    let (possible, others) = tasks.split_at(possible.count());
    let not_tried = others.iter().map(|task| NotTried {
        step: task.step.id.clone(),
        action: task.reported(),
        reason: match obstacle(task) {
            Some(reason) => reason.to_owned(),
            None => format!("comes after `{}`", others[0].step.id),
        },
    });
    (possible, not_tried.collect())
}

struct DryRun<'d, 'r> {
    runner: &'d Runner<'r>,
    tasks: &'d [Task<'r>],
    ledger_exists: bool,
    /// What was done, with what the steps ran or undid along.
    already: HashSet<String>,
    done: Vec<DryRunStep>,
    outcome: Result<(), Error>,
    counts: Counts,
}

impl<'r> DryRun<'_, 'r> {
    async fn execute(&mut self, session: &mut dyn Session) -> Result<(), Error> {
        self.hold_lock(session).await?;
        let mut orphans = orphans(session).await?;
        for (i, task) in self.tasks.iter().enumerate() {
            // Undone along with the step that runs it.
            if task.is_backwards() && self.already.contains(&task.step.id.to_string()) {
                continue;
            }
            self.runner.parts.interrupt.check()?;
            if task.work.executes() {
                self.runner.started(*task, i + 1, self.tasks.len(), true);
            }
            let before = self.counts.read(session).await?;
            let runs = self.attempt(session, *task).await?;
            orphans = fire_deferred(session, *task, orphans).await?;
            let after = self.counts.read(session).await?;
            settle_events(session).await?;
            self.already
                .extend(runs.iter().map(|run| run.step.to_string()));
            self.done
                .extend(tried(*task, runs, (&before, &after), session.database()));
        }
        Ok(())
    }

    /// Does one task as a run would in a transaction of several; gives the results of the data
    /// migrations that went along and, last, its own.
    async fn attempt(
        &self,
        session: &mut dyn Session,
        task: Task<'r>,
    ) -> Result<Vec<StepRun>, Error> {
        let runner = self.runner;
        if !task.work.executes() {
            return runner
                .in_transaction(session, task, true, &self.already)
                .await;
        }
        runner.start_afresh(session).await?;
        runner.audit(task.step, true);
        let done = runner.in_transaction(session, task, true, &self.already);
        let result = runner.guarded(done).await;
        runner.audit(task.step, false);
        result.map_err(|error| not_within(task, error))
    }

    /// Keeps runs out for as long as the transaction lasts.
    async fn hold_lock(&self, session: &mut dyn Session) -> Result<(), Error> {
        let tables = &self.runner.parts.ledger.tables;
        let database = tables.database();
        if !self.ledger_exists {
            if database == Database::MySql {
                return Ok(());
            }
            // Rolled back with everything else; the audit state needs its table.
            let mut script = create_ledger(tables);
            if database == Database::Postgres && tables.explicit {
                script.insert(0, create_schema(tables));
            }
            return session
                .script(script.join(";\n"))
                .await
                .map(drop)
                .map_err(|failed| {
                    ledger_error(
                        tables,
                        Need::Create,
                        "try the ledger's creation",
                        failed.error,
                    )
                });
        }
        let Some(seen) = crate::lease::look(session, tables)
            .await
            .map_err(|error| ledger_error(tables, Need::Look, "look at the lock", error))?
        else {
            return Ok(());
        };
        let status = seen.status(&crate::holder::Holder::this(""));
        if status.held && !status.dead && status.expires_in_ms.is_some_and(|left| left > 0) {
            return Err(busy(status.holder.as_deref().unwrap_or("another process")));
        }
        if database == Database::Sqlite {
            return Ok(());
        }
        let lock = format!(
            "SELECT 1 FROM {} WHERE id = 1 FOR UPDATE NOWAIT",
            tables.lock()
        );
        match session.script(lock).await {
            Ok(_) => Ok(()),
            Err(failed) if db_error::kind(&failed.error) == Kind::LockNotAvailable => {
                Err(busy("another process"))
            }
            Err(failed) => Err(ledger_error(
                tables,
                Need::Write,
                "lock the token row",
                failed.error,
            )),
        }
    }
}

fn busy(holder: &str) -> Error {
    Error::new(
        ErrorCode::LockHeld,
        format!("the migration lock is held by {holder}; a dry run would wait for its locks"),
    )
    .help("wait for the run to finish, then try again; `migrate lock status` shows it")
}

/// What is told of one task.
fn tried(
    task: Task<'_>,
    mut runs: Vec<StepRun>,
    (before, after): (&Reading, &Reading),
    database: Database,
) -> Option<DryRunStep> {
    for run in &mut runs {
        run.outcome = StepOutcome::DryRun;
    }
    let run = runs.pop()?;
    let tables = after.tables_since(before);
    let counted: u64 = tables
        .iter()
        .map(|table| table.inserted + table.updated + table.deleted)
        .sum();
    // Where tables are counted, the sum is told only if it is another: SQLite empties a whole
    // table without telling of its rows.
    let rows_total = after.total_since(before);
    Some(DryRunStep {
        action: task.reported(),
        run,
        runs,
        tables,
        rows_total: rows_total.filter(|total| database == Database::MySql || *total != counted),
    })
}

/// The error of a task that fails only because it shares its transaction.
fn not_within(task: Task<'_>, error: Error) -> Error {
    let cause = std::error::Error::source(&error);
    let cause = cause.and_then(|cause| cause.downcast_ref::<sqlx::Error>());
    if cause.is_some_and(db_error::wants_commit_first) {
        return Error::new(
            ErrorCode::DryRunImpossible,
            format!(
                "{} uses what a step before it makes, and Postgres allows that only after a COMMIT, which a dry run has none of; a run has, and nothing was changed: {}",
                named(task),
                error.message()
            ),
        )
        .help("apply the steps before it, then try this one")
        .with_source(error);
    }
    // In XA the server refuses what would commit: MariaDB's ER_XAER_RMFAIL.
    if !error.message().contains("XAER_RMFAIL") {
        return error;
    }
    Error::new(
        ErrorCode::DryRunImpossible,
        format!(
            "{} executes a statement that this database commits at once, so it cannot be tried and rolled back; the server refused it and nothing was changed",
            named(task)
        ),
    )
    .help("declare the step `atomic = false`; a dry run then says that it cannot try it")
    .with_source(error)
}
