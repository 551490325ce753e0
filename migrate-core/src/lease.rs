//! The lock: a lease in two rows of ours, the same on every database.
//!
//! The token row changes only at a take-over; a step's transaction reads it last, under a lock
//! (the fence). The expiry row is what the heartbeat renews. They are two rows so that a
//! heartbeat never waits for a step. Nothing here waits inside the server: a waiter polls with
//! short statements, so `CREATE INDEX CONCURRENTLY` never waits for a waiter.

use std::time::{Duration, Instant};

use migrate_source::Database;

use crate::dialect::{clock_micros, quote_literal};
use crate::error::{Error, ErrorCode};
use crate::event::Event;
use crate::holder::Holder;
use crate::interrupt::Interrupt;
use crate::ledger::Tables;
use crate::session::Session;

mod abandoned;
mod former;
mod revoke;
mod seen;
mod take;

pub(crate) use abandoned::Abandoned;
pub(crate) use former::{end, end_session};
pub(crate) use revoke::{forget, named_session, repair, revoke};
use seen::Seen;
pub(crate) use seen::{look, look_whole};
use take::take;

/// How the lock is asked for.
pub(crate) struct LeaseRequest<'a> {
    pub(crate) tables: &'a Tables,
    pub(crate) holder: &'a Holder,
    pub(crate) lease: Duration,
    /// How long to wait for a former session that is to end.
    pub(crate) patience: Duration,
    pub(crate) wait: Duration,
    pub(crate) observe: &'a (dyn Fn(Event) + Send + Sync),
    pub(crate) interrupt: &'a Interrupt,
}

/// The lock, held.
#[derive(Debug)]
pub(crate) struct Lease {
    pub(crate) token: i64,
    /// Our own session as the server knows it, for cancelling.
    pub(crate) session: String,
    pub(crate) waited: Duration,
    /// The moment from which the lease counts, or a little earlier.
    pub(crate) since: Instant,
}

/// Takes the lock, waiting while a live holder shows progress.
///
/// # Errors
///
/// [`ErrorCode::LockHeld`] when the holder has shown no progress for the bound and this process
/// has waited that long; [`ErrorCode::Cancelled`].
pub(crate) async fn acquire(
    session: &mut dyn Session,
    request: &LeaseRequest<'_>,
) -> Result<Lease, Error> {
    let started = Instant::now();
    let mut last_sign = (started, None);
    let mut pause = Duration::from_millis(20);
    let mut told = None;
    loop {
        request.interrupt.check()?;
        let seen = match look_whole(session, request.tables).await {
            Ok(seen) => Some(seen),
            Err(error) if error.code() == ErrorCode::LockHeld => None,
            Err(error) => return Err(error),
        };
        if let Some(seen) = seen
            .as_ref()
            .filter(|seen| seen.may_be_taken(request.holder))
        {
            let from = (!seen.is_free()).then(|| seen.holder_text());
            // Before the token row forgets the session: whoever dies in between leaves the next
            // process what it needs to do the same.
            if from.is_some() {
                let (patience, interrupt) = (request.patience, request.interrupt);
                end_session(session, &seen.session, patience, interrupt).await?;
            }
            let since = Instant::now();
            if let Some(own) = take(session, request, seen).await? {
                let token = seen.token + 1;
                (request.observe)(Event::LockTaken {
                    token,
                    taken_over_from: from,
                });
                return Ok(Lease {
                    token,
                    session: own,
                    waited: started.elapsed(),
                    since,
                });
            }
        }
        let sign = seen.as_ref().map(|seen| (seen.token, seen.progress_at));
        if sign.is_some() && sign != last_sign.1 {
            last_sign = (Instant::now(), sign);
        }
        if last_sign.0.elapsed() >= request.wait {
            return Err(held(seen.as_ref(), started.elapsed()));
        }
        if told.is_none_or(|at: Instant| at.elapsed() >= Duration::from_secs(1)) {
            told = Some(Instant::now());
            (request.observe)(waiting_for(seen.as_ref(), started.elapsed()));
        }
        request.interrupt.sleep(pause).await?;
        pause = (pause * 3 / 2).min(Duration::from_millis(500) + spread());
    }
}

fn waiting_for(seen: Option<&Seen>, waited: Duration) -> Event {
    Event::WaitingForLock {
        holder: seen.map_or_else(|| "another writer".to_owned(), Seen::holder_text),
        waited_ms: millis(waited),
    }
}

/// A few milliseconds that differ between processes, so that waiters do not poll in step.
fn spread() -> Duration {
    Duration::from_millis(u64::from(std::process::id() % 97))
}

pub(crate) fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

fn micros(duration: Duration) -> i64 {
    i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)
}

fn held(seen: Option<&Seen>, waited: Duration) -> Error {
    let (holder, activity) = match seen {
        Some(seen) => (seen.holder_text(), seen.activity.clone()),
        None => (
            "another connection that writes to this file".to_owned(),
            None,
        ),
    };
    let doing = activity
        .map(|what| format!(", last seen at {what}"))
        .unwrap_or_default();
    Error::new(
        ErrorCode::LockHeld,
        format!(
            "the migration lock is held by {holder}{doing}; it has shown no progress while this process waited {} s",
            waited.as_secs()
        ),
    )
    .help("`migrate lock status` shows whether it is alive; wait longer with `--wait TIME`")
    .help("if that process is certainly gone: `migrate lock release --force`")
}

/// Renews the lease; `false` when the token is no longer ours.
pub(crate) async fn renew(
    session: &mut dyn Session,
    tables: &Tables,
    token: i64,
    lease: Duration,
    activity: Option<&str>,
) -> sqlx::Result<bool> {
    let clock = clock_micros(tables.database());
    // A new activity is a sign of progress; the mere heartbeat is only a sign of life.
    let progress = match activity {
        Some(activity) => {
            format!(
                ", progress_at = {clock}, activity = {}",
                quote_literal(activity)
            )
        }
        None => String::new(),
    };
    let sql = format!(
        "UPDATE {} SET expires_at = {clock} + {}{progress} WHERE id = 1 AND token = {token}",
        tables.lease(),
        micros(lease),
    );
    match session.script(sql).await {
        Ok(counts) => Ok(counts.first() == Some(&1)),
        Err(failed) => Err(failed.error),
    }
}

/// Gives the lock back. The token row stays as it is: it changes only at a take-over.
pub(crate) async fn release(
    session: &mut dyn Session,
    tables: &Tables,
    token: i64,
) -> sqlx::Result<()> {
    let mut sql = format!(
        "UPDATE {} SET expires_at = NULL, progress_at = NULL, activity = NULL \
         WHERE id = 1 AND token = {token}",
        tables.lease()
    );
    if tables.database() == Database::MySql {
        // A step may have left autocommit off.
        sql.push_str("; COMMIT");
    }
    session
        .script(sql)
        .await
        .map(drop)
        .map_err(|failed| failed.error)
}

/// Ends the lease without giving the lock back: whoever takes it over first ends our session.
pub(crate) async fn expire(
    session: &mut dyn Session,
    tables: &Tables,
    token: i64,
) -> sqlx::Result<()> {
    let sql = format!(
        "UPDATE {} SET expires_at = {} WHERE id = 1 AND token = {token}",
        tables.lease(),
        clock_micros(tables.database()),
    );
    let result = session.script(sql).await;
    result.map(drop).map_err(|failed| failed.error)
}
