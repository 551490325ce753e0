//! Atomic steps: effect and ledger row commit together, or not at all.
//!
//! On Postgres a SQL step is one message. Everywhere else, and for functions, the step runs in a
//! transaction of sqlx's, whose last statements are the ledger's, fenced.

use migrate_source::Database;
use migrate_source::statements::statements;

use super::commit::{lost, statement_error};
use super::function::script;
use super::group::Group;
use super::run::{Runner, Together, step_run};
use super::steps::StepStatement;
use super::task::{Task, doing, to_correct};
use crate::db_error::{self, Kind};
use crate::dialect::{LEFTOVERS, Published, before_begin, begin};
use crate::domain::Step;
use crate::error::{Error, ErrorCode};
use crate::event::Event;
use crate::ledger::Statement;
use crate::report::StepRun;
use crate::session::{Session, TransactionBody};

impl<'r> Runner<'r> {
    /// A SQL step in the cheapest way that is atomic.
    pub(super) async fn atomic_sql(
        &mut self,
        session: &mut dyn Session,
        task: Task<'r>,
    ) -> Result<StepRun, Error> {
        let runs_functions = !task.step.runs(self.database()).is_empty();
        if self.database() == Database::Postgres && !runs_functions {
            return self.guarded(self.one_message(session, task)).await;
        }
        self.atomic_step(session, task).await
    }

    /// What comes before the step in its message, up to a last semicolon.
    fn before_the_step(&self, step: &Step) -> String {
        let mut before = Vec::new();
        if let Some(reset) = &self.parts.reset {
            // The message began a transaction under the settings as they were; an empty one ends
            // it, so that the step's own begins under those that were restored.
            before.extend([reset.clone(), "BEGIN".to_owned(), "COMMIT".to_owned()]);
            before.push(LEFTOVERS.to_owned());
        }
        before.push(begin(self.database()).to_owned());
        before.push(self.publish(step, Published::InTransaction));
        before.join(";") + ";\n"
    }

    /// One simple query: BEGIN, the step or its way back, the fenced record, COMMIT.
    async fn one_message(
        &self,
        session: &mut dyn Session,
        task: Task<'r>,
    ) -> Result<StepRun, Error> {
        let database = self.database();
        let statements = task.statements(database)?;
        let sql = task.sql(database);
        let written = self.done(task, &self.record_of(task));
        let record: Vec<String> = written.iter().map(Statement::inline).collect();
        let before = self.before_the_step(task.step);
        // RESET is several statements; what counts is how many results come before the step's.
        let ahead = before.matches(';').count();
        let start = before.chars().count();
        // The newlines matter: a comment at the end of the file would swallow the COMMIT.
        let message = format!("{before}{sql}\n;\n{};\nCOMMIT", record.join(";\n"));
        match session.script(message).await {
            Ok(_) => {
                for (i, statement) in statements.iter().enumerate() {
                    self.statement_done(task.step, i + 1, statements.len(), statement.line);
                }
                Ok(step_run(task.step, self.outcome(task)))
            }
            Err(failed) => {
                let record = ahead + statements.len();
                if failed.completed >= record + written.len() {
                    return Err(commit_failed(&[task], database, failed.error));
                }
                // Postgres parses the whole message first: before any result it is a syntax error.
                let place = match failed.completed.checked_sub(ahead) {
                    Some(place) => place,
                    None => syntax_error_place(&failed.error, sql, start, database),
                };
                match statements.get(place) {
                    Some(statement) => Err(statement_failed(
                        task,
                        (place, statements.len()),
                        statement,
                        failed.error,
                    )),
                    None => {
                        let place = failed.completed.checked_sub(record);
                        let statement = place.and_then(|place| written.get(place));
                        Err(statement_error(database, statement, failed.error))
                    }
                }
            }
        }
    }

    /// A task in a transaction of its own.
    pub(super) async fn atomic_step(
        &mut self,
        session: &mut dyn Session,
        task: Task<'r>,
    ) -> Result<StepRun, Error> {
        let tasks = [task];
        let mut body = Group::new(self, &tasks, Together::No);
        let result = body
            .runner
            .guarded(transaction(session, &mut body.scope(), &tasks))
            .await;
        let Group { mut done, .. } = body;
        let own = done.pop();
        result?;
        for run in done {
            self.finished(run);
        }
        own.ok_or_else(lost)
    }

    pub(super) fn statement_done(&self, step: &Step, index: usize, of: usize, line: u32) {
        self.parts.reporter.send(&Event::Statement {
            step: step.id.clone(),
            index,
            of,
            line,
        });
    }
}

