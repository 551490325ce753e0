//! The lock: a lease in two rows of ours, the same on every database.
//!
//! The token row changes only at a take-over; a step's transaction reads it last, under a lock
//! (the fence). The expiry row is what the heartbeat renews. They are two rows so that a
//! heartbeat never waits for a step. Nothing here waits inside the server: a waiter polls with
//! short statements, so `CREATE INDEX CONCURRENTLY` never waits for a waiter.

use std::time::{Duration, Instant};

use migrate_source::Database;

use crate::db_error::{self, Kind, database_error};
use crate::dialect::{before_begin, begin, clock_micros, quote_literal};
use crate::error::{Error, ErrorCode};
use crate::event::Event;
use crate::holder::Holder;
use crate::interrupt::Interrupt;
use crate::ledger::Tables;
use crate::report::LockStatus;
use crate::session::{Row, Session};

/// How the lock is asked for.
pub(crate) struct LeaseRequest<'a> {
    pub(crate) tables: &'a Tables,
    pub(crate) holder: &'a Holder,
    pub(crate) lease: Duration,
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
}

/// What the two rows say.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    token: i64,
    /// The other row's; the two change together.
    lease_token: i64,
    holder: Option<Holder>,
    session: String,
    /// Microseconds until the lease runs out; `None` when it is free.
    expires_in: Option<i64>,
    progress_at: Option<i64>,
    progress_ago: Option<i64>,
    activity: Option<String>,
}

impl Seen {
    fn parse(row: &Row) -> Option<Self> {
        let now = row.int(6)?;
        Some(Self {
            token: row.int(0)?,
            lease_token: row.int(7)?,
            holder: row.text(1).and_then(Holder::decode),
            session: row.text(2).unwrap_or_default().to_owned(),
            expires_in: row.int(3).map(|at| at - now),
            progress_at: row.int(4),
            progress_ago: row.int(4).map(|at| now - at),
            activity: row.text(5).map(str::to_owned),
        })
    }

    fn is_free(&self) -> bool {
        self.expires_in.is_none()
    }

    fn holder_text(&self) -> String {
        self.holder
            .as_ref()
            .map_or_else(|| "an unknown process".to_owned(), Holder::to_string)
    }

    pub(crate) fn status(&self, here: &Holder) -> LockStatus {
        let held = !self.is_free();
        LockStatus {
            held,
            token: self.token,
            holder: held.then(|| self.holder_text()),
            expires_in_ms: self.expires_in.map(|micros| micros / 1000),
            progress_ms_ago: if held {
                self.progress_ago.map(|micros| micros / 1000)
            } else {
                None
            },
            activity: self.activity.clone().filter(|_| held),
            dead: held
                && self
                    .holder
                    .as_ref()
                    .is_some_and(|holder| holder.is_dead(here)),
        }
    }

    /// Whether the lock may be taken, from whom ever.
    fn may_be_taken(&self, here: &Holder) -> bool {
        self.expires_in.is_none_or(|left| left <= 0)
            || self
                .holder
                .as_ref()
                .is_some_and(|holder| holder.is_dead(here))
    }
}

/// Reads the two rows without locking them.
pub(crate) async fn look(session: &mut dyn Session, tables: &Tables) -> sqlx::Result<Option<Seen>> {
    let sql = format!(
        "SELECT l.token, l.holder, l.session, e.expires_at, e.progress_at, e.activity, {}, e.token \
         FROM {} l JOIN {} e ON e.id = l.id WHERE l.id = 1",
        clock_micros(tables.database()),
        tables.lock(),
        tables.lease(),
    );
    Ok(session
        .query(&sql, &[])
        .await?
        .first()
        .and_then(Seen::parse))
}

