//! Postgres connections as sessions.

use std::any::Any;

use futures_util::StreamExt;
use migrate_source::Database;
use sqlx::encode::IsNull;
use sqlx::error::BoxDynError;
use sqlx::postgres::types::Oid;
use sqlx::postgres::{PgArgumentBuffer, PgArguments, PgRow, PgTypeInfo};
use sqlx::{Column, Either, PgConnection, Postgres, Row as _, TypeInfo, ValueRef};

use super::{Row, ScriptError, Session, TransactionBody, Value, session_impl};
use crate::context::BoxFuture;
use crate::error::Error;

type Query = sqlx::query::Query<'static, Postgres, PgArguments>;

session_impl!(PgConnection, Database::Postgres, Postgres);

fn bind(query: Query, value: Value) -> Query {
    match value {
        Value::Null => query.bind(UntypedNull),
        Value::Bool(value) => query.bind(value),
        Value::Int(value) => query.bind(value),
        Value::Float(value) => query.bind(value),
        Value::Text(value) => query.bind(value),
        Value::Bytes(value) => query.bind(value),
    }
}

/// A NULL whose type the server takes from where it stands.
struct UntypedNull;

impl sqlx::Type<Postgres> for UntypedNull {
    fn type_info() -> PgTypeInfo {
        // The pseudo-type `unknown`; its OID is fixed in pg_type.dat.
        PgTypeInfo::with_oid(Oid(705))
    }
}

impl sqlx::Encode<'_, Postgres> for UntypedNull {
    fn encode_by_ref(&self, _: &mut PgArgumentBuffer) -> Result<IsNull, BoxDynError> {
        Ok(IsNull::Yes)
    }
}

fn row(row: &PgRow) -> sqlx::Result<Row> {
    row.columns()
        .iter()
        .map(|column| {
            let index = column.ordinal();
            let raw = row.try_get_raw(index)?;
            if raw.is_null() {
                return Ok(Value::Null);
            }
            Ok(match raw.type_info().name() {
                "INT8" => Value::Int(row.try_get(index)?),
                "INT4" => Value::Int(row.try_get::<i32, _>(index)?.into()),
                "INT2" => Value::Int(row.try_get::<i16, _>(index)?.into()),
                "BOOL" => Value::Bool(row.try_get(index)?),
                "FLOAT8" => Value::Float(row.try_get(index)?),
                "FLOAT4" => Value::Float(row.try_get::<f32, _>(index)?.into()),
                "BYTEA" => Value::Bytes(row.try_get(index)?),
                _ => Value::Text(row.try_get(index)?),
            })
        })
        .collect::<sqlx::Result<Vec<_>>>()
        .map(Row::new)
}
