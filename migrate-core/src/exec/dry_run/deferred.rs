//! What is checked only at COMMIT, which never comes in a dry run: deferred constraints.

use migrate_source::Database;

use crate::db_error::{self, database_error};
use crate::error::{Error, ErrorCode};
use crate::exec::task::{Task, named};
use crate::session::Session;

/// Deferred constraints are checked at COMMIT, which never comes. `orphans_before` is how many rows
/// lacked their parent before the task; returned is how many do after it.
pub(super) async fn fire_deferred(
    session: &mut dyn Session,
    task: Task<'_>,
    orphans_before: usize,
) -> Result<usize, Error> {
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
        return Ok(now);
    }
    if session.database() != Database::Postgres {
        return Ok(orphans_before);
    }
    // Taken back at once: the steps that follow may defer theirs as a run would let them, and
    // those that they make are not to be checked at once.
    const FIRE: &str = "SAVEPOINT migrate_constraints; SET CONSTRAINTS ALL IMMEDIATE; \
                        ROLLBACK TO migrate_constraints; RELEASE migrate_constraints";
    session
        .script(FIRE.to_owned())
        .await
        .map(drop)
        .map_err(|failed| {
            would_fail(db_error::redacted(&failed.error)).with_source(failed.error)
        })?;
    Ok(orphans_before)
}

/// Fires what is deferred once more on Postgres, for good, and defers it again: there a table of
/// which something is still to be checked can neither be altered nor dropped. What triggers change
/// is counted then a second time.
///
/// By name, since `ALL` would count for constraints that are still to be made. Where a name is
/// also that of a constraint of the same schema that cannot be deferred, it stays immediate.
pub(super) async fn settle_events(session: &mut dyn Session) -> Result<(), Error> {
    if session.database() != Database::Postgres {
        return Ok(());
    }
    const DEFERRABLE: &str = "\
        SELECT string_agg(DISTINCT name, ', '), \
               string_agg(DISTINCT name, ', ') FILTER (WHERE deferred) \
        FROM (SELECT format('%I.%I', n.nspname, c.conname) AS name, c.condeferrable, \
                     bool_and(c.condeferred) OVER (PARTITION BY n.oid, c.conname) AS deferred \
              FROM pg_catalog.pg_constraint c \
              JOIN pg_catalog.pg_namespace n ON n.oid = c.connamespace \
              WHERE n.nspname NOT LIKE 'pg\\_%' AND has_schema_privilege(n.oid, 'USAGE')) AS named \
        WHERE condeferrable";
    let failed = |error| database_error(Database::Postgres, "fire deferred constraints", error);
    let rows = session.query(DEFERRABLE, &[]).await.map_err(failed)?;
    let Some(row) = rows.first() else {
        return Ok(());
    };
    let Some(all) = row.text(0) else {
        return Ok(());
    };
    let mut fire = format!("SET CONSTRAINTS {all} IMMEDIATE");
    if let Some(deferred) = row.text(1) {
        fire.push_str(&format!("; SET CONSTRAINTS {deferred} DEFERRED"));
    }
    let fired = session.script(fire).await;
    fired.map(drop).map_err(|error| failed(error.error))
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
