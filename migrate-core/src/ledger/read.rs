//! Reading the ledger: one statement, which also says whether there is one and which version.

use migrate_source::Database;

use super::{Need, Tables, ledger_error};
use crate::db_error::{self, Kind};
use crate::dialect::{LEDGER_VERSION, timestamp_text};
use crate::domain::{LedgerRow, LedgerRows, RowState};
use crate::error::{Error, ErrorCode};
use crate::session::{Row, Session};

/// What reading the ledger found.
#[derive(Debug)]
pub(crate) enum LedgerRead {
    /// There is none; a run will create it.
    Absent,
    /// Its rows.
    Present(LedgerRows),
}

impl LedgerRead {
    pub(crate) fn rows(&self) -> &LedgerRows {
        match self {
            Self::Absent => LedgerRows::NONE,
            Self::Present(rows) => rows,
        }
    }

    pub(crate) fn is_present(&self) -> bool {
        matches!(self, Self::Present(_))
    }
}

/// Reads the whole ledger with one simple query.
pub(crate) async fn read_ledger(
    session: &mut dyn Session,
    tables: &Tables,
) -> Result<LedgerRead, Error> {
    let unknown = |error: &sqlx::Error| db_error::kind(error) == Kind::UndefinedTable;
    let failed = |error| ledger_error(tables, Need::Look, "read the ledger", error);
    match session.query(&read_sql(tables), &[]).await {
        Ok(rows) => return parse(tables, &rows),
        Err(error) if unknown(&error) => {}
        Err(error) => return Err(failed(error)),
    }
    if !has_version(session, tables).await {
        refuse_if_elsewhere(session, tables).await?;
        return Ok(LedgerRead::Absent);
    }
    // Another process may have created it between the two looks.
    match session.query(&read_sql(tables), &[]).await {
        Ok(rows) => parse(tables, &rows),
        Err(error) if unknown(&error) => Err(steps_are_gone(tables)),
        Err(error) => Err(failed(error)),
    }
}

/// The one statement of a run with nothing to do.
fn read_sql(tables: &Tables) -> String {
    let database = tables.database();
    format!(
        "SELECT m.version, s.app, s.name, s.kind, s.state, s.checksum, s.total, s.done, \
         s.done_hash, s.intent, {applied}, s.duration_ms, s.rows_affected, s.faked, \
         s.error, s.intent_text, s.intent_before, s.seq FROM {meta} m LEFT JOIN {steps} s ON 1 = 1",
        applied = timestamp_text(database, "s.applied_at"),
        meta = tables.meta(),
        steps = tables.steps(),
    )
}

fn parse(tables: &Tables, rows: &[Row]) -> Result<LedgerRead, Error> {
    let Some(first) = rows.first() else {
        // The version row is written last; without it the creation was cut short.
        return Ok(LedgerRead::Absent);
    };
    check_version(tables, first)?;
    let mut parsed = Vec::with_capacity(rows.len());
    for row in rows {
        if row.text(1).is_some() {
            parsed.push(ledger_row(row).ok_or_else(|| damaged(tables, row))?);
        }
    }
    Ok(LedgerRead::Present(LedgerRows::new(parsed)))
}

fn check_version(tables: &Tables, row: &Row) -> Result<(), Error> {
    match row.int(0) {
        Some(LEDGER_VERSION) => Ok(()),
        Some(newer) if newer > LEDGER_VERSION => Err(Error::new(
            ErrorCode::LedgerNewer,
            format!(
                "the ledger {tables} has version {newer}; this binary knows version {LEDGER_VERSION}"
            ),
        )
        .help("deploy a binary with the newer migrate-core; nothing was changed")),
        other => Err(Error::new(
            ErrorCode::LedgerDamaged,
            format!("the ledger {tables} says it has version {other:?}, which never existed"),
        )
        .help(format!("restore the one row of {} from a backup", tables.meta()))),
    }
}

