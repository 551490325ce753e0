//! The body of a step's transaction: one step, or on a fresh SQLite database several.

use super::atomic::transaction;
use super::commit::{lost, write_error};
use super::function::script;
use super::run::Runner;
use crate::context::BoxFuture;
use crate::db_error;
use crate::domain::{LedgerRow, LedgerRows, Step};
use crate::error::{Error, ErrorCode};
use crate::ledger::{LedgerRead, read_ledger};
use crate::report::StepRun;
use crate::session::{Session, TransactionBody};
use migrate_source::Database;

impl<'r> Runner<'r> {
    /// Several steps in one transaction, each in a savepoint: a failure takes back that step
    /// alone, and those before it are committed.
    pub(super) async fn apply_group(
        &mut self,
        session: &mut dyn Session,
        steps: &[&'r Step],
        start: usize,
        of: usize,
    ) -> Result<(), Error> {
        self.parts.interrupt.check()?;
        let begun = std::time::Instant::now();
        let mut body = Group {
            runner: self,
            steps,
            announce: Some((start + 1, of)),
            action: "run",
            done: Vec::new(),
            failed: None,
        };
        let result = body
            .runner
            .guarded(transaction(session, &mut body.scope(), steps[0]))
            .await;
        let Group {
            mut done, failed, ..
        } = body;
        let (step, error) = match (result, failed) {
            (Ok(()), None) => (None, None),
            (Ok(()), Some((step, error))) => (Some(step), Some(self.interrupted(error))),
            (Err(error), failed) => {
                // A function may have committed behind our back: the ledger tells what is there.
                self.keep_applied(session, &mut done).await;
                let (step, error) = match failed {
                    Some((step, cause)) => (Some(step), self.interrupted(cause)),
                    None => (None, error),
                };
                (step, Some(error))
            }
        };
        done.into_iter().for_each(|run| self.finished(run));
        let Some(error) = error else { return Ok(()) };
        if let Some(step) = step {
            self.record_failure(session, step, "run", &error, begun)
                .await;
        }
        Err(error)
    }

    /// After a transaction that did not end as it should: drops the runs that are not recorded.
    async fn keep_applied(&self, session: &mut dyn Session, done: &mut Vec<StepRun>) {
        let _ = session.script("ROLLBACK".to_owned()).await;
        let read = read_ledger(session, &self.parts.ledger.tables).await;
        let rows = read.as_ref().map_or(LedgerRows::NONE, LedgerRead::rows);
        done.retain(|run| rows.find(&run.step).is_some_and(LedgerRow::is_applied));
    }
}

/// The steps of one transaction.
pub(super) struct Group<'g, 'r> {
    pub(super) runner: &'g Runner<'r>,
    pub(super) steps: &'g [&'r Step],
    /// The first step's place in the run and the run's length, where the steps are announced
    /// one by one.
    pub(super) announce: Option<(usize, usize)>,
    pub(super) action: &'static str,
    pub(super) done: Vec<StepRun>,
    pub(super) failed: Option<(&'r Step, Error)>,
}

impl<'g, 'r> Group<'g, 'r> {
    pub(super) fn scope(&mut self) -> GroupScope<'_, 'g, 'r> {
        GroupScope(self)
    }
}

/// Lends a group to a transaction, so that its results can be read afterwards.
pub(super) struct GroupScope<'s, 'g, 'r>(&'s mut Group<'g, 'r>);

impl TransactionBody for GroupScope<'_, '_, '_> {
    fn run<'s>(&'s mut self, session: &'s mut dyn Session) -> BoxFuture<'s, Result<(), Error>> {
        Box::pin(async move {
            let group = &mut *self.0;
            let alone = group.steps.len() == 1;
            for (i, step) in group.steps.iter().enumerate() {
                if let Some((first, of)) = group.announce {
                    group.runner.started(step, first + i, of, true);
                }
                match group_step(group, session, step, alone).await {
                    Ok(runs) => group.done.extend(runs),
                    Err(error) if alone => return Err(error),
                    Err(error) => {
                        group.failed = Some((step, error));
                        break;
                    }
                }
            }
            finish_sqlite(group.runner, session, group.steps).await
        })
    }
}

async fn group_step(
    group: &Group<'_, '_>,
    session: &mut dyn Session,
    step: &Step,
    alone: bool,
) -> Result<Vec<StepRun>, Error> {
    const SAVEPOINT: &str = "migrate_step";
    let already = group.done.iter().map(|run| run.step.to_string()).collect();
    if alone {
        return group
            .runner
            .in_transaction(session, step, group.action, false, &already)
            .await;
    }
    script(session, step, format!("SAVEPOINT {SAVEPOINT}")).await?;
    group.runner.audit(step, true);
    let result = group
        .runner
        .in_transaction(session, step, group.action, false, &already)
        .await;
    group.runner.audit(step, false);
    let end = match &result {
        Ok(_) => format!("RELEASE {SAVEPOINT}"),
        Err(_) => format!("ROLLBACK TO {SAVEPOINT}; RELEASE {SAVEPOINT}"),
    };
    let ended = script(session, step, end).await;
    // Where the step failed, its own error says more than a savepoint that is gone.
    result.and_then(|runs| ended.map(|()| runs))
}

/// SQLite's last words before COMMIT: no child without its parent, and the lease renewed, which
/// is also the check that it is still ours.
async fn finish_sqlite(
    runner: &Runner<'_>,
    session: &mut dyn Session,
    steps: &[&Step],
) -> Result<(), Error> {
    let database = runner.database();
    if database != Database::Sqlite {
        return Ok(());
    }
    if let Some(step) = steps.iter().find(|step| step.foreign_keys_off(database)) {
        refuse_orphans(session, step).await?;
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
        Err(error) => Err(write_error(database, error)),
    }
}

/// Refuses to finish a step that ran with foreign keys off and leaves rows without their parent.
pub(super) async fn refuse_orphans(session: &mut dyn Session, step: &Step) -> Result<(), Error> {
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
            "`{}` ({}) would leave {} rows without their parent, the first in table `{}`",
            step.id,
            step.location_on(Database::Sqlite),
            orphans.len(),
            orphan.text(0).unwrap_or("?")
        ),
    )
    .help("`PRAGMA foreign_key_check` lists them; correct the step, then run the command again"))
}
