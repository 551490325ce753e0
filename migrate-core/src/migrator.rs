//! The facade: what a service holds, with one method per operation.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::audit::{AuditEvent, AuditHook};
use crate::domain::{History, Source};
use crate::error::{Error, ErrorCode};
use crate::event::Observer;
use crate::interrupt::Shutdown;
use crate::ledger::LedgerName;
use crate::policy::Policies;
use crate::target::Target;

/// Runs a history on a database.
///
/// What works on the database returns a boxed future: it is compiled once, with this crate, and
/// not again with every service that awaits it.
///
/// ```no_run
/// # async fn start(pool: sqlx::SqlitePool, history: migrate_core::History) -> Result<(), migrate_core::Error> {
/// use migrate_core::Migrator;
///
/// // In a service: `Migrator::new(&pool, &my_service::MIGRATIONS)`.
/// let report = Migrator::new(&pool, history).app_version(env!("CARGO_PKG_VERSION")).run().await?;
/// println!("{} migrations applied", report.steps.len());
/// # Ok(())
/// # }
/// ```
pub struct Migrator<'c> {
    pub(crate) target: Target<'c>,
    pub(crate) source: Source,
    pub(crate) options: Options,
}

/// How a migrator works; see the builder methods of [`Migrator`] for each.
#[derive(Clone)]
pub(crate) struct Options {
    pub(crate) ledger: LedgerName,
    pub(crate) lease: Duration,
    pub(crate) wait: Duration,
    pub(crate) policies: Policies,
    pub(crate) verbosity: u8,
    pub(crate) app_version: String,
    pub(crate) observer: Option<Arc<dyn Observer>>,
    pub(crate) audit_hook: Option<AuditHook>,
    pub(crate) shutdown: Shutdown,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            ledger: LedgerName::default(),
            lease: Duration::from_secs(30),
            wait: Duration::from_secs(600),
            policies: Policies::default(),
            verbosity: 1,
            app_version: String::new(),
            observer: None,
            audit_hook: None,
            shutdown: Shutdown::new(),
        }
    }
}

impl<'c> Migrator<'c> {
    /// A migrator for a pool, a connection, or a [`Target`] from a URL; and for the `MIGRATIONS`
    /// of a crate, or a [`History`] built by hand. Nothing is opened yet.
    pub fn new(target: impl Into<Target<'c>>, source: impl Into<Source>) -> Self {
        Self {
            target: target.into(),
            source: source.into(),
            options: Options::default(),
        }
    }

    /// Where the ledger's tables stand. Default: `migrate_*` in `public` (Postgres), `main`
    /// (SQLite) or the URL's database (MySQL).
    pub fn ledger(mut self, name: LedgerName) -> Self {
        self.options.ledger = name;
        self
    }

    /// How long the lock outlives a holder that shows no sign of life. Default: 30 s; at least
    /// one second. A heartbeat renews it every quarter of that.
    ///
    /// A borrowed connection has no heartbeat, and nothing renews the lease while a function or a
    /// statement runs on it: there it is an hour at least.
    pub fn lease(mut self, lease: Duration) -> Self {
        self.options.lease = lease.max(Duration::from_secs(1));
        self
    }

    /// How long to wait for a holder that shows no progress. Default: 10 minutes.
    pub fn wait(mut self, wait: Duration) -> Self {
        self.options.wait = wait;
        self
    }

    /// What to do where binary and database disagree.
    pub fn policies(mut self, policies: Policies) -> Self {
        self.options.policies = policies;
        self
    }

    /// What a step's [`Context::verbosity`](crate::Context::verbosity) says, 0 to 3. Default: 1.
    pub fn verbosity(mut self, verbosity: u8) -> Self {
        self.options.verbosity = verbosity.min(3);
        self
    }

    /// The application's version, for the ledger and for messages about who holds the lock.
    pub fn app_version(mut self, version: &str) -> Self {
        self.options.app_version = version.chars().take(100).collect();
        self
    }

    /// Who is told what happens, as it happens. If it panics the run goes on.
    pub fn observer(mut self, observer: impl Observer + 'static) -> Self {
        self.options.observer = Some(Arc::new(observer));
        self
    }

    /// Called when a step begins and when it has ended, for audit that the application does in
    /// code.
    pub fn audit_hook(mut self, hook: impl Fn(&AuditEvent) + Send + Sync + 'static) -> Self {
        self.options.audit_hook = Some(Arc::new(hook));
        self
    }

    /// A handle by which the application stops a run.
    pub fn shutdown(mut self, shutdown: Shutdown) -> Self {
        self.options.shutdown = shutdown;
        self
    }

    /// The steps of this binary.
    ///
    /// # Errors
    ///
    /// What is wrong with them that the compiler could not see.
    pub fn steps(&self) -> Result<&History, Error> {
        self.source.steps()
    }

    /// What differs between the migration folders and this binary, one sentence each.
    ///
    /// Looks only in debug builds and only where the folders still stand where they stood when
    /// the crate was compiled; a release build answers with an empty list.
    pub fn stale_folders(&self) -> Vec<String> {
        self.source.stale_folders()
    }

    /// The steps, checked for this database.
    pub(crate) fn checked_history(&self) -> Result<&History, Error> {
        let history = self.steps()?;
        history.check_for(self.target.database())?;
        if history.iter().len() == 0 {
            return Err(Error::new(
                ErrorCode::UnknownStep,
                "this binary has no migrations at all",
            )
            .help("`cargo migrate new NAME` writes the first one"));
        }
        Ok(history)
    }
}

impl fmt::Debug for Migrator<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Migrator")
            .field("target", &self.target)
            .finish_non_exhaustive()
    }
}
