//! What tables and columns a step creates, by name: so that a database which has them from
//! elsewhere can be recognised.

use super::target::{ProbeTarget, column_of_action, probe_target};
use crate::Database;
use crate::cursor::{Cursor, QualifiedName};
use crate::statements::statements;

/// A table or column that a step leaves behind.
///
/// Names are as the database stores them: unquoted names of Postgres are in lower case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Created {
    /// `CREATE TABLE`, of a table that is not temporary
    Table {
        /// The schema, if the statement names it.
        schema: Option<String>,
        /// The table.
        name: String,
    },
    /// `ALTER TABLE .. ADD [COLUMN]`
    Column {
        /// The schema, if the statement names it.
        schema: Option<String>,
        /// The table.
        table: String,
        /// The column.
        column: String,
    },
}

/// The tables and columns that are there after a text has run, because it creates them. One that
/// the text drops again is left out; one that it renames has its last name.
///
/// ```
/// use migrate_source::{Database, classify::{Created, created}};
///
/// let sql = "CREATE TABLE Users (id int); ALTER TABLE app.orders ADD total int, ADD CHECK (total > 0);";
/// assert_eq!(created(sql, Database::Postgres), [
///     Created::Table { schema: None, name: "users".to_owned() },
///     Created::Column { schema: Some("app".to_owned()), table: "orders".to_owned(), column: "total".to_owned() },
/// ]);
/// ```
#[must_use]
pub fn created(sql: &str, database: Database) -> Vec<Created> {
    let mut found = Vec::new();
    for statement in statements(sql, database).unwrap_or_default() {
        match probe_target(statement.text, database) {
            Some(ProbeTarget::DropTable { schema, name }) => {
                found.retain(|created| !is_of(created, schema.as_deref(), &name));
            }
            Some(ProbeTarget::DropColumn {
                schema,
                table,
                column,
            }) => found.retain(|created| {
                !matches!(created, Created::Column { column: known, .. } if *known == column)
                    || !is_of(created, schema.as_deref(), &table)
            }),
            Some(ProbeTarget::RenameTable { schema, from, to }) => {
                rename(&mut found, schema.as_deref(), &from, &to);
            }
            _ => read(Cursor::new(statement.text, database), &mut found),
        }
    }
    found
}

fn is_of(created: &Created, in_schema: Option<&str>, table_name: &str) -> bool {
    let (schema, table) = match created {
        Created::Table { schema, name } => (schema, name),
        Created::Column { schema, table, .. } => (schema, table),
    };
    schema.as_deref() == in_schema && table == table_name
}

fn rename(found: &mut [Created], schema: Option<&str>, from: &str, to: &str) {
    for created in found {
        if is_of(created, schema, from) {
            let (Created::Table { name, .. } | Created::Column { table: name, .. }) = created;
            to.clone_into(name);
        }
    }
}

fn read(mut cursor: Cursor<'_>, found: &mut Vec<Created>) {
    if cursor.eat("create") {
        // `TEMPORARY`, `OR REPLACE` and the like create nothing that must not be there yet.
        cursor.eat_any(&["unlogged"]);
        if cursor.eat("table") {
            cursor.eat_all(&["if", "not", "exists"]);
            if let Some(QualifiedName { schema, name }) = cursor.name() {
                found.push(Created::Table { schema, name });
            }
        }
        return;
    }
    if !cursor.eat_all(&["alter", "table"]) {
        return;
    }
    cursor.eat_all(&["if", "exists"]);
    cursor.eat("only");
    let Some(table) = cursor.name() else { return };
    cursor.eat_symbol("*");
    loop {
        if cursor.eat("add") {
            for column in added(&mut cursor) {
                found.push(Created::Column {
                    schema: table.schema.clone(),
                    table: table.name.clone(),
                    column,
                });
            }
        }
        if !next_part(&mut cursor) {
            return;
        }
    }
}

