//! A run under the lock: steps in order, one failure at most, the lock given back on every path.

use std::future::Future;
use std::pin::pin;
use std::time::{Duration, Instant};

use migrate_source::Database;
use tracing::Instrument;

use super::commit::lost;
use super::reporter::{Reporter, survive};
use crate::audit::{AuditEvent, AuditHook};
use crate::cancel::Canceller;
use crate::db_error::database_error;
use crate::dialect::{Published, publish_audit};
use crate::domain::{Body, History, LedgerRow, LedgerRows, Step};
use crate::error::{Error, ErrorCode};
use crate::event::Event;
use crate::heartbeat::Beat;
use crate::interrupt::Interrupt;
use crate::lease::{self, millis};
use crate::ledger::Ledger;
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

/// Executes steps; see the files beside this one for the ways.
pub(crate) struct Runner<'r> {
    pub(crate) parts: RunnerParts<'r>,
    pub(crate) rows: LedgerRows,
    pub(crate) applied: Vec<StepRun>,
}

impl<'r> Runner<'r> {
    pub(crate) fn new(parts: RunnerParts<'r>, rows: LedgerRows) -> Self {
        Self {
            parts,
            rows,
            applied: Vec::new(),
        }
    }

    pub(crate) fn database(&self) -> Database {
        self.parts.ledger.tables.database()
    }

    pub(crate) fn row(&self, id: &StepId) -> Option<&LedgerRow> {
        self.rows.find(id)
    }

    /// Whether a step is applied: before this run or in it.
    pub(crate) fn is_applied(&self, id: &StepId) -> bool {
        self.row(id).is_some_and(LedgerRow::is_applied)
            || self.applied.iter().any(|run| run.step == *id)
    }

    /// Runs the steps in order. `together`: a fresh SQLite database takes each row of atomic
    /// steps in one transaction.
    pub(crate) async fn run(
        &mut self,
        session: &mut dyn Session,
        steps: &[&'r Step],
        together: bool,
    ) -> Result<(), Error> {
        let mut next = 0;
        while next < steps.len() {
            let group = if together {
                self.group_len(&steps[next..])
            } else {
                0
            };
            let result = if group > 1 {
                self.apply_group(session, &steps[next..next + group], next, steps.len())
                    .await
            } else {
                self.apply(session, steps[next], next + 1, steps.len(), "run")
                    .await
                    .map(drop)
            };
            if let Err(error) = result {
                return Err(self.failure(steps, error));
            }
            next += group.max(1);
        }
        Ok(())
    }

    /// How many of the next steps can share a transaction.
    fn group_len(&self, steps: &[&Step]) -> usize {
        let database = self.database();
        let fits = |step: &&&Step| {
            step.mode(database) == Mode::Atomic
                && !step.foreign_keys_off(database)
                && self.row(&step.id).is_none()
        };
        steps.iter().take_while(fits).count()
    }

    /// Applies one step in its way and records it.
    pub(crate) async fn apply(
        &mut self,
        session: &mut dyn Session,
        step: &'r Step,
        index: usize,
        of: usize,
        action: &'static str,
    ) -> Result<StepRun, Error> {
        self.parts.interrupt.check()?;
        let database = self.database();
        // What was begun statement by statement is finished so, whatever the text says now.
        let begun = self
            .row(&step.id)
            .is_some_and(|row| !row.is_applied() && (row.done > 0 || row.intent.is_some()));
        let mode = if begun {
            Mode::NonAtomic
        } else {
            step.mode(database)
        };
        // On SQLite the step's own transaction renews the lease: one commit, not two.
        if database != Database::Sqlite || mode != Mode::Atomic {
            self.renew(session, &step.id.to_string()).await?;
        }
        self.started(step, index, of, mode == Mode::Atomic);
        self.audit(step, true);
        let started = Instant::now();
        let span = tracing::info_span!("migration", step = %step.id);
        let result = self
            .execute(session, step, mode, action)
            .instrument(span)
            .await;
        self.audit(step, false);
        match result {
            Ok(mut run) => {
                run.duration_ms = millis(started.elapsed());
                self.finished(run.clone());
                Ok(run)
            }
            Err(error) => {
                self.record_failure(session, step, action, &error, started)
                    .await;
                Err(error)
            }
        }
    }

    async fn execute(
        &mut self,
        session: &mut dyn Session,
        step: &'r Step,
        mode: Mode,
        action: &'static str,
    ) -> Result<StepRun, Error> {
        let sql = matches!(step.body, Body::Sql { .. });
        // The one message of an atomic SQL step restores the settings itself.
        if !(sql && mode == Mode::Atomic && step.runs(self.database()).is_empty()) {
            self.start_afresh(session).await?;
        }
        match (&step.body, mode) {
            (Body::Sql { .. }, Mode::Atomic) => self.atomic_sql(session, step, action).await,
            (Body::Sql { .. }, _) => self.non_atomic_sql(session, step).await,
            (Body::Function(_), Mode::Atomic) => self.atomic_step(session, step, action).await,
            (Body::Function(_), _) => self.non_atomic_function(session, step, action).await,
        }
    }

    /// Announces a step that begins.
    pub(super) fn started(&self, step: &Step, index: usize, of: usize, atomic: bool) {
        self.parts.reporter.send(&Event::StepStarted {
            step: step.id.clone(),
            index,
            of,
            atomic,
        });
    }

    /// Announces a step whose transaction has committed.
    pub(crate) fn finished(&mut self, run: StepRun) {
        self.parts.reporter.send(&Event::StepFinished(run.clone()));
        self.applied.push(run);
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
            Err(error) => Err(database_error(self.database(), "renew the lock", error)),
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
                reason.error().with_source(error)
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
    }
}
