//! The results of a dry run.

use migrate_source::Database;
use serde::Serialize;

use super::{Action, Direction, StepId, StepRun};

/// What a dry run would have changed.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct DryRunReport {
    /// The database.
    pub database: Database,
    /// Which way it went.
    pub direction: Direction,
    /// The steps that ran, or whose way back did, and were rolled back.
    pub steps: Vec<DryRunStep>,
    /// The steps that were not tried, because one before them cannot be rolled back here.
    pub not_tried: Vec<NotTried>,
    /// What the policies let pass.
    pub warnings: Vec<String>,
}

/// One step of a dry run.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct DryRunStep {
    /// What a run does with the step; nothing is executed of one that is only recorded.
    pub action: Action,
    /// The step and what it returned.
    pub run: StepRun,
    /// The data migrations that went along: those that the step runs at its end, or undoes before
    /// itself. The rows that they changed count as the step's.
    pub runs: Vec<StepRun>,
    /// Rows changed, table by table, where the database can tell.
    pub tables: Vec<TableChange>,
    /// Rows changed in all, where the database cannot tell them apart by table.
    pub rows_total: Option<u64>,
}

/// Rows changed in one table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct TableChange {
    /// The table, with its schema where it is not the default one.
    pub table: String,
    /// Rows inserted.
    pub inserted: u64,
    /// Rows updated.
    pub updated: u64,
    /// Rows deleted.
    pub deleted: u64,
}

/// A step that a dry run did not try, and why.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct NotTried {
    /// The step.
    pub step: StepId,
    /// What a run does with it.
    pub action: Action,
    /// Why not.
    pub reason: String,
}
