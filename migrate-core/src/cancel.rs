//! Cancelling the statement that runs: from a second connection, or through SQLite's handler.

use migrate_source::Database;

use crate::interrupt::Interrupt;
use crate::session::Session;
use crate::target::Options;

/// Cancels what the run's session is executing.
#[derive(Clone)]
pub(crate) struct Canceller {
    server: Option<Options>,
    /// The session as the token row names it: see `lease::former`.
    session: String,
}

impl Canceller {
    pub(crate) fn new(server: Option<Options>, session: &str) -> Self {
        Self {
            server,
            session: session.to_owned(),
        }
    }

    /// Asks the server to cancel. Where that fails, the statement ends by itself or the
    /// connection is closed; both roll back.
    pub(crate) async fn cancel(&self) {
        let Some(server) = &self.server else { return };
        let Ok(mut other) = server.open().await else {
            return;
        };
        let mut parts = self.session.split(':');
        let id = parts.next().unwrap_or_default();
        if id.is_empty() || !id.chars().all(|c| c.is_ascii_digit()) {
            return;
        }
        // Process ids are used again.
        let same = parts
            .next()
            .filter(|start| start.chars().all(|c| c.is_ascii_digit() || c == '.'))
            .map(|start| format!(" AND extract(epoch FROM backend_start)::text = '{start}'"))
            .unwrap_or_default();
        let sql = match other.database() {
            Database::Postgres => format!(
                "SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE pid = {id}{same}"
            ),
            Database::MySql => format!("KILL QUERY {id}"),
            Database::Sqlite => return,
        };
        if let Err(failed) = other.script(sql).await {
            tracing::warn!(error = %failed.error, "the running statement could not be cancelled");
        }
        other.close().await;
    }
}

/// The session as a [`Canceller`] names it, for a run that does not take the lock.
pub(crate) async fn session_name(session: &mut dyn Session) -> String {
    let sql = match session.database() {
        Database::Postgres => "SELECT pg_backend_pid()",
        Database::MySql => "SELECT CONNECTION_ID()",
        Database::Sqlite => return String::new(),
    };
    let rows = session.query(sql, &[]).await.unwrap_or_default();
    let id = rows.first().and_then(|row| row.int(0));
    id.map(|id| id.to_string()).unwrap_or_default()
}

/// Makes statements of a SQLite session end with an error once the interrupt is raised.
#[cfg(feature = "sqlite")]
pub(crate) async fn watch(session: &mut dyn Session, interrupt: &Interrupt) {
    // Every so many steps of SQLite's virtual machine: a few microseconds.
    const STEPS: i32 = 1000;
    if let Some(connection) = session.as_any().downcast_mut::<sqlx::SqliteConnection>()
        && let Ok(mut handle) = connection.lock_handle().await
    {
        let interrupt = interrupt.clone();
        handle.set_progress_handler(STEPS, move || interrupt.reason().is_none());
    }
}

/// Ends [`watch`], so that the session can still roll back and release.
#[cfg(feature = "sqlite")]
pub(crate) async fn unwatch(session: &mut dyn Session) {
    if let Some(connection) = session.as_any().downcast_mut::<sqlx::SqliteConnection>()
        && let Ok(mut handle) = connection.lock_handle().await
    {
        handle.remove_progress_handler();
    }
}

#[cfg(not(feature = "sqlite"))]
pub(crate) async fn watch(_: &mut dyn Session, _: &Interrupt) {}

#[cfg(not(feature = "sqlite"))]
pub(crate) async fn unwatch(_: &mut dyn Session) {}
