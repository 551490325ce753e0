//! SQLite connections as sessions.

use std::any::Any;

use futures_util::StreamExt;
use migrate_source::Database;
use sqlx::sqlite::{SqliteArguments, SqliteRow};
use sqlx::{Column, Either, Row as _, Sqlite, SqliteConnection, TypeInfo, ValueRef};

use super::{Row, ScriptError, Session, TransactionBody, Value, session_impl};
use crate::context::BoxFuture;
use crate::error::Error;

type Query = sqlx::query::Query<'static, Sqlite, SqliteArguments>;

session_impl!(SqliteConnection, Database::Sqlite, Sqlite);

fn bind(query: Query, value: Value) -> Query {
    match value {
        Value::Null => query.bind(None::<i64>),
        Value::Bool(value) => query.bind(value),
        Value::Int(value) => query.bind(value),
        Value::Float(value) => query.bind(value),
        Value::Text(value) => query.bind(value),
        Value::Bytes(value) => query.bind(value),
    }
}

fn row(row: &SqliteRow) -> sqlx::Result<Row> {
    row.columns()
        .iter()
        .map(|column| {
            let index = column.ordinal();
            let raw = row.try_get_raw(index)?;
            if raw.is_null() {
                return Ok(Value::Null);
            }
            Ok(match raw.type_info().name() {
                "INTEGER" => Value::Int(row.try_get(index)?),
                "BOOLEAN" => Value::Bool(row.try_get(index)?),
                "REAL" => Value::Float(row.try_get(index)?),
                "BLOB" => Value::Bytes(row.try_get(index)?),
                _ => Value::Text(row.try_get_unchecked(index)?),
            })
        })
        .collect::<sqlx::Result<Vec<_>>>()
        .map(Row::new)
}
