//! A database as text: equal texts mean equal schemas and equal rows.
//!
//! Everything a migration can change is in it, in an order that does not depend on the database:
//! each kind of object is one catalogue query, and all lines are sorted here. Left out: the
//! positions of sequences and AUTO_INCREMENT, which no rollback restores, and how far the
//! physical layout went. The queries stand in the files beside this one.

mod mysql;
mod postgres;
mod sqlite;

use std::fmt::Write as _;

use crate::connection::Connection;
use crate::database::{Db, TestDatabase};

/// Which tables a dump shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// All of them.
    Everything,
    /// All but the ledger's, which hold times, hosts and process ids: tables named `migrate_*`.
    WithoutLedger,
}

impl Scope {
    fn shows(self, table: &str) -> bool {
        self == Self::Everything || !table.starts_with("migrate_")
    }
}

/// One fact about the schema, and the table that it belongs to, if any.
struct Fact {
    table: Option<String>,
    text: String,
}

/// A table whose rows are dumped: its name, and a query with one text per row.
struct Rows {
    table: String,
    query: String,
}

pub(crate) async fn dump(database: &TestDatabase, scope: Scope) -> String {
    let mut connection = database.connect().await;
    let (facts, tables) = match database.db() {
        Db::Sqlite => sqlite::read(&mut connection).await,
        Db::Postgres => postgres::read(&mut connection).await,
        Db::MySql => mysql::read(&mut connection, database.name()).await,
    };
    let mut lines: Vec<_> = facts
        .into_iter()
        .filter(|fact| fact.table.as_deref().is_none_or(|table| scope.shows(table)))
        .map(|fact| fact.text)
        .collect();
    lines.sort();
    let mut text = lines.join("\n");
    for Rows { table, query } in tables {
        if scope.shows(&table) {
            let rows = rows(&mut connection, &query).await;
            write!(
                text,
                "\n\n-- {table}: {} rows\n{}",
                rows.len(),
                rows.join("\n")
            )
            .expect("a String takes any text");
        }
    }
    connection.close().await;
    text.push('\n');
    text
}

/// The rows of a table, one line each, sorted: a table has no order of its own.
async fn rows(connection: &mut Connection, query: &str) -> Vec<String> {
    let mut rows: Vec<_> = connection
        .rows(query)
        .await
        .into_iter()
        .map(|row| {
            // Quoted, so that NULL is not the text 'NULL' and every row is one line.
            let text = |value: Option<String>| value.map_or("NULL".into(), |v| format!("{v:?}"));
            row.into_iter().map(text).collect::<Vec<_>>().join(" | ")
        })
        .collect();
    rows.sort();
    rows
}

/// Runs a query of two columns: the table that a fact belongs to, or NULL, and the fact.
async fn facts(connection: &mut Connection, query: &str, into: &mut Vec<Fact>) {
    for row in connection.rows(query).await {
        let [table, text] = <[_; 2]>::try_from(row).expect("a table and a fact");
        into.push(Fact {
            table,
            text: text.unwrap_or_default(),
        });
    }
}
