//! What is known of running a statement again, or of its failing: for statements that were begun
//! outside a transaction. What is not listed here is left to a person.

use crate::Database;
use crate::cursor::Cursor;

/// Whether a statement can run twice with the result of once, whatever came of the first time.
///
/// Decided by the kind of statement: `IF EXISTS` alone says little, since
/// `RENAME TABLE IF EXISTS a TO b, c TO a` undoes itself when it is repeated.
///
/// ```
/// use migrate_source::{Database, classify::repeatable};
///
/// assert!(repeatable("DROP TABLE IF EXISTS t", Database::MySql));
/// assert!(!repeatable("RENAME TABLE IF EXISTS a TO b, c TO a", Database::MySql));
/// ```
#[must_use]
pub fn repeatable(statement: &str, database: Database) -> bool {
    let mut cursor = Cursor::new(statement, database);
    if cursor.eat("vacuum") {
        // SQLite's VACUUM INTO writes a file, which must not exist.
        return !cursor.has("into");
    }
    if cursor.eat("analyze") {
        // MariaDB's ANALYZE also executes statements.
        cursor.eat_any(&["no_write_to_binlog", "local"]);
        return database != Database::MySql || cursor.is("table");
    }
    if cursor.is_any(&["reindex", "optimize", "checkpoint", "grant", "revoke"]) {
        return true;
    }
    if cursor.eat("drop") {
        return drops_if_exists(cursor);
    }
    if !cursor.eat("create") {
        return false;
    }
    if cursor.eat_all(&["or", "replace"]) {
        return replaces(cursor);
    }
    creates_if_missing(cursor)
}

/// `DROP <kind> IF EXISTS`, where the kind has up to four words.
fn drops_if_exists(mut cursor: Cursor<'_>) -> bool {
    for _ in 0..4 {
        cursor.advance();
        if cursor.eat_all(&["if", "exists"]) {
            return true;
        }
    }
    false
}

/// `CREATE OR REPLACE` of what holds no data. MySQL puts `DEFINER = ..` and more before the kind.
fn replaces(mut cursor: Cursor<'_>) -> bool {
    const OTHERS: [&str; 10] = [
        "table", "sequence", "index", "user", "role", "server", "event", "database", "schema", "as",
    ];
    while cursor.kind().is_some() && !cursor.is_any(&OTHERS) {
        if cursor.is_any(&["view", "function", "procedure", "trigger"]) {
            return true;
        }
        cursor.advance();
    }
    false
}

/// `CREATE <kind> IF NOT EXISTS`. Not with rows from a query, which may have come half-way, and not
/// an index that is built concurrently, whose broken remains count as existing.
fn creates_if_missing(mut cursor: Cursor<'_>) -> bool {
    for _ in 0..4 {
        if cursor.eat("concurrently") {
            return false;
        }
        cursor.advance();
        if cursor.eat_all(&["if", "not", "exists"]) {
            let fills = cursor.has("select")
                || ["execute", "table", "values"]
                    .iter()
                    .any(|word| cursor.has_sequence(&["as", word]));
            return !fills;
        }
    }
    false
}

/// Whether a statement can have done a part of its work when its own error says that it failed:
/// `DROP TABLE a, b` of MySQL and MariaDB drops `a` where there is no `b`.
#[must_use]
pub fn can_fail_in_part(statement: &str, database: Database) -> bool {
    if matches!(
        super::classify(statement, database),
        super::Class::Opaque { .. }
    ) {
        return true;
    }
    let mut cursor = Cursor::new(statement, database);
    if database == Database::Postgres {
        return cursor.has("concurrently");
    }
    if database == Database::Sqlite {
        return false;
    }
    if cursor.eat("drop") {
        return cursor.is_any(&["database", "schema"]) || cursor.has_top_level_comma();
    }
    let accounts = cursor.is_any(&["create", "alter"]) && {
        cursor.advance();
        cursor.is_any(&["user", "role"])
    };
    (accounts || cursor.is_any(&["rename", "grant", "revoke"])) && cursor.has_top_level_comma()
}

