//! The session of a holder, as the server knows it: its name in the token row, and its end when
//! somebody else takes the lock.
//!
//! Ids of sessions are used again, so a name says when the session (Postgres) or the server
//! (MySQL, whose ids begin anew at a restart) was started.

use std::time::{Duration, Instant};

use migrate_source::Database;

use crate::db_error::database_error;
use crate::dialect::quote_literal;
use crate::error::{Error, ErrorCode};
use crate::interrupt::Interrupt;
use crate::session::Session;

/// The name of this session as a SQL expression.
pub(super) async fn own_name(session: &mut dyn Session) -> sqlx::Result<String> {
    Ok(match session.database() {
        Database::Sqlite => "''".to_owned(),
        Database::Postgres => {
            "(SELECT pid || ':' || extract(epoch FROM backend_start) FROM pg_stat_activity \
             WHERE pid = pg_backend_pid())"
                .to_owned()
        }
        Database::MySql => {
            let started = server_start(session).await?;
            format!("CONCAT(CONNECTION_ID(), ':{started}:', {MYSQL_USER})")
        }
    })
}

/// The name by which this session logged in; it may hold an `@` itself.
const MYSQL_USER: &str = "LEFT(USER(), CHAR_LENGTH(USER()) - LOCATE('@', REVERSE(USER())))";

/// When the MySQL server was started, in seconds since 1970, give or take one.
async fn server_start(session: &mut dyn Session) -> sqlx::Result<i64> {
    let uptime = session
        .query("SHOW GLOBAL STATUS LIKE 'Uptime'", &[])
        .await?;
    let now = session.query("SELECT UNIX_TIMESTAMP()", &[]).await?;
    let seconds = |rows: &[crate::session::Row], column| rows.first().and_then(|r| r.int(column));
    Ok(seconds(&now, 0).unwrap_or(0) - seconds(&uptime, 1).unwrap_or(0))
}

/// A session that may still be in the server.
enum Former<'n> {
    Postgres { pid: &'n str, start: &'n str },
    MySql { id: &'n str, user: &'n str },
}

impl<'n> Former<'n> {
    /// `None` where there is certainly no such session, or it is this one.
    async fn find(session: &mut dyn Session, name: &'n str) -> Result<Option<Self>, Error> {
        let mut parts = name.splitn(3, ':');
        let (id, start) = (parts.next(), parts.next());
        let (Some(id), Some(start)) = (id, start.filter(|start| is_number(start))) else {
            return Ok(None);
        };
        if !is_number(id) {
            return Ok(None);
        }
        match session.database() {
            Database::Sqlite => Ok(None),
            Database::Postgres => Ok(Some(Self::Postgres { pid: id, start })),
            Database::MySql => {
                const TOLERANCE: i64 = 2;
                let now = server_start(session).await.map_err(unseen(session))?;
                let same_server = start
                    .parse::<i64>()
                    .is_ok_and(|then| now.abs_diff(then) <= TOLERANCE.unsigned_abs());
                // A user's connection may have been the former holder's too, when a run on it was
                // dropped.
                let own = ask(
                    session,
                    &format!("SELECT 1 FROM DUAL WHERE CONNECTION_ID() = {id}"),
                )
                .await?;
                let user = parts.next().unwrap_or_default();
                Ok((same_server && !own).then_some(Self::MySql { id, user }))
            }
        }
    }

    /// Which sessions the name fits. One of another role on Postgres may hide when it started;
    /// its process id alone is then reason enough to wait, though not to end it.
    fn which(&self) -> (String, String) {
        match self {
            Self::Postgres { pid, start } => {
                let fits = format!("extract(epoch FROM backend_start)::text = '{start}'");
                let place =
                    format!("FROM pg_stat_activity WHERE pid = {pid} AND pid <> pg_backend_pid()");
                (
                    format!("SELECT pg_terminate_backend(pid) {place} AND {fits}"),
                    format!("SELECT 1 {place} AND (backend_start IS NULL OR {fits})"),
                )
            }
            Self::MySql { id, .. } => (
                format!("KILL {id}"),
                format!("SELECT 1 FROM information_schema.processlist WHERE id = {id}"),
            ),
        }
    }

    /// Whether the server would show us the session if it were there.
    async fn is_visible(&self, session: &mut dyn Session) -> Result<bool, Error> {
        let Self::MySql { user, .. } = self else {
            return Ok(true);
        };
        let sql = format!(
            "SELECT 1 FROM DUAL WHERE {MYSQL_USER} = {} OR EXISTS (\
             SELECT 1 FROM information_schema.user_privileges WHERE privilege_type = 'PROCESS' \
             AND grantee = CONCAT('''', REPLACE(CURRENT_USER(), '@', '''@'''), ''''))",
            quote_literal(user)
        );
        ask(session, &sql).await
    }
}

/// Tells the server to end a session, without waiting for that.
pub(crate) async fn end(session: &mut dyn Session, name: &str) -> Result<(), Error> {
    if let Some(former) = Former::find(session, name).await? {
        // "No such thread" and "not the owner" are both answered by looking whether it is there.
        let _ = session.query(&former.which().0, &[]).await;
    }
    Ok(())
}

/// Ends the session of a holder whose lock is taken, so that a statement of its that still runs
/// in the server cannot meet ours. Without the right to do so, waits until it has ended.
///
/// # Errors
///
/// [`ErrorCode::LockHeld`] when it is still there after `patience`, which is ten seconds at least, or when the server would not
/// show it to us.
pub(crate) async fn end_session(
    session: &mut dyn Session,
    name: &str,
    patience: Duration,
    interrupt: &Interrupt,
) -> Result<(), Error> {
    let Some(former) = Former::find(session, name).await? else {
        return Ok(());
    };
    if !former.is_visible(session).await? {
        return Err(remains(name, "cannot be seen from here"));
    }
    let (end, alive) = former.which();
    let _ = session.query(&end, &[]).await;
    // A busy server takes its time to end a session, however short the lease is.
    const AT_LEAST: Duration = Duration::from_secs(10);
    let deadline = Instant::now() + patience.max(AT_LEAST);
    while ask(session, &alive).await? {
        if Instant::now() >= deadline {
            return Err(remains(
                name,
                "is still in the server and cannot be ended from here",
            ));
        }
        interrupt.sleep(Duration::from_millis(50)).await?;
    }
    Ok(())
}

fn remains(name: &str, what: &str) -> Error {
    Error::new(
        ErrorCode::LockHeld,
        format!("the lock's holder is gone, but its session ({name}) {what}"),
    )
    .help("run migrations with one database user, which may see and end its own sessions")
    .help("or let an administrator make sure that the session has ended, and then run `migrate lock release --force`")
}

/// Whether a query has a row.
async fn ask(session: &mut dyn Session, sql: &str) -> Result<bool, Error> {
    let rows = session.query(sql, &[]).await;
    rows.map(|rows| !rows.is_empty()).map_err(unseen(session))
}

fn unseen(session: &dyn Session) -> impl Fn(sqlx::Error) -> Error + use<> {
    let database = session.database();
    move |error| database_error(database, "look for the former holder's session", error)
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_ascii_digit() || c == '.')
}
