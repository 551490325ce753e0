//! A history: every step of a binary, checked and in order.

use std::collections::HashMap;
use std::sync::Arc;

use migrate_source::Database;

use super::graph::Graph;
use super::step::Step;
use super::unknown::unknown;
use super::{build, fit};
use crate::embedded::{FunctionStep, Migrations};
use crate::error::{Error, ErrorCode};
use crate::report::StepId;

/// Every step of a binary, checked and in order of execution.
#[derive(Clone, Debug)]
pub struct History {
    pub(super) steps: Vec<Step>,
    pub(super) apps: Vec<String>,
    pub(super) index: HashMap<StepId, usize>,
    pub(super) graph: Graph,
}

/// Where a [`Migrator`](crate::Migrator) takes its steps from: the `MIGRATIONS` of a crate, or a
/// [`History`] built by hand.
#[derive(Debug)]
pub struct Source {
    pub(crate) history: Result<Arc<History>, Error>,
    pub(crate) embedded: Option<&'static Migrations>,
}

impl Source {
    /// The steps, without a database.
    ///
    /// # Errors
    ///
    /// What is wrong with them that the compiler could not see.
    pub fn steps(&self) -> Result<&History, Error> {
        match &self.history {
            Ok(history) => Ok(history),
            Err(error) => Err(error.again()),
        }
    }

    /// What differs between the migration folders and this binary: see
    /// [`Migrator::stale_folders`](crate::Migrator::stale_folders).
    pub fn stale_folders(&self) -> Vec<String> {
        match self.embedded {
            Some(migrations) if cfg!(debug_assertions) => crate::stale::stale_folders(migrations),
            _ => Vec::new(),
        }
    }
}

impl From<&'static Migrations> for Source {
    fn from(migrations: &'static Migrations) -> Self {
        let history = History::embedded(migrations).map(Arc::new);
        Self {
            history,
            embedded: Some(migrations),
        }
    }
}

impl From<History> for Source {
    fn from(history: History) -> Self {
        Arc::new(history).into()
    }
}

impl From<Arc<History>> for Source {
    fn from(history: Arc<History>) -> Self {
        Self {
            history: Ok(history),
            embedded: None,
        }
    }
}

impl History {
    /// Joins the SQL files of `migrations` with the functions that are linked into this binary.
    ///
    /// # Errors
    ///
    /// What the compiler could not see: two crates with one app, references to steps that do not
    /// exist, cycles over `before` and `run`.
    pub fn embedded(migrations: &'static Migrations) -> Result<Self, Error> {
        build::embedded(migrations)
    }

    /// Starts a history by hand, for tests.
    ///
    /// ```
    /// use migrate_core::History;
    ///
    /// let history = History::builder()
    ///     .sql("users", "0001_initial.sql", "CREATE TABLE users (id INTEGER PRIMARY KEY);")
    ///     .sql("users", "0002_add_email.sql", "ALTER TABLE users ADD email TEXT;")
    ///     .build()?;
    /// assert_eq!(history.iter().map(|step| step.id().to_string()).collect::<Vec<_>>(),
    ///     ["users.0001_initial", "users.0002_add_email"]);
    /// # Ok::<(), migrate_core::Error>(())
    /// ```
    pub fn builder() -> HistoryBuilder {
        HistoryBuilder {
            files: Vec::new(),
            functions: Vec::new(),
        }
    }

    /// The same history with more SQL files: an app, a file's name and its text each. So what is about to
    /// be written can be checked and tried before it is.
    ///
    /// # Errors
    ///
    /// Everything that the macros would refuse if the files were there.
    ///
    /// ```
    /// use migrate_core::History;
    ///
    /// let history = History::builder().sql("users", "0001_a.sql", "SELECT 1;").build()?;
    /// let file = ("users".to_owned(), "0002_b.sql".to_owned(), "SELECT 2;".to_owned());
    /// assert_eq!(history.with_files(&[file])?.iter().len(), 2);
    /// # Ok::<(), migrate_core::Error>(())
    /// ```
    pub fn with_files(&self, files: &[(String, String, String)]) -> Result<Self, Error> {
        build::again(&self.apps, self.steps.clone(), files)
    }

