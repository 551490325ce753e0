//! Calling a data migration: its context, its panics, its check afterwards.

use std::panic::AssertUnwindSafe;
use std::time::Duration;

use futures_util::FutureExt;
use migrate_source::Database;

use super::commit::{commit, lost};
use super::run::{Runner, step_run};
use super::task::{Task, Work, doing, to_correct};
use crate::context::{ErasedStepFn, StepOutput, StepRequest, StepRequestHandle};
use crate::db_error;
use crate::dialect::clear_audit;
use crate::domain::{Body, Step};
use crate::embedded::FunctionStep;
use crate::error::{Error, ErrorCode, StepError};
use crate::report::StepRun;
use crate::session::{Session, is_in_transaction};

/// The savepoint around a function in an atomic step. If it is gone afterwards, the function
/// ended our transaction, which must never pass unnoticed.
const SAVEPOINT: &str = "migrate_function";

impl<'r> Runner<'r> {
    /// Calls the function in the open transaction, then its check, and makes sure that the
    /// transaction is still the same one.
    pub(super) async fn function_in_transaction(
        &self,
        session: &mut dyn Session,
        task: Task<'r>,
        function: &FunctionStep,
        dry_run: bool,
    ) -> Result<StepOutput, Error> {
        let which = task.call(function)?;
        open_savepoint(session, task.step).await?;
        let output = match self.call(session, task, which, dry_run).await {
            Ok(output) => self
                .check_afterwards(session, task, function, dry_run)
                .await
                .map(|()| output),
            Err(error) => Err(error),
        };
        match output {
            Ok(output) => close_savepoint(session, task).await.map(|()| output),
            Err(error) => Err(after_failure(session, task, error).await),
        }
    }

    /// Runs a function whose statements commit as they go, and records it afterwards.
    pub(super) async fn non_atomic_function(
        &self,
        session: &mut dyn Session,
        task: Task<'r>,
    ) -> Result<StepRun, Error> {
        let step = task.step;
        let Body::Function(function) = step.body else {
            return Err(Error::new(
                ErrorCode::InvalidStep,
                format!("`{}` is no function", step.id),
            ));
        };
        let mut record = self.record_of(task);
        // While it is forced to run again it stays applied.
        if task.is_backwards() || !self.is_applied(&step.id) {
            commit(session, &self.begun(task, &record, 0, 0, "")).await?;
        }
        let started = std::time::Instant::now();
        let output = self.call_committing(session, task, function).await?;
        record.duration_ms = Some(crate::lease::millis(started.elapsed()));
        record.rows = output.rows;
        record.result = output.text.as_deref();
        commit(session, &self.done(task, &record)).await?;
        let mut run = step_run(step, self.outcome(task));
        run.rows = output.rows;
        run.result = output.text.clone();
        run.refreshed = task.work == Work::Force && self.is_applied(&step.id);
        Ok(run)
    }

    /// Calls a function that commits as it goes, with the lease kept and audit published around
    /// it, and makes sure that it left no transaction open.
    async fn call_committing(
        &self,
        session: &mut dyn Session,
        task: Task<'r>,
        function: &FunctionStep,
    ) -> Result<StepOutput, Error> {
        let (step, which) = (task.step, task.call(function)?);
        let step_name = step.id.to_string();
        let tables = &self.parts.ledger.tables;
        script(session, step, self.publish(step, self.in_session())).await?;
        let kept = self.keep_settings(session, task).await?;
        // After other statements of the step, the lease may be about to end.
        self.renew(session, &step_name).await?;
        let started = std::time::Instant::now();
        let beating = self.parts.beat.clone().map(|beat| beat.start(started));
        let output = self.guarded(self.call(session, task, which, false)).await;
        let checked = match output {
            Ok(output) => self
                .check_afterwards(session, task, function, false)
                .await
                .map(|()| output),
            Err(error) => Err(error),
        };
        drop(beating);
        // What a function forgot to commit must not pass for done, nor be committed by our record.
        let tidied = async {
            let left_open = is_in_transaction(session).await;
            if left_open {
                let _ = session.script("ROLLBACK".to_owned()).await;
            }
            let given_back = self.give_back(session, &kept).await;
            let cleared = session.script(clear_audit(tables)).await;
            (left_open, given_back, cleared)
        };
        // A statement that could not be cancelled still occupies the session.
        const PATIENCE: Duration = Duration::from_secs(5);
        let (output, (left_open, given_back, cleared)) = match checked {
            Ok(output) => (output, tidied.await),
            Err(error) => {
                let _ = tokio::time::timeout(PATIENCE, tidied).await;
                return Err(error);
            }
        };
        given_back?;
        if left_open {
            return Err(transaction_left_open(task));
        }
        if let Err(failed) = cleared {
            return Err(db_error::database_error(
                self.database(),
                "clear the audit state",
                failed.error,
            ));
        }
        // The function may have made its session read-only.
        self.reset(session).await?;
        Ok(output)
    }

