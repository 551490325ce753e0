//! The result of comparing a history with its squashes.

use migrate_source::Database;
use serde::Serialize;

use super::StepId;

/// What two databases have in common, of which one got the steps as they were written and the
/// other the squashes.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct SquashReport {
    /// The database.
    pub database: Database,
    /// The squashes that were compared with what they replace.
    pub squashes: Vec<StepId>,
    /// Facts about the schemas that were compared: tables, columns, indexes and so on.
    pub facts: usize,
    /// Tables whose rows were compared.
    pub tables: usize,
    /// Rows that were compared.
    pub rows: usize,
    /// What differs; empty if the squashes do the same.
    pub differences: Vec<SquashDifference>,
    /// What could not be tidied up, now or by a run that was killed.
    pub warnings: Vec<String>,
}

/// One difference.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct SquashDifference {
    /// What differs: `column users.email`, `rows of users`.
    pub what: String,
    /// As the steps leave it that were replaced; for rows those that only they leave. Empty if
    /// they leave nothing of the kind.
    pub replaced: Vec<String>,
    /// As the squashes leave it.
    pub squashed: Vec<String>,
    /// The columns in which rows differ, as far as rows belong together.
    pub columns: Vec<String>,
}
