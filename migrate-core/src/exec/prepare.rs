//! Before anything runs: the ledger is created, and every pending step is checked.

use std::time::{Duration, Instant};

use migrate_source::Database;
use migrate_source::classify::{any_step_errors, atomic_step_errors, table_rebuild_risk};

use super::statement_texts;
use crate::db_error::{self, Kind, database_error};
use crate::dialect::{begin, create_ledger, create_schema};
use crate::domain::Step;
use crate::error::{Error, ErrorCode};
use crate::ledger::Tables;
use crate::session::Session;

/// Creates the ledger where there is none. Several processes may do so at once: whoever loses
/// the race finds the tables there and goes on. A writer that holds a SQLite file is waited for
/// as long as for the lock.
pub(crate) async fn ensure_ledger(
    session: &mut dyn Session,
    tables: &Tables,
    wait: Duration,
) -> Result<(), Error> {
    let database = tables.database();
    let started = Instant::now();
    ensure_schema(session, tables).await?;
    let script = match database {
        // MySQL commits each of these by itself; the version row comes last.
        Database::MySql => create_ledger(tables).join(";\n"),
        _ => format!(
            "{};\n{};\nCOMMIT",
            begin(database),
            create_ledger(tables).join(";\n")
        ),
    };
    const ATTEMPTS: u32 = 40;
    let mut attempt = 0;
    loop {
        attempt += 1;
        let Err(failed) = session.script(script.clone()).await else {
            return Ok(());
        };
        if database != Database::MySql {
            let _ = session.script("ROLLBACK".to_owned()).await;
        }
        let again = match db_error::kind(&failed.error) {
            // Postgres: two sessions in CREATE TABLE IF NOT EXISTS collide in the catalogue.
            Kind::AlreadyThere | Kind::Retry => attempt < ATTEMPTS,
            Kind::LockNotAvailable => started.elapsed() < wait,
            _ => false,
        };
        if !again {
            return Err(database_error(
                database,
                &format!("create the ledger {tables}"),
                failed.error,
            ));
        }
        tokio::time::sleep(Duration::from_millis(u64::from(5 * attempt.min(ATTEMPTS)))).await;
    }
}

/// Creates the schema that the user named for the ledger, if the catalogue lacks it.
async fn ensure_schema(session: &mut dyn Session, tables: &Tables) -> Result<(), Error> {
    if tables.database() != Database::Postgres || !tables.explicit {
        return Ok(());
    }
    let doing = "create the ledger's schema";
    let found = session
        .query(
            "SELECT 1 FROM pg_catalog.pg_namespace WHERE nspname = $1",
            &[(&tables.schema).into()],
        )
        .await
        .map_err(|e| database_error(Database::Postgres, doing, e))?;
    if !found.is_empty() {
        return Ok(());
    }
    match session.script(create_schema(tables)).await {
        Ok(_) => Ok(()),
        Err(failed) if db_error::kind(&failed.error) == Kind::AlreadyThere => Ok(()),
        Err(failed) => Err(database_error(Database::Postgres, doing, failed.error)),
    }
}

/// Refuses, before the first statement, every pending step that could not end well.
pub(crate) fn check_steps(steps: &[&Step], database: Database) -> Result<(), Error> {
    for step in steps {
        check_step(step, database)?;
    }
    Ok(())
}

fn check_step(step: &Step, database: Database) -> Result<(), Error> {
    statement_texts(step, database)?;
    let Some(text) = step.text_for(database) else {
        return Ok(());
    };
    let sql = &text.parsed.up;
    let mut found = if step.atomic {
        atomic_step_errors(sql, Some(database))
    } else {
        any_step_errors(sql, Some(database))
    };
    if database == Database::Sqlite && !step.foreign_keys_off(database) {
        found.extend(table_rebuild_risk(sql));
    }
    let Some(first) = found.first() else {
        return Ok(());
    };
    let mut error = Error::new(
        ErrorCode::InvalidStep,
        format!(
            "{}:{}:{}: {}",
            text.location, first.line, first.column, first.message
        ),
    );
    if !first.help.is_empty() {
        error = error.help(first.help.clone());
    }
    Err(error)
}
