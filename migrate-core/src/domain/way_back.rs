//! Whether a step can be undone.

use migrate_source::Database;
use migrate_source::statements::statements;

use super::history::History;
use super::row::{LedgerRow, LedgerRows};
use super::step::{Body, Step};
use crate::embedded::FunctionStep;

/// Why a function cannot be undone.
enum NoReverse {
    None,
    /// It is written for another database.
    Elsewhere,
}

fn no_reverse(function: &FunctionStep, database: Database) -> Option<NoReverse> {
    let Some(reverse) = function.reverse else {
        return Some(NoReverse::None);
    };
    let other = reverse.database().is_some_and(|other| other != database);
    other.then_some(NoReverse::Elsewhere)
}

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
            return no_reverse(function, database).map(|why| match why {
                NoReverse::None => "it has no `reverse`".to_owned(),
                NoReverse::Elsewhere => format!("its `reverse` is not written for {database}"),
            });
        }
        Body::Sql { .. } => step.text_for(database)?,
    };
    let applied = |id| rows.find(id).is_some_and(LedgerRow::is_applied);
    let mut one_way = text.runs.iter().filter(|id| applied(id)).filter_map(|id| {
        match history.get(id).map(|step| &step.body) {
            Some(Body::Function(function)) => Some((id, no_reverse(function, database)?)),
            _ => None,
        }
    });
    if let Some((run, why)) = one_way.next() {
        return Some(match why {
            NoReverse::None => format!("it ran `{run}`, which has no `reverse`"),
            NoReverse::Elsewhere => {
                format!("it ran `{run}`, whose `reverse` is not written for {database}")
            }
        });
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
