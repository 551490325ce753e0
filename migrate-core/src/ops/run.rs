//! `run` and `migrate`: what leads to a goal.

use std::collections::HashSet;
use std::time::Instant;

use super::applied::{applied, applied_after};
use super::refuse::{refuse, whole_route};
use super::session::Opened;
use crate::context::BoxFuture;
use crate::domain::{History, LedgerRows, Route, route};
use crate::error::{Error, ErrorCode};
use crate::event::Event;
use crate::exec::{Runner, Task, Together, check_single_transaction, check_tasks, fake_initial};
use crate::goal::{Fake, Request};
use crate::lease::millis;
use crate::ledger::Tables;
use crate::migrator::Migrator;
use crate::report::{RunReport, StepId};
use crate::session::Session;
use migrate_source::Database;
use tracing::Instrument;

impl Migrator<'_> {
    /// Applies every pending step, once, in order.
    ///
    /// With nothing pending exactly one statement goes to the server. Otherwise the lock is
    /// taken, waiting while another process makes progress, and what is still pending then runs.
    ///
    /// Stop a run with [`Migrator::shutdown`]. If its future is dropped instead, a task on the
    /// current runtime ends the lease, so that the next process need not wait for that; without a
    /// runtime, or on a borrowed connection, it has to.
    ///
    /// # Errors
    ///
    /// [`Error::progress`] tells what was applied, what failed and what remains.
    pub fn run(&self) -> BoxFuture<'_, Result<RunReport, Error>> {
        Box::pin(async { self.migrate_inner(&Request::default()).await })
    }

    /// Applies or undoes what leads to the goal of the request; [`run`](Self::run) with a goal.
    ///
    /// Nobody is asked. Undoing more than was planned before the lock was had is refused;
    /// [`Request::agreed`] says the same of a plan that was shown.
    ///
    /// ```
    /// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
    /// use migrate_core::report::StepOutcome;
    /// use migrate_core::{Goal, History, Migrator, Request};
    ///
    /// # #[cfg(feature = "sqlite")] {
    /// let history = History::builder()
    ///     .sql("shop", "0001_initial.sql", "CREATE TABLE items (id INTEGER);")
    ///     .sql("shop", "0002_tags.sql", "-- migrate: up\nCREATE TABLE tags (id INTEGER);\n-- migrate: down\nDROP TABLE tags;")
    ///     .build()?;
    /// let pool = sqlx::SqlitePool::connect("sqlite::memory:").await?;
    /// let migrator = Migrator::new(&pool, history);
    /// migrator.run().await?;
    ///
    /// let back = Request::to(Goal::typed(Some("shop"), Some("0001")));
    /// let plan = migrator.plan_to(&back).await?;
    /// let report = migrator.migrate(&back.agreed(&plan)).await?;
    /// assert_eq!(report.steps[0].step.to_string(), "shop.0002_tags");
    /// assert_eq!(report.steps[0].outcome, StepOutcome::Reverted);
    /// assert_eq!(report.applied_total, 1);
    /// # }
    /// # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
    /// ```
    ///
    /// # Errors
    ///
    /// As [`run`](Self::run), and before anything runs:
    /// - [`ErrorCode::UnknownApp`], [`ErrorCode::UnknownStep`], [`ErrorCode::AmbiguousStep`]: the
    ///   goal names nothing, or several steps;
    /// - [`ErrorCode::Irreversible`]: the way back leads through a step that has none;
    /// - [`ErrorCode::HalfReverted`]: forwards, over a step whose way back stopped half-way;
    /// - [`ErrorCode::InconsistentHistory`], [`ErrorCode::ConflictingLeaves`],
    ///   [`ErrorCode::SquashIncomplete`]: whatever the goal is, and with [`Fake::All`] too;
    /// - [`ErrorCode::NotOneTransaction`]: a step cannot take part in a single transaction;
    /// - [`ErrorCode::NotPossible`]: the goal is manual, [`Fake::Initial`] found only a part of
    ///   what a step creates, or more would be undone than was agreed to.
    pub fn migrate<'r>(&'r self, request: &'r Request) -> BoxFuture<'r, Result<RunReport, Error>> {
        Box::pin(self.migrate_inner(request))
    }

    async fn migrate_inner(&self, request: &Request) -> Result<RunReport, Error> {
        let started = Instant::now();
        let mut opened = self.open().await?;
        let span = tracing::info_span!("migrate", database = %self.target.database());
        let result = self
            .run_opened(&mut opened, request, started)
            .instrument(span)
            .await;
        opened.connection.close().await;
        result
    }

    async fn run_opened(
        &self,
        opened: &mut Opened<'_, '_>,
        request: &Request,
        started: Instant,
    ) -> Result<RunReport, Error> {
        let history = self.checked_history()?;
        let Opened {
            connection,
            tables,
            ledger,
        } = opened;
        let session = connection.session();
        let database = tables.database();
        let policies = self.options.policies;
        let mut before = route(history, ledger.rows(), request, policies, database)?;
        let mut report = RunReport {
            database,
            direction: before.direction,
            steps: Vec::new(),
            applied_total: applied(history, ledger.rows()),
            waited_ms: 0,
            duration_ms: 0,
            warnings: Vec::new(),
        };
        refuse(session, tables, history, &before.problems).await?;
        if before.moves.is_empty() {
            self.warn(&mut report, std::mem::take(&mut before.warnings));
            report.duration_ms = millis(started.elapsed());
            return Ok(report);
        }
        // Nothing is created for what is refused anyway.
        fitting(session, tables, history, &before, ledger.rows(), request).await?;
        let agreed = match &request.agreed {
            Some(agreed) => agreed.clone(),
            None => before.undone(ledger.rows(), database),
        };
        let (mut locked, ledger) = self
            .create_and_enter(session, tables, ledger, history)
            .await?;
        report.waited_ms = millis(locked.waited);
        let result = self
            .run_locked(session, &mut locked.runner, request, &agreed, &mut report)
            .await;
        report.steps = locked.runner.finished.take();
        report.applied_total = applied_after(ledger.rows(), history, &report.steps);
        self.leave(session, tables, locked).await;
        result?;
        report.duration_ms = millis(started.elapsed());
        Ok(report)
    }

    /// Plans again, since another process may have changed the ledger while this one waited for
    /// the lock, and goes the way.
    async fn run_locked<'r>(
        &self,
        session: &mut dyn Session,
        runner: &mut Runner<'r>,
        request: &Request,
        agreed: &[StepId],
        report: &mut RunReport,
    ) -> Result<(), Error> {
        let history = runner.parts.history;
        let tables = runner.parts.ledger.tables.clone();
        let database = tables.database();
        let rows = runner.rows.clone();
        let policies = self.options.policies;
        let now = whole_route(history, &rows, request, policies, database, false)?;
        refuse(session, &tables, history, &now.problems).await?;
        refuse_more(agreed, &now.undone(&rows, database))?;
        let tasks = fitting(session, &tables, history, &now, &rows, request).await?;
        report.direction = now.direction;
        // Before anything runs, so that a failure does not swallow them.
        self.warn(report, now.warnings);
        runner
            .parts
            .reporter
            .send(&Event::RunStarted { steps: tasks.len() });
        let together = match database {
            _ if request.single_transaction => Together::All,
            // Only a fresh SQLite database has nobody who could be waiting for its one writer.
            Database::Sqlite if rows.is_empty() => Together::Rows,
            _ => Together::No,
        };
        runner.run(session, &tasks, together).await
    }

    fn warn(&self, report: &mut RunReport, warnings: Vec<String>) {
        // The command line has its own words for people; this is for a service's log.
        for what in self.stale_folders() {
            tracing::warn!(what, "this debug build is older than its migrations");
        }
        let reporter = self.reporter(crate::heartbeat::Activity::default());
        for message in &warnings {
            reporter.send(&Event::Warning {
                message: message.clone(),
            });
        }
        report.warnings = warnings;
    }
}

