//! Where an interrupted step goes on, and the session it finds there.

use migrate_source::Database;
use migrate_source::classify::{SessionEffect, inserts, reads_last_insert, session_effect};

use super::probe::{Verdict, changed_since, cut_off};
use super::run::Runner;
use super::steps::{StepStatement, hash_of, hash_with};
use super::task::{Task, named};
use crate::db_error;
use crate::domain::{LedgerRow, LedgerRows};
use crate::error::{Error, ErrorCode};
use crate::report::Problem;
use crate::session::Session;

impl<'r> Runner<'r> {
    /// After which statement to go on: what the ledger says, checked against the text.
    pub(super) async fn resume_at(
        &self,
        session: &mut dyn Session,
        task: Task<'r>,
        statements: &[StepStatement],
    ) -> Result<usize, Error> {
        let Some(row) = self.interrupted_row(task) else {
            return Ok(0);
        };
        let done = row.done;
        refuse_changed(task, row, statements, self.database())?;
        // Before the catalogue is asked: names there are read by the session's settings.
        replay(session, task, &statements[..done], done < statements.len()).await?;
        let Some(place) = begun_at(row) else {
            return Ok(done);
        };
        let begun = begun_statement(task, row, place, statements);
        match cut_off(session, task, place, &begun, row.intent_before).await? {
            Verdict::Done => {
                replay(session, task, &[begun], done + 1 < statements.len()).await?;
                refuse_last_insert(task, statements, done + 1, self.database())?;
                Ok(done + 1)
            }
            Verdict::Repeat => {
                refuse_last_insert(task, statements, done, self.database())?;
                Ok(done)
            }
        }
    }
}

/// What a run would say of the interrupted ones among these tasks.
pub(crate) fn interrupted_problems<'r>(
    tasks: impl IntoIterator<Item = Task<'r>>,
    rows: &LedgerRows,
    database: Database,
) -> Vec<Problem> {
    let tasks = tasks.into_iter();
    let problems = tasks.filter_map(|task| {
        let row = rows.find(&task.step.id).filter(|row| task.began(row))?;
        if !task.work.executes() || !task.is_sql() {
            return None;
        }
        let texts = task.statements(database);
        let error = texts
            .and_then(|texts| refuse_changed(task, row, &texts, database))
            .err()?;
        // That there is no way back is a problem of the route already.
        (error.code() != ErrorCode::Irreversible).then(|| Problem::of(&error, Some(&task.step.id)))
    });
    problems.collect()
}

/// Refuses an interrupted step where what ran, or what was under way, has been changed since, or
/// where the rest would need what ended with the session. Reads texts alone, so that a plan can
/// tell what a run would say.
fn refuse_changed(
    task: Task<'_>,
    row: &LedgerRow,
    statements: &[StepStatement],
    database: Database,
) -> Result<(), Error> {
    let done = row.done;
    let same = statements
        .get(..done)
        .is_some_and(|finished| done == 0 || row.done_hash.as_deref() == Some(&hash_of(finished)));
    if !same {
        return Err(Error::new(
            ErrorCode::StepEdited,
            format!(
                "{} ({}) was interrupted after {done} of {} statements, and those differ in this binary",
                named(task),
                task.location(database),
                row.total,
            ),
        )
        .help("put the statements that ran back as they were; the ones after them may be corrected"));
    }
    if done < statements.len() {
        for (place, statement) in statements.iter().take(done).enumerate() {
            if let SessionEffect::CannotReplay { what } = session_effect(&statement.text, database)
            {
                return Err(lost_state(task, place, statement, what));
            }
        }
    }
    let Some(place) = begun_at(row) else {
        return refuse_last_insert(task, statements, done, database);
    };
    let begun = begun_statement(task, row, place, statements);
    let same = statements
        .get(place)
        .is_some_and(|now| hash_with("", now) == hash_with("", &begun));
    match same {
        true => Ok(()),
        false => Err(changed_since(task, place, &begun)),
    }
}

