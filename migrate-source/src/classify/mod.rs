//! What a statement means for the transaction it runs in. Each database's list stands in a file of
//! its own; unknown statements count as transactional, and the server has the last word.

use crate::Database;
use crate::cursor::Cursor;
use crate::error::SourceError;
use crate::statements::{Statement, statements};

mod created;
mod mysql;
mod outside;
mod postgres;
mod rebuild;
mod repeat;
mod session;
mod sqlite;
mod target;
mod words;

pub use created::{Created, created};
pub use outside::outside;
pub use rebuild::table_rebuild_risk;
pub use repeat::{can_fail_in_part, repeatable};
pub use session::{SessionEffect, inserts, reads_last_insert, session_effect};
pub use target::{ProbeTarget, probe_target};
use words::Words;

/// Without one of these words no statement is a mistake in an atomic step, on any database.
const TELLING_WORDS: [&str; 25] = [
    "abort",
    "attach",
    "autocommit",
    "begin",
    "cluster",
    "commit",
    "concurrently",
    "copy",
    "database",
    "delimiter",
    "detach",
    "discard",
    "end",
    "lock",
    "pragma",
    "prepare",
    "reindex",
    "rollback",
    "start",
    "subscription",
    "system",
    "tablespace",
    "unlock",
    "vacuum",
    "xa",
];
static TELLING: Words<25> = Words::new(TELLING_WORDS);

/// Those, and the one without which no table is rebuilt.
static REMARKABLE: Words<26> = Words::new(with("rename", TELLING_WORDS));

const fn with<const M: usize, const N: usize>(
    word: &'static str,
    words: [&'static str; N],
) -> [&'static str; M] {
    let mut all = [word; M];
    let mut at = 0;
    while at < N {
        all[at] = words[at];
        at += 1;
    }
    all
}

/// Whether there may be something to say of a text's statements: without certain words none is a
/// mistake in an atomic step or part of a table's rebuild, and only MySQL has blocks that could
/// be left open.
pub(crate) fn is_remarkable(sql: &str) -> bool {
    REMARKABLE.occur_in(sql)
}

/// How a statement and a transaction around it get along.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Class {
    /// It takes part in the transaction and is rolled back with it.
    Transactional,
    /// Its text does not tell what it runs, and that may commit: `CALL`, and on MySQL and MariaDB
    /// `EXECUTE` and compound statements.
    Opaque {
        /// The statement's own words, such as `CALL`.
        what: String,
    },
    /// It commits the transaction before it runs (DDL of MySQL and MariaDB).
    ImplicitCommit,
    /// The database refuses it inside a transaction.
    OutsideTransaction {
        /// The statement's own words, such as `CREATE INDEX CONCURRENTLY`.
        what: String,
    },
    /// It begins or ends a transaction itself. Savepoints do not count.
    TransactionControl {
        /// The statement's own words, such as `BEGIN`.
        what: String,
    },
    /// It opens a stream of data on the connection, which no driver here feeds: the session is
    /// lost, in a transaction or not.
    CopyStream {
        /// The statement's own words, such as `COPY .. FROM STDIN`.
        what: String,
    },
    /// Inside a transaction it has no effect, and the database does not say so.
    SilentNoOp {
        /// The statement's own words, such as `PRAGMA foreign_keys`.
        what: String,
    },
}

impl Class {
    fn outside(what: impl Into<String>) -> Self {
        Self::OutsideTransaction { what: what.into() }
    }

    fn opaque(what: impl Into<String>) -> Self {
        Self::Opaque { what: what.into() }
    }

    fn control(what: impl Into<String>) -> Self {
        Self::TransactionControl { what: what.into() }
    }
}

