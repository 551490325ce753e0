//! `unmark`, `accept`, `resolve`: the ledger changed on purpose, with a reason. `mark` stands in [`super::mark`].

use super::refuse::refuse_half_reverted;
use super::session::Opened;
use crate::context::BoxFuture;
use crate::domain::{History, LedgerRow, LedgerRows, RowState, listed};
use crate::error::{Error, ErrorCode};
use crate::exec::{commit, hash_with_text};
use crate::ledger::{Ledger, RunRow, Statement};
use crate::migrator::Migrator;
use crate::report::StepId;

impl Migrator<'_> {
    /// Forgets that a step was applied; its row is deleted, the history of runs stays. Where the
    /// next run is refused without it, because something else needs it, there is a warning, an
    /// [`Event::Warning`](crate::Event::Warning).
    ///
    /// # Errors
    ///
    /// [`ErrorCode::UnknownStep`] when nothing has that name, [`ErrorCode::NotPossible`] when the
    /// step is not recorded. [`ErrorCode::HalfReverted`] for a step whose way back has begun,
    /// unless a reason says that the rest was undone by hand.
    pub fn unmark<'a>(
        &'a self,
        name: &'a str,
        reason: Option<&'a str>,
    ) -> BoxFuture<'a, Result<(), Error>> {
        Box::pin(self.unmark_inner(name, reason))
    }

    async fn unmark_inner(&self, name: &str, reason: Option<&str>) -> Result<(), Error> {
        let history = self.checked_history()?;
        let opened = self.open().await?;
        let found = row_named(history, opened.ledger.rows(), name);
        let id = match found {
            Ok(id) => id,
            Err(error) => {
                opened.connection.close().await;
                return Err(error);
            }
        };
        let mut problems = Vec::new();
        let statements = |ledger: &Ledger, rows: &LedgerRows| {
            // Another process may have removed it while this one waited for the lock.
            let Some(row) = rows.find(&id) else {
                return Err(not_recorded(&id));
            };
            if reason.is_none() {
                refuse_half_reverted(Some(row))?;
            }
            // A squash is applied while all that it stands for is, and stands for it while its own
            // row is there.
            let squashes = history.squashes_of(&id).into_iter().cloned();
            let along = history.replaced_by(&id).into_iter().chain(squashes);
            let forgotten: Vec<&LedgerRow> = along
                .chain([id.clone()])
                .filter_map(|id| rows.find(&id))
                .collect();
            problems = self.problems_made(history, rows, &without(rows, &forgotten))?;
            let forget = |row: &&LedgerRow| {
                let (id, checksum) = (row.id(), Some(&*row.checksum));
                [
                    ledger.remove(&id.app, &id.name),
                    line(ledger, &id, "unmark", "removed", checksum, reason),
                ]
            };
            Ok(forgotten.iter().flat_map(forget).collect())
        };
        self.write(opened, history, statements).await?;
        for problem in problems {
            self.warn_of(format!("the next run is refused: {}", problem.message));
        }
        Ok(())
    }

    /// The recorded step that a name or the beginning of one means, also where this binary does
    /// not have it. Writes nothing.
    ///
    /// # Errors
    ///
    /// [`ErrorCode::UnknownStep`] when nothing has that name, [`ErrorCode::NotPossible`] when the
    /// step is not recorded.
    pub fn find_recorded<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<StepId, Error>> {
        Box::pin(self.find_recorded_inner(name))
    }

    async fn find_recorded_inner(&self, name: &str) -> Result<StepId, Error> {
        let history = self.checked_history()?;
        let opened = self.look().await?;
        let found = row_named(history, opened.ledger.rows(), name);
        opened.connection.close().await;
        found
    }

    /// Accepts an edited step: the ledger takes the checksum and text of this binary.
    ///
    /// # Errors
    ///
    /// [`ErrorCode::NotPossible`] when the step is not applied or not edited.
    pub fn accept<'a>(
        &'a self,
        name: &'a str,
        reason: &'a str,
    ) -> BoxFuture<'a, Result<(), Error>> {
        Box::pin(self.accept_inner(name, reason))
    }

    async fn accept_inner(&self, name: &str, reason: &str) -> Result<(), Error> {
        let history = self.checked_history()?;
        let step = history.find(name)?;
        let opened = self.open().await?;
        let database = opened.tables.database();
        let statements = |ledger: &Ledger, rows: &LedgerRows| {
            let row = rows.find(&step.id);
            let checksum = step.checksum(database);
            refuse_half_reverted(row)?;
            match row.filter(|row| row.is_applied()) {
                Some(row) if row.checksum == checksum => Err(not_possible(
                    &step.id,
                    "is applied as it stands in this binary; there is nothing to accept",
                )),
                None => Err(not_possible(
                    &step.id,
                    "is not applied; `migrate` runs it as it is now",
                )),
                Some(_) => Ok(vec![
                    ledger.accepted(&step.id.app, &step.id.name, checksum, step.source(database)),
                    line(
                        ledger,
                        &step.id,
                        "accept",
                        "recorded",
                        Some(checksum),
                        Some(reason),
                    ),
                ]),
            }
        };
        self.write(opened, history, statements).await
    }

    /// Says whether the statement at which a step was interrupted took effect, where only a
    /// person can tell ([`ErrorCode::NeedsReview`]).
    ///
    /// # Errors
    ///
    /// [`ErrorCode::NotPossible`] when the step was not interrupted in that way.
    pub fn resolve<'a>(
        &'a self,
        name: &'a str,
        statement_done: bool,
        reason: &'a str,
    ) -> BoxFuture<'a, Result<(), Error>> {
        Box::pin(self.resolve_inner(name, statement_done, reason))
    }

    async fn resolve_inner(
        &self,
        name: &str,
        statement_done: bool,
        reason: &str,
    ) -> Result<(), Error> {
        let history = self.checked_history()?;
        let step = history.find(name)?;
        let opened = self.open().await?;
        let statements = |ledger: &Ledger, rows: &LedgerRows| {
            let row = rows.find(&step.id);
            let (app, name) = (step.id.app.as_str(), step.id.name.as_str());
            let begun = row.filter(|row| !row.is_applied());
            let intent = begun.and_then(|row| Some((row, row.intent?, row.intent_text.as_ref()?)));
            let Some((row, place, text)) = intent else {
                return Err(not_possible(
                    &step.id,
                    "was not interrupted during a statement",
                ));
            };
            let state = match row.state {
                RowState::Reverting => RowState::Reverting,
                _ => RowState::Running,
            };
            let change = if statement_done {
                // What ran is the text of then, whatever the file says now.
                let before = row.done_hash.as_deref().unwrap_or_default();
                let hash = hash_with_text(before, text);
                ledger.progress(app, name, place + 1, &hash, state)
            } else {
                ledger.intent(app, name, None)
            };
            let outcome = if statement_done { "done" } else { "not_done" };
            Ok(vec![
                change,
                line(ledger, &step.id, "resolve", outcome, None, Some(reason)),
            ])
        };
        self.write(opened, history, statements).await
    }

    /// Takes the lock, decides on the rows as they are then, and writes in one transaction.
    pub(super) async fn write(
        &self,
        mut opened: Opened<'_, '_>,
        history: &History,
        statements: impl FnOnce(&Ledger, &LedgerRows) -> Result<Vec<Statement>, Error>,
    ) -> Result<(), Error> {
        let Opened {
            connection,
            tables,
            ledger,
        } = &mut opened;
        let session = connection.session();
        let entered = self
            .create_and_enter(session, tables, ledger, history)
            .await;
        let result = match entered {
            Ok((locked, _)) => {
                let runner = &locked.runner;
                let result = match statements(&runner.parts.ledger, &runner.rows) {
                    Ok(statements) if statements.is_empty() => Ok(()),
                    Ok(statements) => commit(session, &statements).await,
                    Err(error) => Err(error),
                };
                self.leave(session, tables, locked).await;
                result
            }
            Err(error) => Err(error),
        };
        opened.connection.close().await;
        result
    }
}

