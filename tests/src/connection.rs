//! One connection to any of the databases under test; every value is text.
//!
//! It goes around the library under test on purpose: what a test looks at must not come through
//! the code that it tests.

use sqlx::mysql::{MySqlConnection, MySqlRow};
use sqlx::postgres::{PgConnection, PgRow};
use sqlx::sqlite::{SqliteConnection, SqliteRow};
use sqlx::{AssertSqlSafe, Connection as _, Row as _, ValueRef as _};

use crate::Db;

/// One row, every value as the database writes it; `None` is NULL.
pub type TextRow = Vec<Option<String>>;

/// One connection to any of the databases under test.
#[derive(Debug)]
pub enum Connection {
    /// To a file.
    Sqlite(SqliteConnection),
    /// To a Postgres server.
    Postgres(PgConnection),
    /// To a MySQL or MariaDB server.
    MySql(MySqlConnection),
}

impl Connection {
    /// Connects.
    ///
    /// # Panics
    ///
    /// When that fails.
    pub async fn open(db: Db, url: &str) -> Self {
        match Self::try_open(db, url).await {
            Ok(connection) => connection,
            Err(error) => panic!("cannot connect to {db}: {error}"),
        }
    }

    /// Connects.
    ///
    /// # Errors
    ///
    /// What the driver says.
    pub async fn try_open(db: Db, url: &str) -> sqlx::Result<Self> {
        Ok(match db {
            Db::Sqlite => Self::Sqlite(SqliteConnection::connect(url).await?),
            Db::Postgres => Self::Postgres(PgConnection::connect(url).await?),
            Db::MySql => Self::MySql(MySqlConnection::connect(url).await?),
        })
    }

    /// Executes one or more statements.
    ///
    /// # Panics
    ///
    /// When the database refuses one.
    pub async fn execute(&mut self, sql: &str) {
        if let Err(error) = self.try_execute(sql).await {
            panic!("{error}\nin: {sql}");
        }
    }

    /// Executes one or more statements, in one message where there is a protocol.
    ///
    /// # Errors
    ///
    /// What the database says.
    pub async fn try_execute(&mut self, sql: &str) -> sqlx::Result<()> {
        let query = sqlx::raw_sql(AssertSqlSafe(sql.to_owned()));
        match self {
            Self::Sqlite(connection) => query.execute(connection).await.map(drop),
            Self::Postgres(connection) => query.execute(connection).await.map(drop),
            Self::MySql(connection) => query.execute(connection).await.map(drop),
        }
    }

    /// The rows of one query.
    ///
    /// # Panics
    ///
    /// When the database refuses it.
    pub async fn rows(&mut self, sql: &str) -> Vec<TextRow> {
        match self.try_rows(sql).await {
            Ok(rows) => rows,
            Err(error) => panic!("{error}\nin: {sql}"),
        }
    }

    /// The rows of one query.
    ///
    /// # Errors
    ///
    /// What the database says.
    pub async fn try_rows(&mut self, sql: &str) -> sqlx::Result<Vec<TextRow>> {
        let query = sqlx::raw_sql(AssertSqlSafe(sql.to_owned()));
        match self {
            Self::Sqlite(c) => query.fetch_all(c).await?.iter().map(sqlite_row).collect(),
            Self::Postgres(c) => query.fetch_all(c).await?.iter().map(postgres_row).collect(),
            Self::MySql(c) => query.fetch_all(c).await?.iter().map(mysql_row).collect(),
        }
    }

    /// Ends the connection in good order.
    pub async fn close(self) {
        let closed = match self {
            Self::Sqlite(connection) => connection.close().await,
            Self::Postgres(connection) => connection.close().await,
            Self::MySql(connection) => connection.close().await,
        };
        if let Err(error) = closed {
            eprintln!("closing a connection: {error}");
        }
    }
}

/// SQLite turns any value into text when asked for text.
fn sqlite_row(row: &SqliteRow) -> sqlx::Result<TextRow> {
    (0..row.len())
        .map(|column| row.try_get_unchecked(column))
        .collect()
}

/// Results of simple queries are text already.
fn postgres_row(row: &PgRow) -> sqlx::Result<TextRow> {
    (0..row.len())
        .map(|column| {
            let value = row.try_get_raw(column)?;
            if value.is_null() {
                return Ok(None);
            }
            Ok(Some(
                value.as_str().map_err(sqlx::Error::Decode)?.to_owned(),
            ))
        })
        .collect()
}

/// The text protocol sends text, or the bytes of a BLOB.
fn mysql_row(row: &MySqlRow) -> sqlx::Result<TextRow> {
    (0..row.len())
        .map(|column| {
            let bytes: Option<Vec<u8>> = row.try_get_unchecked(column)?;
            Ok(bytes.map(|bytes| match String::from_utf8(bytes) {
                Ok(text) => text,
                Err(error) => format!("{:02x?}", error.as_bytes()),
            }))
        })
        .collect()
}