/// The columns of one `ADD`; MySQL takes several in parentheses.
fn added(cursor: &mut Cursor<'_>) -> Vec<String> {
    let explicit = cursor.eat("column");
    cursor.eat_all(&["if", "not", "exists"]);
    if !cursor.eat_symbol("(") {
        return column_of_action(cursor, explicit).into_iter().collect();
    }
    let mut columns = Vec::new();
    loop {
        columns.extend(column_of_action(cursor, false));
        if !next_part(cursor) {
            cursor.eat_symbol(")");
            return columns;
        }
    }
}

/// Moves behind the next comma of this level; false at its end, which stays.
fn next_part(cursor: &mut Cursor<'_>) -> bool {
    let mut depth = 0_usize;
    while cursor.kind().is_some() {
        match (cursor.text(), depth) {
            (")", 0) => return false,
            (",", 0) => {
                cursor.advance();
                return true;
            }
            ("(", _) => depth += 1,
            (")", _) => depth -= 1,
            _ => {}
        }
        cursor.advance();
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `table` or `table.column`, with a schema as `schema:`.
    fn names(sql: &str, database: Database) -> Vec<String> {
        let full = |schema: Option<String>, name: String| match schema {
            Some(schema) => format!("{schema}:{name}"),
            None => name,
        };
        created(sql, database)
            .into_iter()
            .map(|created| match created {
                Created::Table { schema, name } => full(schema, name),
                Created::Column {
                    schema,
                    table,
                    column,
                } => full(schema, format!("{table}.{column}")),
            })
            .collect()
    }

    #[test]
    fn finds_tables_and_columns_of_every_form() {
        for (sql, expected) in [
            ("CREATE TABLE a (id int)", &["a"][..]),
            ("create table if not exists \"B c\" (id int)", &["B c"]),
            (
                "CREATE TABLE s.a (id int); CREATE INDEX i ON s.a (id)",
                &["s:a"],
            ),
            ("CREATE TEMPORARY TABLE a (id int)", &[]),
            ("CREATE VIEW v AS SELECT 1", &[]),
            ("ALTER TABLE a ADD b int", &["a.b"]),
            (
                "ALTER TABLE a ADD COLUMN b int DEFAULT (1 + 2), ADD c int",
                &["a.b", "a.c"],
            ),
            (
                "ALTER TABLE a ADD CONSTRAINT x CHECK (b > 0), DROP COLUMN c, ADD d int",
                &["a.d"],
            ),
            ("ALTER TABLE a ADD PRIMARY KEY (id)", &[]),
            ("ALTER TABLE a RENAME COLUMN b TO c", &[]),
            (
                "-- CREATE TABLE a (id int)\nSELECT 'CREATE TABLE b (id int)'",
                &[],
            ),
        ] {
            for database in [Database::Sqlite, Database::Postgres, Database::MySql] {
                if database == Database::MySql && sql.contains('"') {
                    continue;
                }
                assert_eq!(names(sql, database), expected, "{sql} on {database}");
            }
        }
    }

    #[test]
    fn folds_names_as_the_database_does() {
        let sql = "CREATE TABLE Users (id int)";
        assert_eq!(names(sql, Database::Postgres), ["users"]);
        assert_eq!(names(sql, Database::Sqlite), ["Users"]);
    }

    #[test]
    fn columns_in_parentheses_are_found() {
        let sql =
            "ALTER TABLE a ADD COLUMN (b INT DEFAULT (1), c DECIMAL(8, 2)), ADD (d INT, INDEX (d))";
        assert_eq!(names(sql, Database::MySql), ["a.b", "a.c", "a.d"]);
    }

    #[test]
    fn a_table_that_is_built_anew_counts_once_under_its_last_name() {
        let sql = "CREATE TABLE new_a (id int); INSERT INTO new_a SELECT id FROM a; \
                   DROP TABLE a; ALTER TABLE new_a RENAME TO a;";
        assert_eq!(names(sql, Database::Sqlite), ["a"]);
        let sql = "CREATE TABLE work (id int); DROP TABLE work; ALTER TABLE a ADD b int; \
                   ALTER TABLE a DROP COLUMN b;";
        assert_eq!(names(sql, Database::Sqlite), [""; 0]);
    }
}
