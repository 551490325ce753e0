//! A statement that was cut off outside a transaction: has it happened?

use migrate_source::Database;
use migrate_source::classify::{
    Class, SessionEffect, can_fail_in_part, classify, probe_target, repeatable, session_effect,
};

use super::steps::StepStatement;
use super::task::{Task, named};
use crate::db_error::{self, Kind, database_error};
use crate::dialect::{Probe, probe_sql};
use crate::error::{Error, ErrorCode};
use crate::session::{Row, Session};

/// What is known of a statement that was cut off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It took effect; go on after it.
    Done,
    /// It did not, or it can be repeated without harm.
    Repeat,
}

/// Looks in the catalogue, removes what a broken build left behind, and says how to go on.
///
/// `before`: whether the catalogue looked as if the statement had happened before it began; then
/// looking again says nothing.
///
/// # Errors
///
/// [`ErrorCode::NeedsReview`] where only a person can tell. A statement is never repeated blindly.
pub(super) async fn cut_off(
    session: &mut dyn Session,
    task: Task<'_>,
    place: usize,
    statement: &StepStatement,
    before: bool,
) -> Result<Verdict, Error> {
    let database = session.database();
    let Some(probe) = probe_of(&statement.text, database).filter(|_| !before) else {
        let again = repeatable(&statement.text, database)
            || session_effect(&statement.text, database) == SessionEffect::Replay;
        return if again {
            Ok(Verdict::Repeat)
        } else {
            Err(review(task, place, statement))
        };
    };
    let found = look(session, &probe).await?;
    let usable = found.as_ref().map(|row| row.int(0) == Some(1));
    match (usable, probe.done_when_present, probe.clean_up) {
        (Some(true), true, _) | (None, false, _) => Ok(Verdict::Done),
        (Some(false), true, Some(clean_up)) => {
            let name = found.as_ref().and_then(|row| row.text(1));
            let Some(name) = name else {
                return Err(review(task, place, statement));
            };
            session
                .script(format!("{clean_up} {name}"))
                .await
                .map_err(|failed| {
                    database_error(
                        database,
                        "remove an index whose build was cut off",
                        failed.error,
                    )
                })?;
            Ok(Verdict::Repeat)
        }
        (Some(false), true, None) => Err(review(task, place, statement)),
        (None, true, _) | (Some(_), false, _) => Ok(Verdict::Repeat),
    }
}

/// Whether the catalogue already looks as the statement would leave it, usable or not.
pub(super) async fn looks_done(session: &mut dyn Session, statement: &str) -> Result<bool, Error> {
    match probe_of(statement, session.database()) {
        None => Ok(false),
        Some(probe) => Ok(look(session, &probe).await?.is_some() == probe.done_when_present),
    }
}

fn probe_of(statement: &str, database: Database) -> Option<Probe> {
    probe_target(statement, database).and_then(|target| probe_sql(&target, database))
}

async fn look(session: &mut dyn Session, probe: &Probe) -> Result<Option<Row>, Error> {
    let doing = "look whether a statement took effect";
    let rows = session
        .query(&probe.sql, &probe.values)
        .await
        .map_err(|error| database_error(session.database(), doing, error))?;
    Ok(rows.into_iter().next())
}

fn review(task: Task<'_>, place: usize, statement: &StepStatement) -> Error {
    needs_review(
        task,
        place,
        statement,
        "and the database cannot tell whether it took effect",
    )
}

/// The statement that was begun is not in the file any more, or is another one there.
pub(super) fn changed_since(task: Task<'_>, place: usize, begun: &StepStatement) -> Error {
    needs_review(
        task,
        place,
        begun,
        "which has been changed or removed since; whether it took effect must be known first. It was",
    )
}

fn needs_review(task: Task<'_>, place: usize, statement: &StepStatement, why: &str) -> Error {
    let id = &task.step.id;
    let shown: String = statement.text.chars().take(300).collect();
    Error::new(
        ErrorCode::NeedsReview,
        format!(
            "{} was interrupted during statement {} ({}:{}), {why}:\n    {}",
            named(task),
            place + 1,
            statement.file,
            statement.line,
            shown.replace('\n', "\n    ")
        ),
    )
    .help(format!("look at the database; if the statement took effect: `migrate resolve {id} --done --why \"..\"`"))
    .help(format!("if it did not: `migrate resolve {id} --not-done --why \"..\"`; then run the command again"))
}

/// Whether a statement's own error says that nothing of it happened.
pub(super) fn failed_without_effect(
    statement: &str,
    database: Database,
    error: &sqlx::Error,
) -> bool {
    let sqlx::Error::Database(told) = error else {
        return false;
    };
    if db_error::kind(error) == Kind::ConnectionLost {
        return false;
    }
    // A failed DDL statement of one table is rolled back by the server itself.
    if !can_fail_in_part(statement, database) {
        return true;
    }
    let opaque = matches!(classify(statement, database), Class::Opaque { .. });
    match (database, opaque) {
        // An error at a place in this text comes before anything runs; one of a procedure's own
        // statements has no such place.
        (Database::Postgres, true) => db_error::position(error).is_some(),
        // Found while the statement is read and its objects are looked up: duplicate name, unknown
        // column, table, object or schema, syntax, rights, an open transaction.
        (Database::Postgres, false) => matches!(
            told.code().as_deref(),
            Some("42P07" | "42703" | "42P01" | "42704" | "42601" | "42501" | "25001" | "3F000")
        ),
        // Syntax and rights, which are looked at for all names first.
        (Database::MySql, false) => told.code().as_deref() == Some("42000"),
        _ => false,
    }
}
