//! What the lock's two rows say, and whether the lock may be taken.

use crate::db_error::{self, Kind};
use crate::dialect::clock_micros;
use crate::error::{Error, ErrorCode};
use crate::holder::Holder;
use crate::ledger::{Need, Tables, ledger_error};
use crate::report::LockStatus;
use crate::session::{Row, Session};

/// What the two rows say.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    pub(crate) token: i64,
    /// The other row's; the two change together.
    lease_token: i64,
    pub(super) holder: Option<Holder>,
    /// The holder's session, see [`super::former`].
    pub(crate) session: String,
    /// Microseconds until the lease runs out; `None` when it is free.
    expires_in: Option<i64>,
    pub(super) progress_at: Option<i64>,
    progress_ago: Option<i64>,
    pub(super) activity: Option<String>,
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

    pub(super) fn is_free(&self) -> bool {
        self.expires_in.is_none()
    }

    pub(super) fn holder_text(&self) -> String {
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
    pub(super) fn may_be_taken(&self, here: &Holder) -> bool {
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
        Err(error) => Err(ledger_error(tables, Need::Look, "look at the lock", error)),
    }
}

/// The lock's rows were changed by hand, or its tables are gone.
fn damaged(tables: &Tables, what: &str) -> Error {
    Error::new(
        ErrorCode::LedgerDamaged,
        format!("the lock of the ledger {tables} was changed by hand: {what}"),
    )
    .help("make sure that no migration runs, then repair it: `migrate lock release --force`")
}
