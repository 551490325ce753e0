//! The ledger's tables, version 1. A new version adds a file beside this one, never edits it.

use migrate_source::Database;

use super::LEDGER_VERSION;
use crate::ledger::Tables;

/// The statements that create a ledger, each of which does nothing where it was done before.
///
/// The table that says the version comes last: a ledger that was created half-way (MySQL commits
/// each statement) reads as absent and is completed.
pub(crate) fn create_ledger(tables: &Tables) -> Vec<String> {
    let types = Types::of(tables.database());
    let Types {
        text,
        long,
        int,
        time,
        id,
        key,
        options,
    } = types;
    let mut statements = vec![
        format!(
            "CREATE TABLE IF NOT EXISTS {} (app {key} NOT NULL, name {key} NOT NULL, \
             kind {text} NOT NULL, state {text} NOT NULL, checksum {text} NOT NULL, source {long}, \
             total {int}, done {int}, done_hash {text}, intent {int}, started_at {time}, \
             applied_at {time}, duration_ms {int}, rows_affected {int}, result {long}, \
             faked {int} NOT NULL, runs {int} NOT NULL, error {long}, host {text} NOT NULL, \
             pid {int} NOT NULL, app_version {text} NOT NULL, fence {int} NOT NULL, \
             PRIMARY KEY (app, name)){options}",
            tables.steps()
        ),
        format!(
            "CREATE TABLE IF NOT EXISTS {} (id {id}, app {key} NOT NULL, name {key} NOT NULL, \
             action {text} NOT NULL, outcome {text} NOT NULL, at {time} NOT NULL, \
             duration_ms {int}, rows_affected {int}, checksum {text}, error {long}, \
             reason {long}, host {text} NOT NULL, pid {int} NOT NULL, app_version {text} NOT NULL, \
             fence {int} NOT NULL){options}",
            tables.runs()
        ),
        format!(
            "CREATE TABLE IF NOT EXISTS {} (id {int} NOT NULL PRIMARY KEY, token {int} NOT NULL, \
             holder {long} NOT NULL, session {text} NOT NULL){options}",
            tables.lock()
        ),
        format!(
            "CREATE TABLE IF NOT EXISTS {} (id {int} NOT NULL PRIMARY KEY, token {int} NOT NULL, \
             expires_at {int}, progress_at {int}, activity {long}){options}",
            tables.lease()
        ),
        insert_once(
            tables,
            &tables.lock(),
            "id, token, holder, session",
            "1, 0, '', ''",
        ),
        insert_once(
            tables,
            &tables.lease(),
            "id, token, expires_at, progress_at, activity",
            "1, 0, NULL, NULL, NULL",
        ),
    ];
    if tables.database() == Database::Sqlite {
        statements.push(format!(
            "CREATE TABLE IF NOT EXISTS {} (id {int} NOT NULL PRIMARY KEY, migration {text}, \
             audit {text} NOT NULL)",
            tables.audit()
        ));
        statements.push(insert_once(
            tables,
            &tables.audit(),
            "id, migration, audit",
            "1, NULL, 'on'",
        ));
    }
    statements.push(format!(
        "CREATE TABLE IF NOT EXISTS {} (id {int} NOT NULL PRIMARY KEY, version {int} NOT NULL)\
         {options}",
        tables.meta()
    ));
    statements.push(insert_once(
        tables,
        &tables.meta(),
        "id, version",
        &format!("1, {LEDGER_VERSION}"),
    ));
    statements
}

/// Creates the schema that a user named for the ledger, on Postgres.
pub(crate) fn create_schema(tables: &Tables) -> String {
    format!("CREATE SCHEMA IF NOT EXISTS \"{}\"", tables.schema)
}

fn insert_once(tables: &Tables, table: &str, columns: &str, values: &str) -> String {
    match tables.database() {
        Database::MySql => format!("INSERT IGNORE INTO {table} ({columns}) VALUES ({values})"),
        Database::Sqlite | Database::Postgres => {
            format!("INSERT INTO {table} ({columns}) VALUES ({values}) ON CONFLICT DO NOTHING")
        }
    }
}

/// The column types of one database.
struct Types {
    text: &'static str,
    long: &'static str,
    int: &'static str,
    time: &'static str,
    id: &'static str,
    key: &'static str,
    options: &'static str,
}

impl Types {
    fn of(database: Database) -> Self {
        match database {
            Database::Sqlite => Self {
                text: "TEXT",
                long: "TEXT",
                int: "INTEGER",
                time: "TEXT",
                id: "INTEGER PRIMARY KEY",
                key: "TEXT",
                options: "",
            },
            Database::Postgres => Self {
                text: "text",
                long: "text",
                int: "bigint",
                time: "timestamptz",
                id: "bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY",
                key: "text",
                options: "",
            },
            // A binary collation: names differ by case and by trailing blanks. Keys are ASCII, so
            // that the longest file name fits into an index of any row format.
            Database::MySql => Self {
                text: "VARCHAR(255)",
                long: "LONGTEXT",
                int: "BIGINT",
                time: "DATETIME(3)",
                id: "BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY",
                key: "VARCHAR(255) CHARACTER SET ascii COLLATE ascii_bin",
                options: " ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin",
            },
        }
    }
}
