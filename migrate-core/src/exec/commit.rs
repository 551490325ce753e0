//! Writing statements of ours, fenced, in one transaction.

use migrate_source::Database;

use crate::db_error::{self, Kind, database_error};
use crate::dialect::begin;
use crate::error::Error;
use crate::ledger::Statement;
use crate::session::{Session, TransactionBody};

pub(super) fn lost() -> Error {
    crate::interrupt::Reason::LockLost.error()
}

/// What a failed write to the ledger means: a NULL fence is a lost lock.
pub(crate) fn write_error(database: Database, error: sqlx::Error) -> Error {
    match db_error::kind(&error) {
        Kind::NotNull => lost(),
        _ => database_error(database, "write to the ledger", error),
    }
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
                Err(write_error(database, failed.error))
            }
        };
    }
    if let Some(first) = crate::dialect::before_begin(database) {
        session
            .script(first.to_owned())
            .await
            .map_err(|f| write_error(database, f.error))?;
    }
    let mut body = Statements(statements);
    session
        .in_transaction(begin(database), &mut body)
        .await
        .unwrap_or_else(|error| Err(write_error(database, error)))
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
    let database = session.database();
    for statement in statements {
        statement
            .execute(session)
            .await
            .map_err(|error| write_error(database, error))?;
    }
    Ok(())
}