    /// Calls one function; a panic is that step's failure.
    async fn call(
        &self,
        session: &mut dyn Session,
        task: Task<'r>,
        which: &dyn ErasedStepFn,
        dry_run: bool,
    ) -> Result<StepOutput, Error> {
        let step = task.step;
        let name = step.id.to_string();
        let request = StepRequest {
            dry_run,
            verbosity: self.parts.verbosity,
            step: &name,
            reporter: &self.parts.reporter,
        };
        let Some(call) = which.call(session, StepRequestHandle(request)) else {
            return Err(Error::new(
                ErrorCode::WrongDatabase,
                format!("`{}` is not written for this database", step.id),
            ));
        };
        match AssertUnwindSafe(call).catch_unwind().await {
            Ok(Ok(output)) => Ok(output),
            Ok(Err(error)) => Err(failed(task, error)),
            Err(panic) => Err(panicked(task, panic.as_ref())),
        }
    }

    async fn check_afterwards(
        &self,
        session: &mut dyn Session,
        task: Task<'r>,
        function: &FunctionStep,
        dry_run: bool,
    ) -> Result<(), Error> {
        // It is a check of what the function does, not of what its way back leaves.
        let Some(verify) = function.verify.filter(|_| !task.is_backwards()) else {
            return Ok(());
        };
        let step = task.step;
        self.call(session, task, verify, dry_run)
            .await
            .map(drop)
            .map_err(|error| {
                Error::new(
                    ErrorCode::VerifyFailed,
                    format!("the check of `{}` failed: {}", step.id, error.message()),
                )
                .help(format!(
                    "the check is the `verify` function of {}",
                    step.location
                ))
                .with_source(error)
            })
    }
}

fn failed(task: Task<'_>, error: StepError) -> Error {
    let source = error.into_source();
    let text = match source.downcast_ref::<sqlx::Error>() {
        Some(error) => db_error::redacted(error),
        None => crate::redact::redact(&source.to_string()),
    };
    Error::new(
        ErrorCode::StepFailed,
        format!("{} ({}) failed: {text}", doing(task), task.step.location),
    )
    .help(format!(
        "correct {} or the data, then run the command again",
        to_correct(task)
    ))
    .with_source(source)
}

fn panicked(task: Task<'_>, panic: &(dyn std::any::Any + Send)) -> Error {
    let text = panic
        .downcast_ref::<&str>()
        .map(|text| (*text).to_owned())
        .or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "without a message".to_owned());
    Error::new(
        ErrorCode::StepPanicked,
        format!(
            "{} ({}) panicked: {}",
            doing(task),
            task.step.location,
            crate::redact::redact(&text)
        ),
    )
    .help("return an error instead of panicking; then run the command again")
}

/// Marks the open transaction, so that [`close_savepoint`] finds out whether it is still the same.
pub(super) async fn open_savepoint(session: &mut dyn Session, step: &Step) -> Result<(), Error> {
    script(session, step, format!("SAVEPOINT {SAVEPOINT}")).await
}

/// Fails when the transaction was ended since [`open_savepoint`].
pub(super) async fn close_savepoint(
    session: &mut dyn Session,
    task: Task<'_>,
) -> Result<(), Error> {
    let released = session.script(format!("RELEASE SAVEPOINT {SAVEPOINT}"));
    match released.await {
        Ok(_) => Ok(()),
        Err(failed) => Err(transaction_ended(task, &failed.error)),
    }
}