pub(super) fn tasks<'h>(route: &Route<'h>, request: &Request) -> Vec<Task<'h>> {
    let moves = route.moves.iter();
    moves
        .map(|planned| Task::of(planned, request.fake))
        .collect()
}

/// The tasks of a run, with the first steps that are only to be recorded, unless they could not
/// end well.
async fn fitting<'h>(
    session: &mut dyn Session,
    tables: &Tables,
    history: &History,
    route: &Route<'h>,
    rows: &LedgerRows,
    request: &Request,
) -> Result<Vec<Task<'h>>, Error> {
    let mut tasks = tasks(route, request);
    if request.fake == Fake::Initial {
        let partly = fake_initial(session, &mut tasks, rows).await?;
        refuse(session, tables, history, &partly).await?;
    }
    check(&tasks, rows, request, tables.database())?;
    Ok(tasks)
}

/// Refuses what could not end well, before the first statement.
pub(super) fn check(
    tasks: &[Task<'_>],
    rows: &LedgerRows,
    request: &Request,
    database: Database,
) -> Result<(), Error> {
    check_tasks(tasks, database)?;
    if request.single_transaction {
        check_single_transaction(tasks, rows, database)?;
    }
    Ok(())
}

/// Nothing is undone that was not agreed to, or not in the plan when the run was asked for: what
/// another process did meanwhile may have made more, or something else, the last that was applied.
pub(super) fn refuse_more(agreed: &[StepId], undone: &[StepId]) -> Result<(), Error> {
    let agreed: HashSet<&StepId> = agreed.iter().collect();
    let Some(more) = undone.iter().find(|id| !agreed.contains(id)) else {
        return Ok(());
    };
    Err(Error::new(
        ErrorCode::NotPossible,
        format!(
            "meanwhile another process changed what is applied: now `{more}` would be undone too, which was not in the plan. Nothing was undone"
        ),
    )
    .help("look at what the other one did: `migrate history`")
    .help("then plan again: the same command with `--plan`"))
}
