//! Whether a session is inside a transaction, by the server's account and not by the driver's:
//! a BEGIN sent as plain text passes the driver by.

use migrate_source::Database;

use super::Session;

/// Whether a transaction is open, an aborted one included.
pub(crate) async fn is_in_transaction(session: &mut dyn Session) -> bool {
    if session.has_transaction() {
        return true;
    }
    match session.database() {
        // BEGIN fails in a transaction, and changes nothing outside one before it is rolled back.
        Database::Sqlite => match session.script("BEGIN".to_owned()).await {
            Ok(_) => {
                let _ = session.script("ROLLBACK".to_owned()).await;
                false
            }
            Err(failed) => failed.error.to_string().contains("within a transaction"),
        },
        // The start of the transaction is that of the statement, unless one was open before.
        Database::Postgres => {
            let sql = "SELECT CASE WHEN now() = statement_timestamp() THEN 0 ELSE 1 END";
            match session.query(sql, &[]).await {
                Ok(rows) => is_one(&rows),
                // In an aborted transaction every statement but its end fails with 25P02.
                Err(sqlx::Error::Database(error)) => error.code().as_deref() == Some("25P02"),
                Err(_) => false,
            }
        }
        // MySQL (not MariaDB) lacks the variable; there the driver's account, which is the
        // server's status flag, has to do.
        Database::MySql => session
            .query("SELECT @@in_transaction", &[])
            .await
            .is_ok_and(|rows| is_one(&rows)),
    }
}

fn is_one(rows: &[super::Row]) -> bool {
    rows.first().and_then(|row| row.int(0)) == Some(1)
}
