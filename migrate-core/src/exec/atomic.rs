//! Atomic steps: effect and ledger row commit together, or not at all.
//!
//! On Postgres a SQL step is one message. Everywhere else, and for functions, the step runs in a
//! transaction of sqlx's, whose last statements are the ledger's, fenced.

use std::collections::HashSet;

use migrate_source::Database;
use migrate_source::statements::statements;

use super::commit::{execute_all, lost, write_error};
use super::function::{clears_in_transaction, close_savepoint, open_savepoint, script};
use super::group::Group;
use super::run::{Runner, step_run};
use super::statement_texts;
use super::steps::StepStatement;
use crate::context::StepOutput;
use crate::db_error::{self, Kind};
use crate::dialect::{LEFTOVERS, Published, before_begin, begin, clear_audit};
use crate::domain::{Body, Step};
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
        step: &'r Step,
        action: &'static str,
    ) -> Result<StepRun, Error> {
        let runs_functions = !step.runs(self.database()).is_empty();
        if self.database() == Database::Postgres && !runs_functions {
            return self.guarded(self.one_message(session, step, action)).await;
        }
        self.atomic_step(session, step, action).await
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

    /// One simple query: BEGIN, the step, its fenced record, COMMIT.
    async fn one_message(
        &self,
        session: &mut dyn Session,
        step: &Step,
        action: &'static str,
    ) -> Result<StepRun, Error> {
        let database = self.database();
        let statements = statement_texts(step, database)?;
        let sql = step.text_for(database).map_or("", |text| &text.parsed.up);
        let record: Vec<String> = self
            .parts
            .ledger
            .applied(&self.record_of(step, action))
            .iter()
            .map(Statement::inline)
            .collect();
        let before = self.before_the_step(step);
        // RESET is several statements; what counts is how many results come before the step's.
        let ahead = before.matches(';').count();
        let start = before.chars().count();
        // The newlines matter: a comment at the end of the file would swallow the COMMIT.
        let message = format!("{before}{sql}\n;\n{};\nCOMMIT", record.join(";\n"));
        match session.script(message).await {
            Ok(_) => {
                for (i, statement) in statements.iter().enumerate() {
                    self.statement_done(step, i + 1, statements.len(), statement.line);
                }
                Ok(step_run(step, self.outcome(step, action)))
            }
            Err(failed) => {
                let written = ahead + statements.len() + record.len();
                if failed.completed >= written {
                    return Err(commit_failed(step, database, failed.error));
                }
                // Postgres parses the whole message first: before any result it is a syntax error.
                let place = match failed.completed.checked_sub(ahead) {
                    Some(place) => place,
                    None => syntax_error_place(&failed.error, sql, start, database),
                };
                match statements.get(place) {
                    Some(statement) => Err(statement_failed(
                        step,
                        (place, statements.len()),
                        statement,
                        failed.error,
                    )),
                    None => Err(write_error(database, failed.error)),
                }
            }
        }
    }

    /// A step in a transaction of its own.
    pub(super) async fn atomic_step(
        &mut self,
        session: &mut dyn Session,
        step: &'r Step,
        action: &'static str,
    ) -> Result<StepRun, Error> {
        let mut body = Group {
            runner: self,
            steps: &[step],
            announce: None,
            action,
            done: Vec::new(),
            failed: None,
        };
        let result = body
            .runner
            .guarded(transaction(session, &mut body.scope(), step))
            .await;
        let Group {
            mut done, failed, ..
        } = body;
        let own = done.pop();
        if let Some((_, error)) = failed {
            return Err(error);
        }
        result?;
        for run in done {
            self.finished(run);
        }
        own.ok_or_else(lost)
    }

    fn statement_done(&self, step: &Step, index: usize, of: usize, line: u32) {
        self.parts.reporter.send(&Event::Statement {
            step: step.id.clone(),
            index,
            of,
            line,
        });
    }

    /// Executes a step in the open transaction and records it, with the data migrations that it
    /// runs; gives their results, the step's own last.
    pub(super) async fn in_transaction(
        &self,
        session: &mut dyn Session,
        step: &Step,
        action: &'static str,
        dry_run: bool,
        already: &HashSet<String>,
    ) -> Result<Vec<StepRun>, Error> {
        let started = std::time::Instant::now();
        let ledger = &self.parts.ledger;
        let mut record = self.record_of(step, action);
        script(session, step, self.publish(step, Published::InTransaction)).await?;
        let kept = self.keep_settings(session, step).await?;
        let performed = self.perform(session, step, dry_run, already).await;
        let given_back = self.give_back(session, &kept).await;
        let (output, mut results) = performed?;
        given_back?;
        if clears_in_transaction(self.database()) {
            script(session, step, clear_audit(&ledger.tables)).await?;
        }
        record.duration_ms = Some(crate::lease::millis(started.elapsed()));
        record.rows = output.rows;
        record.result = output.text.as_deref();
        if !dry_run {
            execute_all(session, &ledger.applied(&record)).await?;
        }
        let mut run = step_run(step, self.outcome(step, action));
        run.duration_ms = record.duration_ms.unwrap_or_default();
        run.rows = output.rows;
        run.result = output.text;
        run.refreshed = self.is_applied(&step.id);
        results.push(run);
        Ok(results)
    }

    /// What the step itself does: its function, or its statements and then the data migrations
    /// that it runs, with their results.
    async fn perform(
        &self,
        session: &mut dyn Session,
        step: &Step,
        dry_run: bool,
        already: &HashSet<String>,
    ) -> Result<(StepOutput, Vec<StepRun>), Error> {
        if let Body::Function(function) = &step.body {
            let output = self.function_in_transaction(session, step, function, dry_run);
            return Ok((output.await?, Vec::new()));
        }
        self.statements_in_transaction(session, step).await?;
        let mut results = Vec::new();
        for id in step.runs(self.database()) {
            let Some(inner) = self.parts.history.get(id) else {
                continue;
            };
            if !self.is_applied(id) && !already.contains(&id.to_string()) {
                self.audit(inner, true);
                let runs =
                    Box::pin(self.in_transaction(session, inner, "run", dry_run, already)).await;
                self.audit(inner, false);
                results.extend(runs?);
            }
        }
        Ok((StepOutput::default(), results))
    }

    async fn statements_in_transaction(
        &self,
        session: &mut dyn Session,
        step: &Step,
    ) -> Result<(), Error> {
        let statements = statement_texts(step, self.database())?;
        let of = statements.len();
        // There a statement that is not known to commit may still do so.
        let guarded = self.database() == Database::MySql;
        if guarded {
            open_savepoint(session, step).await?;
        }
        for (i, statement) in statements.iter().enumerate() {
            if let Err(failed) = session.script(statement.text.clone()).await {
                let kind = db_error::kind(&failed.error);
                // These roll the whole transaction back, and the savepoint with it.
                let gone = matches!(
                    kind,
                    Kind::Retry | Kind::LockNotAvailable | Kind::ConnectionLost
                );
                if guarded && !gone {
                    close_savepoint(session, step).await?;
                }
                return Err(statement_failed(step, (i, of), statement, failed.error));
            }
            self.statement_done(step, i + 1, of, statement.line);
        }
        if guarded {
            close_savepoint(session, step).await?;
        }
        Ok(())
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

/// The step's statements went well, but together they cannot be committed: what is checked only
/// there are deferred constraints.
fn commit_failed(step: &Step, database: Database, error: sqlx::Error) -> Error {
    if !matches!(&error, sqlx::Error::Database(_)) || db_error::kind(&error) != Kind::Other {
        return transaction_error(database, error);
    }
    Error::new(
        ErrorCode::StepFailed,
        format!(
            "`{}` ({}) cannot be committed: {}",
            step.id,
            step.location_on(database),
            db_error::redacted(&error)
        ),
    )
    .help("correct the step or the data, then run the command again; nothing of it was applied")
    .with_source(error)
}

/// What a failing statement means, with its place.
pub(super) fn statement_failed(
    step: &Step,
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
            "run the command again: it reads from the database what was committed"
        }
        ErrorCode::PermissionDenied => {
            "grant what is missing to this role, then run the command again"
        }
        _ => "correct the file or the data, then run the command again",
    };
    Error::new(
        code,
        format!(
            "`{}` failed at statement {} of {of} ({}:{}): {text}",
            step.id,
            place + 1,
            statement.file,
            statement.line
        ),
    )
    .help(help)
    .with_source(error)
}

/// Runs a body in a transaction; around it SQLite's foreign keys are switched as the step asks.
pub(super) async fn transaction(
    session: &mut dyn Session,
    body: &mut dyn TransactionBody,
    first: &Step,
) -> Result<(), Error> {
    let database = session.database();
    let keys_were_on = if first.foreign_keys_off(database) {
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
    result.unwrap_or_else(|error| Err(commit_failed(first, database, error)))
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
