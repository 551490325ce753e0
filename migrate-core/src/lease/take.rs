//! Taking the lock: one attempt.

use migrate_source::Database;

use super::former::own_name;
use super::seen::Seen;
use super::{LeaseRequest, micros};
use crate::db_error::{self, Kind, database_error};
use crate::dialect::{before_begin, begin, clock_micros, quote_literal};
use crate::error::Error;
use crate::ledger::{Need, ledger_error};
use crate::session::Session;

/// Tries to take the lock from the state that was seen; gives our session's name on success.
///
/// The row lock is asked for without waiting: a holder in the act of committing has it, and then
/// the lock is not free.
pub(super) async fn take(
    session: &mut dyn Session,
    request: &LeaseRequest<'_>,
    seen: &Seen,
) -> Result<Option<String>, Error> {
    let database = request.tables.database();
    let own = own_name(session)
        .await
        .map_err(|error| database_error(database, "name the session", error))?;
    let sql = take_sql(request, seen, &own);
    let taken = match session.script(sql).await {
        Ok(counts) => counts.iter().rev().take(2).all(|rows| *rows == 1),
        Err(failed) if is_contention(&failed.error) => false,
        Err(failed) => {
            let _ = session.script("ROLLBACK".to_owned()).await;
            return Err(ledger_error(
                request.tables,
                Need::Write,
                "take the lock",
                failed.error,
            ));
        }
    };
    if !taken {
        // Where BEGIN itself was refused there is nothing to roll back.
        let _ = session.script("ROLLBACK".to_owned()).await;
        return Ok(None);
    }
    let named = session
        .query(
            &format!("SELECT session FROM {} WHERE id = 1", request.tables.lock()),
            &[],
        )
        .await;
    let committed = session.script("COMMIT".to_owned()).await;
    match (named, committed) {
        (Ok(rows), Ok(_)) => Ok(Some(
            rows.first()
                .and_then(|row| row.text(0))
                .unwrap_or_default()
                .to_owned(),
        )),
        (_, Err(failed)) if is_contention(&failed.error) => {
            let _ = session.script("ROLLBACK".to_owned()).await;
            Ok(None)
        }
        (Err(error), _) => Err(ledger_error(
            request.tables,
            Need::Write,
            "take the lock",
            error,
        )),
        (_, Err(failed)) => Err(ledger_error(
            request.tables,
            Need::Write,
            "take the lock",
            failed.error,
        )),
    }
}

/// A transaction, still open at its end, whose last two statements change one row each if the
/// lock is as it was seen.
fn take_sql(request: &LeaseRequest<'_>, seen: &Seen, own: &str) -> String {
    let tables = request.tables;
    let database = tables.database();
    let (lock, lease, clock) = (tables.lock(), tables.lease(), clock_micros(database));
    let dead = seen
        .holder
        .as_ref()
        .is_some_and(|holder| holder.is_dead(request.holder));
    let expired = if dead {
        "1 = 1"
    } else {
        "(expires_at IS NULL OR expires_at <= NOW_MICROS)"
    };
    let nowait = match database {
        Database::Sqlite => String::new(),
        _ => format!("SELECT 1 FROM {lock} WHERE id = 1 FOR UPDATE NOWAIT; "),
    };
    format!(
        "{first}{begin}; {nowait}UPDATE {lease} SET token = {next}, expires_at = NOW_MICROS + {span}, \
         progress_at = NOW_MICROS, activity = NULL WHERE id = 1 AND token = {token} AND {expired}; \
         UPDATE {lock} SET token = {next}, holder = {holder}, session = {own} \
         WHERE id = 1 AND token = {token}",
        first = before_begin(database).map(|sql| format!("{sql}; ")).unwrap_or_default(),
        begin = begin(database),
        next = seen.token + 1,
        span = micros(request.lease),
        token = seen.token,
        holder = quote_literal(&request.holder.encode()),
    )
    .replace("NOW_MICROS", clock)
}

fn is_contention(error: &sqlx::Error) -> bool {
    matches!(db_error::kind(error), Kind::LockNotAvailable | Kind::Retry)
}
