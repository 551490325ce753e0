//! What is checked only at COMMIT, which never comes in a dry run: deferred constraints.

use migrate_source::Database;

use crate::db_error::{self, database_error};
use crate::error::{Error, ErrorCode};
use crate::exec::task::{Task, named};
use crate::session::Session;

/// Deferred constraints are checked at COMMIT, which never comes. `orphans` is how many rows
/// lacked their parent before the dry run.
pub(super) async fn fire_deferred(
    session: &mut dyn Session,
    task: Task<'_>,
    orphans_before: usize,
) -> Result<(), Error> {
    let would_fail = |why: String| {
        Error::new(
            ErrorCode::StepFailed,
            format!("{} would fail at COMMIT: {why}", named(task)),
        )
        .help("correct the step or the data; nothing was changed")
    };
    if session.database() == Database::Sqlite {
        let now = orphans(session).await?;
        if now > orphans_before {
            let why = format!(
                "it leaves {} rows without their parent",
                now - orphans_before
            );
            return Err(would_fail(why));
        }
    }
    if session.database() != Database::Postgres {
        return Ok(());
    }
    // Taken back at once: the steps that follow may defer theirs as a run would let them.
    const FIRE: &str = "SAVEPOINT migrate_constraints; SET CONSTRAINTS ALL IMMEDIATE; \
                        ROLLBACK TO migrate_constraints; RELEASE migrate_constraints";
    session
        .script(FIRE.to_owned())
        .await
        .map(drop)
        .map_err(|failed| would_fail(db_error::redacted(&failed.error)).with_source(failed.error))
}

/// How many rows lack their parent, on SQLite with its foreign keys on; elsewhere none. SQLite
/// has no means to fire deferred constraints but COMMIT.
pub(super) async fn orphans(session: &mut dyn Session) -> Result<usize, Error> {
    let database = session.database();
    if database != Database::Sqlite {
        return Ok(0);
    }
    let failed = |error| database_error(database, "check foreign keys", error);
    let keys = session
        .query("PRAGMA foreign_keys", &[])
        .await
        .map_err(failed)?;
    if keys.first().and_then(|row| row.int(0)) != Some(1) {
        return Ok(0);
    }
    let rows = session
        .query("PRAGMA foreign_key_check", &[])
        .await
        .map_err(failed)?;
    Ok(rows.len())
}
