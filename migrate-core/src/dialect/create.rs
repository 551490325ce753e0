//! The ledger's tables, version 1. A new version adds a file beside this one, never edits it.

use migrate_source::Database;

use super::{LEDGER_VERSION, clock_micros};
use crate::ledger::Tables;

/// The statements that create a ledger, each of which does nothing where it was done before.
///
/// The table that says the version comes last: a ledger that was created half-way (MySQL commits
/// each statement) reads as absent and is completed.
pub(crate) fn create_ledger(tables: &Tables) -> Vec<String> {
    let types = Types::of(tables.database());
    let Types { int, options, .. } = types;
    let mut statements = vec![steps_table(tables, &types), runs_table(tables, &types)];
    statements.extend(lock_tables(tables, &types));
    if tables.database() == Database::Sqlite {
        statements.extend(audit_tables(tables, &types));
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

/// One row per step: what is applied, and how far a non-atomic step has come.
fn steps_table(tables: &Tables, types: &Types) -> String {
    let Types {
        text,
        long,
        int,
        time,
        key,
        options,
        ..
    } = types;
    format!(
        "CREATE TABLE IF NOT EXISTS {} (app {key} NOT NULL, name {key} NOT NULL, \
         kind {text} NOT NULL, state {text} NOT NULL, checksum {text} NOT NULL, source {long}, \
         total {int}, done {int}, done_hash {text}, intent {int}, intent_text {long}, \
         intent_before {int}, started_at {time}, \
         applied_at {time}, duration_ms {int}, rows_affected {int}, result {long}, \
         faked {int} NOT NULL, runs {int} NOT NULL, error {long}, host {text} NOT NULL, \
         pid {int} NOT NULL, app_version {text} NOT NULL, fence {int} NOT NULL, seq {int}, \
         PRIMARY KEY (app, name)){options}",
        tables.steps()
    )
}

/// One row per thing that was ever done.
fn runs_table(tables: &Tables, types: &Types) -> String {
    let Types {
        text,
        long,
        int,
        time,
        id,
        key,
        options,
    } = types;
    format!(
        "CREATE TABLE IF NOT EXISTS {} (id {id}, app {key} NOT NULL, name {key} NOT NULL, \
         action {text} NOT NULL, outcome {text} NOT NULL, at {time} NOT NULL, \
         duration_ms {int}, rows_affected {int}, checksum {text}, error {long}, \
         reason {long}, host {text} NOT NULL, pid {int} NOT NULL, app_version {text} NOT NULL, \
         fence {int} NOT NULL){options}",
        tables.runs()
    )
}

/// The token and the expiry, with their one row each.
fn lock_tables(tables: &Tables, types: &Types) -> [String; 4] {
    let Types {
        text,
        long,
        int,
        options,
        ..
    } = types;
    let (lock, lease) = (tables.lock(), tables.lease());
    [
        format!(
            "CREATE TABLE IF NOT EXISTS {lock} (id {int} NOT NULL PRIMARY KEY, \
             token {int} NOT NULL, holder {long} NOT NULL, session {text} NOT NULL){options}"
        ),
        format!(
            "CREATE TABLE IF NOT EXISTS {lease} (id {int} NOT NULL PRIMARY KEY, \
             token {int} NOT NULL, expires_at {int}, progress_at {int}, activity {long}){options}"
        ),
        insert_once(tables, &lock, "id, token, holder, session", "1, 0, '', ''"),
        insert_once(tables, &lease, "id, token", "1, 0"),
    ]
}

/// SQLite's published audit state: its one row, and the view that triggers read.
///
/// What a run publishes outside of a transaction holds while its lease does: of a process that
/// was killed nobody takes it back.
fn audit_tables(tables: &Tables, types: &Types) -> [String; 3] {
    let Types { text, int, .. } = types;
    let (state, prefix) = (tables.audit_state(), &tables.prefix);
    [
        format!(
            "CREATE TABLE IF NOT EXISTS {state} (id {int} NOT NULL PRIMARY KEY, migration {text}, \
             audit {text} NOT NULL, token {int})"
        ),
        insert_once(tables, &state, "id, migration, audit", "1, NULL, 'on'"),
        // A view finds the tables of its own schema, and may not name one: a file has another
        // name where it is attached.
        format!(
            "CREATE VIEW IF NOT EXISTS {view} AS \
             SELECT CASE WHEN holds THEN migration END AS migration, \
             CASE WHEN holds THEN audit ELSE 'on' END AS audit \
             FROM (SELECT migration, audit, token IS NULL OR EXISTS (\
             SELECT 1 FROM \"{prefix}_lease\" lease WHERE lease.id = 1 \
             AND lease.token = state.token AND lease.expires_at > {clock}) AS holds \
             FROM \"{prefix}_audit_state\" state WHERE state.id = 1)",
            view = tables.audit(),
            clock = clock_micros(Database::Sqlite),
        ),
    ]
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
