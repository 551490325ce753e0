//! `run`, `dry_run` and `plan`: all pending steps.

use std::time::Instant;

use super::refuse::refuse;
use super::session::Opened;
use crate::domain::{Comparison, LedgerRow, LedgerRows, Step, compare};
use crate::error::Error;
use crate::event::Event;
use crate::exec::check_steps;
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
    pub async fn run(&self) -> Result<RunReport, Error> {
        let started = Instant::now();
        let mut opened = self.open().await?;
        let span = tracing::info_span!("migrate", database = %self.target.database());
        let result = self.run_opened(&mut opened, started).instrument(span).await;
        opened.connection.close().await;
        result
    }

    async fn run_opened(
        &self,
        opened: &mut Opened<'_, '_>,
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
        let mut report = RunReport {
            database,
            steps: Vec::new(),
            applied_total: applied(ledger.rows()),
            waited_ms: 0,
            duration_ms: 0,
            warnings: Vec::new(),
        };
        let before = compare(history, ledger.rows(), self.options.policies, database);
        refuse(session, tables, history, &before.problems).await?;
        if before.pending.is_empty() {
            self.warn(&mut report, before.warnings);
            report.duration_ms = millis(started.elapsed());
            return Ok(report);
        }
        check_steps(&before.pending, database)?;
        let (mut locked, ledger) = self
            .create_and_enter(session, tables, ledger, history)
            .await?;
        report.waited_ms = millis(locked.waited);
        let now = compare(history, ledger.rows(), self.options.policies, database);
        // Only a fresh SQLite database has nobody who could be waiting for its one writer.
        let together = database == Database::Sqlite && ledger.rows().is_empty();
        let result = match refuse(session, tables, history, &now.problems).await {
            Ok(()) => {
                // Before anything runs, so that a failure does not swallow them.
                self.warn(&mut report, now.warnings);
                locked.runner.parts.reporter.send(&Event::RunStarted {
                    steps: now.pending.len(),
                });
                locked.runner.run(session, &now.pending, together).await
            }
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
    pub async fn dry_run(&self) -> Result<DryRunReport, Error> {
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
        let comparison = compare(
            history,
            ledger.rows(),
            self.options.policies,
            tables.database(),
        );
        refuse(session, tables, history, &comparison.problems).await?;
        check_steps(&comparison.pending, tables.database())?;
        self.try_steps(session, tables, history, ledger, &comparison.pending)
            .await
    }

    /// What a run would do now, and what stands in its way. Writes nothing.
    ///
    /// # Errors
    ///
    /// That the database cannot be read, or that the binary's own steps do not fit together.
    pub async fn plan(&self) -> Result<Plan, Error> {
        let history = self.checked_history()?;
        let mut opened = self.look().await?;
        let database = opened.tables.database();
        let Comparison {
            pending,
            mut problems,
            warnings,
        } = compare(
            history,
            opened.ledger.rows(),
            self.options.policies,
            database,
        );
        super::refuse::explain(&mut opened, history, &mut problems).await;
        let rows = opened.ledger.rows();
        let steps = pending
            .iter()
            .map(|step| planned(step, rows, database))
            .collect();
        opened.connection.close().await;
        Ok(Plan {
            database,
            steps,
            problems,
            warnings,
        })
    }
}

fn applied(rows: &[LedgerRow]) -> usize {
    rows.iter().filter(|row| row.is_applied()).count()
}

fn planned(step: &Step, rows: &LedgerRows, database: Database) -> PlannedStep {
    let row = rows.find(&step.id);
    PlannedStep {
        step: step.id.clone(),
        kind: step.kind(),
        mode: step.mode(database),
        location: step.location_on(database).to_owned(),
        description: step.description.clone(),
        resumes_after: row
            .filter(|row| row.done > 0)
            .map(|row| (row.done, row.total)),
    }
}