/// Which statement a syntax error of a whole message is in, by its position; one past the last
/// where it has none.
fn syntax_error_place(error: &sqlx::Error, sql: &str, start: usize, database: Database) -> usize {
    let statements = statements(sql, database).unwrap_or_default();
    let Some(at) = db_error::position(error).and_then(|at| at.checked_sub(start + 1)) else {
        return statements.len();
    };
    // The server counts characters, the splitter bytes.
    let at = sql.chars().take(at).map(char::len_utf8).sum::<usize>();
    let begun = statements.partition_point(|statement| statement.start <= at);
    begun.saturating_sub(1)
}

/// Whether a COMMIT failed on what it alone checks: deferred constraints.
pub(super) fn is_deferred(error: &sqlx::Error) -> bool {
    matches!(error, sqlx::Error::Database(_)) && db_error::kind(error) == Kind::Other
}

/// The statements of the steps went well, but they cannot be committed.
fn commit_failed(tasks: &[Task<'_>], database: Database, error: sqlx::Error) -> Error {
    let (Some(first), Some(last)) = (tasks.first(), tasks.last()) else {
        return transaction_error(database, error);
    };
    if !is_deferred(&error) {
        return transaction_error(database, error);
    }
    let text = db_error::redacted(&error);
    let done = match first.is_backwards() {
        false => "applied",
        true => "undone",
    };
    let (message, help) = match tasks.len() {
        1 => (
            format!(
                "{} ({}) cannot be committed: {text}",
                doing(*first),
                first.location(database)
            ),
            format!(
                "correct {} or the data, then run the command again; nothing of it was {done}",
                to_correct(*first)
            ),
        ),
        several => (
            format!(
                "the {several} steps from `{}` to `{}` cannot be committed together: {text}",
                first.step.id, last.step.id
            ),
            format!(
                "nothing of them was {done}; each in a transaction of its own, the one at fault is named"
            ),
        ),
    };
    Error::new(ErrorCode::StepFailed, message)
        .help(help)
        .at_commit()
        .of_way_back(tasks.len() == 1 && first.is_down())
        .with_source(error)
}

/// What a failing statement means, with its place.
pub(super) fn statement_failed(
    task: Task<'_>,
    (place, of): (usize, usize),
    statement: &StepStatement,
    error: sqlx::Error,
) -> Error {
    let text = db_error::redacted(&error);
    let code = match db_error::kind(&error) {
        Kind::ConnectionLost => ErrorCode::ConnectionLost,
        Kind::PermissionDenied => ErrorCode::PermissionDenied,
        Kind::ReadOnly => ErrorCode::ReadOnly,
        _ => ErrorCode::StepFailed,
    };
    let help = match code {
        ErrorCode::ConnectionLost => {
            "run the command again: it reads from the database what was committed".to_owned()
        }
        ErrorCode::PermissionDenied => {
            "grant what is missing to this role, then run the command again".to_owned()
        }
        _ => format!(
            "correct {} or the data, then run the command again",
            to_correct(task)
        ),
    };
    Error::new(
        code,
        format!(
            "{} failed at statement {} of {of} ({}:{}): {text}",
            doing(task),
            place + 1,
            statement.file,
            statement.line
        ),
    )
    .help(help)
    .of_way_back(code == ErrorCode::StepFailed && task.is_down())
    .with_source(error)
}

/// Runs the body of some tasks in a transaction; around it SQLite's foreign keys are switched as
/// the first step asks.
pub(super) async fn transaction(
    session: &mut dyn Session,
    body: &mut dyn TransactionBody,
    tasks: &[Task<'_>],
) -> Result<(), Error> {
    let database = session.database();
    let Some(task) = tasks.first() else {
        return Ok(());
    };
    let first = task.step;
    let keys_were_on = if task.work.executes() && first.foreign_keys_off(database) {
        foreign_keys_off(session, first).await?
    } else {
        false
    };
    if let Some(sql) = before_begin(database) {
        script(session, first, sql.to_owned()).await?;
    }
    let result = session.in_transaction(begin(database), body).await;
    if keys_were_on {
        script(session, first, "PRAGMA foreign_keys = ON".to_owned()).await?;
    }
    result.unwrap_or_else(|error| Err(commit_failed(tasks, database, error)))
}

fn transaction_error(database: Database, error: sqlx::Error) -> Error {
    db_error::database_error(database, "begin or commit the step's transaction", error)
}

/// Switches them off, which SQLite ignores inside a transaction; says whether they were on.
pub(super) async fn foreign_keys_off(
    session: &mut dyn Session,
    step: &Step,
) -> Result<bool, Error> {
    let state = session.query("PRAGMA foreign_keys", &[]).await;
    let on = state
        .map_err(|e| db_error::database_error(Database::Sqlite, "read `PRAGMA foreign_keys`", e))?
        .first()
        .and_then(|row| row.int(0))
        == Some(1);
    if on {
        script(session, step, "PRAGMA foreign_keys = OFF".to_owned()).await?;
    }
    Ok(on)
}
