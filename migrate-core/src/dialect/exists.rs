//! Looking in the catalogue whether tables and columns exist, by name.

use migrate_source::Database;
use migrate_source::classify::Created;

use super::probe::full_name;
use crate::session::Value;

/// Tables and what stands in the way of a table of that name, with the schema behind it.
const POSTGRES_TABLE: &str = "SELECT 1 FROM pg_catalog.pg_class c \
     JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace \
     WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND c.relname = CAST($1 AS name) \
     AND n.nspname =";

/// A query that gives one row if the table or column is there, and its values.
pub(crate) fn exists_sql(created: &Created, database: Database) -> (String, Vec<Value>) {
    let (schema, table, column) = match created {
        Created::Table { schema, name } => (schema.as_deref(), name, None),
        Created::Column {
            schema,
            table,
            column,
        } => (schema.as_deref(), table, Some(column)),
    };
    let (sql, mut values) = match database {
        Database::Postgres => match (column, schema) {
            // A new table goes into the first schema of the search path, whatever the others have.
            (None, None) => (
                format!("{POSTGRES_TABLE} pg_catalog.current_schema()"),
                vec![table.into()],
            ),
            (None, Some(schema)) => (
                format!("{POSTGRES_TABLE} CAST($2 AS name)"),
                vec![table.into(), schema.into()],
            ),
            // The search path finds a table that is to be altered, as the statement does.
            (Some(_), _) => (
                "SELECT 1 FROM pg_catalog.pg_attribute WHERE attrelid = to_regclass($1) \
                 AND attnum > 0 AND NOT attisdropped AND attname = CAST($2 AS name)"
                    .to_owned(),
                vec![full_name(schema, table).into()],
            ),
        },
        Database::Sqlite => {
            let sql = match column {
                None => {
                    "SELECT 1 FROM pragma_table_list WHERE schema = COALESCE(?, 'main') \
                         COLLATE NOCASE AND name = ? COLLATE NOCASE"
                }
                Some(_) => {
                    "SELECT 1 FROM pragma_table_list AS t, pragma_table_xinfo(t.name, t.schema) AS c \
                     WHERE t.schema = COALESCE(?, 'main') COLLATE NOCASE \
                     AND t.name = ? COLLATE NOCASE AND c.name = ? COLLATE NOCASE"
                }
            };
            (sql.to_owned(), vec![schema.into(), table.into()])
        }
        Database::MySql => {
            let (view, more) = match column {
                None => ("tables", ""),
                Some(_) => ("columns", " AND column_name = ?"),
            };
            let sql = format!(
                "SELECT 1 FROM information_schema.{view} \
                 WHERE table_schema = COALESCE(?, DATABASE()) AND table_name = ?{more}"
            );
            (sql, vec![schema.into(), table.into()])
        }
    };
    values.extend(column.map(Value::from));
    (sql, values)
}
