//! What a statement leaves in its session. A step that goes on in another session must find there
//! what the statements before had set.

use crate::Database;
use crate::cursor::Cursor;
use crate::lexer::Kind;

/// What a statement changes of the session it runs in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SessionEffect {
    /// Nothing that statements after it could depend on.
    None,
    /// A setting: running the statement again in another session gives the same one.
    Replay,
    /// Something that only the first session had: temporary tables, computed variables.
    CannotReplay {
        /// The statement's own words, such as `CREATE TEMPORARY TABLE`.
        what: &'static str,
    },
}

use SessionEffect::{CannotReplay, Replay};

/// Says what a single statement changes of the session it runs in.
///
/// ```
/// use migrate_source::{Database, classify::{SessionEffect, session_effect}};
///
/// assert_eq!(session_effect("SET search_path = app", Database::Postgres), SessionEffect::Replay);
/// assert_eq!(session_effect("DELETE FROM t", Database::Postgres), SessionEffect::None);
/// ```
#[must_use]
pub fn session_effect(statement: &str, database: Database) -> SessionEffect {
    let cursor = Cursor::new(statement, database);
    if makes_temporary(cursor.clone()) {
        return CannotReplay {
            what: "a temporary table or view",
        };
    }
    match database {
        Database::Sqlite => sqlite(cursor),
        Database::Postgres => postgres(cursor),
        Database::MySql => mysql(cursor),
    }
}

/// Whether a single statement asks for what an `INSERT` before it in the same session was given:
/// `LAST_INSERT_ID()` and its like.
///
/// ```
/// use migrate_source::{Database, classify::reads_last_insert};
///
/// let sql = "INSERT INTO b VALUES (LAST_INSERT_ID())";
/// assert!(reads_last_insert(sql, Database::MySql));
/// ```
#[must_use]
pub fn reads_last_insert(statement: &str, database: Database) -> bool {
    let functions: &[&str] = match database {
        Database::Sqlite => &["last_insert_rowid"],
        Database::Postgres => &["lastval", "currval"],
        Database::MySql => &["last_insert_id", "identity"],
    };
    let cursor = Cursor::new(statement, database);
    functions.iter().any(|function| cursor.has(function))
}

/// Whether a single statement inserts rows, and so begins anew what [`reads_last_insert`] asks for.
#[must_use]
pub fn inserts(statement: &str, database: Database) -> bool {
    Cursor::new(statement, database).is_any(&["insert", "replace"])
}

fn makes_temporary(mut cursor: Cursor<'_>) -> bool {
    if !cursor.eat("create") {
        // SELECT .. INTO TEMP of Postgres.
        return cursor.eat_any(&["select", "with"])
            && (cursor.has_sequence(&["into", "temp"])
                || cursor.has_sequence(&["into", "temporary"]));
    }
    cursor.eat_all(&["or", "replace"]);
    cursor.eat_any(&["local", "global"]);
    if cursor.eat_any(&["temp", "temporary"]) {
        return true;
    }
    // A name in the schema of temporary things.
    cursor.advance();
    cursor.eat_all(&["if", "not", "exists"]);
    cursor
        .name()
        .and_then(|name| name.schema)
        .is_some_and(|schema| ["temp", "pg_temp"].contains(&schema.to_lowercase().as_str()))
}

fn postgres(mut cursor: Cursor<'_>) -> SessionEffect {
    if cursor.eat("set") {
        let passing = ["local", "transaction", "constraints"];
        return if cursor.is_any(&passing) {
            SessionEffect::None
        } else {
            Replay
        };
    }
    if cursor.is_any(&["reset", "load", "discard"]) {
        return Replay;
    }
    if cursor.eat("prepare") {
        return CannotReplay {
            what: "a prepared statement",
        };
    }
    if cursor.is("declare") && cursor.has_sequence(&["with", "hold"]) {
        return CannotReplay { what: "a cursor" };
    }
    if cursor.eat("select") {
        return postgres_select(cursor);
    }
    SessionEffect::None
}

fn postgres_select(mut cursor: Cursor<'_>) -> SessionEffect {
    if ["pg_advisory_lock", "pg_try_advisory_lock"]
        .iter()
        .any(|name| cursor.has(name))
    {
        return CannotReplay {
            what: "an advisory lock",
        };
    }
    if !cursor.has("set_config") {
        return SessionEffect::None;
    }
    // Only calls with literals: anything else could give another value, or do more.
    while cursor.kind().is_some() && !cursor.at_end() {
        let plain = cursor.is_any(&["pg_catalog", "set_config", "true", "false"])
            || matches!(cursor.kind(), Some(Kind::Text))
            || ["(", ")", ",", "."].contains(&cursor.text());
        if !plain {
            return CannotReplay {
                what: "a computed setting",
            };
        }
        cursor.advance();
    }
    Replay
}

fn mysql(mut cursor: Cursor<'_>) -> SessionEffect {
    let computed = CannotReplay {
        what: "a computed variable",
    };
    if cursor.is("use") {
        return Replay;
    }
    if cursor.eat("set") {
        let elsewhere = [
            "global",
            "persist",
            "persist_only",
            "password",
            "transaction",
            "statement",
            "default",
        ];
        if cursor.is_any(&elsewhere) {
            return SessionEffect::None;
        }
        return if computes(cursor) { computed } else { Replay };
    }
    if cursor.is("prepare") {
        return CannotReplay {
            what: "a prepared statement",
        };
    }
    if assigns(cursor) {
        return computed;
    }
    SessionEffect::None
}

