//! One connection, seen without its type: what the ledger, the lock and the executor talk to.
//!
//! The three drivers implement [`Session`] in the files beside this one. Everything above is
//! written once, for all databases; only SQL text differs, and that stands in `dialect`.

use std::any::Any;
use std::fmt;

use migrate_source::Database;

use crate::context::BoxFuture;
use crate::error::Error;

mod open;

#[cfg(feature = "mysql")]
mod mysql;
#[cfg(feature = "postgres")]
mod postgres;
#[cfg(feature = "sqlite")]
mod sqlite;

pub(crate) use open::is_in_transaction;

/// A value as the ledger and [`Portable`](crate::Portable) functions know it.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Value {
    /// SQL's NULL.
    Null,
    /// A truth value; a number on SQLite and MySQL.
    Bool(bool),
    /// Any integer.
    Int(i64),
    /// Any floating-point number.
    Float(f64),
    /// Any text.
    Text(String),
    /// Bytes.
    Bytes(Vec<u8>),
}

macro_rules! value_from {
    ($($from:ty => |$v:ident| $to:expr),* $(,)?) => {$(
        impl From<$from> for Value {
            fn from($v: $from) -> Self {
                $to
            }
        }
    )*};
}

value_from! {
    bool => |v| Self::Bool(v),
    i64 => |v| Self::Int(v),
    i32 => |v| Self::Int(v.into()),
    u32 => |v| Self::Int(v.into()),
    f64 => |v| Self::Float(v),
    &str => |v| Self::Text(v.to_owned()),
    String => |v| Self::Text(v),
    &String => |v| Self::Text(v.clone()),
    Vec<u8> => |v| Self::Bytes(v),
}

impl<T: Into<Value>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

/// One row of a result.
#[derive(Clone, Debug, PartialEq)]
pub struct Row(Vec<Value>);

impl Row {
    #[cfg(any(feature = "sqlite", feature = "postgres", feature = "mysql"))]
    pub(crate) fn new(values: Vec<Value>) -> Self {
        Self(values)
    }

    /// The value of a column, by its place from 0; NULL where there is no such column.
    pub fn get(&self, column: usize) -> &Value {
        self.0.get(column).unwrap_or(&Value::Null)
    }

    /// An integer column; `None` for NULL and for anything that is no integer.
    pub fn int(&self, column: usize) -> Option<i64> {
        match self.get(column) {
            Value::Int(value) => Some(*value),
            Value::Bool(value) => Some((*value).into()),
            // Some servers send the result of arithmetic as a decimal, that is as text.
            Value::Text(text) => text.parse().ok(),
            _ => None,
        }
    }

    /// A text column; `None` for NULL and for anything that is no text.
    pub fn text(&self, column: usize) -> Option<&str> {
        match self.get(column) {
            Value::Text(value) => Some(value),
            _ => None,
        }
    }

    /// How many columns the row has.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether the row has no columns.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// A script that failed: how many of its statements had completed, and the error.
#[derive(Debug)]
#[doc(hidden)]
pub struct ScriptError {
    pub completed: usize,
    pub error: sqlx::Error,
}

/// One connection to any of the databases. Sealed: implemented for sqlx's connections.
#[doc(hidden)]
pub trait Session: Any + Send + Sync + sealed::Sealed {
    /// Which database it is connected to.
    fn database(&self) -> Database;

    /// Sends one or more statements as **one simple-query message** (where there is a protocol)
    /// and returns the rows affected by each. Nothing can be bound.
    fn script(&mut self, sql: String) -> BoxFuture<'_, Result<Vec<u64>, ScriptError>>;

    /// Runs one query and returns its rows. Without values it is a simple query: one round trip.
    fn query<'s>(
        &'s mut self,
        sql: &str,
        values: &[Value],
    ) -> BoxFuture<'s, sqlx::Result<Vec<Row>>>;