/// The error of a function, which also says whether the transaction was ended since
/// [`open_savepoint`]: then not all of the function is rolled back.
async fn after_failure(session: &mut dyn Session, task: Task<'_>, error: Error) -> Error {
    // In contrast to RELEASE this is possible after a statement of the transaction has failed.
    let back = || format!("ROLLBACK TO SAVEPOINT {SAVEPOINT}");
    let mut result = session.script(back()).await;
    if result.is_err() {
        // A request to cancel the function may have come too late for it, and have hit this.
        result = session.script(back()).await;
    }
    match result {
        Ok(_) => error,
        // What is committed then, only the next run can read.
        Err(failed) if db_error::kind(&failed.error) == db_error::Kind::ConnectionLost => error,
        // There a deadlock rolls the whole transaction back, and the savepoint with it.
        Err(_) if session.database() == Database::MySql && was_deadlock(&error) => error,
        Err(_) => error.having_ended_transaction().help(not_atomic(task)),
    }
}

fn was_deadlock(error: &Error) -> bool {
    let first = std::error::Error::source(error);
    let mut causes = std::iter::successors(first, |cause| cause.source());
    causes.any(|cause| {
        let told = cause.downcast_ref::<sqlx::Error>();
        told.is_some_and(|told| db_error::kind(told) == db_error::Kind::Retry)
    })
}

fn transaction_left_open(task: Task<'_>) -> Error {
    let step = task.step;
    let (what, recorded) = match task.is_backwards() {
        false => ("", "not recorded"),
        true => ("the `reverse` of ", "half undone"),
    };
    Error::new(
        ErrorCode::StepFailed,
        format!(
            "{what}`{}` ({}) is not atomic and returned with a transaction of its own still open; that was rolled back, and the step is {recorded}",
            step.id, step.location
        ),
    )
    .help("end every transaction that the function begins, best with `cx.conn().begin()` and `commit()`")
}

fn transaction_ended(task: Task<'_>, error: &sqlx::Error) -> Error {
    let text = db_error::redacted(error);
    let (step, doing) = (task.step, doing(task));
    match db_error::kind(error) {
        db_error::Kind::NoSavepoint => {
            let (what, recorded) = match task.is_backwards() {
                false => ("", "not recorded"),
                true => ("the way back of ", "still recorded as applied"),
            };
            let error = Error::new(
                ErrorCode::StepFailed,
                format!(
                    "{what}`{}` ({}) is atomic but ended the transaction it was given, by COMMIT, ROLLBACK or (on MySQL) by DDL; what it did before that may be committed, and the step is {recorded}: {text}",
                    step.id, step.location
                ),
            );
            error
                .having_ended_transaction()
                .of_way_back(task.is_down())
                .help(not_atomic(task))
        }
        db_error::Kind::NotNull => lost(),
        _ => Error::new(
            ErrorCode::StepFailed,
            format!(
                "{doing} ({}) left its transaction in a state that cannot be committed: {text}",
                step.location
            ),
        )
        .help("an error of a statement must be returned, or the statement wrapped in a savepoint: `cx.conn().begin()`"),
    }
}

/// How a step that ends its transaction is written.
fn not_atomic(task: Task<'_>) -> String {
    let header = "write `-- migrate: atomic = false` as the first line of the file";
    match (task.is_sql(), task.is_backwards()) {
        (false, false) => {
            "write `atomic = false` into its attribute, or leave COMMIT, ROLLBACK and DDL out of it"
                .to_owned()
        }
        (false, true) => format!(
            "look at what is left of its effect: put it back, then write `atomic = false` into its attribute, or leave COMMIT, ROLLBACK and DDL out of its `reverse`, and run the command again; or undo the rest by hand, then forget it: `migrate unmark {} --why \"..\"`",
            task.step.id
        ),
        (true, false) => {
            format!("{header}, or leave what ends the transaction out of it")
        }
        (true, true) => format!(
            "look at what is left of its effect: put it back, then {header}, and run the command again"
        ),
    }
}

/// One statement of ours around a step.
pub(super) async fn script(
    session: &mut dyn Session,
    step: &Step,
    sql: String,
) -> Result<(), Error> {
    let database = session.database();
    session.script(sql).await.map(drop).map_err(|failed| {
        db_error::database_error(database, &format!("prepare `{}`", step.id), failed.error)
    })
}

/// Whether a database needs the published audit state cleared inside the transaction.
pub(super) fn clears_in_transaction(database: Database) -> bool {
    match database {
        // `SET LOCAL` ends with the transaction.
        Database::Postgres => false,
        Database::Sqlite | Database::MySql => true,
    }
}