/// As [`look`], for a ledger that is there and must have both rows.
///
/// # Errors
///
/// [`ErrorCode::LedgerDamaged`] when it has not.
pub(crate) async fn look_whole(session: &mut dyn Session, tables: &Tables) -> Result<Seen, Error> {
    match look(session, tables).await {
        Ok(Some(seen)) if seen.token == seen.lease_token => Ok(seen),
        Ok(Some(_)) => Err(damaged(tables, "its two rows have different tokens")),
        Ok(None) => Err(damaged(tables, "a row is missing")),
        Err(error) if db_error::kind(&error) == Kind::UndefinedTable => {
            Err(damaged(tables, "a table is missing").with_source(error))
        }
        Err(error) => Err(database_error(tables.database(), "look at the lock", error)),
    }
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
            && let Some(own) = take(session, request, seen).await?
        {
            let from = (!seen.is_free()).then(|| seen.holder_text());
            if from.is_some() {
                end_session(session, request, &seen.session).await?;
            }
            (request.observe)(Event::LockTaken {
                token: seen.token + 1,
                taken_over_from: from,
            });
            return Ok(Lease {
                token: seen.token + 1,
                session: own,
                waited: started.elapsed(),
            });
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
            (request.observe)(Event::WaitingForLock {
                holder: seen
                    .as_ref()
                    .map_or_else(|| "another writer".to_owned(), Seen::holder_text),
                waited_ms: millis(started.elapsed()),
            });
        }
        request.interrupt.sleep(pause).await?;
        pause = (pause * 3 / 2).min(Duration::from_millis(500) + spread());
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

/// Tries to take the lock from the state that was seen; gives our session's name on success.
///
/// The row lock is asked for without waiting: a holder in the act of committing has it, and then
/// the lock is not free.
async fn take(
    session: &mut dyn Session,
    request: &LeaseRequest<'_>,
    seen: &Seen,
) -> Result<Option<String>, Error> {
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
    let sql = format!(
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
    .replace("NOW_MICROS", clock);
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
        .query(&format!("SELECT session FROM {lock} WHERE id = 1"), &[])
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

fn is_contention(error: &sqlx::Error) -> bool {
    matches!(db_error::kind(error), Kind::LockNotAvailable | Kind::Retry)
}

/// Ends the session of a holder whose lock was taken over, so that a statement of its that still
/// runs in the server cannot meet ours. Without the right to do so, waits until it has ended.
async fn end_session(
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
    // "No such thread" and "not the owner" are both answered by looking whether it is there.
    let _ = session.query(&end, &[]).await;
    let deadline = Instant::now() + request.lease;
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
                    format!("the lock was taken over, but the former holder's session ({theirs}) is still in the server and cannot be ended from here"),
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

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_ascii_digit() || c == '.')
}

/// The lock's rows were changed by hand, or its tables are gone.
fn damaged(tables: &Tables, what: &str) -> Error {
    Error::new(
        ErrorCode::LedgerDamaged,
        format!("the lock of the ledger {tables} was changed by hand: {what}"),
    )
    .help("make sure that no migration runs, then repair it: `migrate lock release --force`")
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
    .help("`migrate lock status` shows whether it is alive; wait longer with `--wait SECONDS`")
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

/// Takes the lock away from whoever has it: the token grows, so the holder cannot commit. Rows
/// that were lost are put back.
///
/// The token that follows is higher than any that left a trace; the gap is for holders that took
/// a lock since lost and have written nothing.
pub(crate) async fn revoke(session: &mut dyn Session, tables: &Tables) -> sqlx::Result<()> {
    const GAP: i64 = 1000;
    let (lock, lease) = (tables.lock(), tables.lease());
    let highest = [
        (&lock, "token"),
        (&lease, "token"),
        (&tables.steps(), "fence"),
        (&tables.runs(), "fence"),
    ]
    .map(|(table, column)| format!("SELECT MAX({column}) AS token FROM {table}"))
    .join(" UNION ALL ");
    let next = session
        .query(
            &format!("SELECT COALESCE(MAX(token), 0) FROM ({highest}) traces"),
            &[],
        )
        .await?;
    let next = next.first().and_then(|row| row.int(0)).unwrap_or(0) + GAP;
    let first = before_begin(tables.database())
        .map(|sql| format!("{sql}; "))
        .unwrap_or_default();
    let whole = format!(
        "{first}{begin}; DELETE FROM {lease}; DELETE FROM {lock}; \
         INSERT INTO {lock} (id, token, holder, session) VALUES (1, {next}, '', ''); \
         INSERT INTO {lease} (id, token) VALUES (1, {next}); COMMIT",
        begin = begin(tables.database()),
    );
    match session.script(whole).await {
        Ok(_) => Ok(()),
        Err(failed) => {
            let _ = session.script("ROLLBACK".to_owned()).await;
            Err(failed.error)
        }
    }
}
