//! How far each app is: what `current` shows.

use migrate_source::Database;
use serde::Serialize;

use super::StepId;

/// What `current` shows.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct Current {
    /// The database.
    pub database: Database,
    /// Whether the database has a ledger at all.
    pub ledger: bool,
    /// Every app of the binary.
    pub apps: Vec<CurrentApp>,
}

/// How far one app is.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct CurrentApp {
    /// The app's label.
    pub app: String,
    /// Its last applied SQL step, in the order of execution.
    pub step: Option<StepId>,
    /// When that was applied.
    pub applied_at: Option<String>,
    /// The SQL steps that are not applied, in the order of execution.
    pub pending_sql: Vec<StepId>,
    /// The data migrations that are not applied, without manual ones.
    pub pending_data: Vec<StepId>,
}
