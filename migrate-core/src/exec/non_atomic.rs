//! Non-atomic SQL steps and their ways back: statement by statement, resumable at the one that had not finished.
//!
//! A statement that can run in a transaction commits together with its progress row. For the
//! others an intent goes first, and a crash there leads to [`super::probe`].

use migrate_source::Database;
use migrate_source::classify::{Class, classify};

use super::atomic::{foreign_keys_off, is_deferred, statement_failed};
use super::commit::{commit, execute, statement_error, write_error};
use super::function::script;
use super::group::refuse_orphans;
use super::probe::{failed_without_effect, looks_done};
use super::run::{Runner, step_run};
use super::steps::{StepStatement, hash_of, hash_with};
use super::task::Task;
use crate::context::BoxFuture;
use crate::db_error;
use crate::dialect::{before_begin, begin, clear_audit};
use crate::error::Error;
use crate::event::Event;
use crate::ledger::{Intent, Statement};
use crate::report::{Mode, StepRun};
use crate::session::{Session, TransactionBody};

impl<'r> Runner<'r> {
    /// Executes what is left of a task's statements, and the data migrations that its step runs:
    /// after them, on the way back before them.
    pub(super) async fn non_atomic_sql(
        &mut self,
        session: &mut dyn Session,
        task: Task<'r>,
    ) -> Result<StepRun, Error> {
        let ledger = self.parts.ledger.clone();
        let step = task.step;
        let statements = task.statements(self.database())?;
        let started = std::time::Instant::now();
        let kept = self.keep_settings(session, task).await?;
        let mut done = self.resume_at(session, task, &statements).await?;
        let mut record = self.record_of(task);
        let hash = hash_of(&statements[..done]);
        let begun = self.begun(task, &record, statements.len(), done, &hash);
        commit(session, &begun).await?;
        if task.is_backwards() && done == 0 && self.inner_functions(session, task).await? {
            // Nothing was set again for the statements yet, so nothing is lost here.
            self.start_afresh(session).await?;
        }
        script(session, step, self.publish(step, self.in_session())).await?;
        let result = self
            .remaining_with_keys_off(session, task, &statements, &mut done)
            .await;
        let given_back = self.give_back(session, &kept).await;
        let cleared = session.script(clear_audit(&ledger.tables)).await;
        result?;
        given_back?;
        cleared.map_err(|f| {
            db_error::database_error(self.database(), "clear the audit state", f.error)
        })?;
        // The statements may have made the session read-only.
        self.reset(session).await?;
        if !task.is_backwards() {
            self.inner_functions(session, task).await?;
        }
        record.duration_ms = Some(crate::lease::millis(started.elapsed()));
        commit(session, &self.done(task, &record)).await?;
        Ok(step_run(step, self.outcome(task)))
    }

    /// As [`remaining_statements`](Self::remaining_statements), on SQLite with its foreign keys
    /// off if the step asks for that.
    async fn remaining_with_keys_off(
        &self,
        session: &mut dyn Session,
        task: Task<'r>,
        statements: &[StepStatement],
        done: &mut usize,
    ) -> Result<(), Error> {
        if !task.step.foreign_keys_off(self.database()) {
            return self
                .remaining_statements(session, task, statements, done)
                .await;
        }
        let were_on = foreign_keys_off(session, task.step).await?;
        let mut result = self
            .remaining_statements(session, task, statements, done)
            .await;
        if result.is_ok() {
            result = refuse_orphans(session, task).await;
        }
        if were_on {
            script(session, task.step, "PRAGMA foreign_keys = ON".to_owned()).await?;
        }
        result
    }

    async fn remaining_statements(
        &self,
        session: &mut dyn Session,
        task: Task<'r>,
        statements: &[StepStatement],
        done: &mut usize,
    ) -> Result<(), Error> {
        let mut hash = hash_of(&statements[..*done]);
        while *done < statements.len() {
            self.parts.interrupt.check()?;
            self.renew(
                session,
                &format!("{}, statement {}", task.step.id, *done + 1),
            )
            .await?;
            let place = *done;
            hash = hash_with(&hash, &statements[place]);
            self.guarded(self.statement(session, task, statements, place, &hash))
                .await?;
            *done += 1;
            self.parts.reporter.send(&Event::Statement {
                step: task.step.id.clone(),
                index: *done,
                of: statements.len(),
                line: statements[place].line,
            });
        }
        Ok(())
    }

