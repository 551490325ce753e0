//! Dry runs: the steps are executed, counted and rolled back, whatever their authors did.
//!
//! Nothing is written that stays, not even the lock: the token row is locked by the dry run's
//! own transaction, so no run can begin meanwhile. On MySQL and MariaDB it runs inside XA, where
//! the server refuses statements that would commit.

use std::collections::HashSet;

use migrate_source::Database;

use super::run::Runner;
use super::task::{Task, Work};
use crate::context::BoxFuture;
use crate::db_error::{self, Kind, database_error};
use crate::dialect::{before_begin, begin, clear_audit, create_ledger, create_schema};
use crate::domain::Step;
use crate::error::{Error, ErrorCode};
use crate::event::Event;
use crate::ledger::{Need, ledger_error};
use crate::report::{Action, DryRunReport, DryRunStep, Mode, NotTried, StepOutcome};
use crate::session::{Session, TransactionBody};

mod counts;

use counts::Counts;

/// Executes steps up to the first that cannot be rolled back here, and rolls all of it back.
pub(crate) async fn dry_run<'r>(
    runner: &Runner<'r>,
    session: &mut dyn Session,
    steps: &[&'r Step],
    ledger_exists: bool,
) -> Result<DryRunReport, Error> {
    let database = runner.database();
    let possible = steps
        .iter()
        .take_while(|step| obstacle(step, database).is_none())
        .count();
    let not_tried = steps[possible..]
        .iter()
        .enumerate()
        .map(|(i, step)| NotTried {
            step: step.id.clone(),
            reason: match obstacle(step, database) {
                Some(reason) => reason.to_owned(),
                None if i > 0 => format!("comes after `{}`", steps[possible].id),
                None => String::new(),
            },
        });
    let mut body = DryRun {
        runner,
        steps: &steps[..possible],
        ledger_exists,
        done: Vec::new(),
        outcome: Ok(()),
        counts: Counts::new(runner.parts.ledger.tables.clone()),
    };
    if possible > 0 {
        body.counts.start(session).await;
        let result = match database {
            Database::MySql => {
                let result = in_xa(session, &mut body).await;
                // Its variables outlive a rollback.
                let clear = clear_audit(&runner.parts.ledger.tables);
                let _ = session.script(clear).await;
                result
            }
            Database::Sqlite | Database::Postgres => in_transaction(session, &mut body).await,
        };
        body.counts.stop(session).await;
        result?;
    }
    let DryRun { done, outcome, .. } = body;
    outcome?;
    for step in &done {
        runner
            .parts
            .reporter
            .send(&Event::StepFinished(step.run.clone()));
    }
    Ok(DryRunReport {
        database,
        steps: done,
        not_tried: not_tried.collect(),
    })
}

/// Why a step cannot be rolled back on a database.
fn obstacle(step: &Step, database: Database) -> Option<&'static str> {
    match step.mode(database) {
        Mode::NonAtomic => Some("is not atomic: its statements commit as they go"),
        Mode::ImplicitCommit => Some("has DDL, which this database commits at once"),
        Mode::Atomic if step.foreign_keys_off(database) => {
            Some("switches foreign keys off, which SQLite cannot do inside a transaction")
        }
        Mode::Atomic => None,
    }
}

struct DryRun<'d, 'r> {
    runner: &'d Runner<'r>,
    steps: &'d [&'r Step],
    ledger_exists: bool,
    done: Vec<DryRunStep>,
    outcome: Result<(), Error>,
    counts: Counts,
}

impl DryRun<'_, '_> {
    async fn execute(&mut self, session: &mut dyn Session) -> Result<(), Error> {
        self.hold_lock(session).await?;
        let orphans = orphans(session).await?;
        let mut already = HashSet::new();
        let database = session.database();
        let of = self.steps.len();
        for (i, step) in self.steps.iter().enumerate() {
            self.runner.parts.interrupt.check()?;
            let started = Event::StepStarted {
                step: step.id.clone(),
                action: Action::Apply,
                index: i + 1,
                of,
                atomic: true,
            };
            self.runner.parts.reporter.send(&started);
            let before = self.counts.read(session).await?;
            self.runner.audit(step, true);
            let result = self
                .runner
                .guarded(self.runner.in_transaction(
                    session,
                    Task::new(step, Work::Run),
                    true,
                    &already,
                ))
                .await;
            self.runner.audit(step, false);
            let runs = result.map_err(|error| refused_commit(step, error))?;
            fire_deferred(session, step, orphans).await?;
            let after = self.counts.read(session).await?;
            for run in &runs {
                already.insert(run.step.to_string());
            }
            if let Some(mut run) = runs.into_iter().next_back() {
                run.outcome = StepOutcome::DryRun;
                let tables = after.tables_since(&before);
                let counted: u64 = tables
                    .iter()
                    .map(|t| t.inserted + t.updated + t.deleted)
                    .sum();
                self.done.push(DryRunStep {
                    run,
                    tables,
                    rows_total: after
                        .total_since(&before)
                        .filter(|total| database == Database::MySql || *total != counted),
                });
            }
        }
        Ok(())
    }

