//! The results of operations: plain data that serialises to the documented JSON.
//!
//! Field names are part of the stable JSON schema of `--format json`. Times are text in
//! ISO 8601, UTC, from the database's clock; durations are milliseconds.

mod current;
mod dry_run;
mod plan;
mod squash;

use std::fmt;

pub use current::{Current, CurrentApp};
pub use dry_run::{DryRunReport, DryRunStep, NotTried, TableChange};
use migrate_source::Database;
pub use plan::{Plan, PlannedStep, Problem};
use serde::{Serialize, Serializer};
pub use squash::{SquashDifference, SquashReport};

/// A step's identity: `app.name`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct StepId {
    /// The app's label.
    pub app: String,
    /// The step's name within the app.
    pub name: String,
}

impl StepId {
    /// Joins the two parts; nothing is validated.
    pub fn new(app: impl Into<String>, name: impl Into<String>) -> Self {
        Self {
            app: app.into(),
            name: name.into(),
        }
    }
}

impl fmt::Display for StepId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.app, self.name)
    }
}

impl Serialize for StepId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// SQL file or function.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum StepKind {
    /// A SQL file.
    Sql,
    /// A function with `#[data_migration]`.
    Data,
}

/// Which way a run goes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// Steps are applied.
    #[default]
    Forwards,
    /// Steps are undone, the last one first.
    Backwards,
}

/// What a run does with one step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Action {
    /// Executes it and records it as applied.
    Apply,
    /// Executes its way back and removes its record.
    Revert,
    /// Records a squash whose replaced steps are all applied; nothing is executed.
    Record,
}

/// What became of a step in a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum StepOutcome {
    /// It ran and is recorded.
    Applied,
    /// A non-atomic step that had been interrupted ran to its end.
    Resumed,
    /// It ran again with `--force`.
    Forced,
    /// It was recorded without running.
    Faked,
    /// It was applied before; nothing was done.
    AlreadyApplied,
    /// Another process applied it while this one waited for the lock.
    AppliedMeanwhile,
    /// It ran and everything was rolled back.
    DryRun,
    /// Its way back ran, and its record is removed.
    Reverted,
    /// Its record was removed; its way back did not run.
    FakeReverted,
    /// A squash whose replaced steps were all applied is recorded.
    Recorded,
}

/// One step of a run.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct StepRun {
    /// The step.
    pub step: StepId,
    /// SQL file or function.
    pub kind: StepKind,
    /// What became of it.
    pub outcome: StepOutcome,
    /// How long it took, in milliseconds.
    pub duration_ms: u64,
    /// Rows changed, where known.
    pub rows: Option<u64>,
    /// What the function returned, as text (the `Result:` line).
    pub result: Option<String>,
    /// Whether the row of a forced re-run existed before, so that its time was refreshed.
    pub refreshed: bool,
    /// The squash by whose record it was applied before, where it has none of its own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub through: Option<StepId>,
}

/// The result of a run that went well.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct RunReport {
    /// The database.
    pub database: Database,
    /// Which way it went.
    pub direction: Direction,
    /// What ran, in order; empty when nothing was pending.
    pub steps: Vec<StepRun>,
    /// How many steps are applied now, all apps together, as `status` counts them: a squash stands
    /// for what it replaces.
    pub applied_total: usize,
    /// Milliseconds spent waiting for the lock.
    pub waited_ms: u64,
    /// Milliseconds in all.
    pub duration_ms: u64,
    /// What the policies let pass.
    pub warnings: Vec<String>,
}

/// How far a run came that failed.
#[derive(Clone, Debug, Default, Serialize)]
#[non_exhaustive]
pub struct RunProgress {
    /// What is applied and recorded.
    pub applied: Vec<StepRun>,
    /// The step that failed or was cancelled; none when the run was stopped between two steps, or
    /// when all of them together could not be committed.
    pub failed: Option<StepId>,
    /// What the failed step left behind.
    pub left_behind: Option<String>,
    /// What did not run.
    pub remaining: Vec<StepId>,
}

/// How a step will be executed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Mode {
    /// Effect and ledger row commit together, or not at all.
    Atomic,
    /// Statement by statement, resumable; the author asked for it.
    NonAtomic,
    /// Statement by statement because this database commits each DDL statement by itself.
    ImplicitCommit,
}

