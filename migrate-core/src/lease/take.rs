//! Taking the lock: one attempt, and the end of a former holder's session.

use std::time::{Duration, Instant};

use migrate_source::Database;

use super::seen::Seen;
use super::{LeaseRequest, micros};
use crate::db_error::{self, Kind, database_error};
use crate::dialect::{before_begin, begin, clock_micros, quote_literal};
use crate::error::{Error, ErrorCode};
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
    let sql = take_sql(request, seen);
    let taken = match session.script(sql).await {
        Ok(counts) => counts.iter().rev().take(2).all(|rows| *rows == 1),
        Err(failed) if is_contention(&failed.error) => false,
        Err(failed) => {
            let _ = session.script("ROLLBACK".to_owned()).await;
            return Err(database_error(database, "take the lock", failed.error));
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
        (Err(error), _) => Err(database_error(database, "take the lock", error)),
        (_, Err(failed)) => Err(database_error(database, "take the lock", failed.error)),
    }
}

/// A transaction, still open at its end, whose last two statements change one row each if the
/// lock is as it was seen.
fn take_sql(request: &LeaseRequest<'_>, seen: &Seen) -> String {
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
    let own = match database {
        Database::Sqlite => "''",
        Database::Postgres => {
            "(SELECT pid || ':' || extract(epoch FROM backend_start) FROM pg_stat_activity \
             WHERE pid = pg_backend_pid())"
        }
        Database::MySql => "CONNECTION_ID()",
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

/// Ends the session of a holder whose lock is about to be taken over, so that a statement of its that still
/// runs in the server cannot meet ours. Without the right to do so, waits until it has ended.
pub(super) async fn end_session(
    session: &mut dyn Session,
    request: &LeaseRequest<'_>,
    theirs: &str,
) -> Result<(), Error> {
    let database = request.tables.database();
    let (end, alive) = match (database, theirs.split_once(':')) {
        (Database::Postgres, Some((pid, start))) if is_number(pid) && is_number(start) => {
            let which = format!(
                "pid = {pid} AND extract(epoch FROM backend_start)::text = '{start}' AND pid <> pg_backend_pid()"
            );
            (
                format!("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {which}"),
                format!("SELECT 1 FROM pg_stat_activity WHERE {which}"),
            )
        }
        (Database::MySql, _) if is_number(theirs) => (
            format!("KILL {theirs}"),
            format!("SELECT 1 FROM information_schema.processlist WHERE id = {theirs}"),
        ),
        _ => return Ok(()),
    };
    // A user's connection may have been the former holder's too, when a run on it was dropped.
    if database == Database::MySql && own_id(session).await.as_deref() == Some(theirs) {
        return Ok(());
    }
    // "No such thread" and "not the owner" are both answered by looking whether it is there.
    let _ = session.query(&end, &[]).await;
    let deadline = Instant::now() + request.patience;
    loop {
        let rows = session.query(&alive, &[]).await;
        match rows {
            Ok(rows) if rows.is_empty() => return Ok(()),
            Ok(_) if Instant::now() < deadline => {
                request.interrupt.sleep(Duration::from_millis(50)).await?;
            }
            Ok(_) => {
                return Err(Error::new(
                    ErrorCode::LockHeld,
                    format!("the lock's holder is gone, but its session ({theirs}) is still in the server and cannot be ended from here"),
                )
                .help("ask an administrator to end that session, then run the command again"));
            }
            Err(error) => {
                return Err(database_error(
                    database,
                    "look for the former holder's session",
                    error,
                ));
            }
        }
    }
}

/// The id of a MySQL session.
async fn own_id(session: &mut dyn Session) -> Option<String> {
    let rows = session.query("SELECT CONNECTION_ID()", &[]).await.ok()?;
    rows.first()?.int(0).map(|id| id.to_string())
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_ascii_digit() || c == '.')
}
