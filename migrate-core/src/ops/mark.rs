//! `mark`: a step that a person says is applied is recorded, unless every run would be refused then.

use migrate_source::Database;
use serde::Serialize;

use super::records::line;
use super::refuse::refuse_half_reverted;
use crate::context::BoxFuture;
use crate::domain::{Effective, History, LedgerRow, LedgerRows, RowState, Step, listed, route};
use crate::error::{Error, ErrorCode};
use crate::event::Event;
use crate::goal::Request;
use crate::heartbeat::Activity;
use crate::ledger::{Applied, Ledger, Statement};
use crate::migrator::Migrator;
use crate::report::{Problem, StepId, StepKind};

/// What [`Migrator::mark`] did.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Marked {
    /// It was recorded as applied.
    Recorded,
    /// It was recorded before.
    AlreadyApplied,
}

impl Migrator<'_> {
    /// Records a step as applied without running it. What it comes after should be applied:
    /// otherwise there is a warning, an [`Event::Warning`].
    ///
    /// # Errors
    ///
    /// An unknown name: a typing error is never recorded. [`ErrorCode::HalfReverted`] for a step
    /// whose way back has begun, unless a reason says that it was put back by hand.
    /// [`ErrorCode::OutOfOrder`], [`ErrorCode::InconsistentHistory`],
    /// [`ErrorCode::SquashIncomplete`]: the next run would be refused with that, because
    /// something else is not applied.
    pub fn mark<'a>(
        &'a self,
        name: &'a str,
        reason: Option<&'a str>,
    ) -> BoxFuture<'a, Result<Marked, Error>> {
        Box::pin(self.mark_inner(name, reason))
    }

    async fn mark_inner(&self, name: &str, reason: Option<&str>) -> Result<Marked, Error> {
        let history = self.checked_history()?;
        let step = history.find(name)?;
        let opened = self.open().await?;
        let decided = self.decide(history, step, opened.ledger.rows(), reason);
        // Nothing is created for what is refused anyway.
        if !matches!(decided, Ok(Some(_))) {
            opened.connection.close().await;
            return decided.map(|_| Marked::AlreadyApplied);
        }
        let database = opened.tables.database();
        let mut marked = Marked::Recorded;
        let mut warning = None;
        let statements = |ledger: &Ledger, rows: &LedgerRows| {
            // Another process may have changed it while this one waited for the lock.
            let Some(decided) = self.decide(history, step, rows, reason)? else {
                marked = Marked::AlreadyApplied;
                return Ok(Vec::new());
            };
            warning = decided.warning;
            let ids = decided.ids.iter();
            Ok(ids
                .flat_map(|id| marked_by_hand(ledger, history, id, database, reason))
                .collect())
        };
        self.write(opened, history, statements).await?;
        if let Some(message) = warning {
            self.warn_of(message);
        }
        Ok(marked)
    }

    /// What is to be recorded; nothing if the step is applied.
    fn decide(
        &self,
        history: &History,
        step: &Step,
        rows: &LedgerRows,
        reason: Option<&str>,
    ) -> Result<Option<Decided>, Error> {
        let row = rows.find(&step.id);
        if row.is_some_and(LedgerRow::is_applied) {
            return Ok(None);
        }
        if reason.is_none() {
            refuse_half_reverted(row)?;
        }
        // A squash is applied with all that it stands for.
        let replaced = history.replaced_by(&step.id).into_iter();
        let ids: Vec<StepId> = replaced
            .chain([step.id.clone()])
            .filter(|id| !rows.find(id).is_some_and(LedgerRow::is_applied))
            .collect();
        let new = self.problems_made(history, rows, &with(history, rows, &ids))?;
        let missing = missing(step, history, rows);
        match new.is_empty() {
            true => Ok(Some(Decided {
                ids,
                warning: comes_before(step, &missing),
            })),
            false => Err(refused(history, step, missing, &new)),
        }
    }
}

impl Migrator<'_> {
    /// What a run would refuse with the second rows, and not with the first.
    pub(super) fn problems_made(
        &self,
        history: &History,
        before: &LedgerRows,
        after: &LedgerRows,
    ) -> Result<Vec<Problem>, Error> {
        let (policies, database) = (self.options.policies, self.target.database());
        let problems = |rows: &LedgerRows| {
            let request = Request::default();
            route(history, rows, &request, policies, database).map(|route| route.problems)
        };
        let before = problems(before)?;
        let mut new = problems(after)?;
        new.retain(|new| {
            let same = |old: &Problem| (old.code, &old.step) == (new.code, &new.step);
            !before.iter().any(same)
        });
        Ok(new)
    }

    /// Tells whoever watches.
    pub(super) fn warn_of(&self, message: String) {
        let reporter = self.reporter(Activity::default());
        reporter.send(&Event::Warning { message });
    }
}

