//! What the databases spell differently, once.

use migrate_tests::Db;

/// A table that most tests start from.
pub(super) const ITEM: &str = "CREATE TABLE item (id INT NOT NULL PRIMARY KEY, name VARCHAR(100))";

/// A statement that takes a minute unless it is cancelled.
pub(super) fn sleep(db: Db) -> &'static str {
    match db {
        Db::Sqlite => {
            "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) \
             SELECT count(*) FROM n WHERE i < 0"
        }
        Db::Postgres => "SELECT pg_sleep(60)",
        Db::MySql => "SELECT SLEEP(60)",
    }
}

/// Steals the token, as a take-over by another process does.
pub(super) const STEAL: &str = "UPDATE migrate_lock SET token = token + 1";