    /// One statement with its progress; `hash` is that of all statements up to it.
    async fn statement(
        &self,
        session: &mut dyn Session,
        task: Task<'r>,
        statements: &[StepStatement],
        place: usize,
        hash: &str,
    ) -> Result<(), Error> {
        let ledger = &self.parts.ledger;
        let database = self.database();
        let (app, name) = (task.step.id.app.as_str(), task.step.id.name.as_str());
        let statement = &statements[place];
        let progress = ledger.progress(app, name, place + 1, hash, task.state());
        let failed = |error| statement_failed(task, (place, statements.len()), statement, error);
        if classify(&statement.text, database) == Class::Transactional {
            return in_one_transaction(session, &statement.text, &progress, failed).await;
        }
        let intent = Intent {
            place,
            text: &statement.text,
            before: looks_done(session, &statement.text).await?,
        };
        commit(session, &[ledger.intent(app, name, Some(&intent))]).await?;
        if let Err(error) = session.script(statement.text.clone()).await {
            if failed_without_effect(&statement.text, database, &error.error) {
                commit(session, &[ledger.intent(app, name, None)]).await?;
            }
            return Err(failed(error.error));
        }
        commit(session, &[progress]).await
    }

    /// The data migrations that a non-atomic step runs, each in its own way; says whether there
    /// was one.
    async fn inner_functions(
        &mut self,
        session: &mut dyn Session,
        task: Task<'r>,
    ) -> Result<bool, Error> {
        let inner = self.inner_tasks(task);
        for &task in &inner {
            self.audit(task.step, true);
            let started = std::time::Instant::now();
            let run = match task.mode(self.database()) {
                Mode::Atomic => self.atomic_step(session, task).await,
                _ => self.non_atomic_function(session, task).await,
            };
            self.audit(task.step, false);
            match run {
                Ok(run) => self.finished(run),
                Err(error) => {
                    // Its own row says that it runs; the step around it fails after it.
                    self.record_failure(session, task, &error, started).await;
                    return Err(error);
                }
            }
        }
        Ok(!inner.is_empty())
    }
}

/// A statement and its progress row, committed together; on Postgres in one message.
async fn in_one_transaction(
    session: &mut dyn Session,
    sql: &str,
    progress: &Statement,
    failed: impl Fn(sqlx::Error) -> Error + Send,
) -> Result<(), Error> {
    let database = session.database();
    if database == Database::Postgres {
        let message = format!(
            "{};\n{sql}\n;\n{};\nCOMMIT",
            begin(database),
            progress.inline()
        );
        return match session.script(message).await {
            Ok(_) => Ok(()),
            Err(error) => {
                let _ = session.script("ROLLBACK".to_owned()).await;
                // One result before it is BEGIN's; the statement's own error is the second. After
                // three of them the COMMIT fails, on what the statement broke.
                let own = error.completed <= 1 || error.completed > 2 && is_deferred(&error.error);
                Err(if own {
                    failed(error.error)
                } else {
                    statement_error(database, Some(progress), error.error)
                })
            }
        };
    }
    if let Some(sql) = before_begin(database) {
        session
            .script(sql.to_owned())
            .await
            .map_err(|f| write_error(progress.tables(), f.error))?;
    }
    let mut body = WithProgress {
        sql,
        progress,
        failed,
    };
    match session.in_transaction(begin(database), &mut body).await {
        Ok(result) => result,
        Err(error) if is_deferred(&error) => Err((body.failed)(error)),
        Err(error) => Err(db_error::database_error(
            database,
            "begin or commit a statement's transaction",
            error,
        )),
    }
}

struct WithProgress<'p, F> {
    sql: &'p str,
    progress: &'p Statement,
    failed: F,
}

impl<F: Fn(sqlx::Error) -> Error + Send> TransactionBody for WithProgress<'_, F> {
    fn run<'s>(&'s mut self, session: &'s mut dyn Session) -> BoxFuture<'s, Result<(), Error>> {
        Box::pin(async move {
            let result = session.script(self.sql.to_owned()).await;
            result.map_err(|error| (self.failed)(error.error))?;
            execute(session, self.progress).await
        })
    }
}