    /// Executes one statement with values bound and returns the rows affected.
    fn execute<'s>(&'s mut self, sql: &str, values: &[Value]) -> BoxFuture<'s, sqlx::Result<u64>>;

    /// Begins a transaction with this statement, runs the body in it, and commits; rolls back
    /// when the body fails. It goes through sqlx, so a function that begins a transaction of its
    /// own gets a savepoint and cannot commit ours by accident.
    ///
    /// The outer error is a BEGIN or COMMIT that failed, the inner one the body's.
    fn in_transaction<'s>(
        &'s mut self,
        begin: &'s str,
        body: &'s mut dyn TransactionBody,
    ) -> BoxFuture<'s, sqlx::Result<Result<(), Error>>>;

    /// Whether sqlx knows of an open transaction.
    fn has_transaction(&self) -> bool;

    /// Ends the connection politely.
    fn close(self: Box<Self>) -> BoxFuture<'static, ()>;

    /// The typed connection, for functions.
    fn as_any(&mut self) -> &mut (dyn Any + Send);
}

/// What runs inside [`Session::in_transaction`]. A trait and not a closure, because the future
/// borrows both the body and the session.
#[doc(hidden)]
pub trait TransactionBody: Send {
    /// Runs; `Err` rolls back.
    fn run<'s>(&'s mut self, session: &'s mut dyn Session) -> BoxFuture<'s, Result<(), Error>>;
}

impl fmt::Debug for dyn Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Session({})", self.database())
    }
}

mod sealed {
    /// Only sqlx's connections are sessions.
    pub trait Sealed {}
    #[cfg(feature = "mysql")]
    impl Sealed for sqlx::MySqlConnection {}
    #[cfg(feature = "postgres")]
    impl Sealed for sqlx::PgConnection {}
    #[cfg(feature = "sqlite")]
    impl Sealed for sqlx::SqliteConnection {}
}

/// Writes `?` placeholders as the database wants them: `$1`, `$2` on Postgres, unchanged elsewhere.
///
/// Question marks in strings, quoted names and comments stay. Postgres' `?` operators cannot be
/// written this way; a function that needs them is written for Postgres.
pub(crate) fn placeholders(sql: &str, database: Database) -> String {
    if database != Database::Postgres {
        return sql.to_owned();
    }
    let mut out = String::with_capacity(sql.len() + 8);
    let mut number = 0_usize;
    let mut rest = sql;
    while let Some(c) = rest.chars().next() {
        let taken = match c {
            '\'' | '"' => quoted_len(rest, c),
            '-' if rest.starts_with("--") => rest.find('\n').unwrap_or(rest.len()),
            '/' if rest.starts_with("/*") => rest.find("*/").map_or(rest.len(), |end| end + 2),
            _ => c.len_utf8(),
        };
        if c == '?' {
            number += 1;
            out.push('$');
            out.push_str(&number.to_string());
        } else {
            out.push_str(&rest[..taken]);
        }
        rest = &rest[taken..];
    }
    out
}

/// The length of a quoted text with its quotes; a doubled quote is two texts side by side.
fn quoted_len(text: &str, quote: char) -> usize {
    text[1..].find(quote).map_or(text.len(), |end| end + 2)
}

