//! MySQL and MariaDB connections as sessions.

use std::any::Any;

use futures_util::StreamExt;
use migrate_source::Database;
use sqlx::mysql::{MySqlArguments, MySqlRow};
use sqlx::{Column, Either, MySql, MySqlConnection, Row as _, TypeInfo, ValueRef};

use super::{Row, ScriptError, Session, TransactionBody, Value, session_impl};
use crate::context::BoxFuture;
use crate::error::Error;

type Query = sqlx::query::Query<'static, MySql, MySqlArguments>;

session_impl!(MySqlConnection, Database::MySql, MySql);

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

fn row(row: &MySqlRow) -> sqlx::Result<Row> {
    row.columns()
        .iter()
        .map(|column| {
            let index = column.ordinal();
            let raw = row.try_get_raw(index)?;
            if raw.is_null() {
                return Ok(Value::Null);
            }
            let type_info = raw.type_info();
            let name = type_info.name();
            Ok(match name {
                "BOOLEAN" => Value::Bool(row.try_get(index)?),
                "FLOAT" | "DOUBLE" => Value::Float(row.try_get_unchecked(index)?),
                _ if name.ends_with("INT UNSIGNED") => {
                    let value: u64 = row.try_get(index)?;
                    i64::try_from(value).map_or_else(|_| Value::Text(value.to_string()), Value::Int)
                }
                _ if name.ends_with("INT") => Value::Int(row.try_get(index)?),
                // Text of a `_bin` collation carries the binary flag and is text all the same;
                // only the driver knows the collation.
                _ if <String as sqlx::Type<MySql>>::compatible(&type_info) => {
                    Value::Text(row.try_get(index)?)
                }
                "BINARY" | "VARBINARY" | "BLOB" | "TINYBLOB" | "MEDIUMBLOB" | "LONGBLOB" => {
                    Value::Bytes(row.try_get_unchecked(index)?)
                }
                _ => Value::Text(row.try_get_unchecked(index)?),
            })
        })
        .collect::<sqlx::Result<Vec<_>>>()
        .map(Row::new)
}
