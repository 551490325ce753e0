//! The SQL that differs between the databases, as text; nothing here talks to a server.
//!
//! One function per difference, one match per function. What is the same everywhere is written
//! once in `ledger`, `lease` and `exec`.

use migrate_source::Database;

use crate::ledger::Tables;

mod catalogue;
mod create;
mod exists;
mod probe;
mod settings;

pub(crate) use catalogue::{
    catalogue_columns, catalogue_definition, catalogue_facts, catalogue_settings,
    charset_of_database, create_database, current_account, databases_like, drop_database,
};
pub(crate) use create::{create_ledger, create_schema};
pub(crate) use exists::exists_sql;
pub(crate) use probe::{Probe, probe_sql};
pub(crate) use settings::{Setting, parse_settings, read_settings, restore_settings};

/// The version of our own tables that this library reads and writes.
pub(crate) const LEDGER_VERSION: i64 = 1;

/// Microseconds since 1970 by the database's clock, at the moment of execution.
///
/// Never `now()`: that is the transaction's start (Postgres) or the statement's (MySQL), and a
/// lease is compared with it after waits.
pub(crate) fn clock_micros(database: Database) -> &'static str {
    match database {
        Database::Sqlite => "CAST(unixepoch('subsec') * 1000000 AS INTEGER)",
        Database::Postgres => "CAST(extract(epoch FROM clock_timestamp()) * 1000000 AS bigint)",
        Database::MySql => "CAST(UNIX_TIMESTAMP(SYSDATE(6)) * 1000000 AS SIGNED)",
    }
}

/// The time of an event, as the ledger's tables store it.
pub(crate) fn timestamp(database: Database) -> &'static str {
    match database {
        Database::Sqlite => "strftime('%Y-%m-%dT%H:%M:%fZ', 'now')",
        Database::Postgres => "clock_timestamp()",
        Database::MySql => "UTC_TIMESTAMP(3)",
    }
}

/// A stored time as ISO 8601 text in UTC.
pub(crate) fn timestamp_text(database: Database, column: &str) -> String {
    match database {
        Database::Sqlite => column.to_owned(),
        Database::Postgres => {
            format!(r#"to_char({column} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')"#)
        }
        Database::MySql => {
            format!("CONCAT(SUBSTRING(DATE_FORMAT({column}, '%Y-%m-%dT%H:%i:%s.%f'), 1, 23), 'Z')")
        }
    }
}

/// What opens a step's transaction. Postgres and MySQL are READ COMMITTED by name: at a higher
/// level the fence would read the token as it was when the transaction began.
pub(crate) fn begin(database: Database) -> &'static str {
    match database {
        Database::Sqlite => "BEGIN IMMEDIATE",
        Database::Postgres => "BEGIN ISOLATION LEVEL READ COMMITTED",
        Database::MySql => "BEGIN",
    }
}

/// What goes before [`begin`] in a message of its own; MySQL sets the level for the next
/// transaction only.
pub(crate) fn before_begin(database: Database) -> Option<&'static str> {
    match database {
        // A step may have left autocommit off; then every statement is inside a transaction, where
        // the level cannot be set.
        Database::MySql => {
            Some("SET autocommit = 1; SET TRANSACTION ISOLATION LEVEL READ COMMITTED")
        }
        Database::Sqlite | Database::Postgres => None,
    }
}

/// Reads the token under a lock that lasts until COMMIT, or gives NULL when it is no longer
/// ours. Written into a NOT NULL column it fails the transaction. Takes one value: the token.
pub(crate) fn fence(tables: &Tables) -> String {
    let lock = match tables.database() {
        Database::Sqlite => "",
        Database::Postgres => " FOR SHARE",
        Database::MySql => " LOCK IN SHARE MODE",
    };
    format!(
        "(SELECT token FROM {} WHERE id = 1 AND token = ?{lock})",
        tables.lock()
    )
}

/// The [`fence`] for an UPDATE. Without strict mode MySQL turns a NULL into 0 there and goes on;
/// a subquery of two rows is an error in every mode.
pub(crate) fn strict_fence(tables: &Tables) -> String {
    let fence = fence(tables);
    match tables.database() {
        Database::MySql => format!("IFNULL({fence}, (SELECT 1 UNION SELECT 2))"),
        Database::Sqlite | Database::Postgres => fence,
    }
}

