//! The transaction that a dry run ends with a rollback; on MySQL and MariaDB inside XA.

use migrate_source::Database;

use super::DryRun;
use crate::context::BoxFuture;
use crate::db_error::database_error;
use crate::dialect::{before_begin, begin};
use crate::error::{Error, ErrorCode};
use crate::session::{Session, TransactionBody};

/// The body of sqlx's transaction; its error is only the order to roll back.
impl TransactionBody for DryRun<'_, '_> {
    fn run<'s>(&'s mut self, session: &'s mut dyn Session) -> BoxFuture<'s, Result<(), Error>> {
        Box::pin(async move {
            self.outcome = self.execute(session).await;
            Err(Error::new(
                ErrorCode::Cancelled,
                "a dry run ends with a rollback",
            ))
        })
    }
}

pub(super) async fn in_transaction(
    session: &mut dyn Session,
    body: &mut DryRun<'_, '_>,
) -> Result<(), Error> {
    let database = session.database();
    if let Some(first) = before_begin(database) {
        session
            .script(first.to_owned())
            .await
            .map_err(|f| database_error(database, "begin", f.error))?;
    }
    match session.in_transaction(begin(database), body).await {
        Ok(_) => Ok(()),
        Err(error) => Err(database_error(
            database,
            "begin the dry run's transaction",
            error,
        )),
    }
}

/// On MySQL and MariaDB: in XA, where the server refuses what would commit.
pub(super) async fn in_xa(
    session: &mut dyn Session,
    body: &mut DryRun<'_, '_>,
) -> Result<(), Error> {
    let failed = |doing: &'static str| move |error| database_error(Database::MySql, doing, error);
    // Unique among the server's open XA transactions.
    let rows = session
        .query("SELECT CONNECTION_ID()", &[])
        .await
        .map_err(failed("ask for the session's number"))?;
    let id = rows.first().and_then(|row| row.int(0)).unwrap_or_default();
    let xid = format!("'migrate-dry-run-{id}'");
    let mut in_xa = InXa { body, xid: &xid };
    let begun = session
        .in_transaction(&format!("XA START {xid}"), &mut in_xa)
        .await;
    match begun {
        Ok(_) => Ok(()),
        // A server that does not report XA as a transaction; there a function's own begin()
        // is refused.
        Err(sqlx::Error::BeginFailed) => {
            let _ = in_xa.run(session).await;
            Ok(())
        }
        Err(error) => Err(failed("begin the dry run's XA transaction")(error)),
    }
}

/// Runs a dry run and ends its XA transaction, before sqlx sends a ROLLBACK that XA would refuse.
struct InXa<'x, 'd, 'r> {
    body: &'x mut DryRun<'d, 'r>,
    xid: &'x str,
}

impl TransactionBody for InXa<'_, '_, '_> {
    fn run<'s>(&'s mut self, session: &'s mut dyn Session) -> BoxFuture<'s, Result<(), Error>> {
        Box::pin(async move {
            let stop = self.body.run(session).await;
            // After a deadlock XA END fails, and XA ROLLBACK must come all the same.
            let _ = session.script(format!("XA END {}", self.xid)).await;
            let ended = session.script(format!("XA ROLLBACK {}", self.xid)).await;
            if let (Err(failed), true) = (ended, self.body.outcome.is_ok()) {
                let doing = "roll the dry run back";
                self.body.outcome = Err(database_error(Database::MySql, doing, failed.error));
            }
            stop
        })
    }
}