/// Says what a single statement means for the transaction around it.
///
/// ```
/// use migrate_source::{Database, classify::{Class, classify}};
///
/// assert_eq!(classify("DROP TABLE t", Database::Postgres), Class::Transactional);
/// assert_eq!(classify("DROP TABLE t", Database::MySql), Class::ImplicitCommit);
/// assert_eq!(
///     classify("vacuum full t", Database::Postgres),
///     Class::OutsideTransaction { what: "VACUUM".to_owned() },
/// );
/// ```
#[must_use]
pub fn classify(statement: &str, database: Database) -> Class {
    let cursor = Cursor::new(statement, database);
    match database {
        Database::Sqlite => sqlite::classify(cursor),
        Database::Postgres => postgres::classify(cursor),
        Database::MySql => mysql::classify(cursor),
    }
}

/// Finds what must not stand in a step that runs in a transaction.
///
/// Without a database the text is read by the rules of each that can read it, and a mistake on any
/// of them is reported if all agree that a statement starts there: `COMMIT` in the body of a
/// Postgres function is none. Statements that are in order on another database are not reported.
/// A text that cannot be read at all gives no errors here: [`crate::statements::split`] has them.
///
/// ```
/// use migrate_source::{Database, classify::atomic_step_errors};
///
/// let errors = atomic_step_errors("DELETE FROM t;\nCOMMIT;", Some(Database::Sqlite));
/// assert_eq!((errors[0].code, errors[0].line), ("transaction_control", 2));
/// ```
#[must_use]
pub fn atomic_step_errors(sql: &str, database: Option<Database>) -> Vec<SourceError> {
    if !TELLING.occur_in(sql) {
        return Vec::new();
    }
    statement_errors(sql, database)
}

