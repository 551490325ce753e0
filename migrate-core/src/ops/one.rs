//! `run NAME`: one data migration, by hand.

use super::mark::{comes_before, missing};
use super::refuse::refuse_half_reverted;
use super::session::Opened;
use crate::context::BoxFuture;
use crate::domain::{Effective, History, LedgerRow, LedgerRows, Step};
use crate::error::{Error, ErrorCode};
use crate::exec::{Task, Work, check_tasks};
use crate::migrator::Migrator;
use crate::policy::Policy;
use crate::report::{Direction, DryRunReport, StepKind, StepOutcome, StepRun};

/// How one data migration is to run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RunStep {
    /// Unless it is applied.
    Run,
    /// Even if it is applied; the time in its row is then refreshed.
    Force,
    /// Not at all: it is only recorded.
    Fake,
}

impl Migrator<'_> {
    /// Runs one data migration by name. That it is applied already is not an error:
    /// [`StepOutcome::AlreadyApplied`]; where only the record of a squash tells it,
    /// [`StepRun::through`] names that.
    ///
    /// # Errors
    ///
    /// An unknown name, a dependency that is not applied, or what the function failed with. A
    /// forced re-run that fails leaves the old row and its time as they were; one of a step that
    /// is applied only through a squash is refused.
    pub fn run_step<'a>(
        &'a self,
        name: &'a str,
        how: RunStep,
    ) -> BoxFuture<'a, Result<StepRun, Error>> {
        Box::pin(self.run_step_inner(name, how))
    }

    async fn run_step_inner(&self, name: &str, how: RunStep) -> Result<StepRun, Error> {
        let history = self.checked_history()?;
        let step = data_migration(history, name)?;
        let mut opened = self.open().await?;
        let result = self.run_step_opened(&mut opened, history, step, how).await;
        opened.connection.close().await;
        result
    }

    async fn run_step_opened(
        &self,
        opened: &mut Opened<'_, '_>,
        history: &History,
        step: &Step,
        how: RunStep,
    ) -> Result<StepRun, Error> {
        let Opened {
            connection,
            tables,
            ledger,
        } = opened;
        let session = connection.session();
        if let Some(already) = already(history, ledger.rows(), step, how)? {
            return Ok(already);
        }
        let task = Task::new(
            step,
            match how {
                RunStep::Run => Work::Run,
                RunStep::Force => Work::Force,
                RunStep::Fake => Work::Fake,
            },
        );
        self.may_execute(step, history, ledger.rows(), how)?;
        check_tasks(&[task], tables.database())?;
        let (mut locked, ledger) = self
            .create_and_enter(session, tables, ledger, history)
            .await?;
        // Once more: all of it may have changed while this process waited for the lock.
        let rows = ledger.rows();
        let may = match already(history, rows, step, how) {
            Ok(None) => self.may_execute(step, history, rows, how).map(|()| None),
            already => already,
        };
        let result = match may {
            Ok(Some(meanwhile)) => Ok(StepRun {
                outcome: StepOutcome::AppliedMeanwhile,
                ..meanwhile
            }),
            Ok(None) => locked.runner.perform(session, task, 1, 1).await,
            Err(error) => Err(error),
        };
        self.leave(session, tables, locked).await;
        let faked = matches!(&result, Ok(run) if run.outcome == StepOutcome::Faked);
        let warning = comes_before(step, &missing(step, history, rows)).filter(|_| faked);
        if let Some(message) = warning {
            self.warn_of(message);
        }
        result
    }

    /// Whether what the step needs is applied, and whether a forced re-run would pass over an edit.
    fn may_execute(
        &self,
        step: &Step,
        history: &History,
        rows: &LedgerRows,
        how: RunStep,
    ) -> Result<(), Error> {
        refuse_half_reverted(rows.find(&step.id))?;
        if how == RunStep::Fake {
            return Ok(());
        }
        dependencies_applied(step, history, rows)?;
        let edited = rows.find(&step.id).is_some_and(|row| {
            row.is_applied() && !step.accepts(self.target.database(), &row.checksum)
        });
        if !edited || self.options.policies.edited != Policy::Deny {
            return Ok(());
        }
        Err(Error::new(
            ErrorCode::StepEdited,
            format!(
                "`{}` ({}) was changed after it was applied; a forced re-run would record the new text",
                step.id, step.location
            ),
        )
        .help(format!("accept the change first: `migrate accept {} --why \"..\"`", step.id))
        .help(format!("or run it with `migrate run {} --force --edited allow`", step.id.name)))
    }

    /// Executes one data migration, counts what it changes and rolls it back. An applied one is
    /// only tried with `force`; without, the report is empty.
    ///
    /// # Errors
    ///
    /// As [`dry_run`](Self::dry_run), an unknown name, and [`ErrorCode::DryRunImpossible`] for a
    /// step that cannot be rolled back on this database.
    pub fn dry_run_step<'a>(
        &'a self,
        name: &'a str,
        force: bool,
    ) -> BoxFuture<'a, Result<DryRunReport, Error>> {
        Box::pin(self.dry_run_step_inner(name, force))
    }

    async fn dry_run_step_inner(&self, name: &str, force: bool) -> Result<DryRunReport, Error> {
        let history = self.checked_history()?;
        let step = data_migration(history, name)?;
        let mut opened = self.look().await?;
        let result = self
            .dry_run_step_opened(&mut opened, history, step, force)
            .await;
        opened.connection.close().await;
        result
    }

    async fn dry_run_step_opened(
        &self,
        opened: &mut Opened<'_, '_>,
        history: &History,
        step: &Step,
        force: bool,
    ) -> Result<DryRunReport, Error> {
        let Opened {
            connection,
            tables,
            ledger,
        } = opened;
        let database = tables.database();
        let mut report = DryRunReport {
            database,
            direction: Direction::Forwards,
            steps: Vec::new(),
            not_tried: Vec::new(),
            warnings: Vec::new(),
        };
        let how = if force { RunStep::Force } else { RunStep::Run };
        if already(history, ledger.rows(), step, how)?.is_some() {
            return Ok(report);
        }
        self.may_execute(step, history, ledger.rows(), how)?;
        let tasks = [Task::new(step, Work::Run)];
        check_tasks(&tasks, database)?;
        let tried = self.try_tasks(connection.session(), tables, history, ledger, &tasks);
        let tried = tried.await?;
        if let Some(not_tried) = tried.not_tried.first() {
            return Err(Error::new(
                ErrorCode::DryRunImpossible,
                format!("`{}` cannot be tried: it {}", step.id, not_tried.reason),
            )
            .help("nothing ran; try it on a copy of the database"));
        }
        report.steps = tried.steps;
        Ok(report)
    }
}