#[cfg(test)]
mod tests {
    use super::*;
    use Database::{MySql, Postgres, Sqlite};

    #[test]
    fn what_can_run_twice() {
        let yes = [
            (Postgres, "VACUUM FULL t"),
            (Postgres, "analyze"),
            (Postgres, "REINDEX TABLE CONCURRENTLY t"),
            (Postgres, "DROP INDEX CONCURRENTLY IF EXISTS i"),
            (Postgres, "DROP MATERIALIZED VIEW IF EXISTS v"),
            (Postgres, "DROP TABLE IF EXISTS a, b"),
            (
                Postgres,
                "CREATE OR REPLACE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1'",
            ),
            (
                Postgres,
                "CREATE TABLE IF NOT EXISTS t (a int, b int GENERATED ALWAYS AS (a + 1) STORED)",
            ),
            (MySql, "ANALYZE LOCAL TABLE t"),
            (MySql, "OPTIMIZE TABLE t"),
            (
                MySql,
                "/* c */ create or replace definer = `a`@`b` view v as select 1",
            ),
            (
                MySql,
                "CREATE OR REPLACE TRIGGER t BEFORE INSERT ON x FOR EACH ROW SET NEW.a = 1",
            ),
            (MySql, "CREATE UNIQUE INDEX IF NOT EXISTS i ON t (a)"),
            (MySql, "GRANT SELECT ON t TO a"),
            (Sqlite, "VACUUM"),
        ];
        for (database, statement) in yes {
            assert!(repeatable(statement, database), "{database}: {statement}");
        }
        let no = [
            (MySql, "RENAME TABLE IF EXISTS a TO tmp, b TO a, tmp TO b"),
            (MySql, "ALTER TABLE IF EXISTS t ADD a int, ADD b int"),
            (MySql, "CREATE OR REPLACE TABLE t AS SELECT 1"),
            (MySql, "CREATE TABLE IF NOT EXISTS t AS SELECT 1"),
            (MySql, "CREATE TABLE IF NOT EXISTS t SELECT 1"),
            (MySql, "ANALYZE FORMAT=JSON DELETE FROM t"),
            (MySql, "DROP TABLE t"),
            (MySql, "CALL p('IF EXISTS')"),
            (MySql, "BEGIN NOT ATOMIC DROP TABLE IF EXISTS t; END"),
            (
                Postgres,
                "CREATE INDEX CONCURRENTLY IF NOT EXISTS i ON t (a)",
            ),
            (Postgres, "ALTER SYSTEM SET a = 'VACUUM'"),
            (Postgres, "INSERT INTO t VALUES ('OR REPLACE')"),
            (Sqlite, "VACUUM INTO 'x'"),
            (Sqlite, "INSERT OR REPLACE INTO t VALUES (1)"),
            (Sqlite, ""),
        ];
        for (database, statement) in no {
            assert!(!repeatable(statement, database), "{database}: {statement}");
        }
    }

    #[test]
    fn what_can_fail_in_part() {
        let cases = [
            (MySql, "DROP TABLE a, nosuch", true),
            (MySql, "DROP TABLE a", false),
            (MySql, "DROP DATABASE d", true),
            (MySql, "RENAME TABLE a TO b, c TO d", true),
            (MySql, "CREATE USER a, b", true),
            (MySql, "CREATE TABLE t (a int, b int)", false),
            (MySql, "ALTER TABLE t ADD a int, ADD b int", false),
            (MySql, "CALL p()", true),
            (Postgres, "CALL p()", true),
            (Postgres, "CREATE INDEX CONCURRENTLY i ON t (a)", true),
            (Postgres, "VACUUM a, b", false),
            (Sqlite, "VACUUM", false),
        ];
        for (database, statement, expected) in cases {
            assert_eq!(
                can_fail_in_part(statement, database),
                expected,
                "{statement}"
            );
        }
    }
}
