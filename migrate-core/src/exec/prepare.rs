//! Before anything runs: the ledger is created, and every task is checked.

use std::time::{Duration, Instant};

use migrate_source::Database;
use migrate_source::classify::{any_step_errors, atomic_step_errors, table_rebuild_risk};

use super::task::Task;
use crate::db_error::{self, Kind, database_error};
use crate::dialect::{begin, create_ledger, create_schema};
use crate::domain::{Body, LedgerRows};
use crate::error::{Error, ErrorCode};
use crate::ledger::{Need, Tables, ledger_error};
use crate::report::{Mode, Problem};
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
            return Err(ledger_error(
                tables,
                Need::Create,
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
        Err(failed) => {
            // Which database it is, the server knows best; without an answer the reader does.
            let current = session.query("SELECT current_database()", &[]).await;
            let rows = current.unwrap_or_default();
            let need = Need::CreateSchema(rows.first().and_then(|row| row.text(0)));
            Err(ledger_error(tables, need, doing, failed.error))
        }
    }
}

/// What [`check_tasks`] refuses, task by task. That there is no way back is not among it: the
/// route says so.
pub(crate) fn task_problems<'r>(
    tasks: impl IntoIterator<Item = Task<'r>>,
    database: Database,
) -> Vec<Problem> {
    let problems = tasks.into_iter().filter_map(|task| {
        let error = check_tasks(&[task], database).err()?;
        (error.code() != ErrorCode::Irreversible).then(|| Problem::of(&error, Some(&task.step.id)))
    });
    problems.collect()
}

/// Refuses, before the first statement, every task that could not end well.
pub(crate) fn check_tasks(tasks: &[Task<'_>], database: Database) -> Result<(), Error> {
    for task in tasks.iter().filter(|task| task.work.executes()) {
        check_task(*task, database)?;
    }
    Ok(())
}

fn check_task(task: Task<'_>, database: Database) -> Result<(), Error> {
    task.statements(database)?;
    if let Body::Function(function) = task.step.body {
        task.call(function)?;
    }
    let sql = task.sql(database);
    let mut found = if task.step.atomic {
        atomic_step_errors(sql, Some(database))
    } else {
        any_step_errors(sql, Some(database))
    };
    if database == Database::Sqlite && !task.step.foreign_keys_off(database) {
        found.extend(table_rebuild_risk(sql));
    }
    let Some(first) = found.first() else {
        return Ok(());
    };
    let mut error = Error::new(
        ErrorCode::InvalidStep,
        format!(
            "{}:{}:{}: {}",
            task.location(database),
            first.line,
            first.column,
            first.message
        ),
    );
    if !first.help.is_empty() {
        error = error.help(first.help.clone());
    }
    if task.is_down() && task.down_in_its_file(database) {
        let id = &task.step.id;
        error = error.help(format!(
            "while the step is applied, a change of its file must be accepted: `migrate accept {id} --why \"..\"`"
        ));
    }
    Err(error)
}

/// Refuses tasks that cannot all stand in one transaction, with the reason of each.
pub(crate) fn check_single_transaction(
    tasks: &[Task<'_>],
    rows: &LedgerRows,
    database: Database,
) -> Result<(), Error> {
    let reasons: Vec<String> = tasks
        .iter()
        .filter_map(|task| {
            let reason = outside(*task, rows, database)?;
            Some(format!("`{}` {reason}", task.step.id))
        })
        .collect();
    if reasons.is_empty() {
        return Ok(());
    }
    let error = Error::new(
        ErrorCode::NotOneTransaction,
        format!(
            "the steps cannot all stand in one transaction, so none of them runs:\n    {}",
            reasons.join("\n    ")
        ),
    )
    .help("migrate without `--single-transaction`: each step then commits by itself");
    let first = tasks.first();
    let reason = first.and_then(|task| outside(*task, rows, database));
    Err(match reason {
        // Nothing comes before it.
        Some(_) => error,
        None => error.help(
            "or first to the step before these (`migrate APP NAME`), and all the rest with it",
        ),
    })
}

/// Why a task cannot share a transaction with others, nor be rolled back.
pub(super) fn outside(
    task: Task<'_>,
    rows: &LedgerRows,
    database: Database,
) -> Option<&'static str> {
    if !task.work.executes() {
        return None;
    }
    let begun = rows
        .find(&task.step.id)
        .is_some_and(|row| task.began(row) && (row.done > 0 || row.intent.is_some()));
    match task.mode(database) {
        _ if begun => Some("was begun statement by statement and is finished so"),
        Mode::NonAtomic => Some("is not atomic: its statements commit as they go"),
        Mode::ImplicitCommit => Some("has DDL or a call, which this database commits at once"),
        Mode::Atomic if task.step.foreign_keys_off(database) => {
            Some("switches foreign keys off, which SQLite cannot do inside a transaction")
        }
        Mode::Atomic => None,
    }
}