    /// Keeps runs out for as long as the transaction lasts.
    async fn hold_lock(&self, session: &mut dyn Session) -> Result<(), Error> {
        let tables = &self.runner.parts.ledger.tables;
        let database = tables.database();
        if !self.ledger_exists {
            if database == Database::MySql {
                return Ok(());
            }
            // Rolled back with everything else; the audit state needs its table.
            let mut script = create_ledger(tables);
            if database == Database::Postgres && tables.explicit {
                script.insert(0, create_schema(tables));
            }
            return session
                .script(script.join(";\n"))
                .await
                .map(drop)
                .map_err(|failed| {
                    ledger_error(
                        tables,
                        Need::Create,
                        "try the ledger's creation",
                        failed.error,
                    )
                });
        }
        let Some(seen) = crate::lease::look(session, tables)
            .await
            .map_err(|error| ledger_error(tables, Need::Look, "look at the lock", error))?
        else {
            return Ok(());
        };
        let status = seen.status(&crate::holder::Holder::this(""));
        if status.held && !status.dead && status.expires_in_ms.is_some_and(|left| left > 0) {
            return Err(busy(status.holder.as_deref().unwrap_or("another process")));
        }
        if database == Database::Sqlite {
            return Ok(());
        }
        let lock = format!(
            "SELECT 1 FROM {} WHERE id = 1 FOR UPDATE NOWAIT",
            tables.lock()
        );
        match session.script(lock).await {
            Ok(_) => Ok(()),
            Err(failed) if db_error::kind(&failed.error) == Kind::LockNotAvailable => {
                Err(busy("another process"))
            }
            Err(failed) => Err(ledger_error(
                tables,
                Need::Write,
                "lock the token row",
                failed.error,
            )),
        }
    }
}

fn busy(holder: &str) -> Error {
    Error::new(
        ErrorCode::LockHeld,
        format!("the migration lock is held by {holder}; a dry run would wait for its locks"),
    )
    .help("wait for the run to finish, then try again; `migrate lock status` shows it")
}

/// In XA the server refuses what would commit: MariaDB's ER_XAER_RMFAIL.
fn refused_commit(step: &Step, error: Error) -> Error {
    if !error.message().contains("XAER_RMFAIL") {
        return error;
    }
    Error::new(
        ErrorCode::DryRunImpossible,
        format!(
            "`{}` executes a statement that this database commits at once, so it cannot be tried and rolled back; the server refused it and nothing was changed",
            step.id
        ),
    )
    .help("declare the step `atomic = false`; a dry run then says that it cannot try it")
    .with_source(error)
}

/// Deferred constraints are checked at COMMIT, which never comes. `orphans` is how many rows
/// lacked their parent before the dry run.
async fn fire_deferred(
    session: &mut dyn Session,
    step: &Step,
    orphans_before: usize,
) -> Result<(), Error> {
    let would_fail = |why: String| {
        Error::new(
            ErrorCode::StepFailed,
            format!("`{}` would fail at COMMIT: {why}", step.id),
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
async fn orphans(session: &mut dyn Session) -> Result<usize, Error> {
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

/// The body of sqlx's transaction; its error is only the order to roll back.
impl TransactionBody for DryRun<'_, '_> {
    fn run<'s>(&'s mut self, session: &'s mut dyn Session) -> BoxFuture<'s, Result<(), Error>> {
        Box::pin(async move {
            self.outcome = self.execute(session).await;
            Err(Error::new(
                ErrorCode::Cancelled,
                "a dry run ends with a rollback",
            ))
        })
    }
}

async fn in_transaction(session: &mut dyn Session, body: &mut DryRun<'_, '_>) -> Result<(), Error> {
    let database = session.database();
    if let Some(first) = before_begin(database) {
        session
            .script(first.to_owned())
            .await
            .map_err(|f| database_error(database, "begin", f.error))?;
    }
    match session.in_transaction(begin(database), body).await {
        Ok(_) => Ok(()),
        Err(error) => Err(database_error(
            database,
            "begin the dry run's transaction",
            error,
        )),
    }
}

/// On MySQL and MariaDB: in XA, where the server refuses what would commit.
async fn in_xa(session: &mut dyn Session, body: &mut DryRun<'_, '_>) -> Result<(), Error> {
    let failed = |doing: &'static str| move |error| database_error(Database::MySql, doing, error);
    // Unique among the server's open XA transactions.
    let rows = session
        .query("SELECT CONNECTION_ID()", &[])
        .await
        .map_err(failed("ask for the session's number"))?;
    let id = rows.first().and_then(|row| row.int(0)).unwrap_or_default();
    let xid = format!("'migrate-dry-run-{id}'");
    let mut in_xa = InXa { body, xid: &xid };
    let begun = session
        .in_transaction(&format!("XA START {xid}"), &mut in_xa)
        .await;
    match begun {
        Ok(_) => Ok(()),
        // A server that does not report XA as a transaction; there a function's own begin()
        // is refused.
        Err(sqlx::Error::BeginFailed) => {
            let _ = in_xa.run(session).await;
            Ok(())
        }
        Err(error) => Err(failed("begin the dry run's XA transaction")(error)),
    }
}

/// Runs a dry run and ends its XA transaction, before sqlx sends a ROLLBACK that XA would refuse.
struct InXa<'x, 'd, 'r> {
    body: &'x mut DryRun<'d, 'r>,
    xid: &'x str,
}

impl TransactionBody for InXa<'_, '_, '_> {
    fn run<'s>(&'s mut self, session: &'s mut dyn Session) -> BoxFuture<'s, Result<(), Error>> {
        Box::pin(async move {
            let stop = self.body.run(session).await;
            // After a deadlock XA END fails, and XA ROLLBACK must come all the same.
            let _ = session.script(format!("XA END {}", self.xid)).await;
            let ended = session.script(format!("XA ROLLBACK {}", self.xid)).await;
            if let (Err(failed), true) = (ended, self.body.outcome.is_ok()) {
                let doing = "roll the dry run back";
                self.body.outcome = Err(database_error(Database::MySql, doing, failed.error));
            }
            stop
        })
    }
}