/// The statement, from 0, that was under way.
fn begun_at(row: &LedgerRow) -> Option<usize> {
    row.intent.filter(|place| *place == row.done)
}

/// The statement that was begun, as it was then.
fn begun_statement(
    task: Task<'_>,
    row: &LedgerRow,
    place: usize,
    statements: &[StepStatement],
) -> StepStatement {
    let now = statements.get(place).or(statements.last());
    StepStatement {
        text: row.intent_text.clone().unwrap_or_default(),
        file: now.map_or_else(|| task.step.location.clone(), |now| now.file.clone()),
        line: now.map_or(1, |now| now.line),
    }
}

/// Gives this session what the statements that ran had set in theirs.
///
/// `more`: whether statements are left, which could depend on what cannot be given.
async fn replay(
    session: &mut dyn Session,
    task: Task<'_>,
    done: &[StepStatement],
    more: bool,
) -> Result<(), Error> {
    let database = session.database();
    for (place, statement) in done.iter().enumerate() {
        match session_effect(&statement.text, database) {
            SessionEffect::None => {}
            SessionEffect::Replay => {
                let repeated = session.script(statement.text.clone()).await;
                match repeated {
                    Err(failed) if !db_error::is_attached(&failed.error) => {
                        return Err(not_replayed(task, place, statement, &failed.error));
                    }
                    _ => {}
                }
            }
            SessionEffect::CannotReplay { what } if more => {
                return Err(lost_state(task, place, statement, what));
            }
            SessionEffect::CannotReplay { .. } => {}
        }
    }
    Ok(())
}

/// Refuses to go on where a statement asks for the id that one of those that ran was given: this
/// session would answer 0, or with an id of something else.
fn refuse_last_insert(
    task: Task<'_>,
    statements: &[StepStatement],
    done: usize,
    database: Database,
) -> Result<(), Error> {
    let (ran, left) = statements.split_at(done.min(statements.len()));
    let Some(place) = ran.iter().rposition(|ran| inserts(&ran.text, database)) else {
        return Ok(());
    };
    // An INSERT may ask for the id of the one before it.
    let until = left.iter().position(|left| inserts(&left.text, database));
    let asks = |left: &StepStatement| reads_last_insert(&left.text, database);
    let end = until.map_or(left.len(), |until| until + 1);
    match ran.get(place) {
        Some(statement) if left.iter().take(end).any(asks) => {
            Err(lost_state(task, place, statement, "the last inserted id"))
        }
        _ => Ok(()),
    }
}

fn not_replayed(
    task: Task<'_>,
    place: usize,
    statement: &StepStatement,
    error: &sqlx::Error,
) -> Error {
    Error::new(
        ErrorCode::StepFailed,
        format!(
            "{} was interrupted, and statement {} ({}:{}), whose setting the rest needs, cannot be repeated in this session: {}",
            named(task),
            place + 1,
            statement.file,
            statement.line,
            db_error::redacted(error)
        ),
    )
    .help("make the statement possible again, then run the command again")
}

fn lost_state(task: Task<'_>, place: usize, statement: &StepStatement, what: &str) -> Error {
    let id = &task.step.id;
    let error = Error::new(
        ErrorCode::NeedsReview,
        format!(
            "{} was interrupted, and {what} of statement {} ({}:{}) ended with its session; the rest may depend on it",
            named(task),
            place + 1,
            statement.file,
            statement.line,
        ),
    );
    if task.is_backwards() {
        return error
            .help(format!("either do the rest by hand, then forget the step: `migrate unmark {id} --why \"..\"`"))
            .help(format!("or put back what was undone, then record the step: `migrate mark {id} --why \"..\"`"));
    }
    error
        .help(format!(
            "either undo what ran and begin anew: `migrate unmark {id}`, then `migrate`"
        ))
        .help(format!(
            "or do the rest by hand, then record the step: `migrate mark {id}`"
        ))
}
