//! The errors of the runtime: a stable code, what it means, and the next command.
//!
//! [`Error`] is what a [`Migrator`](crate::Migrator) returns; [`StepError`] is what a data
//! migration returns. They are two types because the second takes `?` from any error, which
//! a type that is itself an error cannot.

use std::fmt;

use serde::Serialize;

use crate::report::RunProgress;

macro_rules! codes {
    ($($(#[$doc:meta])* $variant:ident = $text:literal,)*) => {
        /// What kind of error it is. The text of each code is stable.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum ErrorCode {
            $($(#[$doc])* $variant,)*
        }

        impl ErrorCode {
            /// Every code there is, for documentation and tests.
            pub const ALL: &[ErrorCode] = &[$(ErrorCode::$variant,)*];

            /// The code as shown and serialised, such as `step_edited`.
            pub const fn as_str(self) -> &'static str {
                match self { $(ErrorCode::$variant => $text,)* }
            }
        }
    };
}

codes! {
    /// The URL cannot be understood, or names a database this build does not support.
    BadUrl = "bad_url",
    /// The server or file could not be reached or opened.
    ConnectFailed = "connect_failed",
    /// The server refused the user or the password.
    LoginRefused = "login_refused",
    /// The database is read-only.
    ReadOnly = "read_only",
    /// A right is missing.
    PermissionDenied = "permission_denied",
    /// The connection was lost.
    ConnectionLost = "connection_lost",
    /// The database reported an error in a statement of ours.
    Database = "database",
    /// The user's connection is inside a transaction.
    InTransaction = "in_transaction",
    /// The ledger's name is not acceptable.
    BadLedgerName = "bad_ledger_name",
    /// A ledger of that name exists, in another schema than the one configured.
    LedgerElsewhere = "ledger_elsewhere",
    /// The ledger was written by a newer version of this library.
    LedgerNewer = "ledger_newer",
    /// The ledger's content makes no sense; it was changed by hand.
    LedgerDamaged = "ledger_damaged",
    /// Two steps or apps have one name.
    DuplicateStep = "duplicate_step",
    /// A step refers to one that does not exist.
    UnknownReference = "unknown_reference",
    /// Steps wait for each other in a circle.
    DependencyCycle = "dependency_cycle",
    /// A step cannot be run as it is written.
    InvalidStep = "invalid_step",
    /// The step is written for another database.
    WrongDatabase = "wrong_database",
    /// No step has that name.
    UnknownStep = "unknown_step",
    /// Several steps have that name; the app must be given.
    AmbiguousStep = "ambiguous_step",
    /// The operation does not apply to this kind of step or to its state.
    NotPossible = "not_possible",
    /// A step that must come first is not applied.
    DependencyNotApplied = "dependency_not_applied",
    /// An applied step differs from the one in the binary.
    StepEdited = "step_edited",
    /// The database has a step that the binary lacks.
    StepMissing = "step_missing",
    /// A SQL step is pending although a later one of its app is applied.
    OutOfOrder = "out_of_order",
    /// An applied step depends on one that is not applied.
    InconsistentHistory = "inconsistent_history",
    /// An app has several steps that nothing of it comes after.
    ConflictingLeaves = "conflicting_leaves",
    /// A step has no way back.
    Irreversible = "irreversible",
    /// A step is half undone: its way back must be finished first.
    HalfReverted = "half_reverted",
    /// A squash whose replaced steps are only partly applied, and no longer in the binary.
    SquashIncomplete = "squash_incomplete",
    /// No app has that label.
    UnknownApp = "unknown_app",
    /// The steps cannot all run in one transaction.
    NotOneTransaction = "not_one_transaction",
    /// A non-atomic step was interrupted and a person must look.
    NeedsReview = "needs_review",
    /// A statement or function of a step failed.
    StepFailed = "step_failed",
    /// A function panicked.
    StepPanicked = "step_panicked",
    /// The step's `verify` check failed.
    VerifyFailed = "verify_failed",
    /// The lock was not had in time.
    LockHeld = "lock_held",
    /// The lock was lost during the run: to another process, or because somebody released it.
    LockLost = "lock_lost",
    /// The run was cancelled.
    Cancelled = "cancelled",
    /// A dry run is not possible for this step on this database.
    DryRunImpossible = "dry_run_impossible",
    /// Steps are pending and the caller asked that none be.
    Pending = "pending",
}

impl fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for ErrorCode {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

/// Why an operation of the [`Migrator`](crate::Migrator) failed.
///
/// `Display` gives the whole text for people, help included; it is not stable.
/// [`code`](Self::code) is.
pub struct Error(Box<Inner>);

struct Inner {
    code: ErrorCode,
    message: String,
    help: Vec<String>,
    progress: Option<RunProgress>,
    /// Whether a step ended the transaction that it was given.
    ended_transaction: bool,
    /// Whether a rollback could not take everything back.
    beyond_rollback: bool,
    /// Whether a transaction could not be committed, although all in it went well.
    at_commit: bool,
    /// Whether it is the SQL of a way back that failed.
    of_way_back: bool,
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

impl Error {
    pub(crate) fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        Self(Box::new(Inner {
            code,
            message: message.into(),
            help: Vec::new(),
            progress: None,
            ended_transaction: false,
            beyond_rollback: false,
            at_commit: false,
            of_way_back: false,
            source: None,
        }))
    }

    /// Adds one thing that leads out: a sentence, or a command in backquotes.
    pub(crate) fn help(mut self, help: impl Into<String>) -> Self {
        self.0.help.push(help.into());
        self
    }

    pub(crate) fn with_source(
        mut self,
        source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
    ) -> Self {
        self.0.source = Some(source.into());
        self
    }

    /// Takes over what led to another error, without what that one advises: its way out is none here.
    pub(crate) fn because_of(mut self, other: Self) -> Self {
        let Inner {
            message, source, ..
        } = *other.0;
        self.0.source = Some(source.unwrap_or_else(|| message.into()));
        self
    }

    pub(crate) fn with_progress(mut self, progress: RunProgress) -> Self {
        self.0.progress = Some(progress);
        self
    }

    /// Says that the step ended the transaction that it was given: what it did may be committed.
    pub(crate) fn having_ended_transaction(mut self) -> Self {
        self.0.ended_transaction = true;
        self
    }

    pub(crate) fn ended_transaction(&self) -> bool {
        self.0.ended_transaction
    }

    /// Says that the rollback could not take everything back: tables of MySQL may be without
    /// transactions.
    pub(crate) fn beyond_rollback(mut self) -> Self {
        self.0.beyond_rollback = true;
        self
    }

    pub(crate) fn is_beyond_rollback(&self) -> bool {
        self.0.beyond_rollback
    }

    /// Says of the transaction what another error says.
    pub(crate) fn with_transaction_of(mut self, other: &Self) -> Self {
        self.0.ended_transaction |= other.0.ended_transaction;
        self.0.beyond_rollback |= other.0.beyond_rollback;
        self
    }

    /// Says that a transaction could not be committed, although all in it went well.
    pub(crate) fn at_commit(mut self) -> Self {
        self.0.at_commit = true;
        self
    }

    pub(crate) fn is_at_commit(&self) -> bool {
        self.0.at_commit
    }

    /// Says whether it is the SQL of a way back that failed: what leads out depends on what the
    /// ledger says of the step then.
    pub(crate) fn of_way_back(mut self, of_way_back: bool) -> Self {
        self.0.of_way_back = of_way_back;
        self
    }

    pub(crate) fn is_of_way_back(&self) -> bool {
        self.0.of_way_back
    }

    /// The same error once more, without its source, for an operation that is called twice.
    pub(crate) fn again(&self) -> Self {
        Self(Box::new(Inner {
            code: self.0.code,
            message: self.0.message.clone(),
            help: self.0.help.clone(),
            progress: self.0.progress.clone(),
            ended_transaction: self.0.ended_transaction,
            beyond_rollback: self.0.beyond_rollback,
            at_commit: self.0.at_commit,
            of_way_back: self.0.of_way_back,
            source: None,
        }))
    }

    /// The stable code.
    pub fn code(&self) -> ErrorCode {
        self.0.code
    }

    /// What happened, without the help.
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// What to do next, one sentence or command each.
    pub fn helps(&self) -> &[String] {
        &self.0.help
    }

    /// What had been applied when the run failed, what failed, and what remains.
    pub fn progress(&self) -> Option<&RunProgress> {
        self.0.progress.as_ref()
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} [{}]", self.0.message, self.0.code)?;
        for help in &self.0.help {
            write!(f, "\n  help: {help}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for Error {
    /// Without the source, whose text nobody has looked over for passwords.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Error")
            .field("code", &self.0.code)
            .field("message", &self.0.message)
            .field("help", &self.0.help)
            .field("progress", &self.0.progress)
            .finish_non_exhaustive()
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0
            .source
            .as_deref()
            .map(|source| source as &(dyn std::error::Error + 'static))
    }
}

impl Serialize for Error {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        use serde::ser::SerializeStruct;
        let mut state = serializer.serialize_struct("Error", 4)?;
        state.serialize_field("code", &self.0.code)?;
        state.serialize_field("message", &self.0.message)?;
        state.serialize_field("help", &self.0.help)?;
        state.serialize_field("progress", &self.0.progress)?;
        state.end()
    }
}

/// Why a data migration failed. Takes `?` from any error.
///
/// ```
/// use migrate_core::StepError;
///
/// fn parse(text: &str) -> migrate_core::Result<u64> {
///     let n: u64 = text.parse()?;
///     if n == 0 {
///         return Err(StepError::msg("there is nothing to move"));
///     }
///     Ok(n)
/// }
/// assert_eq!(parse("0").unwrap_err().to_string(), "there is nothing to move");
/// ```
pub struct StepError(Box<dyn std::error::Error + Send + Sync>);

impl StepError {
    /// An error that is only a text.
    pub fn msg(message: impl Into<String>) -> Self {
        Self(message.into().into())
    }

    pub(crate) fn into_source(self) -> Box<dyn std::error::Error + Send + Sync> {
        self.0
    }
}

impl fmt::Display for StepError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for StepError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&crate::redact::redact(&self.0.to_string()))
    }
}

impl<E: std::error::Error + Send + Sync + 'static> From<E> for StepError {
    fn from(error: E) -> Self {
        Self(Box::new(error))
    }
}