fn ledger_row(row: &Row) -> Option<LedgerRow> {
    let count = |column| match row.int(column) {
        None => Some(0),
        Some(value) => usize::try_from(value).ok(),
    };
    Some(LedgerRow {
        app: row.text(1)?.to_owned(),
        name: row.text(2)?.to_owned(),
        kind: row.text(3)?.to_owned(),
        state: RowState::parse(row.text(4)?)?,
        checksum: row.text(5)?.to_owned(),
        total: count(6)?,
        done: count(7)?,
        done_hash: row.text(8).map(str::to_owned),
        intent: row.int(9).map(usize::try_from).transpose().ok()?,
        applied_at: row.text(10).map(str::to_owned),
        duration_ms: row.int(11).and_then(|v| u64::try_from(v).ok()),
        rows: row.int(12).and_then(|v| u64::try_from(v).ok()),
        faked: row.int(13)? != 0,
        error: row.text(14).map(str::to_owned),
        intent_text: row.text(15).map(str::to_owned),
        intent_before: row.int(16) == Some(1),
        seq: row.int(17).unwrap_or_default(),
    })
}

fn damaged(tables: &Tables, row: &Row) -> Error {
    let app = row.text(1).unwrap_or("?").escape_debug().to_string();
    let name = row.text(2).unwrap_or("?").escape_debug().to_string();
    Error::new(
        ErrorCode::LedgerDamaged,
        format!("the row of `{app}.{name}` in the ledger {tables} was changed by hand and makes no sense"),
    )
    .help(format!(
        "look at it: `SELECT * FROM {} WHERE app = '{app}' AND name = '{name}'`; `state` is one of applied, running, failed, reverting, and counts are not negative",
        tables.steps()
    ))
}

/// Whether the version row, which is written last, is there.
async fn has_version(session: &mut dyn Session, tables: &Tables) -> bool {
    let sql = format!("SELECT version FROM {}", tables.meta());
    matches!(session.query(&sql, &[]).await, Ok(rows) if !rows.is_empty())
}

/// Where the version row is, the table of steps was: a database that lost it is not fresh.
fn steps_are_gone(tables: &Tables) -> Error {
    Error::new(
        ErrorCode::LedgerDamaged,
        format!("the ledger {tables} has lost its table {}", tables.steps()),
    )
    .help(format!(
        "restore it from a backup; or, if every step is to run again: `DROP TABLE {}`",
        tables.meta()
    ))
}

/// A ledger that is only out of sight must not make a full database look fresh.
async fn refuse_if_elsewhere(session: &mut dyn Session, tables: &Tables) -> Result<(), Error> {
    // MySQL answers "denied", not "unknown table", for a table out of reach, and many databases
    // of one server rightly have a ledger each.
    if tables.database() != Database::Postgres {
        return Ok(());
    }
    // A schema that the user named and made is meant; one that does not exist is a typing error.
    // The catalogue shows tables whatever the rights on them are.
    let sql = "SELECT n.nspname::text FROM pg_catalog.pg_class c \
               JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace \
               WHERE c.relname = $1 AND c.relkind IN ('r', 'p') AND n.nspname <> $2 \
               AND NOT ($3 AND EXISTS (SELECT 1 FROM pg_catalog.pg_namespace WHERE nspname = $2)) \
               ORDER BY 1";
    let table = format!("{}_meta", tables.prefix);
    let found = session
        .query(
            sql,
            &[
                table.into(),
                (&tables.schema).into(),
                tables.explicit.into(),
            ],
        )
        .await
        .map_err(|e| db_error::database_error(tables.database(), "look for a ledger", e))?;
    let Some(schema) = found.first().and_then(|row| row.text(0)) else {
        return Ok(());
    };
    Err(Error::new(
        ErrorCode::LedgerElsewhere,
        format!(
            "there is no ledger {tables}, but schema `{schema}` has one of that name; \
             a second one would make every step look pending"
        ),
    )
    .help(format!("if that is this application's ledger: `migrate --ledger-schema {schema}`"))
    .help(format!(
        "if it belongs to another application: give this one a name of its own, `migrate --ledger-prefix {}_2`",
        tables.prefix
    )))
}
