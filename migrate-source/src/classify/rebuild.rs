//! Recognises SQLite's way of changing a table, a new table in the place of the old one, which
//! deletes the rows of child tables when foreign keys are on.

use crate::Database;
use crate::cursor::Cursor;
use crate::error::SourceError;
use crate::statements::{Statement, statements};

use super::words::Words;

static DROP: Words<1> = Words::new(["drop"]);
static RENAME: Words<1> = Words::new(["rename"]);

/// Finds a table that is dropped and replaced by another of its name, or renamed out of the way
/// and then dropped. With `PRAGMA foreign_keys = ON` the drop is an implicit DELETE of its rows,
/// which sets the ON DELETE actions of child tables off: the step needs
/// `-- migrate: foreign_keys = off`, which the caller looks for in the header.
///
/// ```
/// use migrate_source::classify::table_rebuild_risk;
///
/// let rebuild = "CREATE TABLE new_users (id INTEGER PRIMARY KEY);
///     DROP TABLE users;
///     ALTER TABLE new_users RENAME TO users;";
/// assert_eq!(table_rebuild_risk(rebuild).expect("a rebuild").line, 2);
/// assert_eq!(table_rebuild_risk("DROP TABLE users;"), None);
/// ```
#[must_use]
pub fn table_rebuild_risk(sql: &str) -> Option<SourceError> {
    if !(DROP.occur_in(sql) && RENAME.occur_in(sql)) {
        return None;
    }
    let found = statements(sql, Database::Sqlite).ok()?;
    let drops: Vec<(usize, String)> = found
        .iter()
        .enumerate()
        .filter_map(|(at, statement)| Some((at, dropped(*statement)?)))
        .collect();
    let renames: Vec<(usize, String, String)> = found
        .iter()
        .enumerate()
        .filter_map(|(at, statement)| renamed(*statement).map(|(from, to)| (at, from, to)))
        .collect();
    let (at, table) = drops.into_iter().find(|(drop, table)| {
        renames
            .iter()
            .any(|(rename, _, to)| rename != drop && to == table)
    })?;
    let start = found.get(at)?.start;
    Some(SourceError::at(
        sql,
        start,
        "table_rebuild",
        format!(
            "dropping `{table}` while the table is rebuilt deletes the rows of tables that refer to it with ON DELETE CASCADE"
        ),
        "write `-- migrate: foreign_keys = off` in the header: foreign keys are then off for this step and checked before it commits",
    ))
}

fn dropped(statement: Statement<'_>) -> Option<String> {
    let mut cursor = Cursor::new(statement.text, Database::Sqlite);
    if !cursor.eat_all(&["drop", "table"]) {
        return None;
    }
    cursor.eat_all(&["if", "exists"]);
    cursor.name().map(|name| name.folded())
}

fn renamed(statement: Statement<'_>) -> Option<(String, String)> {
    let mut cursor = Cursor::new(statement.text, Database::Sqlite);
    if !cursor.eat_all(&["alter", "table"]) {
        return None;
    }
    let from = cursor.name()?;
    if !cursor.eat_all(&["rename", "to"]) {
        return None;
    }
    Some((from.folded(), cursor.name()?.folded()))
}
