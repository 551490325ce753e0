//! Statements that reach out of the database that their session is in.

use crate::Database;
use crate::cursor::Cursor;

/// What a statement reaches besides the database that its session is in, as far as its text tells.
/// `others` are the databases of a MySQL server; a name in front of a dot may be one of them, or
/// a table or an alias of that name.
///
/// ```
/// use migrate_source::{Database, classify::outside};
///
/// let others = ["bank".to_owned()];
/// let found = outside("DELETE FROM bank.account", Database::MySql, &others);
/// assert_eq!(found.as_deref(), Some("the database `bank`"));
/// assert_eq!(outside("DELETE FROM account", Database::MySql, &others), None);
/// ```
#[must_use]
pub fn outside(statement: &str, database: Database, others: &[String]) -> Option<String> {
    let cursor = Cursor::new(statement, database);
    match database {
        Database::Sqlite => sqlite(&cursor),
        Database::Postgres => postgres(cursor),
        Database::MySql => mysql(cursor, others),
    }
}

fn sqlite(cursor: &Cursor<'_>) -> Option<String> {
    let file = cursor.is("attach") || (cursor.is("vacuum") && cursor.has("into"));
    file.then(|| "another file".to_owned())
}

/// Things of the whole server.
fn postgres(mut cursor: Cursor<'_>) -> Option<String> {
    if !cursor.eat_any(&["create", "alter", "drop"]) {
        return None;
    }
    let kinds = ["database", "role", "group", "tablespace", "system", "user"];
    let kind = kinds.into_iter().find(|kind| cursor.eat(kind))?;
    // A user's mapping belongs to a foreign server, and that to a database.
    (!cursor.is("mapping")).then(|| format!("a {kind} of the whole server"))
}

fn mysql(mut cursor: Cursor<'_>, others: &[String]) -> Option<String> {
    if cursor.is("use") {
        return Some("another database by `USE`".to_owned());
    }
    while cursor.kind().is_some() {
        let Some(name) = cursor.identifier() else {
            cursor.advance();
            continue;
        };
        let is_other = |other: &&String| other.eq_ignore_ascii_case(&name);
        if let Some(other) = others.iter().find(is_other)
            && cursor.eat_symbol(".")
        {
            return Some(format!("the database `{other}`"));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_leaves_the_database_is_named() {
        let others = ["bank".to_owned()];
        for (sql, database, expected) in [
            (
                "USE bank",
                Database::MySql,
                Some("another database by `USE`"),
            ),
            (
                "INSERT INTO a SELECT * FROM `Bank` . b",
                Database::MySql,
                Some("the database `bank`"),
            ),
            (
                "/*! DROP TABLE bank.b */",
                Database::MySql,
                Some("the database `bank`"),
            ),
            ("CREATE TABLE bank (bank INT)", Database::MySql, None),
            (
                "INSERT INTO a VALUES ('bank.b') -- bank.b",
                Database::MySql,
                None,
            ),
            ("ATTACH 'x.db' AS x", Database::Sqlite, Some("another file")),
            ("VACUUM INTO 'x.db'", Database::Sqlite, Some("another file")),
            ("VACUUM", Database::Sqlite, None),
            (
                "CREATE ROLE teller",
                Database::Postgres,
                Some("a role of the whole server"),
            ),
            (
                "ALTER DATABASE bank SET work_mem = 1",
                Database::Postgres,
                Some("a database of the whole server"),
            ),
            (
                "CREATE USER MAPPING FOR me SERVER s",
                Database::Postgres,
                None,
            ),
            ("CREATE TABLE bank.role (id int)", Database::Postgres, None),
        ] {
            assert_eq!(
                outside(sql, database, &others).as_deref(),
                expected,
                "{sql}"
            );
        }
    }
}
