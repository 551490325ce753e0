//! `status`, `current`, `verify`, `list`, `history`: looking, with SELECT rights alone.

mod current;
mod status;

use std::collections::HashMap;

use super::session::Opened;
use crate::context::BoxFuture;
use crate::dialect::timestamp_text;
use crate::domain::{History, LedgerRow, LedgerRows, RowState, Step, route};
use crate::error::{Error, ErrorCode};
use crate::exec::{Task, Work, interrupted_problems};
use crate::goal::Request;
use crate::ledger::{Need, ledger_error};
use crate::migrator::Migrator;
use crate::policy::{Policies, Policy};
use crate::report::{
    HistoryEntry, ListEntry, Problem, State, StatusEntry, StepId, StepKind, VerifyReport,
};
use crate::session::Row;

impl Migrator<'_> {
    /// Compares every applied step with this binary, without leniency. Writes nothing.
    ///
    /// # Errors
    ///
    /// That the database cannot be read; differences are in the report.
    pub fn verify(&self) -> BoxFuture<'_, Result<VerifyReport, Error>> {
        Box::pin(self.verify_inner())
    }

    async fn verify_inner(&self) -> Result<VerifyReport, Error> {
        let history = self.checked_history()?;
        let mut opened = self.look().await?;
        let database = opened.tables.database();
        let strict = Policies {
            edited: Policy::Deny,
            missing: Policy::Deny,
            newer: Policy::Deny,
            out_of_order: Policy::Deny,
        };
        let rows = opened.ledger.rows();
        let mut problems = match route(history, rows, &Request::default(), strict, database) {
            Ok(route) => route.problems,
            Err(error) => {
                opened.connection.close().await;
                return Err(error);
            }
        };
        let begun = history.iter().map(|step| {
            let back = rows
                .find(&step.id)
                .is_some_and(|row| row.state == RowState::Reverting);
            Task::new(step, if back { Work::Undo } else { Work::Run })
        });
        let is_edit = |problem: &Problem| problem.code == ErrorCode::StepEdited;
        let interrupted = interrupted_problems(begun, rows, database);
        problems.extend(interrupted.into_iter().filter(is_edit));
        super::refuse::explain(&mut opened, history, &mut problems).await;
        let applied = opened.ledger.rows().iter().filter(|row| row.is_applied());
        let (own, others): (Vec<_>, Vec<_>) = applied.partition(|row| history.has_app(&row.app));
        let (compared, others) = (own.len(), others.len());
        opened.connection.close().await;
        Ok(VerifyReport {
            database,
            compared,
            others,
            problems,
        })
    }

    /// Every step with when it was applied, newest first, the others last; `filter` is a part of
    /// the name, whatever its case. Writes nothing.
    ///
    /// # Errors
    ///
    /// That the database cannot be read.
    pub fn list<'a>(
        &'a self,
        filter: Option<&'a str>,
    ) -> BoxFuture<'a, Result<Vec<ListEntry>, Error>> {
        Box::pin(self.list_inner(filter))
    }

    async fn list_inner(&self, filter: Option<&str>) -> Result<Vec<ListEntry>, Error> {
        let history = self.checked_history()?;
        let mut opened = self.look().await?;
        let status = self.status_opened(&mut opened, history).await;
        let rows = opened.ledger.rows().clone();
        opened.connection.close().await;
        let mut entries = listed(status?.steps, &rows, history);
        if let Some(filter) = filter {
            let wanted = filter.to_lowercase();
            entries.retain(|entry| entry.step.to_string().to_lowercase().contains(&wanted));
        }
        Ok(entries)
    }

    /// Everything that was ever done, newest first. Writes nothing.
    ///
    /// # Errors
    ///
    /// That the database cannot be read.
    pub fn history<'a>(
        &'a self,
        filter: Option<&'a str>,
    ) -> BoxFuture<'a, Result<Vec<HistoryEntry>, Error>> {
        Box::pin(self.history_inner(filter))
    }

    async fn history_inner(&self, filter: Option<&str>) -> Result<Vec<HistoryEntry>, Error> {
        let mut opened = self.look().await?;
        let Opened {
            connection,
            tables,
            ledger,
        } = &mut opened;
        let result = if ledger.is_present() {
            let sql = format!(
                "SELECT id, app, name, action, outcome, {}, duration_ms, rows_affected, checksum, \
                 error, reason, host, pid, app_version FROM {} ORDER BY id DESC",
                timestamp_text(tables.database(), "at"),
                tables.runs()
            );
            connection.session().query(&sql, &[]).await
        } else {
            Ok(Vec::new())
        };
        let tables = tables.clone();
        opened.connection.close().await;
        let doing = "read the history of runs";
        let rows = result.map_err(|e| ledger_error(&tables, Need::Look, doing, e))?;
        let wanted = filter.map(str::to_lowercase);
        Ok(rows
            .iter()
            .filter_map(history_entry)
            .filter(|entry| {
                let name = entry.step.to_string().to_lowercase();
                wanted.as_ref().is_none_or(|wanted| name.contains(wanted))
            })
            .collect())
    }
}

/// What is applied, newest first, then the other steps; of steps with one time, which may be of one
/// transaction, the later in the history is newer.
fn listed(steps: Vec<StatusEntry>, rows: &LedgerRows, history: &History) -> Vec<ListEntry> {
    let states: HashMap<&StepId, State> = steps
        .iter()
        .map(|entry| (&entry.step, entry.state))
        .collect();
    let applied = rows.iter().filter(|row| row.is_applied()).map(|row| {
        let id = row.id();
        ListEntry {
            description: history.get(&id).and_then(|step| step.description.clone()),
            kind: kind_of(&row.kind),
            // Without an entry of its own, because a squash stands for it.
            state: states.get(&id).copied().unwrap_or(State::Applied),
            applied_at: row.applied_at.clone(),
            step: id,
        }
    });
    let mut entries: Vec<ListEntry> = applied.collect();
    let places: HashMap<&StepId, usize> = history.iter().map(Step::id).zip(0..).collect();
    let place = |entry: &ListEntry| places.get(&entry.step).copied();
    entries.sort_by(|a, b| {
        b.applied_at
            .cmp(&a.applied_at)
            .then_with(|| place(b).cmp(&place(a)))
            .then_with(|| a.step.cmp(&b.step))
    });
    let is_applied = |id: &StepId| rows.find(id).is_some_and(LedgerRow::is_applied);
    let waiting = steps.into_iter().filter(|entry| !is_applied(&entry.step));
    entries.extend(waiting.map(|entry| ListEntry {
        step: entry.step,
        kind: entry.kind,
        state: entry.state,
        applied_at: None,
        description: entry.description,
    }));
    entries
}

fn kind_of(text: &str) -> Option<StepKind> {
    match text {
        "sql" | "squash" => Some(StepKind::Sql),
        "data" => Some(StepKind::Data),
        _ => None,
    }
}

fn history_entry(row: &Row) -> Option<HistoryEntry> {
    let text = |column: usize| row.text(column).map(str::to_owned);
    let count = |column: usize| row.int(column).and_then(|n| u64::try_from(n).ok());
    Some(HistoryEntry {
        id: row.int(0)?,
        step: StepId::new(row.text(1)?, row.text(2)?),
        action: text(3)?,
        outcome: text(4)?,
        at: text(5)?,
        duration_ms: count(6),
        rows: count(7),
        checksum: text(8),
        error: text(9),
        reason: text(10),
        host: text(11)?,
        pid: row.int(12)?,
        app_version: text(13)?,
    })
}
