//! The body of a transaction: one task, or several, on a fresh SQLite database or where all are to
//! commit together.

use std::collections::HashSet;

use super::atomic::transaction;
use super::commit::{lost, write_error};
use super::failure::Failed;
use super::function::script;
use super::run::{Runner, Together};
use super::task::{Task, doing, to_correct};
use crate::context::BoxFuture;
use crate::db_error;
use crate::domain::LedgerRow;
use crate::error::{Error, ErrorCode};
use crate::ledger::read_ledger;
use crate::report::{StepOutcome, StepRun};
use crate::session::{Session, TransactionBody};
use migrate_source::Database;

impl<'r> Runner<'r> {
    /// Several tasks in one transaction. Each row of a fresh SQLite database's steps stands in a
    /// savepoint: a failure takes back that step alone, and those before it are committed.
    /// [`Together::All`] commits all of them or none.
    pub(super) async fn perform_group(
        &mut self,
        session: &mut dyn Session,
        tasks: &[Task<'r>],
        (start, of): (usize, usize),
        together: Together,
    ) -> Result<(), Error> {
        self.parts.interrupt.check()?;
        let begun = std::time::Instant::now();
        if self.database() != Database::Sqlite {
            self.renew(session, &tasks[0].step.id.to_string()).await?;
        }
        let mut body = Group::new(self, tasks, together);
        body.announce = Some((start + 1, of));
        let result = body
            .runner
            .guarded(transaction(session, &mut body.scope(), tasks))
            .await;
        let Group {
            mut done, failed, ..
        } = body;
        let at_commit = matches!(&result, Err(error) if error.is_at_commit());
        if at_commit && together == Together::Rows && failed.is_none() {
            let _ = session.script("ROLLBACK".to_owned()).await;
            return self.one_by_one(session, tasks, (start, of)).await;
        }
        let ended = self.end_of(session, result, failed, &mut done).await;
        let Err((task, error)) = ended else {
            done.into_iter().for_each(|run| self.finished(run));
            return Ok(());
        };
        // Where the transaction itself failed, the first that it did not commit did; where all of
        // it came to its COMMIT, none did.
        let lost = |task: &&Task<'r>| !at_commit && done.iter().all(|run| run.step != task.step.id);
        let failed = task.as_ref().or_else(|| tasks.iter().find(lost));
        self.failed = failed.map(|task| Failed {
            step: task.step.id.clone(),
            still_applied: false,
        });
        done.into_iter().for_each(|run| self.finished(run));
        if let Some(task) = task {
            self.record_failure(session, task, &error, begun).await;
        }
        Err(error)
    }

    /// How the transaction of a group ended: with an error, and the task that it is of, where one
    /// failed before the COMMIT. What was not kept is dropped from `done`.
    async fn end_of(
        &self,
        session: &mut dyn Session,
        result: Result<(), Error>,
        failed: Option<(Task<'r>, Error)>,
        done: &mut Vec<StepRun>,
    ) -> Result<(), (Option<Task<'r>>, Error)> {
        match (result, failed) {
            (Ok(()), None) => Ok(()),
            (Ok(()), Some((task, error))) => Err((Some(task), self.interrupted(error))),
            (Err(error), failed) => {
                // A function may have committed behind our back: the ledger tells what is there.
                self.keep_recorded(session, done).await;
                Err(match failed {
                    Some((task, cause)) => {
                        let cause = cause.with_transaction_of(&error);
                        (Some(task), self.interrupted(cause))
                    }
                    None => (None, error),
                })
            }
        }
    }

    /// What only a COMMIT checks does not say which step broke it: each in a transaction of its own,
    /// it is found, and those before it stay.
    async fn one_by_one(
        &mut self,
        session: &mut dyn Session,
        tasks: &[Task<'r>],
        (start, of): (usize, usize),
    ) -> Result<(), Error> {
        for (place, task) in tasks.iter().enumerate() {
            self.perform(session, *task, start + place + 1, of).await?;
        }
        Ok(())
    }

    /// After a transaction that did not end as it should: drops the runs that the ledger does not
    /// have.
    async fn keep_recorded(&self, session: &mut dyn Session, done: &mut Vec<StepRun>) {
        let _ = session.script("ROLLBACK".to_owned()).await;
        let Ok(read) = read_ledger(session, &self.parts.ledger.tables).await else {
            done.clear();
            return;
        };
        done.retain(|run| {
            let row = read.rows().find(&run.step);
            match run.outcome {
                StepOutcome::Reverted | StepOutcome::FakeReverted => row.is_none(),
                _ => row.is_some_and(LedgerRow::is_applied),
            }
        });
    }
}

/// The tasks of one transaction.
pub(super) struct Group<'g, 'r> {
    pub(super) runner: &'g Runner<'r>,
    pub(super) tasks: &'g [Task<'r>],
    /// The first task's place in the run and the run's length, where they are announced one by
    /// one.
    pub(super) announce: Option<(usize, usize)>,
    pub(super) together: Together,
    pub(super) done: Vec<StepRun>,
    /// The names of those.
    pub(super) already: HashSet<String>,
    pub(super) failed: Option<(Task<'r>, Error)>,
}

impl<'g, 'r> Group<'g, 'r> {
    pub(super) fn new(runner: &'g Runner<'r>, tasks: &'g [Task<'r>], together: Together) -> Self {
        Self {
            runner,
            tasks,
            announce: None,
            together,
            done: Vec::new(),
            already: HashSet::new(),
            failed: None,
        }
    }

    pub(super) fn scope(&mut self) -> GroupScope<'_, 'g, 'r> {
        GroupScope(self)
    }

    /// One task in the open transaction, with the data migrations that its step runs.
    async fn perform(
        &self,
        session: &mut dyn Session,
        task: Task<'r>,
    ) -> Result<Vec<StepRun>, Error> {
        self.runner
            .in_transaction(session, task, false, &self.already)
            .await
    }
}

/// Lends a group to a transaction, so that its results can be read afterwards.
pub(super) struct GroupScope<'s, 'g, 'r>(&'s mut Group<'g, 'r>);