/// What `mark` records.
struct Decided {
    ids: Vec<StepId>,
    warning: Option<String>,
}

/// The rows as they are once these steps are recorded.
fn with(history: &History, rows: &LedgerRows, ids: &[StepId]) -> LedgerRows {
    let last = rows.iter().map(|row| row.seq).max().unwrap_or_default();
    let new = ids.iter().zip(last + 1..).map(|(id, seq)| {
        let kind = history.get(id).map_or("sql", |step| step.kind_text());
        LedgerRow::bare(id, kind, RowState::Applied, seq)
    });
    let is_new = |row: &&LedgerRow| {
        ids.iter()
            .any(|id| id.app == row.app && id.name == row.name)
    };
    let old = rows.iter().filter(|row| !is_new(row)).cloned();
    LedgerRows::new(old.chain(new).collect())
}

/// What a step comes directly after and is not applied.
pub(super) fn missing(step: &Step, history: &History, rows: &LedgerRows) -> Vec<StepId> {
    let effective = Effective::new(history, rows, None);
    let missing = step.after.iter().filter(|id| !effective.applied(id));
    missing.cloned().collect()
}

/// What is worth a warning where a step is recorded that comes after others.
pub(super) fn comes_before(step: &Step, missing: &[StepId]) -> Option<String> {
    let (names, are) = match missing {
        [] => return None,
        [only] => (format!("`{only}`"), "is"),
        several => (listed(several), "are"),
    };
    Some(format!(
        "`{}` is recorded, but {names}, which it comes after, {are} not applied",
        step.id
    ))
}

/// The error for a step whose record would stop every run.
fn refused(history: &History, step: &Step, mut missing: Vec<StepId>, new: &[Problem]) -> Error {
    let id = &step.id;
    let code = new.first().map_or(ErrorCode::NotPossible, |new| new.code);
    let late = new.iter().filter(|new| new.code == ErrorCode::OutOfOrder);
    let late = late.filter_map(|new| new.step.clone());
    // A data migration that is not applied stops nothing.
    let is_sql = |id: &StepId| {
        history
            .get(id)
            .is_some_and(|step| step.kind() == StepKind::Sql)
    };
    missing.retain(is_sql);
    missing.extend(late);
    missing.sort_unstable();
    missing.dedup();
    let other = new.iter().find(|new| {
        !matches!(
            new.code,
            ErrorCode::OutOfOrder | ErrorCode::InconsistentHistory
        )
    });
    // What a squash stands for may come after something that the squash itself does not name.
    let unnamed = new.first().filter(|_| missing.is_empty());
    if let Some(problem) = other.or(unnamed) {
        let error = Error::new(
            problem.code,
            format!(
                "`{id}` is not recorded, because every run would be refused then: {}",
                problem.message
            ),
        );
        let help = problem.help.iter();
        return help.fold(error, |error, help| error.help(help.clone()));
    }
    let (names, are) = match missing.as_slice() {
        [only] => (format!("`{only}`"), "is"),
        several => (listed(several), "are"),
    };
    let error = Error::new(
        code,
        format!(
            "`{id}` is not recorded: it comes after {names}, which {are} not applied, so every run would be refused then"
        ),
    );
    let error = error.help(format!(
        "if the effect of all that it comes after is there: `migrate {} {} --fake` records all of it",
        id.app, id.name
    ));
    let error = missing.iter().fold(error, |error, id| {
        error.help(format!(
            "if that of `{id}` alone is there: `migrate mark {id}`"
        ))
    });
    match new.iter().all(|new| new.code == ErrorCode::OutOfOrder) {
        true => error.help(format!(
            "if it is right as it is: `migrate mark {id} --out-of-order allow`, and the same for the runs that follow"
        )),
        false => error,
    }
}

/// A row for a step that a person says is applied, and the line of history.
fn marked_by_hand(
    ledger: &Ledger,
    history: &History,
    id: &StepId,
    database: Database,
    reason: Option<&str>,
) -> [Statement; 2] {
    let known = history.get(id);
    let checksum = known.map_or("", |step| step.checksum(database));
    let [row, _] = ledger.applied(&Applied {
        app: &id.app,
        name: &id.name,
        kind: known.map_or("sql", |step| step.kind_text()),
        checksum,
        source: known.map_or("", |step| step.source(database)),
        duration_ms: Some(0),
        rows: None,
        result: None,
        faked: true,
        action: "mark",
    });
    [
        row,
        line(ledger, id, "mark", "recorded", Some(checksum), reason),
    ]
}
