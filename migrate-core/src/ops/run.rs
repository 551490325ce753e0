//! `run`, `dry_run` and `plan`: all pending steps.

use std::time::Instant;

use super::refuse::refuse;
use super::session::Opened;
use crate::context::BoxFuture;
use crate::domain::{LedgerRow, LedgerRows, Move, Route, Step, route};
use crate::error::Error;
use crate::event::Event;
use crate::exec::check_steps;
use crate::goal::Request;
use crate::lease::millis;
use crate::migrator::Migrator;
use crate::report::{DryRunReport, Plan, PlannedStep, RunReport};
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
    /// # Errors
    ///
    /// As [`run`](Self::run), and a goal that names no step.
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
            applied_total: applied(ledger.rows()),
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
        check_steps(&steps(&before), database)?;
        let (mut locked, ledger) = self
            .create_and_enter(session, tables, ledger, history)
            .await?;
        report.waited_ms = millis(locked.waited);
        // Only a fresh SQLite database has nobody who could be waiting for its one writer.
        let together = database == Database::Sqlite && ledger.rows().is_empty();
        let result = match route(history, ledger.rows(), request, policies, database) {
            Ok(now) => match refuse(session, tables, history, &now.problems).await {
                Ok(()) => {
                    let steps = steps(&now);
                    // Before anything runs, so that a failure does not swallow them.
                    self.warn(&mut report, now.warnings);
                    locked
                        .runner
                        .parts
                        .reporter
                        .send(&Event::RunStarted { steps: steps.len() });
                    locked.runner.run(session, &steps, together).await
                }
                Err(error) => Err(error),
            },
            Err(error) => Err(error),
        };
        report.steps = std::mem::take(&mut locked.runner.applied);
        report.applied_total = applied(ledger.rows()) + report.steps.len();
        self.leave(session, tables, locked).await;
        result?;
        report.duration_ms = millis(started.elapsed());
        Ok(report)
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

    /// Executes every pending step up to the first that cannot be rolled back, counts the rows it
    /// changes, and rolls everything back. Needs the rights of a run and takes its locks.
    ///
    /// # Errors
    ///
    /// What a run would fail with, and [`ErrorCode::LockHeld`](crate::ErrorCode::LockHeld) while
    /// a run is under way.
    pub fn dry_run(&self) -> BoxFuture<'_, Result<DryRunReport, Error>> {
        Box::pin(self.dry_run_inner())
    }

    async fn dry_run_inner(&self) -> Result<DryRunReport, Error> {
        let mut opened = self.look().await?;
        let result = self.dry_run_opened(&mut opened).await;
        opened.connection.close().await;
        result
    }

    async fn dry_run_opened(&self, opened: &mut Opened<'_, '_>) -> Result<DryRunReport, Error> {
        let history = self.checked_history()?;
        let Opened {
            connection,
            tables,
            ledger,
        } = opened;
        let session = connection.session();
        let route = route(
            history,
            ledger.rows(),
            &Request::default(),
            self.options.policies,
            tables.database(),
        )?;
        refuse(session, tables, history, &route.problems).await?;
        let steps = steps(&route);
        check_steps(&steps, tables.database())?;
        self.try_steps(session, tables, history, ledger, &steps)
            .await
    }

    /// What a run would do now, and what stands in its way. Writes nothing.
    ///
    /// # Errors
    ///
    /// That the database cannot be read, or that the binary's own steps do not fit together.
    pub fn plan(&self) -> BoxFuture<'_, Result<Plan, Error>> {
        Box::pin(async { self.plan_inner(&Request::default()).await })
    }

    /// What [`migrate`](Self::migrate) would do now, and what stands in its way. Writes nothing.
    ///
    /// # Errors
    ///
    /// As [`plan`](Self::plan), and a goal that names no step.
    pub fn plan_to<'r>(&'r self, request: &'r Request) -> BoxFuture<'r, Result<Plan, Error>> {
        Box::pin(self.plan_inner(request))
    }

    async fn plan_inner(&self, request: &Request) -> Result<Plan, Error> {
        let history = self.checked_history()?;
        let mut opened = self.look().await?;
        let database = opened.tables.database();
        let rows = opened.ledger.rows();
        let route = route(history, rows, request, self.options.policies, database);
        let mut route = match route {
            Ok(route) => route,
            Err(error) => {
                opened.connection.close().await;
                return Err(error);
            }
        };
        super::refuse::explain(&mut opened, history, &mut route.problems).await;
        let rows = opened.ledger.rows();
        let steps = route
            .moves
            .iter()
            .map(|step| planned(step, rows, database))
            .collect();
        opened.connection.close().await;
        Ok(Plan {
            database,
            direction: route.direction,
            steps,
            dependents: route.dependents,
            problems: route.problems,
            warnings: route.warnings,
        })
    }
}

fn steps<'h>(route: &Route<'h>) -> Vec<&'h Step> {
    route.moves.iter().map(|step| step.step).collect()
}

fn applied(rows: &[LedgerRow]) -> usize {
    rows.iter().filter(|row| row.is_applied()).count()
}

fn planned(planned: &Move<'_>, rows: &LedgerRows, database: Database) -> PlannedStep {
    let Move { step, action } = planned;
    let row = rows.find(&step.id);
    PlannedStep {
        step: step.id.clone(),
        action: *action,
        irreversible: None,
        kind: step.kind(),
        mode: step.mode(database),
        location: step.location_on(database).to_owned(),
        description: step.description.clone(),
        resumes_after: row
            .filter(|row| row.done > 0)
            .map(|row| (row.done, row.total)),
    }
}
