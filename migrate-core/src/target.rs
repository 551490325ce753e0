//! Where to migrate: a pool, a connection or a URL; and how connections are opened.
//!
//! A run opens connections of its own from the pool's options and closes them afterwards. What
//! a step leaves behind in its session (`search_path`, an aborted transaction, locks) can
//! therefore never reach the application.

use std::fmt;

use migrate_source::Database;
use sqlx::ConnectOptions;
use tokio::sync::{Mutex, MutexGuard};

use crate::db_error::connect_error;
use crate::error::{Error, ErrorCode};
use crate::session::Session;

mod scratch;

/// Where to migrate. Made from a pool, from a connection, or with [`Target::from_url`].
pub struct Target<'c>(Kind<'c>);

enum Kind<'c> {
    Options(Box<Options>),
    /// An in-memory database lives as long as its pool's connection, so that one is used.
    #[cfg(feature = "sqlite")]
    InMemory(sqlx::SqlitePool),
    Borrowed(Database, Mutex<&'c mut dyn Session>),
}

/// What is needed to open a connection, at any time and from any task.
#[derive(Clone)]
pub(crate) enum Options {
    #[cfg(feature = "sqlite")]
    Sqlite(sqlx::sqlite::SqliteConnectOptions),
    #[cfg(feature = "postgres")]
    Postgres(sqlx::postgres::PgConnectOptions),
    #[cfg(feature = "mysql")]
    MySql(sqlx::mysql::MySqlConnectOptions),
}

impl Options {
    fn database(&self) -> Database {
        match *self {
            #[cfg(feature = "sqlite")]
            Self::Sqlite(_) => Database::Sqlite,
            #[cfg(feature = "postgres")]
            Self::Postgres(_) => Database::Postgres,
            #[cfg(feature = "mysql")]
            Self::MySql(_) => Database::MySql,
        }
    }

    /// Whether another connection with the same options would see another database.
    #[cfg(feature = "sqlite")]
    fn is_in_memory(&self) -> bool {
        match self {
            Self::Sqlite(options) => is_in_memory(options),
            #[allow(unreachable_patterns, reason = "SQLite may be the only one enabled")]
            _ => false,
        }
    }

    /// Whether connecting would create the database's file.
    #[cfg(feature = "sqlite")]
    fn would_create_file(&self) -> bool {
        match self {
            Self::Sqlite(options) => {
                let url = options.clone().filename("any").to_url_lossy();
                let creates = url.query().is_some_and(|q| q.contains("mode=rwc"));
                // A name that begins with `file:` is a URI, which only SQLite can read.
                let name = options.get_filename();
                creates && !name.to_string_lossy().starts_with("file:") && !name.exists()
            }
            #[allow(unreachable_patterns, reason = "SQLite may be the only one enabled")]
            _ => false,
        }
    }

    /// Opens a connection.
    pub(crate) async fn open(&self) -> Result<Box<dyn Session>, Error> {
        let opened: sqlx::Result<Box<dyn Session>> = match *self {
            #[cfg(feature = "sqlite")]
            Self::Sqlite(ref options) => options.connect().await.map(|c| Box::new(c) as _),
            #[cfg(feature = "postgres")]
            Self::Postgres(ref options) => options.connect().await.map(|c| Box::new(c) as _),
            #[cfg(feature = "mysql")]
            Self::MySql(ref options) => options.connect().await.map(|c| Box::new(c) as _),
        };
        opened.map_err(|error| connect_error(self.database(), error))
    }
}

/// An open connection, however it was come by.
pub(crate) enum Connection<'m, 'c> {
    Owned(Box<dyn Session>),
    #[cfg(feature = "sqlite")]
    Pooled(sqlx::pool::PoolConnection<sqlx::Sqlite>),
    Borrowed(MutexGuard<'m, &'c mut dyn Session>),
}

impl Connection<'_, '_> {
    pub(crate) fn session(&mut self) -> &mut dyn Session {
        match self {
            Self::Owned(session) => &mut **session,
            #[cfg(feature = "sqlite")]
            Self::Pooled(connection) => &mut **connection,
            Self::Borrowed(session) => &mut ***session,
        }
    }

    pub(crate) async fn close(self) {
        if let Self::Owned(session) = self {
            session.close().await;
        }
    }
}

