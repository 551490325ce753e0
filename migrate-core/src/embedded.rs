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
    pub(crate) external: &'static [External],
}

impl Migrations {
    /// Used by the expansion of `embed_migrations!`.
    #[doc(hidden)]
    pub const fn new(
        package: &'static str,
        apps: &'static [App],
        folders: &'static [AppFolder],
        external: &'static [External],
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

    /// The apps of this crate and of those it names with `extern`, each once: diamonds are fine.
    pub(crate) fn reachable_apps(&'static self) -> Vec<&'static App> {
        let mut apps = Vec::new();
        for app in self.apps {
            self.collect(app.label, &mut apps);
        }
        self.collect_external(&mut apps);
        apps
    }

    /// Adds the app of that label, wherever this crate has it from, and what it may depend on.
    fn collect(&'static self, label: &str, apps: &mut Vec<&'static App>) {
        let Some(app) = self.apps.iter().find(|app| app.label == label) else {
            for external in self
                .external
                .iter()
                .filter(|other| other.labels.contains(&label))
            {
                external.migrations.collect(label, apps);
            }
            return;
        };
        if !apps.iter().any(|known| std::ptr::eq(*known, app)) {
            apps.push(app);
            self.collect_external(apps);
        }
    }

    fn collect_external(&'static self, apps: &mut Vec<&'static App>) {
        for external in self.external {
            for label in external.labels {
                external.migrations.collect(label, apps);
            }
        }
    }

    pub(crate) fn folders(&self) -> &'static [AppFolder] {
        self.folder_check
    }

    /// The package whose `embed_migrations!` wrote this value.
    pub fn package(&self) -> &'static str {
        self.package
    }
}

/// The apps that one crate takes from another through `extern`.
///
/// What those apps themselves need of further crates comes with them.
#[derive(Debug)]
pub struct External {
    pub(crate) migrations: &'static Migrations,
    /// The labels that `extern` names; the other apps of that crate stay out of the history.
    pub(crate) labels: &'static [&'static str],
}

impl External {
    /// Used by the expansion of `embed_migrations!`.
    #[doc(hidden)]
    pub const fn new(migrations: &'static Migrations, labels: &'static [&'static str]) -> Self {
        Self { migrations, labels }
    }
}

/// One app: a label and the SQL files of its own history.
///
/// Names and texts stand apart because a crate may hold thousands of files and the compiler looks at
/// every token of the expansion: one text for all names is one token.
#[derive(Debug)]
pub struct App {
    pub(crate) label: &'static str,
    /// The crate of the app as `module_path!` spells it; functions are matched by label and crate.
    pub(crate) crate_name: &'static str,
    /// One line per file: its name, a blank, its checksum.
    names: &'static str,
    /// In the order of the names.
    texts: &'static [&'static str],
}

impl App {
    /// Used by the expansion of `embed_migrations!`.
    #[doc(hidden)]
    pub const fn new(
        label: &'static str,
        crate_name: &'static str,
        names: &'static str,
        texts: &'static [&'static str],
    ) -> Self {
        Self {
            label,
            crate_name,
            names,
            texts,
        }
    }

    /// The SQL files, sorted by number and name.
    pub(crate) fn files(&self) -> impl Iterator<Item = SqlFile> + use<> {
        let lines = self.names.lines().zip(self.texts);
        lines.map(|(line, &text)| {
            let (name, checksum) = line.split_once(' ').unwrap_or((line, ""));
            SqlFile {
                name,
                text,
                checksum,
            }
        })
    }
}

/// One SQL file, whole, with the checksum that the macro computed.
pub(crate) struct SqlFile {
    /// The file's name, such as `0001_initial.sql`.
    pub(crate) name: &'static str,
    /// The text, from `include_str!`, which also makes the file a tracked input of the build.
    pub(crate) text: &'static str,
    /// The checksum, such as `v1:sha256:..`.
    pub(crate) checksum: &'static str,
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
    /// Makes rustc compute the rank of every step, and so find a cycle.
    pub rank: u32,
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
    pub use super::{App, AppFolder, External, FunctionStep, Migrations};
    pub use crate::context::{
        ErasedStepFn, IntoStepOutput, StepFn, StepFnPointer, StepOutput, StepRequestHandle,
    };
    pub use crate::event::StepReporter;
    pub use crate::session::{ScriptError, Session, TransactionBody};
    pub use inventory;
    pub use std::boxed::Box;

    use std::future::{Ready, ready};

    use crate::context::{Context, Portable, StepDatabase};
    use crate::error::StepError;

    /// In the constant of a step, beside its rank: it does not run in one transaction.
    const NOT_ATOMIC: u32 = 1 << 31;

