//! What a failed statement on the ledger's own tables means: a table of another shape, a right that
//! is missing. Whatever else fails is [`database_error`]'s.

use migrate_source::Database;

use super::Tables;
use crate::db_error::{self, Kind, database_error};
use crate::error::{Error, ErrorCode};

/// What a statement needs the right to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Need<'n> {
    /// Look at the ledger.
    Look,
    /// Take the lock and record steps.
    Write,
    /// Create the ledger.
    Create,
    /// Create a schema for it in the named database.
    CreateSchema(Option<&'n str>),
}

/// The error of a statement on the ledger. `doing` completes the sentence "could not ..".
pub(crate) fn ledger_error(
    tables: &Tables,
    need: Need<'_>,
    doing: &str,
    error: sqlx::Error,
) -> Error {
    match db_error::kind(&error) {
        Kind::OtherShape => {
            let text = db_error::redacted(&error);
            let message = format!(
                "could not {doing}: a table of the ledger {tables} has not the columns that it had when it was made, or is not ours: {text}"
            );
            Error::new(ErrorCode::LedgerDamaged, message)
                .with_source(error)
                .help("if another program uses that name, give the ledger its own: `--ledger-prefix NAME` or `--ledger-schema NAME`")
                .help("if it is this ledger, changed by hand: restore its tables from a backup; nothing was changed now")
        }
        Kind::PermissionDenied if tables.database() != Database::Sqlite => {
            let text = db_error::redacted(&error);
            let grants = grants(tables, need, &text);
            let error = Error::new(
                ErrorCode::PermissionDenied,
                format!("could not {doing}: {text}"),
            )
            .with_source(error);
            grants.into_iter().fold(error, Error::help)
        }
        _ => database_error(tables.database(), doing, error),
    }
}

/// The statements that an administrator can paste, with the names of this ledger.
fn grants(tables: &Tables, need: Need<'_>, server_says: &str) -> Vec<String> {
    let user = grantee(tables, server_says);
    let all = tables.all().join(", ");
    let schema = tables.quoted_schema();
    match (tables.database(), need) {
        (Database::Postgres, Need::CreateSchema(name)) => {
            let name = name.map_or("that_database".to_owned(), quoted);
            vec![
                format!(
                    "let the owner of the database grant it: `GRANT CREATE ON DATABASE {name} TO {user};`"
                ),
                format!(
                    "or let an administrator create the schema: `CREATE SCHEMA {schema} AUTHORIZATION {user};`"
                ),
            ]
        }
        (Database::Postgres, Need::Create) => vec![
            format!("let the owner grant it: `GRANT USAGE, CREATE ON SCHEMA {schema} TO {user};`"),
            "or put the ledger into a schema of this role's own: `--ledger-schema NAME`".to_owned(),
        ],
        (Database::Postgres, Need::Look) => vec![format!(
            "let the owner grant it: `GRANT USAGE ON SCHEMA {schema} TO {user}; GRANT SELECT ON {all} TO {user};`"
        )],
        (Database::Postgres, Need::Write) => vec![format!(
            "let the owner grant it: `GRANT USAGE ON SCHEMA {schema} TO {user}; GRANT SELECT, INSERT, UPDATE, DELETE ON {all} TO {user};`"
        )],
        (_, Need::Create) => vec![format!(
            "let an administrator grant it: `GRANT CREATE, SELECT, INSERT, UPDATE, DELETE ON {schema}.* TO {user};`"
        )],
        (_, need) => {
            let rights = match need {
                Need::Look => "SELECT",
                _ => "SELECT, INSERT, UPDATE, DELETE",
            };
            // One table a statement: MySQL knows no list of them.
            let each: Vec<String> = tables
                .all()
                .iter()
                .map(|table| format!("GRANT {rights} ON {table} TO {user};"))
                .collect();
            let granted = format!("let an administrator grant it: `{}`", each.join(" "));
            let mut helps = vec![granted];
            if need == Need::Look {
                // The server does not tell a table that is out of reach from one that is not there.
                helps.push(format!(
                    "or, where this database has no ledger yet: `GRANT CREATE, SELECT, INSERT, UPDATE, DELETE ON {schema}.* TO {user};`"
                ));
            }
            helps.push("the account may stand under another host, such as `'%'`: `SELECT user, host FROM mysql.user`".to_owned());
            helps
        }
    }
}

/// Who is granted: MySQL names user and host in its message, elsewhere the connection knows.
fn grantee(tables: &Tables, server_says: &str) -> String {
    match (tables.database(), account_in(server_says), &tables.user) {
        (Database::MySql, Some((user, host)), _) => mysql_account(user, host),
        // Which host it stands under, only the server knows.
        (Database::MySql, None, Some(user)) => mysql_account(user, "%"),
        (_, _, Some(user)) => quoted(user),
        _ => "that_user".to_owned(),
    }
}

/// User and host in a message of MySQL, which doubles no quotes.
fn account_in(server_says: &str) -> Option<(&str, &str)> {
    let (_, named) = server_says.split_once("user '")?;
    let (user, rest) = named.split_once("'@'")?;
    Some((user, rest.split_once('\'')?.0))
}

/// An account of MySQL, ready for SQL.
pub(crate) fn mysql_account(user: &str, host: &str) -> String {
    let quoted = |text: &str| text.replace('\\', r"\\").replace('\'', "''");
    format!("'{}'@'{}'", quoted(user), quoted(host))
}

/// A name of Postgres, ready for SQL.
fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::LedgerName;

    #[test]
    fn grants_name_the_tables_and_who_needs_them() {
        let name = LedgerName::new(None, "shop").unwrap();
        let mut tables = name.tables(Database::Postgres, None).unwrap();
        tables.user = Some("o\"dd".to_owned());
        let text = grants(&tables, Need::Look, "permission denied for table shop_meta").join(" ");
        assert!(text.contains(r#""public"."shop_steps""#), "{text}");
        assert!(text.ends_with(r#" TO "o""dd";`"#), "{text}");
        let need = Need::CreateSchema(Some("a shop"));
        let text = grants(&tables, need, "permission denied for database a shop").join(" ");
        let expected = r#"`GRANT CREATE ON DATABASE "a shop" TO "o""dd";`"#;
        assert!(text.contains(expected), "{text}");
        let tables = name.tables(Database::MySql, Some("db")).unwrap();
        let said = "SELECT command denied to user 'app'@'10.0.0.1' for table `db`.`shop_meta`";
        let text = grants(&tables, Need::Write, said).join(" ");
        let expected =
            "GRANT SELECT, INSERT, UPDATE, DELETE ON `db`.`shop_lock` TO 'app'@'10.0.0.1';";
        assert!(text.contains(expected), "{text}");
    }

    #[test]
    fn accounts_of_mysql_are_quoted() {
        let name = LedgerName::new(None, "shop").unwrap();
        let mut tables = name.tables(Database::MySql, Some("db")).unwrap();
        for (said, account) in [
            (
                "denied for user 'my app'@'localhost' to database 'x'",
                "'my app'@'localhost'",
            ),
            (
                "denied to user 'o'dd@home'@'%' for table 'y'",
                "'o''dd@home'@'%'",
            ),
            (r"denied for user 'back\slash'@'%'", r"'back\\slash'@'%'"),
            ("denied", "'o''dd@home'@'%'"),
        ] {
            tables.user = Some("o'dd@home".to_owned());
            assert_eq!(grantee(&tables, said), account, "{said}");
        }
    }
}