fn statement_errors(sql: &str, database: Option<Database>) -> Vec<SourceError> {
    let readings: Vec<(Database, Vec<Statement<'_>>)> = Database::ALL
        .into_iter()
        .filter(|reading| database.is_none_or(|database| database == *reading))
        .filter_map(|reading| Some((reading, statements(sql, reading).ok()?)))
        .collect();
    let agreed = |start: usize| {
        readings.iter().all(|(_, found)| {
            found
                .binary_search_by_key(&start, |statement| statement.start)
                .is_ok()
        })
    };
    let mut errors: Vec<SourceError> = Vec::new();
    for (reading, found) in &readings {
        for statement in found.iter().filter(|statement| agreed(statement.start)) {
            errors.extend(statement_error(
                sql,
                *statement,
                *reading,
                database.is_none(),
            ));
        }
    }
    errors.sort_by_key(|error| (error.line, error.column));
    errors.dedup_by_key(|error| (error.line, error.column));
    errors
}

/// Finds what must not stand in any step, in a transaction or not.
///
/// A step that is not atomic has no transactions of its own either: each statement commits
/// together with its progress, which would end them.
#[must_use]
pub fn any_step_errors(sql: &str, database: Option<Database>) -> Vec<SourceError> {
    let mut errors: Vec<SourceError> = atomic_step_errors(sql, database)
        .into_iter()
        .filter(|error| error.code == TRANSACTION_CONTROL)
        .map(|error| SourceError {
            message: "a step that is not atomic has no transactions of its own: each statement commits together with its progress, which would end them".to_owned(),
            help: "remove it, and put what belongs together into an atomic step".to_owned(),
            ..error
        })
        .collect();
    if database.is_none_or(|database| database == Database::Postgres) {
        let found = statements(sql, Database::Postgres).unwrap_or_default();
        let copies = found.iter().filter(|found| is_copy_stream(found.text));
        errors.extend(copies.map(|found| copy_stream_error(sql, found.start)));
        // On MySQL the same words set the session's own value.
        let locals = found.iter().filter(|found| {
            database.is_some()
                && Cursor::new(found.text, Database::Postgres).eat_all(&["set", "local"])
        });
        errors.extend(locals.map(|found| set_local_error(sql, found.start)));
    }
    if database.is_none_or(|database| database == Database::Sqlite) {
        let found = statements(sql, Database::Sqlite).unwrap_or_default();
        let locked = found
            .iter()
            .filter(|found| sqlite::forbids_writing(found.text));
        errors.extend(locked.map(|found| query_only_error(sql, found.start)));
    }
    errors.sort_by_key(|error| (error.line, error.column));
    errors
}

const TRANSACTION_CONTROL: &str = "transaction_control";

fn statement_error(
    sql: &str,
    statement: Statement<'_>,
    database: Database,
    guessed: bool,
) -> Option<SourceError> {
    let class = classify(statement.text, database);
    if guessed && is_fine_elsewhere(&class) {
        return None;
    }
    let at = |code, message: String, help: &str| {
        Some(SourceError::at(sql, statement.start, code, message, help))
    };
    match class {
        Class::Transactional | Class::Opaque { .. } | Class::ImplicitCommit => None,
        Class::CopyStream { .. } => Some(copy_stream_error(sql, statement.start)),
        Class::OutsideTransaction { what } => at(
            "outside_transaction",
            format!(
                "on {database}, {what} cannot be part of a transaction, and this step runs in one"
            ),
            "put it into a step of its own with `-- migrate: atomic = false`",
        ),
        Class::TransactionControl { what } => at(
            TRANSACTION_CONTROL,
            format!("{what} would end or replace the transaction that this step runs in"),
            "remove it: the step is one transaction by itself; or write `-- migrate: atomic = false` and keep transactions out of the file as well",
        ),
        Class::SilentNoOp { what } => at(
            "silent_no_op",
            format!("{what} has no effect inside a transaction, and this step runs in one"),
            if what == "PRAGMA foreign_keys" {
                "write `-- migrate: foreign_keys = off` in the header"
            } else {
                "put it into a step of its own with `-- migrate: atomic = false`"
            },
        ),
    }
}

/// LOCK TABLE and CREATE DATABASE are in order on one database and not on another.
fn is_fine_elsewhere(class: &Class) -> bool {
    match class {
        Class::TransactionControl { what } => what == "LOCK TABLE",
        Class::OutsideTransaction { what } => what.ends_with(" DATABASE"),
        _ => false,
    }
}

pub(crate) fn is_copy_stream(statement: &str) -> bool {
    matches!(
        classify(statement, Database::Postgres),
        Class::CopyStream { .. }
    )
}

pub(crate) fn copy_stream_error(sql: &str, offset: usize) -> SourceError {
    SourceError::at(
        sql,
        offset,
        "copy_stream",
        "COPY with STDIN or STDOUT needs a client that streams the data; it would leave the session unusable",
        "write INSERT statements, or load the data in a data migration",
    )
}

fn set_local_error(sql: &str, offset: usize) -> SourceError {
    SourceError::at(
        sql,
        offset,
        "silent_no_op",
        "SET LOCAL ends with its transaction, and in a step that is not atomic each statement has one of its own: it has no effect",
        "write SET instead; the next step finds the session's own settings again",
    )
}

fn query_only_error(sql: &str, offset: usize) -> SourceError {
    SourceError::at(
        sql,
        offset,
        "query_only",
        "PRAGMA query_only forbids all writing, and in a step that is not atomic that each statement is done is written down together with it",
        "remove it, or put what only reads into an atomic step, behind which settings are set back",
    )
}

/// BEGIN, COMMIT and their like, as all databases know them. Savepoints are no concern of ours.
fn transaction_control(cursor: &mut Cursor<'_>) -> Option<Class> {
    if cursor.eat("rollback") {
        if cursor.eat("prepared") {
            return Some(Class::control("ROLLBACK PREPARED"));
        }
        cursor.eat_any(&["work", "transaction"]);
        return (!cursor.is("to")).then(|| Class::control("ROLLBACK"));
    }
    if cursor.eat("commit") {
        let what = if cursor.is("prepared") {
            "COMMIT PREPARED"
        } else {
            "COMMIT"
        };
        return Some(Class::control(what));
    }
    if cursor.eat_all(&["start", "transaction"]) {
        return Some(Class::control("START TRANSACTION"));
    }
    cursor.eat("begin").then(|| Class::control("BEGIN"))
}

#[cfg(test)]
mod tests;
