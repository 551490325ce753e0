//! The catalogues as facts: what there is in a database, one line of text for each thing, so that
//! two databases can be compared. Positions of sequences and physical layout are not in it.

use migrate_source::Database;

mod details;
mod mysql;
mod postgres;
mod sqlite;

/// What is set before the catalogue is read.
pub(crate) fn catalogue_settings(database: Database) -> Option<&'static str> {
    match database {
        Database::Sqlite => None,
        // A name is then written with its schema unless that is `public`.
        Database::Postgres => Some("SET search_path = public"),
        // An index or a table may have more columns than the default has room for.
        Database::MySql => Some("SET SESSION group_concat_max_len = 1000000"),
    }
}

/// Queries for facts, each with three columns of text: the table that a fact belongs to, or NULL;
/// the thing; what it is like.
pub(crate) fn catalogue_facts(database: Database) -> Vec<String> {
    let queries = match database {
        Database::Sqlite => sqlite::FACTS,
        Database::Postgres => postgres::FACTS,
        Database::MySql => mysql::FACTS,
    };
    let query = |text: &&str| text.replace("user_schemas", postgres::USER_SCHEMAS);
    queries.iter().map(query).collect()
}

/// A query for the columns whose values are compared, in order, with four columns of text: the
/// table, the table and the column as SQL names them, and an expression that gives a value as text.
pub(crate) fn catalogue_columns(database: Database) -> String {
    match database {
        Database::Sqlite => sqlite::COLUMNS.to_owned(),
        Database::Postgres => postgres::COLUMNS.replace("user_schemas", postgres::USER_SCHEMAS),
        Database::MySql => mysql::COLUMNS.to_owned(),
    }
}

/// What a thing is like, without what says nothing: white space, the database's own name, and in
/// SQLite the text of a table but for what the catalogue has nowhere else.
pub(crate) fn catalogue_definition(
    database: Database,
    name: &str,
    thing: &str,
    text: &str,
) -> String {
    let words = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    match database {
        Database::Sqlite if thing.starts_with(sqlite::DETAILS) => details::details(text),
        Database::Sqlite | Database::Postgres => words(text),
        Database::MySql => words(&text.replace(&format!("`{name}`."), "")),
    }
}

/// Makes an empty database like the one the session is in.
pub(crate) fn create_database(database: Database, name: &str, charset: Option<&str>) -> String {
    match (database, charset) {
        (Database::MySql, Some(charset)) => format!("CREATE DATABASE `{name}` {charset}"),
        (Database::MySql, None) => format!("CREATE DATABASE `{name}`"),
        _ => format!("CREATE DATABASE \"{name}\""),
    }
}

/// Asks for what a new database is to have of the one the session is in.
pub(crate) fn charset_of_database(database: Database) -> Option<&'static str> {
    match database {
        Database::MySql => Some(
            "SELECT concat('CHARACTER SET ', default_character_set_name, ' COLLATE ', default_collation_name)
             FROM information_schema.schemata WHERE schema_name = DATABASE()",
        ),
        Database::Sqlite | Database::Postgres => None,
    }
}

/// Asks who the session is: on Postgres ready for a GRANT, on MySQL `user@host` as they are.
pub(crate) fn current_account(database: Database) -> Option<&'static str> {
    match database {
        Database::Sqlite => None,
        Database::Postgres => Some("SELECT quote_ident(current_user)"),
        Database::MySql => Some("SELECT CURRENT_USER()"),
    }
}

/// Asks which databases have a name that begins so.
pub(crate) fn databases_like(database: Database, beginning: &str) -> Option<String> {
    let (column, table) = match database {
        Database::Sqlite => return None,
        Database::Postgres => ("datname::text", "pg_catalog.pg_database"),
        Database::MySql => ("schema_name", "information_schema.schemata"),
    };
    let length = beginning.len();
    Some(format!(
        "SELECT {column} FROM {table} WHERE substr({column}, 1, {length}) = '{beginning}' ORDER BY 1"
    ))
}

/// Ways to drop a database, from the most thorough to the one that every version knows.
pub(crate) fn drop_database(database: Database, name: &str) -> Vec<String> {
    match database {
        Database::MySql => vec![format!("DROP DATABASE IF EXISTS `{name}`")],
        _ => vec![
            format!("DROP DATABASE IF EXISTS \"{name}\" WITH (FORCE)"),
            format!("DROP DATABASE IF EXISTS \"{name}\""),
        ],
    }
}
