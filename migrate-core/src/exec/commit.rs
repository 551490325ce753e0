//! Writing statements of ours, fenced, in one transaction.

use migrate_source::Database;

use crate::db_error::{self, Kind, database_error};
use crate::dialect::begin;
use crate::error::{Error, ErrorCode};
use crate::ledger::{Need, Statement, Tables, ledger_error};
use crate::session::{Session, TransactionBody};

const DOING: &str = "write to the ledger";

pub(super) fn lost() -> Error {
    crate::interrupt::Reason::LockLost.error()
}

/// What a failed write to the ledger means: a NULL fence is a lost lock.
pub(crate) fn write_error(tables: &Tables, error: sqlx::Error) -> Error {
    match db_error::kind(&error) {
        Kind::NotNull => lost(),
        _ => ledger_error(tables, Need::Write, DOING, error),
    }
}

/// As [`write_error`], where the statement may have found no row in a message of Postgres. Without
/// one it was the transaction itself that failed.
pub(super) fn statement_error(
    database: Database,
    statement: Option<&Statement>,
    error: sqlx::Error,
) -> Error {
    let Some(statement) = statement else {
        return match db_error::kind(&error) {
            Kind::NotNull => lost(),
            _ => database_error(database, DOING, error),
        };
    };
    match statement.row() {
        Some(row) if db_error::is_division_by_zero(&error) => row_gone(row),
        _ => write_error(statement.tables(), error),
    }
}

/// A row that was there under this lock is there no more.
fn row_gone(step: &str) -> Error {
    Error::new(
        ErrorCode::LedgerDamaged,
        format!(
            "the ledger's row of `{step}` is gone: it was deleted by hand, or by a process that has taken the lock over"
        ),
    )
    .help("`migrate lock status` shows who holds the lock, `migrate history` what was done")
    .help(format!(
        "without its row the step counts as not applied: if its effect is there, record it with `migrate mark {step}`; if a part of it is, undo that"
    ))
}

/// Executes statements of ours in a transaction of their own; on Postgres in one message.
pub(crate) async fn commit(
    session: &mut dyn Session,
    statements: &[Statement],
) -> Result<(), Error> {
    let database = session.database();
    if database == Database::Postgres {
        let texts: Vec<String> = statements.iter().map(Statement::inline).collect();
        let script = format!("{};\n{};\nCOMMIT", begin(database), texts.join(";\n"));
        return match session.script(script).await {
            Ok(_) => Ok(()),
            Err(failed) => {
                let _ = session.script("ROLLBACK".to_owned()).await;
                // The first result is that of BEGIN.
                let place = failed.completed.checked_sub(1);
                let statement = place.and_then(|place| statements.get(place));
                Err(statement_error(database, statement, failed.error))
            }
        };
    }
    if let Some(first) = crate::dialect::before_begin(database) {
        session
            .script(first.to_owned())
            .await
            .map_err(|f| statement_error(database, statements.first(), f.error))?;
    }
    let mut body = Statements(statements);
    session
        .in_transaction(begin(database), &mut body)
        .await
        .unwrap_or_else(|error| Err(statement_error(database, statements.first(), error)))
}

struct Statements<'s>(&'s [Statement]);

impl TransactionBody for Statements<'_> {
    fn run<'s>(
        &'s mut self,
        session: &'s mut dyn Session,
    ) -> crate::context::BoxFuture<'s, Result<(), Error>> {
        Box::pin(execute_all(session, self.0))
    }
}

/// Executes statements of ours in the open transaction.
pub(super) async fn execute_all(
    session: &mut dyn Session,
    statements: &[Statement],
) -> Result<(), Error> {
    for statement in statements {
        execute(session, statement).await?;
    }
    Ok(())
}

/// Executes one statement of ours in the open transaction; whatever fails must roll it back.
pub(super) async fn execute(session: &mut dyn Session, statement: &Statement) -> Result<(), Error> {
    let changed = statement.execute(session).await;
    let changed = changed.map_err(|error| write_error(statement.tables(), error))?;
    match statement.row() {
        // sqlx asks MySQL for the rows that were found, not for those that became different.
        Some(row) if changed != 1 => Err(row_gone(row)),
        _ => Ok(()),
    }
}
