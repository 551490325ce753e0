//! Whether a step can be undone.

use migrate_source::Database;
use migrate_source::statements::statements;

use super::history::History;
use super::row::{LedgerRow, LedgerRows};
use super::step::{Body, Step};

/// Why a step has no way back on a database; nothing if it has one.
///
/// A step that does nothing needs none: its record goes, that is all. Data migrations that a SQL
/// step runs go back with it, so where they are applied they need a way back as well.
pub(crate) fn irreversible(
    history: &History,
    rows: &LedgerRows,
    step: &Step,
    database: Database,
) -> Option<String> {
    let text = match &step.body {
        Body::Function(function) => {
            return function
                .reverse
                .is_none()
                .then(|| "it has no `reverse`".to_owned());
        }
        Body::Sql { .. } => step.text_for(database)?,
    };
    let applied = |id| rows.find(id).is_some_and(LedgerRow::is_applied);
    let one_way = text.runs.iter().filter(|id| applied(id)).find(|id| {
        let function = history.get(id).map(|step| &step.body);
        matches!(function, Some(Body::Function(function)) if function.reverse.is_none())
    });
    if let Some(run) = one_way {
        return Some(format!("it ran `{run}`, which has no `reverse`"));
    }
    let does_nothing = || {
        text.runs.is_empty()
            && statements(&text.parsed.up, database).is_ok_and(|statements| statements.is_empty())
    };
    if text.down.is_some() || does_nothing() {
        return None;
    }
    Some(format!("it has no `down` part for {database}"))
}
