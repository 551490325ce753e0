//! What a driver's error means, whichever driver it came from, and how it is shown.

use migrate_source::Database;

use crate::error::{Error, ErrorCode};
use crate::redact::redact;

/// The few kinds of database errors that we act on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// The table (or its schema) does not exist.
    UndefinedTable,
    /// A column does not exist or has another type: the table is not the one we know.
    OtherShape,
    /// A right is missing.
    PermissionDenied,
    /// The database or the transaction is read-only.
    ReadOnly,
    /// Another session holds a lock that was asked for without waiting; SQLite: BUSY.
    LockNotAvailable,
    /// Somebody else created or inserted the same thing at the same time.
    AlreadyThere,
    /// A NOT NULL column was given NULL.
    NotNull,
    /// A deadlock or serialisation failure: the transaction was rolled back and may be repeated.
    Retry,
    /// User or password were refused.
    LoginRefused,
    /// The database named in the URL does not exist.
    UnknownDatabase,
    /// The connection is gone.
    ConnectionLost,
    /// A savepoint that does not exist any more: the transaction was ended behind our back.
    NoSavepoint,
    /// Anything else.
    Other,
}

/// Classifies an error. Sources of the codes: PostgreSQL's appendix A, MariaDB's and MySQL's
/// error references, SQLite's result codes.
pub(crate) fn kind(error: &sqlx::Error) -> Kind {
    match error {
        sqlx::Error::Database(database) => {
            let code = database.code().unwrap_or_default();
            #[cfg(feature = "mysql")]
            if let Some(mysql) = database.try_downcast_ref::<sqlx::mysql::MySqlDatabaseError>() {
                return mysql_kind(mysql.number());
            }
            #[cfg(feature = "sqlite")]
            if database
                .try_downcast_ref::<sqlx::sqlite::SqliteError>()
                .is_some()
            {
                return sqlite_kind(&code, database.message());
            }
            postgres_kind(&code)
        }
        sqlx::Error::Io(_) | sqlx::Error::Tls(_) | sqlx::Error::WorkerCrashed => {
            Kind::ConnectionLost
        }
        // sqlx reports an unexpected end of the stream as a protocol error in some places.
        sqlx::Error::Protocol(text) if text.contains("unexpected end") => Kind::ConnectionLost,
        _ => Kind::Other,
    }
}

/// Whether SQLite refuses to attach a file again in the session that has it, as a lent one may.
pub(crate) fn is_attached(error: &sqlx::Error) -> bool {
    matches!(error, sqlx::Error::Database(told)
        if told.message().starts_with("database ") && told.message().ends_with("is already in use"))
}

/// How a row that must be there fails in a message of Postgres, see `ledger::Statement::inline`.
pub(crate) fn is_division_by_zero(error: &sqlx::Error) -> bool {
    matches!(error, sqlx::Error::Database(told) if told.code().as_deref() == Some("22012"))
}

/// Whether Postgres wants a COMMIT first: a value of an enum that the transaction has added.
pub(crate) fn wants_commit_first(error: &sqlx::Error) -> bool {
    matches!(error, sqlx::Error::Database(told) if told.code().as_deref() == Some("55P04"))
}

/// Where in the text that was sent an error is, in characters from 1; Postgres alone tells.
pub(crate) fn position(error: &sqlx::Error) -> Option<usize> {
    #[cfg(feature = "postgres")]
    if let sqlx::Error::Database(database) = error
        && let Some(postgres) = database.try_downcast_ref::<sqlx::postgres::PgDatabaseError>()
        && let Some(sqlx::postgres::PgErrorPosition::Original(at)) = postgres.position()
    {
        return Some(at);
    }
    let _ = error;
    None
}

fn postgres_kind(sqlstate: &str) -> Kind {
    match sqlstate {
        "42P01" | "3F000" => Kind::UndefinedTable,
        "42703" | "42883" | "42804" | "42809" => Kind::OtherShape,
        "42501" => Kind::PermissionDenied,
        "25006" => Kind::ReadOnly,
        "55P03" => Kind::LockNotAvailable,
        "23505" | "42P07" | "42P06" | "42710" => Kind::AlreadyThere,
        "23502" => Kind::NotNull,
        "40001" | "40P01" => Kind::Retry,
        "28P01" | "28000" => Kind::LoginRefused,
        "3D000" => Kind::UnknownDatabase,
        "3B001" | "25P01" => Kind::NoSavepoint,
        "57P01" | "57P02" | "57P03" | "25P03" => Kind::ConnectionLost,
        _ if sqlstate.starts_with("08") => Kind::ConnectionLost,
        _ => Kind::Other,
    }
}

