//! A run under the lock: tasks in order, one failure at most, the lock given back on every path.

use std::collections::HashMap;
use std::future::Future;
use std::pin::pin;
use std::time::{Duration, Instant};

use migrate_source::Database;
use tracing::Instrument;

use super::commit::{commit, lost};
use super::failure::Failed;
use super::finished::Finished;
use super::reporter::{Reporter, survive};
use super::task::{Task, Work};
use crate::audit::{AuditEvent, AuditHook};
use crate::cancel::Canceller;
use crate::dialect::{Published, publish_audit};
use crate::domain::{History, LedgerRow, LedgerRows, Step};
use crate::error::{Error, ErrorCode};
use crate::event::Event;
use crate::heartbeat::Beat;
use crate::interrupt::Interrupt;
use crate::lease::{self, millis};
use crate::ledger::{Ledger, Need, Statement, ledger_error};
use crate::report::{Mode, StepId, StepOutcome, StepRun};
use crate::session::Session;

/// Everything a run needs besides its session.
pub(crate) struct RunnerParts<'r> {
    pub(crate) ledger: Ledger,
    pub(crate) history: &'r History,
    pub(crate) reporter: Reporter,
    pub(crate) interrupt: Interrupt,
    pub(crate) canceller: Canceller,
    pub(crate) lease: Duration,
    pub(crate) verbosity: u8,
    pub(crate) audit_hook: Option<AuditHook>,
    /// Whether the run renews the lease itself, because it has no heartbeat.
    pub(crate) renews: bool,
    /// On SQLite files: renews the lease while a function commits as it goes.
    pub(crate) beat: Option<Beat>,
    /// Whether each atomic SQL step begins with the session's own settings restored.
    pub(crate) reset: Option<String>,
}

/// Which steps share a transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Together {
    /// Each has its own.
    No,
    /// Each row of atomic steps, on a fresh SQLite database that nobody waits for.
    Rows,
    /// All of them, or nothing happens.
    All,
}

/// Executes tasks; see the files beside this one for the ways.
pub(crate) struct Runner<'r> {
    pub(crate) parts: RunnerParts<'r>,
    pub(crate) rows: LedgerRows,
    /// What was done in this run, in order.
    pub(crate) finished: Finished,
    /// Rows that go along with a step on the way back: a squash and what it stands for.
    pub(super) along: HashMap<StepId, Vec<StepId>>,
    /// The step that failed, once it had begun.
    pub(super) failed: Option<Failed>,
}

impl<'r> Runner<'r> {
    pub(crate) fn new(parts: RunnerParts<'r>, rows: LedgerRows) -> Self {
        Self {
            parts,
            rows,
            finished: Finished::default(),
            along: HashMap::new(),
            failed: None,
        }
    }

    pub(crate) fn database(&self) -> Database {
        self.parts.ledger.tables.database()
    }

    pub(crate) fn row(&self, id: &StepId) -> Option<&LedgerRow> {
        self.rows.find(id)
    }