    /// The steps in order of execution, manual ones included.
    pub fn iter(&self) -> std::slice::Iter<'_, Step> {
        self.steps.iter()
    }

    /// The labels of the apps, in the order in which they are named.
    pub fn apps(&self) -> &[String] {
        &self.apps
    }

    /// Whether this binary has the app; otherwise its rows in a ledger are another service's.
    pub(crate) fn has_app(&self, app: &str) -> bool {
        self.apps.iter().any(|known| known == app)
    }

    /// The step of this identity.
    pub fn get(&self, id: &StepId) -> Option<&Step> {
        self.index.get(id).map(|&i| &self.steps[i])
    }

    /// Finds a step by `app.name`, by a name that only one app has, or by a prefix that only one
    /// step has (`users.0002`).
    ///
    /// # Errors
    ///
    /// [`ErrorCode::UnknownStep`] with the nearest names, or with the squash that stands for a step
    /// that is gone; [`ErrorCode::AmbiguousStep`].
    pub fn find(&self, name: &str) -> Result<&Step, Error> {
        let (app, rest) = match name.split_once('.') {
            Some((app, rest)) => (Some(app), rest),
            None => (None, name),
        };
        let of_app = |step: &&Step| app.is_none_or(|app| step.id.app == app);
        let exact: Vec<&Step> = self
            .iter()
            .filter(of_app)
            .filter(|step| step.id.name == rest)
            .collect();
        let found = if exact.is_empty() && !rest.is_empty() {
            self.iter()
                .filter(of_app)
                .filter(|step| step.id.name.starts_with(rest))
                .collect()
        } else {
            exact
        };
        match found.as_slice() {
            [step] => Ok(step),
            [] => Err(self.replaced(name).unwrap_or_else(|| unknown(self, name))),
            several => {
                let names: Vec<String> = several.iter().map(|step| step.id.to_string()).collect();
                Err(Error::new(
                    ErrorCode::AmbiguousStep,
                    format!(
                        "`{}` could be any of {}",
                        name.escape_debug(),
                        names.join(", ")
                    ),
                )
                .help(format!("say which: `{}`", names[0])))
            }
        }
    }

    /// The error for the name of a step that is gone from the binary, and that a squash stands for.
    fn replaced(&self, name: &str) -> Option<Error> {
        let (app, rest) = match name.split_once('.') {
            Some((app, rest)) => (Some(app), rest),
            None => (None, name),
        };
        let aliases = self.graph.squashes.aliases.iter();
        let of_app = aliases.filter(|(id, _)| app.is_none_or(|app| id.app == app));
        let of_app: Vec<(&StepId, usize)> = of_app.map(|(id, &squash)| (id, squash)).collect();
        let named = |fits: fn(&str, &str) -> bool| -> Vec<(&StepId, usize)> {
            let found = of_app.iter().filter(|(id, _)| fits(&id.name, rest));
            found.copied().collect()
        };
        let mut found = named(|known, typed| known == typed);
        if found.is_empty() && !rest.is_empty() {
            found = named(|known, typed| known.starts_with(typed));
        }
        let [(gone, squash)] = found.as_slice() else {
            return None;
        };
        let squash = &self.steps[*squash].id;
        let error = Error::new(
            ErrorCode::UnknownStep,
            format!("`{gone}` is not in this binary any more: the squash `{squash}` stands for it"),
        );
        Some(error.help(format!(
            "`migrate status` shows whether `{squash}` is applied; with it, `{gone}` is"
        )))
    }

    /// All that a squash stands for, squashes among it included, whether the binary has it or not:
    /// whoever records or forgets the squash does so with these. Empty for any other step.
    pub fn replaced_by(&self, id: &StepId) -> Vec<StepId> {
        let squashes = &self.graph.squashes;
        let mut names = Vec::new();
        let mut open: Vec<usize> = self.index.get(id).copied().into_iter().collect();
        while let Some(squash) = open.pop() {
            for &member in &squashes.members[squash] {
                names.push(self.steps[member].id.clone());
                open.push(member);
            }
            names.extend(squashes.gone[squash].iter().cloned());
        }
        names.sort_unstable();
        names
    }

    /// The squashes that stand for a step, the innermost first: when the step is undone by itself,
    /// their records go as well.
    pub fn squashes_of(&self, id: &StepId) -> Vec<&StepId> {
        let squashes = &self.graph.squashes;
        let around = self.index.get(id).into_iter();
        around
            .flat_map(|&step| squashes.around(step))
            .map(|squash| &self.steps[squash].id)
            .collect()
    }

    /// Whether any of the steps stands for others.
    pub(crate) fn has_squashes(&self) -> bool {
        self.graph.squashes.any
    }

    /// The squash of this binary that stands for a step that the binary does not have.
    pub(crate) fn stands_for(&self, gone: &StepId) -> Option<&Step> {
        let squash = self.graph.squashes.aliases.get(gone)?;
        self.steps.get(*squash)
    }

    /// Checks what depends on the database: each SQL step has a text for it, each function is
    /// written for it, and a step that runs a non-atomic function is non-atomic itself.
    pub(crate) fn check_for(&self, database: Database) -> Result<(), Error> {
        fit::check_for(self, database)
    }
}

/// Collects steps for a [`History`] that is not embedded.
#[derive(Debug)]
pub struct HistoryBuilder {
    pub(super) files: Vec<(String, String, String)>,
    pub(super) functions: Vec<&'static FunctionStep>,
}

impl HistoryBuilder {
    /// Adds a SQL file by the name it would have in a folder.
    pub fn sql(mut self, app: &str, file_name: &str, text: &str) -> Self {
        self.files
            .push((app.to_owned(), file_name.to_owned(), text.to_owned()));
        self
    }

    /// Adds a function. The value is what `#[data_migration]` submits.
    #[doc(hidden)]
    pub fn function(mut self, function: &'static FunctionStep) -> Self {
        self.functions.push(function);
        self
    }

    /// Checks and orders the steps.
    ///
    /// # Errors
    ///
    /// Everything that the macros would refuse at compile time, and what [`History::embedded`]
    /// refuses.
    pub fn build(self) -> Result<History, Error> {
        build::by_hand(self)
    }
}
