//! SQLite's catalogue as facts.

use super::{Fact, Rows, facts};
use crate::connection::Connection;

const QUERIES: &[&str] = &[
    // SQLite keeps the text of every statement that made an object; indexes of constraints have none.
    "SELECT tbl_name, type || ' ' || name || ': ' || coalesce(sql, 'of a constraint') FROM sqlite_schema",
    "SELECT NULL, 'user_version ' || user_version FROM pragma_user_version",
    "SELECT NULL, 'application_id ' || application_id FROM pragma_application_id",
    "SELECT NULL, 'journal_mode ' || journal_mode FROM pragma_journal_mode",
    "SELECT \"table\", 'broken foreign key: ' || \"table\" || ' row ' || coalesce(rowid, '?') || ' -> ' || parent
     FROM pragma_foreign_key_check",
];

pub(super) async fn read(connection: &mut Connection) -> (Vec<Fact>, Vec<Rows>) {
    let mut out = Vec::new();
    for query in QUERIES {
        facts(connection, query, &mut out).await;
    }
    let names = connection
        .rows("SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY name")
        .await;
    let mut tables = Vec::new();
    for table in names.into_iter().flatten().flatten() {
        let quoted = table.replace('\'', "''");
        let columns = connection
            .rows(&format!(
                "SELECT 'quote(' || '\"' || replace(name, '\"', '\"\"') || '\"' || ')'
                 FROM pragma_table_xinfo('{quoted}') ORDER BY cid"
            ))
            .await;
        let columns: Vec<_> = columns.into_iter().flatten().flatten().collect();
        let query = format!(
            "SELECT {} FROM \"{}\"",
            columns.join(", "),
            table.replace('"', "\"\"")
        );
        tables.push(Rows { table, query });
    }
    (out, tables)
}