    /// Does the tasks in order.
    pub(crate) async fn run(
        &mut self,
        session: &mut dyn Session,
        tasks: &[Task<'r>],
        together: Together,
    ) -> Result<(), Error> {
        self.share_out_squashes(tasks);
        let mut next = 0;
        while next < tasks.len() {
            let group = match together {
                Together::No => 0,
                Together::Rows => self.group_len(&tasks[next..]),
                Together::All => tasks.len(),
            };
            let result = if group > 1 {
                let group = &tasks[next..next + group];
                self.perform_group(session, group, (next, tasks.len()), together)
                    .await
            } else if self.undone_along(tasks[next]) {
                Ok(())
            } else {
                self.perform(session, tasks[next], next + 1, tasks.len())
                    .await
                    .map(drop)
            };
            if let Err(error) = result {
                return Err(self.failure(tasks, error));
            }
            next += group.max(1);
        }
        Ok(())
    }

    /// How many of the next steps can share a transaction.
    fn group_len(&self, tasks: &[Task<'_>]) -> usize {
        let database = self.database();
        let fits = |task: &&Task<'_>| {
            task.work == Work::Run
                && task.mode(database) == Mode::Atomic
                && !task.step.foreign_keys_off(database)
                && self.row(&task.step.id).is_none()
        };
        tasks.iter().take_while(fits).count()
    }

    /// Whether a step that is to go back went along with the step that runs it.
    pub(super) fn undone_along(&self, task: Task<'_>) -> bool {
        task.is_backwards() && self.finished.has(&task.step.id)
    }

    /// How a task is executed. What was begun statement by statement is finished so, whatever the
    /// text says now.
    pub(super) fn mode(&self, task: Task<'r>) -> Mode {
        let begun = task.work.executes()
            && self
                .interrupted_row(task)
                .is_some_and(|row| row.done > 0 || row.intent.is_some());
        if begun {
            Mode::NonAtomic
        } else {
            task.mode(self.database())
        }
    }

    /// Does one task in its way and records it.
    pub(crate) async fn perform(
        &mut self,
        session: &mut dyn Session,
        task: Task<'r>,
        index: usize,
        of: usize,
    ) -> Result<StepRun, Error> {
        self.parts.interrupt.check()?;
        let mode = self.mode(task);
        let executes = task.work.executes();
        // On SQLite the step's own transaction renews the lease: one commit, not two.
        if self.database() != Database::Sqlite || mode != Mode::Atomic || !executes {
            self.renew(session, &task.step.id.to_string()).await?;
        }
        if executes {
            self.started(task, index, of, mode == Mode::Atomic);
            self.audit(task.step, true);
        }
        let started = Instant::now();
        let span = tracing::info_span!("migration", step = %task.step.id);
        let result = self.execute(session, task, mode).instrument(span).await;
        if executes {
            self.audit(task.step, false);
        }
        match result {
            Ok(mut run) => {
                run.duration_ms = if executes {
                    millis(started.elapsed())
                } else {
                    0
                };
                self.finished(run.clone());
                Ok(run)
            }
            Err(error) => {
                let recorded = self.record_failure(session, task, &error, started);
                self.failed = Some(Failed {
                    still_applied: recorded.await,
                    step: task.step.id.clone(),
                });
                Err(error)
            }
        }
    }

    async fn execute(
        &mut self,
        session: &mut dyn Session,
        task: Task<'r>,
        mode: Mode,
    ) -> Result<StepRun, Error> {
        if !task.work.executes() {
            return self.only_record(session, task).await;
        }
        let sql = task.is_sql();
        // The one message of an atomic SQL step restores the settings itself.
        if !(sql && mode == Mode::Atomic && task.step.runs(self.database()).is_empty()) {
            self.start_afresh(session).await?;
        }
        match (sql, mode) {
            (true, Mode::Atomic) => self.atomic_sql(session, task).await,
            (true, _) => self.non_atomic_sql(session, task).await,
            (false, Mode::Atomic) => self.atomic_step(session, task).await,
            (false, _) => self.non_atomic_function(session, task).await,
        }
    }

    /// Changes the ledger and nothing else.
    async fn only_record(
        &mut self,
        session: &mut dyn Session,
        task: Task<'r>,
    ) -> Result<StepRun, Error> {
        let inner = self.recorded_along(task);
        let statements: Vec<Statement> = inner
            .iter()
            .chain([&task])
            .flat_map(|task| {
                let mut record = self.record_of(*task);
                record.duration_ms = Some(0);
                self.done(*task, &record)
            })
            .collect();
        commit(session, &statements).await?;
        for task in inner {
            self.finished(step_run(task.step, self.outcome(task)));
        }
        Ok(step_run(task.step, self.outcome(task)))
    }

    /// Announces a step that begins.
    pub(super) fn started(&self, task: Task<'_>, index: usize, of: usize, atomic: bool) {
        self.parts.reporter.send(&Event::StepStarted {
            step: task.step.id.clone(),
            action: task.reported(),
            index,
            of,
            atomic,
        });
    }

    /// Announces a step whose transaction has committed.
    pub(crate) fn finished(&mut self, run: StepRun) {
        self.parts.reporter.send(&Event::StepFinished(run.clone()));
        self.finished.push(run);
    }

    /// Tells the application's audit hook that a step begins or has ended.
    pub(crate) fn audit(&self, step: &Step, begins: bool) {
        if let Some(hook) = &self.parts.audit_hook {
            let event = AuditEvent::new(&step.id, !step.disable_audit, begins);
            survive("the audit hook", || hook(&event));
        }
    }

    /// What tells triggers that a step runs, and whether audit is on.
    pub(super) fn publish(&self, step: &Step, published: Published) -> String {
        let tables = &self.parts.ledger.tables;
        let name = step.id.to_string();
        publish_audit(tables, &name, !step.disable_audit, published)
    }

    /// Outside of a transaction. The lease bounds it where a heartbeat keeps the lease for as long
    /// as a step runs.
    pub(super) fn in_session(&self) -> Published {
        let kept = self.parts.beat.is_some();
        Published::InSession(kept.then_some(self.parts.ledger.token))
    }

    /// Where there is no heartbeat, the lease is renewed between statements.
    pub(crate) async fn renew(
        &self,
        session: &mut dyn Session,
        activity: &str,
    ) -> Result<(), Error> {
        if !self.parts.renews {
            return Ok(());
        }
        let ledger = &self.parts.ledger;
        let renewed = lease::renew(
            session,
            &ledger.tables,
            ledger.token,
            self.parts.lease,
            Some(activity),
        )
        .await;
        match renewed {
            Ok(true) => Ok(()),
            Ok(false) => Err(lost()),
            Err(error) => Err(ledger_error(
                &ledger.tables,
                Need::Write,
                "renew the lock",
                error,
            )),
        }
    }

    /// Waits for something the database does; a shutdown or a lost lock cancels it there.
    pub(crate) async fn guarded<T>(
        &self,
        work: impl Future<Output = Result<T, Error>>,
    ) -> Result<T, Error> {
        let mut work = pin!(work);
        let reason = tokio::select! {
            biased;
            // SQLite may have seen the flag before we do.
            done = &mut work => return done.map_err(|error| self.interrupted(error)),
            reason = self.parts.interrupt.raised() => reason,
        };
        // The statement ends with an error, unless it was about to end anyway. A function that
        // waits for something else than the database is dropped after a while.
        const GRACE: Duration = Duration::from_secs(5);
        let done = tokio::select! {
            done = tokio::time::timeout(GRACE, work) => done,
            never = self.keep_cancelling() => match never {},
        };
        match done {
            Ok(Ok(done)) => Ok(done),
            Ok(Err(error)) => Err(self.interrupted(error)),
            Err(_) => Err(reason.error()),
        }
    }

    /// Cancels again and again: a request that arrives before its statement has begun, or between
    /// two statements, is lost.
    async fn keep_cancelling(&self) -> std::convert::Infallible {
        const PAUSE: Duration = Duration::from_millis(200);
        loop {
            self.parts.canceller.cancel().await;
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// An error as it is, or the interrupt that is behind it.
    pub(super) fn interrupted(&self, error: Error) -> Error {
        match self.parts.interrupt.reason() {
            Some(reason) if !matches!(error.code(), ErrorCode::Cancelled | ErrorCode::LockLost) => {
                let stopped = reason.error().with_transaction_of(&error);
                stopped.because_of(error)
            }
            _ => error,
        }
    }
}

/// A result for a step; the caller fills in the time.
pub(super) fn step_run(step: &Step, outcome: StepOutcome) -> StepRun {
    StepRun {
        step: step.id.clone(),
        kind: step.kind(),
        outcome,
        duration_ms: 0,
        rows: None,
        result: None,
        refreshed: false,
        through: None,
    }
}
