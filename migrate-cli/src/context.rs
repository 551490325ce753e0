//! What every command is given: the service's settings, the global options, the output.
//!
//! The environment is read here and nowhere else (but for colour, in [`crate::output`]).

use std::env;
use std::path::PathBuf;
use std::sync::Arc;

use migrate_core::{Event, History, LedgerName, Migrator, Observer, Shutdown, Source, Target};

use crate::args::{Format, GlobalArgs};
use crate::cli::Settings;
use crate::drive::Connected;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::{Answer, Output};
use crate::program::Program;
use crate::progress::{Narration, Reporter};
use crate::render::human::run::DRY_RUN_BEGINS;
use crate::render::paint::Paint;
use crate::secret::DatabaseUrl;

/// The surroundings of one command.
pub(crate) struct Context {
    source: Option<Source>,
    settings: Settings,
    pub(crate) global: GlobalArgs,
    pub(crate) program: Program,
}

impl Context {
    pub(crate) fn new(
        source: Source,
        settings: Settings,
        global: GlobalArgs,
        program: Program,
    ) -> Self {
        Self {
            source: Some(source),
            settings,
            global,
            program,
        }
    }

    pub(crate) fn output(&self) -> &Output {
        &self.settings.output
    }

    /// How data is painted.
    pub(crate) fn paint(&self) -> Paint {
        self.settings.output.paint()
    }

    /// How people's text is painted.
    pub(crate) fn paint_err(&self) -> Paint {
        self.settings.output.paint_err()
    }

    /// Whether details are wanted (`-v 2`).
    pub(crate) fn detailed(&self) -> bool {
        self.global.verbosity >= 2
    }

    /// The steps of this binary, without a database.
    pub(crate) fn steps(&self) -> Result<&History, Failure> {
        match &self.source {
            Some(source) => Ok(source.steps()?),
            None => Err(connected_before()),
        }
    }

    /// Whether a database is named anywhere.
    pub(crate) fn names_a_database(&self) -> bool {
        self.settings.target.is_some() || self.url().is_some()
    }

    /// The steps, for a command that needs no database.
    pub(crate) fn history(&self) -> Result<&History, Failure> {
        let source = self.source.as_ref().ok_or_else(connected_before)?;
        let stale = source.stale_folders();
        if let Some(first) = stale.first() {
            let message = format!("this binary is older than its migration folders: {first}");
            return Err(Failure::usage(message).help("`cargo migrate index`, then build again"));
        }
        Ok(source.steps()?)
    }

    /// Puts another history in the place of the service's own.
    pub(crate) fn put_history(&mut self, history: History) {
        self.source = Some(history.into());
    }

    /// A migrator for the database, with the settings and the flags put on it.
    pub(crate) fn connect(&mut self, narration: Narration) -> Result<Connected, Failure> {
        let target = self.target()?;
        let Some(source) = self.source.take() else {
            return Err(connected_before());
        };
        let mut migrator = Migrator::new(target, source);
        if let Some(configure) = self.settings.configure.take() {
            migrator = configure(migrator);
        }
        if let Some(version) = &self.settings.app_version {
            migrator = migrator.app_version(version);
        }
        let migrator = self.apply_flags(migrator)?;
        self.warn_when_stale(&migrator);
        let quiet = self.global.format() == Format::Json;
        let reporter = Reporter::new(
            self.output().clone(),
            narration,
            self.global.verbosity,
            quiet,
        );
        let shutdown = Shutdown::new();
        let migrator = migrator
            .observer(Both(reporter.clone(), self.settings.observer.clone()))
            .shutdown(shutdown.clone());
        Ok(Connected {
            migrator,
            reporter,
            shutdown,
        })
    }

