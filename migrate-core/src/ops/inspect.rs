//! `status`, `verify`, `list`, `history`: looking, with SELECT rights alone.

use std::collections::HashMap;

use super::session::Opened;
use crate::context::BoxFuture;
use crate::db_error::database_error;
use crate::dialect::timestamp_text;
use crate::domain::{History, LedgerRow, LedgerRows, RowState, Step, compare};
use crate::error::Error;
use crate::exec::{hash_of, statement_texts};
use crate::holder::Holder;
use crate::ledger::Tables;
use crate::migrator::Migrator;
use crate::policy::{Policies, Policy};
use crate::report::{
    HistoryEntry, ListEntry, Problem, State, Status, StatusEntry, StepId, StepKind, VerifyReport,
};
use crate::session::{Row, Session};

impl Migrator<'_> {
    /// The state of every step, of the binary and of the database. Writes nothing.
    ///
    /// # Errors
    ///
    /// That the database cannot be read.
    pub fn status(&self) -> BoxFuture<'_, Result<Status, Error>> {
        Box::pin(self.status_inner())
    }

    async fn status_inner(&self) -> Result<Status, Error> {
        let history = self.checked_history()?;
        let mut opened = self.look().await?;
        let result = self.status_opened(&mut opened, history).await;
        opened.connection.close().await;
        result
    }

    async fn status_opened(
        &self,
        opened: &mut Opened<'_, '_>,
        history: &History,
    ) -> Result<Status, Error> {
        let Opened {
            connection,
            tables,
            ledger,
        } = opened;
        let database = tables.database();
        let session = connection.session();
        let (lock, failures) = if ledger.is_present() {
            let seen = crate::lease::look(session, tables)
                .await
                .map_err(|e| database_error(database, "look at the lock", e))?;
            let lock = seen.map(|seen| seen.status(&Holder::this("")));
            (
                lock.filter(|lock| lock.held),
                failures(session, tables).await?,
            )
        } else {
            (None, HashMap::new())
        };
        let live = lock.as_ref().is_some_and(|lock| !lock.dead);
        let rows = ledger.rows();
        let steps = entries(history, rows, &failures, database, live);
        let pending = compare(history, rows, self.options.policies, database)
            .pending
            .len();
        Ok(Status {
            database,
            ledger: ledger.is_present(),
            steps,
            pending,
            lock,
        })
    }

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

/// Every step of the binary and of the ledger, by app.
fn entries(
    history: &History,
    rows: &LedgerRows,
    failures: &HashMap<StepId, String>,
    database: migrate_source::Database,
    live_holder: bool,
) -> Vec<StatusEntry> {
    let mut steps: Vec<StatusEntry> = history
        .iter()
        .map(|step| {
            let row = rows.find(&step.id);
            let failure = failures
                .get(&step.id)
                .filter(|_| !row.is_some_and(LedgerRow::is_applied));
            let state = state_of(step, row, database, live_holder, failure.is_some());
            let mut entry = entry(step.id.clone(), Some(step.kind()), state, row);
            entry.description = step.description.clone();
            entry.replaces = step.replaces.clone();
            entry.error = entry.error.or_else(|| failure.cloned());
            entry
        })
        .collect();
    let unknown = rows
        .iter()
        .filter(|row| history.get(&StepId::new(&row.app, &row.name)).is_none());
    steps.extend(unknown.map(|row| {
        entry(
            StepId::new(&row.app, &row.name),
            kind_of(&row.kind),
            State::Missing,
            Some(row),
        )
    }));
    let place = |app: &str| {
        history
            .apps()
            .iter()
            .position(|known| known == app)
            .unwrap_or(usize::MAX)
    };
    // Stable: within an app the order of execution stays.
    steps.sort_by_key(|entry| place(&entry.step.app));
    steps
}

fn state_of(
    step: &Step,
    row: Option<&LedgerRow>,
    database: migrate_source::Database,
    live_holder: bool,
    failed: bool,
) -> State {
    match row.map(|row| (row.state, row)) {
        Some((RowState::Applied, row)) if !step.accepts(database, &row.checksum) => State::Edited,
        Some((RowState::Applied, _)) => State::Applied,
        Some((RowState::Running, _)) if live_holder => State::Running,
        Some((RowState::Running, _)) => State::Interrupted,
        Some((RowState::Failed, _)) => State::Failed,
        Some((RowState::Reverting, _)) => State::HalfReverted,
        None if failed => State::Failed,
        None if step.manual => State::Manual,
        None => State::Pending,
    }
}

fn entry(
    step: StepId,
    kind: Option<StepKind>,
    state: State,
    row: Option<&LedgerRow>,
) -> StatusEntry {
    let row_text =
        |field: fn(&LedgerRow) -> &Option<String>| row.and_then(|row| field(row).clone());
    StatusEntry {
        step,
        kind,
        state,
        applied_at: row_text(|row| &row.applied_at),
        duration_ms: row.and_then(|row| row.duration_ms),
        rows: row.and_then(|row| row.rows),
        statements: row
            .filter(|row| row.total > 0 && !row.is_applied())
            .map(|row| (row.done, row.total)),
        faked: row.is_some_and(|row| row.faked),
        replaces: Vec::new(),
        description: None,
        error: row_text(|row| &row.error),
    }
}

fn kind_of(text: &str) -> Option<StepKind> {
    match text {
        "sql" | "squash" => Some(StepKind::Sql),
        "data" => Some(StepKind::Data),
        _ => None,
    }
}

/// The last failure of each step, by the history of runs.
async fn failures(
    session: &mut dyn Session,
    tables: &Tables,
) -> Result<HashMap<StepId, String>, Error> {
    let sql = format!(
        "SELECT app, name, error FROM {} WHERE outcome = 'failed' ORDER BY id",
        tables.runs()
    );
    let rows = session
        .query(&sql, &[])
        .await
        .map_err(|e| database_error(tables.database(), "read the failures", e))?;
    let failure = |row: &Row| {
        Some((
            StepId::new(row.text(0)?, row.text(1)?),
            row.text(2).unwrap_or_default().to_owned(),
        ))
    };
    Ok(rows.iter().filter_map(failure).collect())
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
        let statements = statement_texts(step, database)?;
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