/// The state of one step in `status`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum State {
    /// In the binary, not in the database.
    Pending,
    /// Never run by a bare `migrate`, and not applied.
    Manual,
    /// Applied.
    Applied,
    /// Applied, but the binary has another text now.
    Edited,
    /// Applied, and not in this binary.
    Missing,
    /// A step of an app that this binary does not have, whatever its state: another service with the
    /// same ledger may have it.
    OtherApp,
    /// Being executed now by the holder of the lock.
    Running,
    /// A non-atomic step that stopped half-way; the next run resumes it.
    Interrupted,
    /// A step whose way back stopped half-way: neither applied nor undone.
    HalfReverted,
    /// A squash whose replaced steps are all applied, but which is not recorded yet.
    Unrecorded,
    /// The last attempt failed.
    Failed,
}

/// One line of `status`.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct StatusEntry {
    /// The step.
    pub step: StepId,
    /// SQL file or function; `None` for a row of an unknown kind.
    pub kind: Option<StepKind>,
    /// Its state.
    pub state: State,
    /// When it was applied.
    pub applied_at: Option<String>,
    /// How long it took.
    pub duration_ms: Option<u64>,
    /// Rows changed, where known.
    pub rows: Option<u64>,
    /// Statements done and statements in all, for a step that is under way or interrupted.
    pub statements: Option<(usize, usize)>,
    /// Whether it was recorded without running.
    pub faked: bool,
    /// Its place in the order of execution, from 0; `None` for a row that this binary has no step for.
    pub order: Option<usize>,
    /// The steps that come directly before it.
    pub after: Vec<StepId>,
    /// The steps that it stands for, of a squash.
    pub replaces: Vec<StepId>,
    /// Whether those run instead of the squash, because some of them have.
    pub split: bool,
    /// The doc comment of a function.
    pub description: Option<String>,
    /// The last error, redacted.
    pub error: Option<String>,
}

/// What `status` shows.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct Status {
    /// The database.
    pub database: Database,
    /// Whether the database has a ledger at all.
    pub ledger: bool,
    /// Every step, by app, in order of execution.
    pub steps: Vec<StatusEntry>,
    /// How many steps a run would apply now.
    pub pending: usize,
    /// What a run would refuse; empty when it would start.
    pub problems: Vec<Problem>,
    /// The holder of the lock, if somebody holds it.
    pub lock: Option<LockStatus>,
}

/// What `verify` found.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct VerifyReport {
    /// The database.
    pub database: Database,
    /// How many applied steps were compared.
    pub compared: usize,
    /// How many applied steps are of apps that this binary does not have, and were left alone.
    pub others: usize,
    /// What differs; empty when all is well.
    pub problems: Vec<Problem>,
}

/// One entry of `list`: a data migration or SQL step with when it was applied.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct ListEntry {
    /// The step.
    pub step: StepId,
    /// SQL file or function; `None` for a row of an unknown kind.
    pub kind: Option<StepKind>,
    /// Its state.
    pub state: State,
    /// When it was applied; `None` when it is not.
    pub applied_at: Option<String>,
    /// The doc comment of a function.
    pub description: Option<String>,
}

/// One entry of `history`: something that was done, or tried, to a step.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct HistoryEntry {
    /// A number that grows.
    pub id: i64,
    /// The step.
    pub step: StepId,
    /// `run`, `force`, `fake`, `undo`, `fake_undo`, `squash`, `mark`, `unmark`, `prune`, `accept`
    /// or `resolve`.
    pub action: String,
    /// `applied`, `reverted`, `failed`, `cancelled`, `recorded`, `removed`, `done` or `not_done`.
    pub outcome: String,
    /// When it ended.
    pub at: String,
    /// How long it took.
    pub duration_ms: Option<u64>,
    /// Rows changed, where known.
    pub rows: Option<u64>,
    /// The checksum of the text that ran.
    pub checksum: Option<String>,
    /// The error, redacted.
    pub error: Option<String>,
    /// The reason the user gave.
    pub reason: Option<String>,
    /// The host.
    pub host: String,
    /// The process id.
    pub pid: i64,
    /// The application's version.
    pub app_version: String,
}

/// Who holds the lock.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct LockStatus {
    /// Whether somebody holds it.
    pub held: bool,
    /// The fencing token: it grows with each take-over.
    pub token: i64,
    /// The holder as shown to people: host, process id, application version.
    pub holder: Option<String>,
    /// Milliseconds until the lease runs out; negative when it has.
    pub expires_in_ms: Option<i64>,
    /// Milliseconds since the holder last showed progress.
    pub progress_ms_ago: Option<i64>,
    /// What the holder is doing.
    pub activity: Option<String>,
    /// Whether the holder is known to be dead (same host, the process is gone).
    pub dead: bool,
}