/// Whether a value comes from a query or a function that may answer differently later.
fn computes(mut cursor: Cursor<'_>) -> bool {
    const SAME_AGAIN: [&str; 4] = ["concat", "replace", "coalesce", "ifnull"];
    while cursor.kind().is_some() {
        if cursor.is("select") {
            return true;
        }
        let word = cursor.kind() == Some(Kind::Word) && !cursor.is_any(&SAME_AGAIN);
        cursor.advance();
        if word && cursor.text() == "(" {
            return true;
        }
    }
    false
}

/// `SELECT .. INTO @a`, and `@a := ..` anywhere.
fn assigns(mut cursor: Cursor<'_>) -> bool {
    while cursor.kind().is_some() {
        let into = cursor.is("into");
        let colon = cursor.text() == ":";
        cursor.advance();
        if into && cursor.text().starts_with('@') || colon && cursor.text() == "=" {
            return true;
        }
    }
    false
}

/// Pragmas with an argument that are questions, or work on the file.
const NO_SETTINGS: [&str; 12] = [
    "foreign_key_check",
    "foreign_key_list",
    "table_info",
    "table_xinfo",
    "index_info",
    "index_list",
    "index_xinfo",
    "integrity_check",
    "quick_check",
    "incremental_vacuum",
    "wal_checkpoint",
    "optimize",
];

/// `ATTACH ':memory:'` and its other spellings.
fn in_memory(mut cursor: Cursor<'_>) -> bool {
    cursor.advance();
    cursor.eat("database");
    let file = cursor.text();
    ["''", "\"\""].contains(&file) || file.contains(":memory:") || file.contains("mode=memory")
}

fn sqlite(mut cursor: Cursor<'_>) -> SessionEffect {
    if cursor.is("attach") && in_memory(cursor.clone()) {
        return CannotReplay {
            what: "an attached database in memory",
        };
    }
    if cursor.is_any(&["attach", "detach"]) {
        return Replay;
    }
    if !cursor.eat("pragma") {
        return SessionEffect::None;
    }
    let Some(name) = cursor.name() else {
        return SessionEffect::None;
    };
    if cursor.at_end() || NO_SETTINGS.contains(&name.folded().as_str()) {
        return SessionEffect::None;
    }
    Replay
}

#[cfg(test)]
mod tests {
    use super::*;
    use Database::{MySql, Postgres, Sqlite};

    #[track_caller]
    fn effects(database: Database, statements: &[&str], expected: &str) {
        for statement in statements {
            let effect = match session_effect(statement, database) {
                SessionEffect::None => "none",
                Replay => "replay",
                CannotReplay { .. } => "cannot",
            };
            assert_eq!(effect, expected, "{database}: {statement}");
        }
    }

    #[test]
    fn settings_are_replayed() {
        let postgres = [
            "SET search_path = x",
            "set session statement_timeout to 0",
            "SET ROLE r",
            "RESET ROLE",
            "SELECT set_config('search_path', 'x', false)",
            "SELECT pg_catalog.set_config('a.b', 'x', false), set_config('a.c', '', true);",
        ];
        effects(Postgres, &postgres, "replay");
        let mysql = [
            "USE db",
            "SET foreign_key_checks = 0",
            "SET NAMES utf8mb4",
            "/*!40101 SET NAMES utf8 */",
            "SET @a = 1, @b = 'x'",
            "SET @old = @@sql_mode, sql_mode = CONCAT(@@sql_mode, ',ANSI_QUOTES')",
            "SET ROLE r",
        ];
        effects(MySql, &mysql, "replay");
        let sqlite = [
            "PRAGMA foreign_keys = OFF",
            "PRAGMA main.cache_size(10)",
            "ATTACH 'x' AS y",
            "DETACH y",
        ];
        effects(Sqlite, &sqlite, "replay");
    }

    #[test]
    fn what_only_the_first_session_had() {
        let postgres = [
            "CREATE TEMP TABLE t (a int)",
            "CREATE OR REPLACE TEMPORARY VIEW v AS SELECT 1",
            "CREATE TABLE pg_temp.t (a int)",
            "SELECT 1 INTO TEMP t",
            "PREPARE p AS SELECT 1",
            "SELECT set_config('a.b', current_user, false)",
            "SELECT pg_advisory_lock(1)",
        ];
        effects(Postgres, &postgres, "cannot");
        let mysql = [
            "CREATE TEMPORARY TABLE t (a int)",
            "SET @v = (SELECT 1)",
            "SET @v = UUID()",
            "SELECT 1 INTO @v",
            "SELECT @v := 1",
            "PREPARE p FROM 'SELECT 1'",
        ];
        effects(MySql, &mysql, "cannot");
        effects(
            Sqlite,
            &[
                "CREATE TEMP TABLE t (a)",
                "CREATE TABLE temp.t (a)",
                "ATTACH ':memory:' AS y",
                "ATTACH DATABASE '' AS y",
                "ATTACH 'file:y?mode=memory&cache=shared' AS y",
            ],
            "cannot",
        );
    }

    #[test]
    fn everything_else_leaves_nothing() {
        let all = [
            "INSERT INTO t VALUES ('SET x')",
            "CREATE TABLE t (a int)",
            "DROP TABLE t",
            "UPDATE t SET a = 1",
            "SELECT 1",
            "",
        ];
        for database in Database::ALL {
            effects(database, &all, "none");
        }
        effects(
            Postgres,
            &["SET LOCAL a = 1", "SET CONSTRAINTS ALL DEFERRED"],
            "none",
        );
        effects(MySql, &["SET GLOBAL a = 1", "SET PASSWORD = 'x'"], "none");
        effects(
            Sqlite,
            &["PRAGMA foreign_keys", "PRAGMA table_info(t)"],
            "none",
        );
    }
}
