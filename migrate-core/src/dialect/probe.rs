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
    /// What removes a thing that is there but not usable.
    pub(crate) clean_up: Option<String>,
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
    let (schema, name, created) = match target {
        ProbeTarget::CreateIndex { schema, name, .. } => (schema, name, true),
        ProbeTarget::DropIndex { schema, name, .. } => (schema, name, false),
        _ => return None,
    };
    let quote = |part: &str| format!("\"{}\"", part.replace('"', "\"\""));
    let full = match schema {
        Some(schema) => format!("{}.{}", quote(schema), quote(name)),
        None => quote(name),
    };
    Some(Probe {
        sql: "SELECT CASE WHEN indisvalid THEN 1 ELSE 0 END FROM pg_catalog.pg_index \
              WHERE indexrelid = to_regclass($1)"
            .to_owned(),
        values: vec![full.as_str().into()],
        done_when_present: created,
        // A build that was cut off leaves an invalid index behind, see "Building Indexes
        // Concurrently" in PostgreSQL's documentation of CREATE INDEX.
        clean_up: created.then(|| format!("DROP INDEX CONCURRENTLY IF EXISTS {full}")),
    })
}

/// MySQL's DDL commits by itself, so each kind of it may need to be looked up.
fn mysql(target: &ProbeTarget) -> Probe {
    const TABLE: &str = "tables WHERE table_schema = COALESCE(?, DATABASE()) AND table_name = ?";
    const COLUMN: &str = "columns WHERE table_schema = COALESCE(?, DATABASE()) \
                          AND table_name = ? AND column_name = ?";
    const INDEX: &str = "statistics WHERE table_schema = COALESCE(?, DATABASE()) \
                         AND index_name = ? AND table_name = COALESCE(?, table_name)";
    use ProbeTarget as Is;
    let (from, schema, names, done_when_present) = match target {
        Is::CreateTable { schema, name } | Is::CreateView { schema, name } => {
            (TABLE, schema, vec![name.into()], true)
        }
        Is::DropTable { schema, name } | Is::DropView { schema, name } => {
            (TABLE, schema, vec![name.into()], false)
        }
        Is::RenameTable { schema, to, .. } => (TABLE, schema, vec![to.into()], true),
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
    Probe {
        sql: format!("SELECT 1 FROM information_schema.{from} LIMIT 1"),
        values,
        done_when_present,
        clean_up: None,
    }
}