/// Settings of a run's own session.
///
/// On servers an idle transaction ends by itself after a while, so that a stopped holder's row
/// locks do not stay where nobody may end its session. On SQLite a COMMIT waits longer for
/// readers than the default five seconds.
pub(crate) fn session_settings(database: Database, mariadb: bool, idle_ms: u64) -> Option<String> {
    match database {
        Database::Sqlite => Some("PRAGMA busy_timeout = 30000".to_owned()),
        Database::Postgres => Some(format!(
            "SET idle_in_transaction_session_timeout = {idle_ms}"
        )),
        // MySQL has no such setting; there the take-over kills the session instead.
        Database::MySql => mariadb.then(|| {
            format!(
                "SET SESSION idle_transaction_timeout = {}",
                idle_ms.div_ceil(1000).max(1)
            )
        }),
    }
}

/// Removes what a step of Postgres may have left in its session besides settings: temporary
/// tables, advisory locks, channels. Each is legal in a transaction, as `DISCARD ALL` is not.
pub(crate) const LEFTOVERS: &str =
    "DISCARD TEMP;SELECT pg_catalog.pg_advisory_unlock_all();UNLISTEN *";

/// Text as a literal of a simple query, the only place where values become SQL text.
///
/// Postgres: with `standard_conforming_strings` on (the default since 9.1) only the quote is
/// special, but a session may have switched it off, so a text with a backslash is written as
/// `E'..'`, which means the same under both settings. NUL cannot be stored and is dropped.
pub(crate) fn quote_literal(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    let escapes = text.contains('\\');
    out.push_str(if escapes { " E'" } else { "'" });
    for c in text.chars() {
        match c {
            '\'' => out.push_str("''"),
            '\\' => out.push_str("\\\\"),
            '\0' => {}
            _ => out.push(c),
        }
    }
    out.push('\'');
    out
}

/// How long holds what [`publish_audit`] says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Published {
    /// Until the end of the transaction.
    InTransaction,
    /// Until it is taken back; on SQLite no longer than the lease with this token.
    InSession(Option<i64>),
}

/// Publishes which step runs and whether audit is on; see the audit chapter of the README.
///
/// On SQLite a trigger cannot see a temporary table, so a row of ours in `main` carries it.
pub(crate) fn publish_audit(
    tables: &Tables,
    step: &str,
    audit: bool,
    published: Published,
) -> String {
    let step = quote_literal(step);
    let state = if audit { "on" } else { "off" };
    match tables.database() {
        Database::Sqlite => {
            let token = match published {
                Published::InSession(Some(token)) => token.to_string(),
                Published::InSession(None) | Published::InTransaction => "NULL".to_owned(),
            };
            format!(
                "UPDATE {} SET migration = {step}, audit = '{state}', token = {token} WHERE id = 1",
                tables.audit_state()
            )
        }
        Database::Postgres => {
            let local = published == Published::InTransaction;
            format!(
                "SELECT set_config('migrate.migration', {step}, {local}), \
                 set_config('migrate.audit', '{state}', {local})"
            )
        }
        Database::MySql => {
            format!("SET @migrate_migration = {step}, @migrate_audit = '{state}'")
        }
    }
}

/// Takes back what [`publish_audit`] said, where it outlives the transaction.
pub(crate) fn clear_audit(tables: &Tables) -> String {
    match tables.database() {
        Database::Sqlite => {
            format!(
                "UPDATE {} SET migration = NULL, audit = 'on', token = NULL WHERE id = 1",
                tables.audit_state()
            )
        }
        Database::Postgres => "SELECT set_config('migrate.migration', '', false), \
             set_config('migrate.audit', 'on', false)"
            .to_owned(),
        Database::MySql => "SET @migrate_migration = NULL, @migrate_audit = 'on'".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn literals_survive_quotes_backslashes_and_nul() {
        assert_eq!(quote_literal("a'b"), "'a''b'");
        assert_eq!(quote_literal(r"a\'b"), r" E'a\\''b'");
        assert_eq!(quote_literal("a\0b"), "'ab'");
        assert_eq!(quote_literal(""), "''");
    }
}