impl TransactionBody for GroupScope<'_, '_, '_> {
    fn run<'s>(&'s mut self, session: &'s mut dyn Session) -> BoxFuture<'s, Result<(), Error>> {
        Box::pin(async move {
            let group = &mut *self.0;
            for (i, task) in group.tasks.iter().enumerate() {
                // Undone along with the step that runs it.
                if task.is_backwards() && group.already.contains(&task.step.id.to_string()) {
                    continue;
                }
                if let Some((first, of)) = group.announce
                    && task.work.executes()
                {
                    group.runner.started(*task, first + i, of, true);
                }
                let result = match group.together {
                    Together::No => group.perform(session, *task).await,
                    Together::Rows => in_savepoint(group, session, *task).await,
                    Together::All => among_all(group, session, *task).await,
                };
                match (result, group.together) {
                    (Ok(runs), _) => {
                        let names = runs.iter().map(|run| run.step.to_string());
                        group.already.extend(names);
                        group.done.extend(runs);
                    }
                    (Err(error), Together::No) => return Err(error),
                    (Err(error), Together::Rows) if !error.ended_transaction() => {
                        group.failed = Some((*task, error));
                        break;
                    }
                    // Where the transaction was ended, there is none that could be committed.
                    (Err(error), Together::Rows | Together::All) => {
                        let stop = Error::new(ErrorCode::Cancelled, "all is rolled back")
                            .with_transaction_of(&error);
                        group.failed = Some((*task, error));
                        return Err(stop);
                    }
                }
            }
            finish_sqlite(group.runner, session, group.tasks).await
        })
    }
}

/// A task that is rolled back alone when it fails.
async fn in_savepoint<'r>(
    group: &Group<'_, 'r>,
    session: &mut dyn Session,
    task: Task<'r>,
) -> Result<Vec<StepRun>, Error> {
    const SAVEPOINT: &str = "migrate_step";
    let step = task.step;
    script(session, step, format!("SAVEPOINT {SAVEPOINT}")).await?;
    group.runner.audit(step, true);
    let result = group.perform(session, task).await;
    group.runner.audit(step, false);
    let end = match &result {
        Ok(_) => format!("RELEASE {SAVEPOINT}"),
        Err(_) => format!("ROLLBACK TO {SAVEPOINT}; RELEASE {SAVEPOINT}"),
    };
    let ended = script(session, step, end).await;
    // Where the step failed, its own error says more than a savepoint that is gone.
    result.and_then(|runs| ended.map(|()| runs))
}

/// A task whose failure takes all of the transaction back.
async fn among_all<'r>(
    group: &Group<'_, 'r>,
    session: &mut dyn Session,
    task: Task<'r>,
) -> Result<Vec<StepRun>, Error> {
    let runner = group.runner;
    runner.parts.interrupt.check()?;
    if !task.work.executes() {
        return group.perform(session, task).await;
    }
    runner.start_afresh(session).await?;
    runner.audit(task.step, true);
    let result = group.perform(session, task).await;
    runner.audit(task.step, false);
    result
}

/// SQLite's last words before COMMIT: no child without its parent, and the lease renewed, which
/// is also the check that it is still ours.
async fn finish_sqlite(
    runner: &Runner<'_>,
    session: &mut dyn Session,
    tasks: &[Task<'_>],
) -> Result<(), Error> {
    let database = runner.database();
    if database != Database::Sqlite {
        return Ok(());
    }
    let unchecked = tasks
        .iter()
        .find(|task| task.work.executes() && task.step.foreign_keys_off(database));
    if let Some(task) = unchecked {
        refuse_orphans(session, *task).await?;
    }
    let ledger = &runner.parts.ledger;
    match crate::lease::renew(
        session,
        &ledger.tables,
        ledger.token,
        runner.parts.lease,
        None,
    )
    .await
    {
        Ok(true) => Ok(()),
        Ok(false) => Err(lost()),
        Err(error) => Err(write_error(&ledger.tables, error)),
    }
}

/// Refuses to finish a step that ran with foreign keys off and leaves rows without their parent.
pub(super) async fn refuse_orphans(session: &mut dyn Session, task: Task<'_>) -> Result<(), Error> {
    let orphans = session
        .query("PRAGMA foreign_key_check", &[])
        .await
        .map_err(|e| db_error::database_error(Database::Sqlite, "check foreign keys", e))?;
    let Some(orphan) = orphans.first() else {
        return Ok(());
    };
    Err(Error::new(
        ErrorCode::StepFailed,
        format!(
            "{} ({}) would leave {} rows without their parent, the first in table `{}`",
            doing(task),
            task.location(Database::Sqlite),
            orphans.len(),
            orphan.text(0).unwrap_or("?")
        ),
    )
    .help(format!(
        "`PRAGMA foreign_key_check` lists them; correct {} or the data, then run the command again",
        to_correct(task)
    ))
    .of_way_back(task.is_down()))
}