    /// What the constant of a step holds. A plain number, because a crate may have thousands of steps
    /// and anything more would be a body of its own for rustc to type and to check.
    ///
    /// The rank says nothing about the order of execution: rustc finds a cycle because a rank that
    /// depends on itself cannot be computed.
    pub const fn step(rank: u32, atomic: bool) -> u32 {
        if atomic { rank } else { rank | NOT_ATOMIC }
    }

    /// The rank in the constant of a step.
    pub const fn rank(step: u32) -> u32 {
        step & !NOT_ATOMIC
    }

    /// Whether the step of a constant runs in one transaction; a SQL step that runs a function asks.
    pub const fn is_atomic(step: u32) -> bool {
        step & NOT_ATOMIC == 0
    }

    /// The highest of some ranks; `const` so that rustc sees a cycle.
    pub const fn highest<const N: usize>(ranks: [u32; N]) -> u32 {
        let mut highest = 0;
        let mut i = 0;
        while i < N {
            if ranks[i] > highest {
                highest = ranks[i];
            }
            i += 1;
        }
        highest
    }

    /// The rank of a step that comes after those of the given ranks.
    pub const fn after<const N: usize>(ranks: [u32; N]) -> u32 {
        highest(ranks) + 1
    }

    /// Stops the compilation with a message, at the place of the caller.
    #[track_caller]
    pub const fn refuse(problem: Option<&'static str>) {
        let text = match problem {
            Some(text) => text,
            None => "",
        };
        assert!(problem.is_none(), "{}", text);
    }

    /// Stops the compilation when a SQL step in a transaction runs a function that is not.
    #[track_caller]
    pub const fn refuse_unless(condition: bool, problem: &'static str) {
        assert!(condition, "{}", problem);
    }

    /// What the name of a step means that does not exist: nothing, and the compilation stops.
    #[track_caller]
    pub const fn missing(problem: &'static str) -> u32 {
        assert!(problem.is_empty(), "{}", problem);
        0
    }

    /// What the name of a function means where the function itself is out of reach.
    pub const INSIDE_FUNCTION: fn(&mut Context<'_, Portable>) -> Ready<Result<(), StepError>> =
        |_| ready(Ok(()));

    /// Stops the compilation when it is given [`INSIDE_FUNCTION`], which is a pointer, and not a
    /// function, which takes no space.
    #[track_caller]
    pub const fn refuse_inside_function<T>(function: &T) {
        assert!(
            size_of_val(function) == 0,
            "a data migration cannot stand inside another function, a block or an `impl`\n\
             help: move it out to the module"
        );
    }

    /// Stops the compilation when `embed_migrations!` does not stand at the crate root.
    #[track_caller]
    pub const fn refuse_inside_module(module_path: &str) {
        let bytes = module_path.as_bytes();
        let mut i = 0;
        while i < bytes.len() {
            assert!(
                bytes[i] != b':',
                "`embed_migrations!` must stand at the root of the crate\n\
                 help: move it to lib.rs or main.rs"
            );
            i += 1;
        }
    }

    /// Stops the compilation when two functions of one step are written for different databases.
    #[track_caller]
    pub const fn refuse_other_database<A: StepDatabase, B: StepDatabase>(
        _: &StepFn<A>,
        _: &StepFn<B>,
        problem: &'static str,
    ) {
        if let (Some(a), Some(b)) = (A::DATABASE, B::DATABASE) {
            assert!(a as u8 == b as u8, "{}", problem);
        }
    }

    /// What a data migration may return.
    #[diagnostic::on_unimplemented(
        message = "a data migration cannot return `{Self}`",
        label = "not a result",
        note = "return `migrate_core::Result<()>`, or `Result<u64>` for the rows changed"
    )]
    pub trait StepReturn {
        fn into_step_result(self) -> Result<StepOutput, StepError>;
    }

    impl<T: IntoStepOutput, E: StepFailure> StepReturn for Result<T, E> {
        fn into_step_result(self) -> Result<StepOutput, StepError> {
            self.map(T::into_step_output).map_err(E::into_step_error)
        }
    }

    /// What a data migration may fail with.
    #[diagnostic::on_unimplemented(
        message = "a data migration cannot fail with `{Self}`",
        label = "`{Self}` is not an error",
        note = "return `migrate_core::Result<T>`: its `?` takes any error, and `Err(StepError::msg(text))` is a text"
    )]
    pub trait StepFailure {
        fn into_step_error(self) -> StepError;
    }

    #[diagnostic::do_not_recommend]
    impl<E: Into<StepError>> StepFailure for E {
        fn into_step_error(self) -> StepError {
            self.into()
        }
    }
}