fn outcome(step: &Step, outcome: StepOutcome) -> StepRun {
    StepRun {
        step: step.id.clone(),
        kind: step.kind(),
        outcome,
        duration_ms: 0,
        rows: None,
        result: None,
        refreshed: false,
        through: None,
    }
}

/// That the step is applied, by its own record or by that of a squash, and so is left alone.
///
/// # Errors
///
/// [`ErrorCode::NotPossible`]: it is to run again, but only a squash tells that it is applied. A
/// record of its own would say that the rest of the squash is not there.
fn already(
    history: &History,
    rows: &LedgerRows,
    step: &Step,
    how: RunStep,
) -> Result<Option<StepRun>, Error> {
    let forced = how == RunStep::Force;
    let already = outcome(step, StepOutcome::AlreadyApplied);
    if is_applied(rows, step) {
        return Ok((!forced).then_some(already));
    }
    let effective = Effective::new(history, rows, None);
    let squash = effective.folded_into(&step.id);
    let Some(squash) = squash.filter(|_| effective.applied(&step.id)) else {
        return Ok(None);
    };
    match forced {
        false => Ok(Some(StepRun {
            through: Some(squash.id.clone()),
            ..already
        })),
        true if effective.is_left_out(&step.id) => Ok(None),
        true => Err(Error::new(
            ErrorCode::NotPossible,
            format!(
                "`{}` is applied as a part of the squash `{}` and has no record of its own, so there is nothing that could run again",
                step.id, squash.id
            ),
        )
        .help("write a new data migration that does what is to be done now")),
    }
}

fn is_applied(rows: &LedgerRows, step: &Step) -> bool {
    rows.find(&step.id).is_some_and(LedgerRow::is_applied)
}

fn data_migration<'h>(history: &'h History, name: &str) -> Result<&'h Step, Error> {
    let step = history.find(name)?;
    if step.kind() == StepKind::Data {
        return Ok(step);
    }
    Err(Error::new(
        ErrorCode::NotPossible,
        format!(
            "`{}` is a SQL file; only data migrations run by name",
            step.id
        ),
    )
    .help("`migrate` runs every pending SQL file in order")
    .help(format!(
        "`migrate mark {}` records it without running it",
        step.id
    )))
}

fn dependencies_applied(step: &Step, history: &History, rows: &LedgerRows) -> Result<(), Error> {
    let effective = Effective::new(history, rows, None);
    let missing = step.after.iter().find(|id| !effective.applied(id));
    let Some(missing) = missing else {
        return Ok(());
    };
    Err(Error::new(
        ErrorCode::DependencyNotApplied,
        format!(
            "`{}` comes after `{missing}`, which is not applied",
            step.id
        ),
    )
    .help("`migrate` applies everything that is pending; `migrate plan` shows it")
    .help(format!(
        "if its effect is already there: `migrate mark {missing}`"
    )))
}
