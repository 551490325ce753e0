//! What the macros put into a binary: plain `'static` data, no behaviour.
//!
//! `embed_migrations!` writes one [`Migrations`] per crate; `#[data_migration]` submits one
//! [`FunctionStep`] per function through `inventory`. [`crate::domain::History`] joins the two.

use std::fmt;

use crate::context::ErasedStepFn;

/// Everything that one crate embeds: its own apps and, through `extern`, those of other crates.
///
/// The value is written by [`embed_migrations!`](crate::embed_migrations) as
/// `pub static MIGRATIONS`. Whoever runs a history names it, so a crate that is not linked
/// is a compile error and not a silently empty history.
#[derive(Debug)]
pub struct Migrations {
    pub(crate) package: &'static str,
    pub(crate) folder_check: &'static [AppFolder],
    pub(crate) apps: &'static [App],
    pub(crate) external: &'static [&'static Migrations],
}

impl Migrations {
    /// Used by the expansion of `embed_migrations!`.
    #[doc(hidden)]
    pub const fn new(
        package: &'static str,
        apps: &'static [App],
        folders: &'static [AppFolder],
        external: &'static [&'static Migrations],
    ) -> Self {
        Self {
            package,
            folder_check: folders,
            apps,
            external,
        }
    }

    pub(crate) fn apps(&self) -> impl Iterator<Item = &'static App> + use<> {
        self.apps.iter()
    }

    pub(crate) fn external(&self) -> &'static [&'static Migrations] {
        self.external
    }

    pub(crate) fn folders(&self) -> &'static [AppFolder] {
        self.folder_check
    }

    /// The package whose `embed_migrations!` wrote this value.
    pub fn package(&self) -> &'static str {
        self.package
    }
}

/// One app: a label and the SQL files of its own history.
#[derive(Debug)]
pub struct App {
    pub(crate) label: &'static str,
    /// The crate of the app as `module_path!` spells it; functions are matched by label and crate.
    pub(crate) crate_name: &'static str,
    pub(crate) files: &'static [SqlFile],
}

impl App {
    /// Used by the expansion of `embed_migrations!`.
    #[doc(hidden)]
    pub const fn new(
        label: &'static str,
        crate_name: &'static str,
        files: &'static [SqlFile],
    ) -> Self {
        Self {
            label,
            crate_name,
            files,
        }
    }
}

/// Where an app's files stood when the crate was compiled, for the debug build's stale check.
#[derive(Debug)]
pub struct AppFolder {
    pub(crate) label: &'static str,
    pub(crate) path: &'static str,
}

impl AppFolder {
    /// Used by the expansion of `embed_migrations!`.
    #[doc(hidden)]
    pub const fn new(label: &'static str, path: &'static str) -> Self {
        Self { label, path }
    }
}

/// One SQL file, whole, with the checksum that the macro computed.
///
/// The fields have one-letter names because a crate may hold thousands of these and the
/// compiler reads every token of the expansion.
#[doc(hidden)]
#[derive(Debug)]
pub struct SqlFile {
    /// The file's name, such as `0001_initial.sql`.
    pub f: &'static str,
    /// The text, from `include_str!`, which also makes the file a tracked input of the build.
    pub t: &'static str,
    /// The checksum, such as `v1:sha256:..`.
    pub c: &'static str,
}

/// A typed name of a step, as written into `crate::migrations` by the macros.
///
/// ```
/// # use migrate_core::StepRef;
/// const INITIAL: StepRef = StepRef::__new("users", "0001_initial", 0);
/// assert_eq!(INITIAL.to_string(), "users.0001_initial");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StepRef {
    app: &'static str,
    name: &'static str,
    rank: u32,
}

impl StepRef {
    /// Used by the expansions of both macros.
    #[doc(hidden)]
    pub const fn __new(app: &'static str, name: &'static str, rank: u32) -> Self {
        Self { app, name, rank }
    }

    /// The place that rustc uses to find cycles; it says nothing about the order of execution.
    #[doc(hidden)]
    pub const fn __rank(&self) -> u32 {
        self.rank
    }

    /// The app's label.
    pub const fn app(&self) -> &'static str {
        self.app
    }

    /// The step's name within its app.
    pub const fn name(&self) -> &'static str {
        self.name
    }
}

impl fmt::Display for StepRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.app, self.name)
    }
}

/// A data migration as registered by `#[data_migration]`.
#[doc(hidden)]
pub struct FunctionStep {
    pub app: &'static str,
    pub name: &'static str,
    /// The crate, as `module_path!` spells it.
    pub crate_name: &'static str,
    /// `file!()` and `line!()` of the function.
    pub file: &'static str,
    pub line: u32,
    /// The doc comment, first paragraph; shown in `list` and `status`.
    pub description: &'static str,
    pub checksum: &'static str,
    /// The function as it was written, kept in the ledger to show differences.
    pub source: &'static str,
    /// References as written: `0002_x` or `billing.0002_x`.
    pub after: &'static [&'static str],
    pub before: &'static [&'static str],
    pub formerly: &'static [&'static str],
    pub atomic: bool,
    pub disable_audit: bool,
    pub manual: bool,
    pub elidable: bool,
    pub run: &'static dyn ErasedStepFn,
    pub reverse: Option<&'static dyn ErasedStepFn>,
    pub verify: Option<&'static dyn ErasedStepFn>,
}

impl fmt::Debug for FunctionStep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FunctionStep")
            .field("app", &self.app)
            .field("name", &self.name)
            .field("file", &self.file)
            .field("line", &self.line)
            .finish_non_exhaustive()
    }
}

inventory::collect!(FunctionStep);

/// What generated code may touch. Not part of the public API; it changes without notice.
#[doc(hidden)]
pub mod __private {
    pub use super::{App, AppFolder, FunctionStep, Migrations, SqlFile};
    pub use crate::context::{
        ErasedStepFn, IntoStepOutput, StepFn, StepFnPointer, StepOutput, StepRequestHandle,
    };
    pub use crate::embedded::StepRef;
    pub use crate::event::StepReporter;
    pub use crate::session::{ScriptError, Session, TransactionBody};
    pub use inventory;
    pub use std::boxed::Box;

    /// The larger of two ranks, plus one; `const` so that rustc sees the cycle.
    pub const fn after(ranks: &[u32]) -> u32 {
        let mut highest = 0;
        let mut i = 0;
        while i < ranks.len() {
            if ranks[i] > highest {
                highest = ranks[i];
            }
            i += 1;
        }
        highest + 1
    }
}
