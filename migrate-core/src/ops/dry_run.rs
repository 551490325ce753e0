//! `dry_run` and `dry_run_to`: what a run would do, done and rolled back.

use super::refuse::{is_held, refuse, whole_route};
use super::run::{check, refuse_more, tasks};
use super::session::Opened;
use crate::cancel::{Canceller, session_name, unwatch, watch};
use crate::context::BoxFuture;
use crate::domain::History;
use crate::error::{Error, ErrorCode};
use crate::event::Event;
use crate::exec::{Runner, RunnerParts, Task, Tried, dry_run};
use crate::goal::{Fake, Request};
use crate::heartbeat::Activity;
use crate::holder::Holder;
use crate::interrupt::Interrupt;
use crate::ledger::{LedgerRead, Tables};
use crate::migrator::Migrator;
use crate::report::DryRunReport;
use crate::session::Session;

impl Migrator<'_> {
    /// Executes every pending step up to the first that cannot be rolled back, counts the rows it
    /// changes, and rolls everything back. Needs the rights of a run and takes its locks.
    ///
    /// # Errors
    ///
    /// What a run would fail with, and [`ErrorCode::LockHeld`](crate::ErrorCode::LockHeld) while
    /// a run is under way.
    pub fn dry_run(&self) -> BoxFuture<'_, Result<DryRunReport, Error>> {
        Box::pin(async { self.dry_run_inner(&Request::default()).await })
    }

    /// As [`dry_run`](Self::dry_run), to the goal of a request: what [`migrate`](Self::migrate)
    /// would apply or undo. On the way back the `down` parts and `reverse` functions are what is
    /// executed and rolled back.
    ///
    /// ```
    /// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
    /// use migrate_core::report::Direction;
    /// use migrate_core::{Goal, History, Migrator, Request};
    ///
    /// # #[cfg(feature = "sqlite")] {
    /// let history = History::builder()
    ///     .sql("shop", "0001_initial.sql", "CREATE TABLE items (id INTEGER);")
    ///     .sql("shop", "0002_first.sql", "-- migrate: up\nINSERT INTO items VALUES (1), (2);\n-- migrate: down\nDELETE FROM items WHERE id < 3;")
    ///     .build()?;
    /// let pool = sqlx::SqlitePool::connect("sqlite::memory:").await?;
    /// let migrator = Migrator::new(&pool, history);
    /// migrator.run().await?;
    ///
    /// let report = migrator.dry_run_to(&Request::to(Goal::Undo)).await?;
    /// assert_eq!(report.direction, Direction::Backwards);
    /// assert_eq!(report.steps[0].run.step.to_string(), "shop.0002_first");
    /// assert_eq!(report.steps[0].tables[0].deleted, 2);
    /// // Both rows are still there, and the step is still applied.
    /// assert_eq!(migrator.status().await?.pending, 0);
    /// # }
    /// # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
    /// ```
    ///
    /// # Errors
    ///
    /// As [`dry_run`](Self::dry_run), what [`migrate`](Self::migrate) refuses before anything
    /// runs, and [`ErrorCode::NotPossible`](crate::ErrorCode::NotPossible) for a [`Fake`], of
    /// which nothing is executed.
    pub fn dry_run_to<'r>(
        &'r self,
        request: &'r Request,
    ) -> BoxFuture<'r, Result<DryRunReport, Error>> {
        Box::pin(self.dry_run_inner(request))
    }

    async fn dry_run_inner(&self, request: &Request) -> Result<DryRunReport, Error> {
        if request.fake != Fake::No {
            return Err(Error::new(
                ErrorCode::NotPossible,
                "what is only recorded does not run, so a dry run has nothing to try",
            )
            .help("`--plan` shows what would be recorded"));
        }
        let mut opened = self.look().await?;
        let result = self.dry_run_opened(&mut opened, request).await;
        opened.connection.close().await;
        result
    }

    async fn dry_run_opened(
        &self,
        opened: &mut Opened<'_, '_>,
        request: &Request,
    ) -> Result<DryRunReport, Error> {
        let history = self.checked_history()?;
        let held = is_held(opened).await?;
        let Opened {
            connection,
            tables,
            ledger,
        } = opened;
        let session = connection.session();
        let database = tables.database();
        let (rows, policies) = (ledger.rows(), self.options.policies);
        let route = whole_route(history, rows, request, policies, database, held)?;
        refuse(session, tables, history, &route.problems).await?;
        if let Some(agreed) = &request.agreed {
            refuse_more(agreed, &route.undone(rows, database))?;
        }
        let tasks = tasks(&route, request);
        check(&tasks, rows, request, database)?;
        let reporter = self.reporter(Activity::default());
        for message in &route.warnings {
            let message = message.clone();
            reporter.send(&Event::Warning { message });
        }
        let tried = self.try_tasks(session, tables, history, ledger, &tasks);
        let Tried { steps, not_tried } = tried.await?;
        Ok(DryRunReport {
            database,
            direction: route.direction,
            steps,
            not_tried,
            warnings: route.warnings,
        })
    }

    /// Does tasks and rolls them back: nothing is locked or written, so there is no token.
    pub(super) async fn try_tasks<'r>(
        &self,
        session: &mut dyn Session,
        tables: &Tables,
        history: &'r History,
        ledger: &LedgerRead,
        tasks: &[Task<'r>],
    ) -> Result<Tried, Error> {
        let runner = self.unlocked_runner(session, tables, history, ledger).await;
        runner.parts.interrupt.check()?;
        watch(session, &runner.parts.interrupt).await;
        let result = dry_run(&runner, session, tasks, ledger.is_present()).await;
        unwatch(session).await;
        result
    }

    async fn unlocked_runner<'r>(
        &self,
        session: &mut dyn Session,
        tables: &Tables,
        history: &'r History,
        ledger: &LedgerRead,
    ) -> Runner<'r> {
        let holder = Holder::this(&self.options.app_version);
        let name = session_name(session).await;
        let parts = RunnerParts {
            ledger: self.ledger_of(tables, 0, &holder),
            history,
            reporter: self.reporter(Activity::default()),
            interrupt: Interrupt::within(&self.options.shutdown),
            canceller: Canceller::new(self.target.server(), &name),
            lease: self.options.lease,
            verbosity: self.options.verbosity,
            audit_hook: self.options.audit_hook.clone(),
            renews: false,
            beat: None,
            reset: self.reset_text(),
        };
        Runner::new(parts, ledger.rows().clone())
    }
}
