//! Looking in the catalogue whether a statement that was cut off has taken effect.

use migrate_source::Database;
use migrate_source::classify::ProbeTarget;

use crate::session::Value;

/// A catalogue query and what its answer means.
#[derive(Debug)]
pub(crate) struct Probe {
    /// Gives one row if the thing is there: whether it is usable, as 1 or 0.
    pub(crate) sql: String,
    pub(crate) values: Vec<Value>,
    /// Whether the statement is done when the thing is there, or when it is not.
    pub(crate) done_when_present: bool,
    /// What removes a thing that is there but not usable, up to its name, which is the second
    /// column then.
    pub(crate) clean_up: Option<&'static str>,
}

/// The probe of a statement's one effect; `None` on a database where no statement needs one.
pub(crate) fn probe_sql(target: &ProbeTarget, database: Database) -> Option<Probe> {
    match database {
        Database::Postgres => postgres(target),
        Database::MySql => Some(mysql(target)),
        Database::Sqlite => None,
    }
}

/// Only indexes are built outside a transaction here; the rest is transactional DDL.
fn postgres(target: &ProbeTarget) -> Option<Probe> {
    const INDEX: &str = "SELECT CASE WHEN i.indisvalid THEN 1 ELSE 0 END, \
                         format('%I.%I', n.nspname, c.relname) FROM pg_catalog.pg_index i \
                         JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid \
                         JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE ";
    match target {
        // An index of the same name may stand in another schema, or on another table.
        ProbeTarget::CreateIndex {
            schema,
            name,
            table,
        } => Some(Probe {
            sql: format!("{INDEX} i.indrelid = to_regclass($1) AND c.relname = CAST($2 AS name)"),
            values: vec![full_name(schema.as_deref(), table).into(), name.into()],
            done_when_present: true,
            // A build that was cut off leaves an invalid index behind, see "Building Indexes
            // Concurrently" in PostgreSQL's documentation of CREATE INDEX.
            clean_up: Some("DROP INDEX CONCURRENTLY IF EXISTS"),
        }),
        ProbeTarget::DropIndex { schema, name, .. } => Some(Probe {
            sql: format!("{INDEX} i.indexrelid = to_regclass($1)"),
            values: vec![full_name(schema.as_deref(), name).into()],
            done_when_present: false,
            clean_up: None,
        }),
        _ => None,
    }
}

pub(super) fn full_name(schema: Option<&str>, name: &str) -> String {
    let quote = |part: &str| format!("\"{}\"", part.replace('"', "\"\""));
    match schema {
        Some(schema) => format!("{}.{}", quote(schema), quote(name)),
        None => quote(name),
    }
}

/// MySQL's DDL commits by itself, so each kind of it may need to be looked up.
fn mysql(target: &ProbeTarget) -> Probe {
    const TABLE: &str = "tables WHERE table_schema = COALESCE(?, DATABASE()) AND table_name = ?";
    const COLUMN: &str = "columns WHERE table_schema = COALESCE(?, DATABASE()) \
                          AND table_name = ? AND column_name = ?";
    const INDEX: &str = "statistics WHERE table_schema = COALESCE(?, DATABASE()) \
                         AND index_name = ? AND table_name = COALESCE(?, table_name)";
    // Without the old name: where both are there, the table of the new name is another one.
    const RENAMED: &str = "tables AS t WHERE t.table_schema = COALESCE(?, DATABASE()) \
                           AND t.table_name = ?";
    use ProbeTarget as Is;
    let (from, schema, names, done_when_present) = match target {
        Is::CreateTable { schema, name } | Is::CreateView { schema, name } => {
            (TABLE, schema, vec![name.into()], true)
        }
        Is::DropTable { schema, name } | Is::DropView { schema, name } => {
            (TABLE, schema, vec![name.into()], false)
        }
        Is::RenameTable { schema, to, .. } => (RENAMED, schema, vec![to.into()], true),
        Is::CreateIndex {
            schema,
            name,
            table,
        } => (INDEX, schema, vec![name.into(), table.into()], true),
        Is::DropIndex {
            schema,
            name,
            table,
        } => {
            let table = Value::from(table.as_deref());
            (INDEX, schema, vec![name.into(), table], false)
        }
        Is::AddColumn {
            schema,
            table,
            column,
        } => (COLUMN, schema, vec![table.into(), column.into()], true),
        Is::DropColumn {
            schema,
            table,
            column,
        } => (COLUMN, schema, vec![table.into(), column.into()], false),
    };
    let mut values = vec![Value::from(schema.as_deref())];
    values.extend(names);
    let usable = if let Is::RenameTable { from, .. } = target {
        // The answer stands before the condition, and so does its value.
        values.insert(0, from.into());
        "NOT EXISTS (SELECT 1 FROM information_schema.tables AS f \
         WHERE f.table_schema = t.table_schema AND f.table_name = ?)"
    } else {
        "1"
    };
    Probe {
        sql: format!("SELECT {usable} FROM information_schema.{from} LIMIT 1"),
        values,
        done_when_present,
        clean_up: None,
    }
}
