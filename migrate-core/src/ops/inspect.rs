//! `status`, `current`, `verify`, `list`, `history`: looking, with SELECT rights alone.

mod current;
mod status;

use super::session::Opened;
use crate::context::BoxFuture;
use crate::db_error::database_error;
use crate::dialect::timestamp_text;
use crate::domain::{History, LedgerRow, RowState, compare};
use crate::error::Error;
use crate::exec::{Task, Work, hash_of};
use crate::migrator::Migrator;
use crate::policy::{Policies, Policy};
use crate::report::{HistoryEntry, ListEntry, Problem, StepId, StepKind, VerifyReport};
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
        let mut problems = compare(history, opened.ledger.rows(), strict, database).problems;
        problems.extend(interrupted(history, opened.ledger.rows(), database)?);
        super::refuse::explain(&mut opened, history, &mut problems).await;
        let compared = opened
            .ledger
            .rows()
            .iter()
            .filter(|row| row.is_applied())
            .count();
        opened.connection.close().await;
        Ok(VerifyReport {
            database,
            compared,
            problems,
        })
    }

    /// Every step with when it was applied, newest first, pending ones last; `filter` is a part
    /// of the name, whatever its case. Writes nothing.
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
        let opened = self.look().await?;
        let rows = opened.ledger.rows();
        let mut entries: Vec<ListEntry> = rows
            .iter()
            .filter(|row| row.is_applied())
            .map(|row| {
                let id = StepId::new(&row.app, &row.name);
                ListEntry {
                    description: history.get(&id).and_then(|step| step.description.clone()),
                    kind: kind_of(&row.kind),
                    applied_at: row.applied_at.clone(),
                    step: id,
                }
            })
            .collect();
        entries.sort_by(|a, b| {
            b.applied_at
                .cmp(&a.applied_at)
                .then_with(|| a.step.cmp(&b.step))
        });
        let pending = history
            .iter()
            .filter(|step| !rows.find(&step.id).is_some_and(LedgerRow::is_applied));
        entries.extend(pending.map(|step| ListEntry {
            step: step.id.clone(),
            kind: Some(step.kind()),
            applied_at: None,
            description: step.description.clone(),
        }));
        if let Some(filter) = filter {
            let wanted = filter.to_lowercase();
            entries.retain(|entry| entry.step.to_string().to_lowercase().contains(&wanted));
        }
        opened.connection.close().await;
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
        let database = tables.database();
        opened.connection.close().await;
        let rows = result.map_err(|e| database_error(database, "read the history of runs", e))?;
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

fn kind_of(text: &str) -> Option<StepKind> {
    match text {
        "sql" | "squash" => Some(StepKind::Sql),
        "data" => Some(StepKind::Data),
        _ => None,
    }
}

/// Interrupted steps whose finished statements differ from this binary's.
fn interrupted(
    history: &History,
    rows: &[LedgerRow],
    database: migrate_source::Database,
) -> Result<Vec<Problem>, Error> {
    let mut problems = Vec::new();
    for row in rows.iter().filter(|row| !row.is_applied() && row.done > 0) {
        let id = StepId::new(&row.app, &row.name);
        let Some(step) = history.get(&id) else {
            continue;
        };
        let work = match row.state {
            RowState::Reverting => Work::Undo,
            _ => Work::Run,
        };
        let statements = Task::new(step, work).statements(database)?;
        let same = statements
            .get(..row.done)
            .is_some_and(|done| row.done_hash.as_deref() == Some(&hash_of(done)));
        if !same {
            problems.push(Problem {
                code: crate::error::ErrorCode::StepEdited,
                step: Some(id.clone()),
                message: format!(
                    "`{id}` was interrupted after {} statements, and those differ in this binary",
                    row.done
                ),
                help: vec!["put the statements that ran back as they were".to_owned()],
            });
        }
    }
    Ok(problems)
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
