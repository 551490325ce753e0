//! `status`: the state of every step, of the binary and of the database.

use std::collections::HashMap;

use migrate_source::Database;

use super::kind_of;
use crate::context::BoxFuture;
use crate::domain::{Effective, History, LedgerRow, LedgerRows, RowState, Step};
use crate::error::Error;
use crate::exec::task_problems;
use crate::goal::Request;
use crate::holder::Holder;
use crate::ledger::{Need, Tables, ledger_error};
use crate::migrator::Migrator;
use crate::ops::refuse::whole_route;
use crate::ops::run::tasks;
use crate::ops::session::Opened;
use crate::report::{Action, State, Status, StatusEntry, StepId, StepKind};
use crate::session::Session;

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

    pub(super) async fn status_opened(
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
                .map_err(|e| ledger_error(tables, Need::Look, "look at the lock", e))?;
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
        let policies = self.options.policies;
        let request = Request::default();
        let mut route = whole_route(history, rows, &request, policies, database, live)?;
        let unfit = task_problems(tasks(&route, &request), database);
        route.problems.extend(unfit);
        // A squash that is only recorded is none that runs.
        let applies = route.moves.iter().map(|planned| planned.action);
        let pending = applies.filter(|action| *action == Action::Apply).count();
        Ok(Status {
            database,
            ledger: ledger.is_present(),
            steps,
            pending,
            problems: route.problems,
            lock,
        })
    }
}

/// Every step of the binary and of the ledger, by app.
fn entries(
    history: &History,
    rows: &LedgerRows,
    failures: &HashMap<StepId, String>,
    database: Database,
    live_holder: bool,
) -> Vec<StatusEntry> {
    let effective = Effective::new(history, rows, None);
    let mut steps: Vec<StatusEntry> = Vec::new();
    for (order, step) in history.iter().enumerate() {
        // Its squash stands for it.
        if effective.folded_into(&step.id).is_some() {
            continue;
        }
        let row = rows.find(&step.id);
        let failure = failures
            .get(&step.id)
            .filter(|_| !row.is_some_and(LedgerRow::is_applied));
        let state = match row {
            None if effective.unrecorded(&step.id) => State::Unrecorded,
            row => state_of(step, row, database, live_holder, failure.is_some()),
        };
        let mut entry = entry(step.id.clone(), Some(step.kind()), state, row);
        entry.order = Some(order);
        entry.after.clone_from(&step.after);
        entry.description.clone_from(&step.description);
        entry.replaces.clone_from(&step.replaces);
        entry.split = effective.split(&step.id);
        entry.error = entry.error.or_else(|| failure.cloned());
        steps.push(entry);
    }
    for row in rows.iter() {
        let id = row.id();
        // The row of a step that a squash stands for is no loss.
        if history.get(&id).is_some() || history.stands_for(&id).is_some() {
            continue;
        }
        let state = match history.has_app(&row.app) {
            true => State::Missing,
            false => State::OtherApp,
        };
        steps.push(entry(id, kind_of(&row.kind), state, Some(row)));
    }
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
    database: Database,
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
        order: None,
        after: Vec::new(),
        replaces: Vec::new(),
        split: false,
        description: None,
        error: row_text(|row| &row.error),
    }
}

/// The failure of each step that came to nothing else since, by the history of runs.
async fn failures(
    session: &mut dyn Session,
    tables: &Tables,
) -> Result<HashMap<StepId, String>, Error> {
    let sql = format!(
        "SELECT app, name, outcome, error FROM {} WHERE outcome IN \
         ('failed', 'applied', 'recorded', 'reverted', 'removed') ORDER BY id",
        tables.runs()
    );
    let rows = session
        .query(&sql, &[])
        .await
        .map_err(|e| ledger_error(tables, Need::Look, "read the failures", e))?;
    let mut failures = HashMap::new();
    for row in &rows {
        let (Some(app), Some(name)) = (row.text(0), row.text(1)) else {
            continue;
        };
        let id = StepId::new(app, name);
        if row.text(2) == Some("failed") {
            failures.insert(id, row.text(3).unwrap_or_default().to_owned());
        } else {
            failures.remove(&id);
        }
    }
    Ok(failures)
}