/// What the three implementations share: the loop over results of a simple query.
macro_rules! session_impl {
    ($connection:ty, $database:expr, $driver:ty) => {
        impl Session for $connection {
            fn database(&self) -> Database {
                $database
            }

            fn script(&mut self, sql: String) -> BoxFuture<'_, Result<Vec<u64>, ScriptError>> {
                Box::pin(async move {
                    let mut affected = Vec::new();
                    let mut results =
                        sqlx::raw_sql(sqlx::AssertSqlSafe(sql)).fetch_many::<_, $driver>(self);
                    loop {
                        match results.next().await {
                            None => return Ok(affected),
                            Some(Ok(Either::Left(done))) => affected.push(done.rows_affected()),
                            Some(Ok(Either::Right(_))) => {}
                            Some(Err(error)) => {
                                return Err(ScriptError {
                                    completed: affected.len(),
                                    error,
                                });
                            }
                        }
                    }
                })
            }

            fn query<'s>(
                &'s mut self,
                sql: &str,
                values: &[Value],
            ) -> BoxFuture<'s, sqlx::Result<Vec<Row>>> {
                let sql = sqlx::AssertSqlSafe(sql.to_owned());
                if values.is_empty() {
                    return Box::pin(async move {
                        let rows = sqlx::raw_sql(sql).fetch_all::<_, $driver>(self).await?;
                        rows.iter().map(row).collect()
                    });
                }
                let values = values.to_vec();
                Box::pin(async move {
                    let mut query = sqlx::query::<$driver>(sql);
                    for value in values {
                        query = bind(query, value);
                    }
                    let rows = query.fetch_all(self).await?;
                    rows.iter().map(row).collect()
                })
            }

            fn execute<'s>(
                &'s mut self,
                sql: &str,
                values: &[Value],
            ) -> BoxFuture<'s, sqlx::Result<u64>> {
                let sql = sqlx::AssertSqlSafe(sql.to_owned());
                let values = values.to_vec();
                Box::pin(async move {
                    let mut query = sqlx::query::<$driver>(sql);
                    for value in values {
                        query = bind(query, value);
                    }
                    Ok(query.execute(self).await?.rows_affected())
                })
            }

            fn in_transaction<'s>(
                &'s mut self,
                begin: &'s str,
                body: &'s mut dyn TransactionBody,
            ) -> BoxFuture<'s, sqlx::Result<Result<(), Error>>> {
                let begin = sqlx::AssertSqlSafe(begin.to_owned());
                Box::pin(async move {
                    let mut transaction = sqlx::Connection::begin_with(self, begin).await?;
                    match body.run(&mut *transaction).await {
                        Ok(()) => transaction.commit().await.map(Ok),
                        Err(error) => {
                            if error.ended_transaction() {
                                // The driver of SQLite counts a transaction until its ROLLBACK
                                // succeeds, and would begin no other.
                                let begin = sqlx::raw_sql("BEGIN");
                                let _ = begin.execute(&mut *transaction).await;
                            }
                            // A failed ROLLBACK means a lost connection, which rolls back too.
                            let _ = transaction.rollback().await;
                            match crate::session::not_all_rolled_back(self).await {
                                true => Ok(Err(error.beyond_rollback())),
                                false => Ok(Err(error)),
                            }
                        }
                    }
                })
            }

            fn has_transaction(&self) -> bool {
                sqlx::Connection::is_in_transaction(self)
            }

            fn close(self: Box<Self>) -> BoxFuture<'static, ()> {
                Box::pin(async move {
                    // The connection is gone either way.
                    let _ = sqlx::Connection::close(*self).await;
                })
            }

            fn as_any(&mut self) -> &mut (dyn Any + Send) {
                self
            }
        }
    };
}
#[cfg(any(feature = "sqlite", feature = "postgres", feature = "mysql"))]
use session_impl;

/// Whether the ROLLBACK just before left something: MySQL and MariaDB warn of changes to tables
/// without transactions.
#[cfg(any(feature = "sqlite", feature = "postgres", feature = "mysql"))]
async fn not_all_rolled_back(session: &mut dyn Session) -> bool {
    // ER_WARNING_NOT_COMPLETE_ROLLBACK
    const NOT_COMPLETE: i64 = 1196;
    if session.database() != Database::MySql {
        return false;
    }
    let warnings = session.query("SHOW WARNINGS", &[]).await;
    warnings.is_ok_and(|rows| rows.iter().any(|row| row.int(1) == Some(NOT_COMPLETE)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_placeholders_for_postgres_outside_of_text() {
        let sql = "UPDATE t SET a = ?, b = '?''?' WHERE \"c?\" = ? -- ?\n AND /* ? */ d = ?";
        assert_eq!(
            placeholders(sql, Database::Postgres),
            "UPDATE t SET a = $1, b = '?''?' WHERE \"c?\" = $2 -- ?\n AND /* ? */ d = $3"
        );
        assert_eq!(placeholders(sql, Database::Sqlite), sql);
    }

    #[test]
    fn unterminated_text_is_left_as_it_is() {
        for sql in ["'", "a = '?", "/* ?", "-- ?", "\"?"] {
            assert_eq!(placeholders(sql, Database::Postgres), sql);
        }
    }
}