impl<'c> Target<'c> {
    /// Reads a database URL: `sqlite:`, `postgres:`, `postgresql:`, `mysql:` or `mariadb:`.
    ///
    /// Nothing is opened yet.
    ///
    /// # Errors
    ///
    /// [`ErrorCode::BadUrl`]. The URL itself is never part of an error.
    pub fn from_url(url: &str) -> Result<Target<'static>, Error> {
        let scheme = url.split_once(':').map_or("", |(scheme, _)| scheme);
        let kind = match scheme {
            "sqlite" => Self::sqlite_url(url),
            "postgres" | "postgresql" => Self::postgres_url(url),
            "mysql" => Self::mysql_url(url),
            "mariadb" => Self::mysql_url(&url.replacen("mariadb", "mysql", 1)),
            _ => Err(Error::new(
                ErrorCode::BadUrl,
                "the database URL does not begin with `sqlite:`, `postgres:`, `mysql:` or `mariadb:`",
            )
            .help("such as `sqlite:app.sqlite?mode=rwc`, `postgres://user@localhost/app` or `mysql://user@localhost/app`")),
        };
        kind.map(Target::of)
    }

    fn of(options: Options) -> Self {
        Self(Kind::Options(Box::new(options)))
    }

    /// Which database this is.
    pub fn database(&self) -> Database {
        match &self.0 {
            Kind::Options(options) => options.database(),
            #[cfg(feature = "sqlite")]
            Kind::InMemory(_) => Database::Sqlite,
            Kind::Borrowed(database, _) => *database,
        }
    }

    /// The schema in which MySQL puts our tables: the URL's database.
    pub(crate) fn default_schema(&self) -> Option<&str> {
        match &self.0 {
            #[cfg(feature = "mysql")]
            Kind::Options(options) => match &**options {
                Options::MySql(options) => options.get_database(),
                #[allow(unreachable_patterns, reason = "MySQL may be the only one enabled")]
                _ => None,
            },
            _ => None,
        }
    }

    /// Who connects, where the options say so.
    pub(crate) fn user(&self) -> Option<&str> {
        let Kind::Options(options) = &self.0 else {
            return None;
        };
        match **options {
            #[cfg(feature = "sqlite")]
            Options::Sqlite(_) => None,
            #[cfg(feature = "postgres")]
            Options::Postgres(ref options) => Some(options.get_username()),
            #[cfg(feature = "mysql")]
            Options::MySql(ref options) => Some(options.get_username()),
        }
    }

    /// Opens (or takes) the connection on which steps run.
    pub(crate) async fn connect(&self) -> Result<Connection<'_, 'c>, Error> {
        match &self.0 {
            Kind::Options(options) => options.open().await.map(Connection::Owned),
            #[cfg(feature = "sqlite")]
            Kind::InMemory(pool) => {
                let acquired = pool.acquire().await;
                acquired
                    .map(Connection::Pooled)
                    .map_err(|e| connect_error(Database::Sqlite, e))
            }
            Kind::Borrowed(_, session) => Ok(Connection::Borrowed(session.lock().await)),
        }
    }

    /// Opens (or takes) a connection only to look. A SQLite file that a run would create is not
    /// created: what is looked at instead is as empty as the file would be.
    pub(crate) async fn connect_to_look(&self) -> Result<Connection<'_, 'c>, Error> {
        match &self.0 {
            #[cfg(feature = "sqlite")]
            Kind::Options(options) if options.would_create_file() => {
                let nothing = sqlx::sqlite::SqliteConnectOptions::new().in_memory(true);
                Options::Sqlite(nothing.disable_statement_logging())
                    .open()
                    .await
                    .map(Connection::Owned)
            }
            _ => self.connect().await,
        }
    }

    /// How to open more connections to the server, for the heartbeat and for cancelling; `None`
    /// where there is no server or the connection is the user's.
    pub(crate) fn server(&self) -> Option<Options> {
        match &self.0 {
            Kind::Options(options) if options.database() != Database::Sqlite => {
                Some((**options).clone())
            }
            _ => None,
        }
    }

    /// As [`server`](Self::server), and for SQLite files too.
    pub(crate) fn beside(&self) -> Option<Options> {
        match &self.0 {
            #[cfg(feature = "sqlite")]
            Kind::Options(options) if options.is_in_memory() => None,
            Kind::Options(options) => Some((**options).clone()),
            _ => None,
        }
    }

    /// Whether the connection is the user's, and a transaction may be open on it.
    pub(crate) fn is_borrowed(&self) -> bool {
        matches!(self.0, Kind::Borrowed(..))
    }

    #[cfg(feature = "sqlite")]
    fn sqlite_url(url: &str) -> Result<Options, Error> {
        let options: sqlx::sqlite::SqliteConnectOptions = url
            .parse()
            .map_err(|_| bad_url("sqlite:app.sqlite?mode=rwc"))?;
        Ok(Options::Sqlite(options.disable_statement_logging()))
    }

    #[cfg(not(feature = "sqlite"))]
    fn sqlite_url(_: &str) -> Result<Options, Error> {
        Err(disabled("sqlite"))
    }

    #[cfg(feature = "postgres")]
    fn postgres_url(url: &str) -> Result<Options, Error> {
        let options: sqlx::postgres::PgConnectOptions = url
            .parse()
            .map_err(|_| bad_url("postgres://user@localhost:5432/app"))?;
        Ok(Options::Postgres(options.disable_statement_logging()))
    }

    #[cfg(not(feature = "postgres"))]
    fn postgres_url(_: &str) -> Result<Options, Error> {
        Err(disabled("postgres"))
    }

    #[cfg(feature = "mysql")]
    fn mysql_url(url: &str) -> Result<Options, Error> {
        let options: sqlx::mysql::MySqlConnectOptions = url
            .parse()
            .map_err(|_| bad_url("mysql://user@localhost:3306/app"))?;
        Ok(Options::MySql(options.disable_statement_logging()))
    }

    #[cfg(not(feature = "mysql"))]
    fn mysql_url(_: &str) -> Result<Options, Error> {
        Err(disabled("mysql"))
    }
}