pub(super) fn line(
    ledger: &Ledger,
    id: &StepId,
    action: &str,
    outcome: &str,
    checksum: Option<&str>,
    reason: Option<&str>,
) -> Statement {
    ledger.run(&RunRow {
        app: &id.app,
        name: &id.name,
        action,
        outcome,
        duration_ms: None,
        rows: None,
        checksum,
        error: None,
        reason,
    })
}

/// The rows that are left without some of them.
fn without(rows: &LedgerRows, forgotten: &[&LedgerRow]) -> LedgerRows {
    let is_left = |row: &&LedgerRow| {
        let same = |gone: &&LedgerRow| (&gone.app, &gone.name) == (&row.app, &row.name);
        !forgotten.iter().any(same)
    };
    LedgerRows::new(rows.iter().filter(is_left).cloned().collect())
}

fn not_possible(id: &StepId, why: &str) -> Error {
    Error::new(ErrorCode::NotPossible, format!("`{id}` {why}"))
        .help("`migrate status` shows the state of every step")
}

fn not_recorded(id: &StepId) -> Error {
    not_possible(id, "is not recorded as applied; there is nothing to unmark")
}

/// A row by its name or a beginning of it: of a step of this binary, or one that only the database
/// knows.
fn row_named(history: &History, rows: &LedgerRows, name: &str) -> Result<StepId, Error> {
    let ids = |fits: fn(&str, &str) -> bool| -> Vec<StepId> {
        rows.iter()
            .map(LedgerRow::id)
            .filter(|id| match name.contains('.') {
                true => fits(&id.to_string(), name),
                false => fits(&id.name, name),
            })
            .collect()
    };
    let mut found = ids(|known, typed| known == typed);
    if found.is_empty() && !name.is_empty() {
        found = ids(|known, typed| known.starts_with(typed));
    }
    match found.as_slice() {
        [id] => Ok(id.clone()),
        [] => Err(not_recorded(&history.find(name)?.id)),
        [first, ..] => Err(Error::new(
            ErrorCode::AmbiguousStep,
            format!(
                "`{}` could be any of {}",
                name.escape_debug(),
                listed(&found)
            ),
        )
        .help(format!("say which: `migrate unmark {first}`"))),
    }
}
