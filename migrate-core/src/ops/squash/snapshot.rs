//! What is in a database: facts about its schema, and the rows of its tables.

use std::collections::BTreeMap;

use crate::db_error::database_error;
use crate::dialect::{
    catalogue_columns, catalogue_definition, catalogue_facts, catalogue_settings,
};
use crate::error::Error;
use crate::ledger::LedgerName;
use crate::session::{Row, Session, Value};

/// A value as text, as both databases write it; none is NULL.
pub(super) type Cell = Option<String>;

/// The rows of one table.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Table {
    pub(super) columns: Vec<String>,
    pub(super) rows: Vec<Vec<Cell>>,
}

/// A database, to be compared with another.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Snapshot {
    /// Each thing and what it is like.
    pub(super) facts: BTreeMap<String, String>,
    pub(super) tables: BTreeMap<String, Table>,
}

/// Takes a snapshot, without the tables of our ledger.
pub(super) async fn take(
    session: &mut dyn Session,
    name: &str,
    ledger: &LedgerName,
) -> Result<Snapshot, Error> {
    match read(session, name, ledger).await {
        Ok(snapshot) => Ok(snapshot),
        Err(error) => Err(database_error(
            session.database(),
            "read the catalogue",
            error,
        )),
    }
}

async fn read(
    session: &mut dyn Session,
    name: &str,
    ledger: &LedgerName,
) -> sqlx::Result<Snapshot> {
    let database = session.database();
    if let Some(sql) = catalogue_settings(database) {
        session
            .script(sql.to_owned())
            .await
            .map_err(|failed| failed.error)?;
    }
    let mut snapshot = Snapshot::default();
    for query in catalogue_facts(database) {
        for row in session.query(&query, &[]).await? {
            let (table, thing) = (row.text(0), row.text(1).unwrap_or_default());
            if table.is_some_and(|table| ledger.owns(table)) {
                continue;
            }
            let text = row.text(2).unwrap_or_default();
            let text = catalogue_definition(database, name, thing, text);
            let known = snapshot.facts.entry(thing.to_owned()).or_default();
            // Two things of one name are told apart by nothing but what they are like.
            let mut all: Vec<&str> = known.split("; ").filter(|text| !text.is_empty()).collect();
            all.push(&text);
            all.sort_unstable();
            *known = all.join("; ");
        }
    }
    for (table, (sql, columns)) in columns(session, ledger).await? {
        let expressions: Vec<&str> = columns.iter().map(|(_, sql)| sql.as_str()).collect();
        let query = format!("SELECT {} FROM {sql}", expressions.join(", "));
        let found = session.query(&query, &[]).await?;
        let mut rows: Vec<Vec<Cell>> = found.iter().map(cells).collect();
        // A table has no order of its own.
        rows.sort();
        let columns = columns.into_iter().map(|(name, _)| name).collect();
        snapshot.tables.insert(table, Table { columns, rows });
    }
    Ok(snapshot)
}

/// Each table: how SQL names it, and its columns with the expressions that give their values.
type Columns = BTreeMap<String, (String, Vec<(String, String)>)>;

async fn columns(session: &mut dyn Session, ledger: &LedgerName) -> sqlx::Result<Columns> {
    let query = catalogue_columns(session.database());
    let mut tables = Columns::new();
    for row in session.query(&query, &[]).await? {
        let text = |column: usize| row.text(column).unwrap_or_default().to_owned();
        // Postgres writes a schema in front unless it is `public`.
        if !ledger.owns(text(0).rsplit('.').next().unwrap_or_default()) {
            let table = tables
                .entry(text(0))
                .or_insert_with(|| (text(1), Vec::new()));
            table.1.push((text(2), text(3)));
        }
    }
    Ok(tables)
}

fn cells(row: &Row) -> Vec<Cell> {
    let cell = |place: usize| match row.get(place) {
        Value::Null => None,
        Value::Text(text) => Some(text.clone()),
        other => Some(format!("{other:?}")),
    };
    (0..row.len()).map(cell).collect()
}