#[cfg(any(feature = "sqlite", feature = "postgres", feature = "mysql"))]
fn bad_url(example: &str) -> Error {
    Error::new(ErrorCode::BadUrl, "the database URL cannot be understood").help(format!(
        "it looks like `{example}`; write special characters of a password as %XX"
    ))
}

#[cfg(not(all(feature = "sqlite", feature = "postgres", feature = "mysql")))]
fn disabled(feature: &str) -> Error {
    Error::new(
        ErrorCode::BadUrl,
        format!("this binary was built without support for {feature}"),
    )
    .help(format!(
        "enable the feature `{feature}` of migrate-core and migrate-cli in Cargo.toml"
    ))
}

impl fmt::Debug for Target<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Never the options: they hold the password.
        write!(f, "Target({})", self.database())
    }
}

/// SQLite gives each connection to `:memory:` or to the empty name a database of its own.
#[cfg(feature = "sqlite")]
fn is_in_memory(options: &sqlx::sqlite::SqliteConnectOptions) -> bool {
    let name = options.get_filename().to_string_lossy();
    if name.is_empty() || name == ":memory:" {
        return true;
    }
    // Only the URL tells, and of a file name with a colon sqlx cannot make one.
    let url = options.clone().filename("any").to_url_lossy();
    url.query().is_some_and(|q| q.contains("mode=memory"))
}

#[cfg(feature = "sqlite")]
impl From<&sqlx::SqlitePool> for Target<'static> {
    fn from(pool: &sqlx::SqlitePool) -> Self {
        let options = pool.connect_options();
        if is_in_memory(&options) {
            return Self(Kind::InMemory(pool.clone()));
        }
        Self::of(Options::Sqlite(
            (*options).clone().disable_statement_logging(),
        ))
    }
}

#[cfg(feature = "postgres")]
impl From<&sqlx::PgPool> for Target<'static> {
    fn from(pool: &sqlx::PgPool) -> Self {
        Self::of(Options::Postgres(
            (*pool.connect_options())
                .clone()
                .disable_statement_logging(),
        ))
    }
}

#[cfg(feature = "mysql")]
impl From<&sqlx::MySqlPool> for Target<'static> {
    fn from(pool: &sqlx::MySqlPool) -> Self {
        Self::of(Options::MySql(
            (*pool.connect_options())
                .clone()
                .disable_statement_logging(),
        ))
    }
}

macro_rules! from_connection {
    ($feature:literal, $connection:ident, $database:ident) => {
        #[cfg(feature = $feature)]
        impl<'c> From<&'c mut sqlx::$connection> for Target<'c> {
            fn from(connection: &'c mut sqlx::$connection) -> Self {
                Self(Kind::Borrowed(Database::$database, Mutex::new(connection)))
            }
        }
    };
}

from_connection!("sqlite", SqliteConnection, Sqlite);
from_connection!("postgres", PgConnection, Postgres);
from_connection!("mysql", MySqlConnection, MySql);