    fn apply_flags(&self, mut migrator: Migrator<'static>) -> Result<Migrator<'static>, Failure> {
        let global = &self.global;
        migrator = migrator.verbosity(global.verbosity);
        if let Some(lease) = global.lease {
            migrator = migrator.lease(lease);
        }
        if let Some(wait) = global.wait {
            migrator = migrator.wait(wait);
        }
        if global.ledger_schema.is_some() || global.ledger_prefix.is_some() {
            let prefix = global.ledger_prefix.as_deref().unwrap_or("migrate");
            migrator = migrator.ledger(LedgerName::new(global.ledger_schema.as_deref(), prefix)?);
        }
        let base = self.settings.policies;
        if let Some(policies) = global.policies.over(base.unwrap_or_default()).or(base) {
            migrator = migrator.policies(policies);
        }
        Ok(migrator)
    }

    /// A debug build that is older than the files beside it says so; it does not refuse.
    fn warn_when_stale(&self, migrator: &Migrator<'static>) {
        let differences = migrator.stale_folders();
        if differences.is_empty() || self.global.format() == Format::Json {
            return;
        }
        let paint = self.paint_err();
        let output = self.output();
        output.note(&format!(
            "{}: this binary is older than its migration folders",
            paint.warn("warning")
        ));
        for difference in differences {
            output.note(&format!("  {difference}"));
        }
        output.note(&format!(
            "{}: `cargo migrate index`, then build again",
            paint.lead("help")
        ));
    }

    fn target(&mut self) -> Result<Target<'static>, Failure> {
        if self.global.database_url.is_none()
            && let Some(target) = self.settings.target.take()
        {
            return Ok(target);
        }
        match self.url() {
            Some(url) => Ok(Target::from_url(url.reveal())?),
            None => Err(Failure::new(Exit::Usage, "no_database_url", "no database is named")
                .help("set the environment variable DATABASE_URL, for example to `sqlite:app.sqlite?mode=rwc` or `postgres://user@host/name`")
                .help("or give `--database-url URL`")),
        }
    }

    /// What was typed goes before the service's own setting, that before the environment.
    fn url(&self) -> Option<DatabaseUrl> {
        let from_environment = || {
            env::var("DATABASE_URL")
                .ok()
                .filter(|url| !url.is_empty())
                .map(DatabaseUrl::new)
        };
        let typed = self.global.database_url.clone();
        typed
            .or_else(|| self.settings.url.clone())
            .or_else(from_environment)
            .or_else(|| self.settings.default_url.clone())
    }

    /// Says that nothing will stay.
    pub(crate) fn announce_dry_run(&self) {
        if self.global.format() == Format::Human {
            self.output().note(&self.paint_err().lead(DRY_RUN_BEGINS));
        }
    }

    /// Asks before something that cannot be taken back. `--yes` is the answer where nobody is
    /// there to ask.
    pub(crate) fn confirm(&self, question: &str, command: &str) -> Result<(), Failure> {
        if self.global.yes {
            return Ok(());
        }
        match self.output().ask(question) {
            Answer::Yes => Ok(()),
            Answer::No => Err(Failure::new(
                Exit::Failed,
                "declined",
                "nothing was changed",
            )),
            Answer::Stopped(signal) => Err(Failure::stopped(signal)),
            Answer::Nobody => Err(Failure::new(
                Exit::Usage,
                "confirmation_needed",
                "this wants a confirmation, and there is no terminal to ask on",
            )
            .help(format!("if you are sure: `migrate {command} --yes`"))),
        }
    }

    /// The package whose migration folders `new` looks for.
    pub(crate) fn project(&self) -> PathBuf {
        let manifest = || env::var_os("CARGO_MANIFEST_DIR").map(PathBuf::from);
        let current = || env::current_dir().unwrap_or_else(|_| PathBuf::from("."));
        self.settings
            .project
            .clone()
            .or_else(manifest)
            .unwrap_or_else(current)
    }
}

/// A command connects once; two migrators would be two lock holders.
fn connected_before() -> Failure {
    Failure::new(Exit::Failed, "internal", "this command connected twice")
}

/// The command line's own display, and whoever else the service wants to be told.
struct Both(Reporter, Option<Arc<dyn Observer>>);

impl Observer for Both {
    fn event(&self, event: &Event) {
        self.0.event(event);
        if let Some(other) = &self.1 {
            other.event(event);
        }
    }
}