#[cfg(feature = "mysql")]
fn mysql_kind(number: u16) -> Kind {
    match number {
        1146 | 1051 => Kind::UndefinedTable,
        1054 => Kind::OtherShape,
        1044 | 1142 | 1143 | 1227 | 1370 => Kind::PermissionDenied,
        1290 | 1792 | 1836 => Kind::ReadOnly,
        1205 | 3572 => Kind::LockNotAvailable,
        1050 | 1062 => Kind::AlreadyThere,
        // 1242 is how a fence fails in an UPDATE, see `dialect::strict_fence`.
        1048 | 1242 => Kind::NotNull,
        1213 => Kind::Retry,
        1045 | 1698 => Kind::LoginRefused,
        1049 => Kind::UnknownDatabase,
        1305 => Kind::NoSavepoint,
        1927 | 1053 | 1152 | 1158..=1161 | 4031 => Kind::ConnectionLost,
        _ => Kind::Other,
    }
}

#[cfg(feature = "sqlite")]
fn sqlite_kind(code: &str, message: &str) -> Kind {
    // Extended codes carry the primary one in their low byte: https://www.sqlite.org/rescode.html
    let extended: i32 = code.parse().unwrap_or(0);
    match (extended, extended & 0xff) {
        (1299, _) => Kind::NotNull,
        (1555 | 2067, _) => Kind::AlreadyThere,
        (_, 1) if message.starts_with("no such table") => Kind::UndefinedTable,
        (_, 1) if message.starts_with("no such column") || message.contains("has no column") => {
            Kind::OtherShape
        }
        (_, 1) if message.starts_with("no such savepoint") => Kind::NoSavepoint,
        (_, 1) if message.contains("already exists") => Kind::AlreadyThere,
        (_, 5 | 6) => Kind::LockNotAvailable,
        (_, 8) => Kind::ReadOnly,
        (_, 3 | 23) => Kind::PermissionDenied,
        _ => Kind::Other,
    }
}

/// Turns a failed statement of ours into an error with its next command. `doing` completes the
/// sentence "could not ..".
pub(crate) fn database_error(database: Database, doing: &str, error: sqlx::Error) -> Error {
    let text = redacted(&error);
    let (code, help): (ErrorCode, &[&str]) = match kind(&error) {
        Kind::PermissionDenied => (
            ErrorCode::PermissionDenied,
            match database {
                Database::Postgres => &[
                    "let the owner grant what is missing: `GRANT USAGE, CREATE ON SCHEMA ..` to create the ledger, `GRANT SELECT ON ..` to look at it",
                    "or put the ledger into a schema that this role owns: `--ledger-schema NAME`",
                ],
                Database::MySql => &["let an administrator `GRANT` what is missing to this user"],
                Database::Sqlite => {
                    &["give this process the right to write to the file and to its folder"]
                }
            },
        ),
        Kind::ReadOnly => (
            ErrorCode::ReadOnly,
            &[
                "connect to the primary, or open the file for writing; `status`, `plan`, `list` and `verify` work on a read-only database",
            ],
        ),
        Kind::ConnectionLost => (
            ErrorCode::ConnectionLost,
            &["run the command again: the next run reads from the database what was committed"],
        ),
        Kind::LoginRefused => (
            ErrorCode::LoginRefused,
            &["check user and password of the database URL"],
        ),
        Kind::UnknownDatabase => (
            ErrorCode::ConnectFailed,
            &["create the database first, or correct its name at the end of the URL"],
        ),
        Kind::LockNotAvailable => (
            ErrorCode::LockHeld,
            &[
                "wait for the other session to finish, then run the command again; `migrate lock status` shows who holds the lock",
            ],
        ),
        _ if database == Database::Sqlite => (
            ErrorCode::Database,
            &[
                "run the command again with `-v 3`; if it persists, check that the database URL names the right file and that the file is sound (`PRAGMA integrity_check`)",
            ],
        ),
        _ => (
            ErrorCode::Database,
            &["run the command again with `-v 3`; if it persists, look into the server's log"],
        ),
    };
    let mut result = Error::new(code, format!("could not {doing}: {text}")).with_source(error);
    for line in help {
        result = result.help(*line);
    }
    result
}

/// Why a connection could not be opened. The URL is never part of the text.
pub(crate) fn connect_error(database: Database, error: sqlx::Error) -> Error {
    let text = redacted(&error);
    match kind(&error) {
        Kind::LoginRefused | Kind::UnknownDatabase | Kind::PermissionDenied => {
            database_error(database, "log in", error)
        }
        _ => {
            let what = match database {
                Database::Sqlite => "could not open the SQLite file",
                Database::Postgres => "could not reach the Postgres server",
                Database::MySql => "could not reach the MySQL or MariaDB server",
            };
            let help = match database {
                Database::Sqlite => {
                    "check the path; end the URL with `?mode=rwc` to create the file"
                }
                _ => "check host and port of the database URL and that the server is running",
            };
            Error::new(ErrorCode::ConnectFailed, format!("{what}: {text}"))
                .with_source(error)
                .help(help)
        }
    }
}

/// A driver's error as text without anything that could be a password.
pub(crate) fn redacted(error: &(dyn std::error::Error + 'static)) -> String {
    let text = match error.downcast_ref::<sqlx::Error>() {
        Some(sqlx::Error::Database(database)) => database.message().to_owned(),
        _ => error.to_string(),
    };
    redact(&text)
}
