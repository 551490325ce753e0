//! What the ledger is told of a step that is done: its row and a line of history, or that its row
//! is gone; with it those of squashes and of what they stand for.

use std::collections::HashSet;

use super::run::Runner;
use super::task::{Task, Work};
use crate::domain::{LedgerRow, RowState};
use crate::ledger::{Applied, RunRow, Statement};
use crate::report::{Mode, StepId, StepOutcome};

impl<'r> Runner<'r> {
    /// The ledger's record of a step, without what only its execution tells.
    pub(super) fn record_of(&self, task: Task<'r>) -> Applied<'r> {
        let (step, database) = (task.step, self.database());
        Applied {
            app: &step.id.app,
            name: &step.id.name,
            kind: step.kind_text(),
            checksum: step.checksum(database),
            source: step.source(database),
            duration_ms: None,
            rows: None,
            result: None,
            faked: task.work == Work::Fake,
            action: task.work.action(),
        }
    }

    /// What is written when a task is done, in the order of writing.
    pub(super) fn done(&self, task: Task<'r>, record: &Applied<'_>) -> Vec<Statement> {
        if task.is_backwards() {
            return self.undone(task, record);
        }
        let ledger = &self.parts.ledger;
        let mut statements = Vec::new();
        if task.work == Work::Record {
            statements.extend(self.recorded(record));
            return statements;
        }
        // Before the squash itself, so that it counts as the one that was applied last.
        let (history, database) = (self.parts.history, self.database());
        for id in &history.replaced_by(&task.step.id) {
            let known = history.get(id);
            statements.extend(self.recorded(&Applied {
                app: &id.app,
                name: &id.name,
                kind: known.map_or("sql", |step| step.kind_text()),
                checksum: known.map_or("", |step| step.checksum(database)),
                source: known.map_or("", |step| step.source(database)),
                duration_ms: Some(0),
                rows: None,
                result: None,
                faked: record.faked,
                action: Work::Record.action(),
            }));
        }
        statements.extend(ledger.applied(record));
        statements
    }

    /// A row for a step that was not executed itself.
    fn recorded(&self, record: &Applied<'_>) -> [Statement; 2] {
        let ledger = &self.parts.ledger;
        let [row, _] = ledger.applied(record);
        let line = ledger.run(&RunRow {
            app: record.app,
            name: record.name,
            action: record.action,
            outcome: "recorded",
            duration_ms: None,
            rows: None,
            checksum: Some(record.checksum),
            error: None,
            reason: None,
        });
        [row, line]
    }

    /// The rows go; the lines of history, which are fenced, stay.
    fn undone(&self, task: Task<'r>, record: &Applied<'_>) -> Vec<Statement> {
        let ledger = &self.parts.ledger;
        // What is undone statement by statement removed the others when it began.
        let along = self.gone_along(task);
        let at_once = along.is_empty() || self.mode(task) == Mode::Atomic;
        let mut statements = match at_once {
            true => along,
            false => Vec::new(),
        };
        // A squash may be applied without a row of its own, because all that it replaces is.
        if !at_once || self.row(&task.step.id).is_some() {
            statements.push(ledger.remove(record.app, record.name));
        }
        statements.push(ledger.run(&RunRow {
            app: record.app,
            name: record.name,
            action: record.action,
            outcome: "reverted",
            duration_ms: record.duration_ms,
            rows: record.rows,
            checksum: Some(record.checksum),
            error: None,
            reason: None,
        }));
        statements
    }

    /// Says which rows go along with which task on the way back: with a squash those of all that
    /// it replaces; with a step that it replaces its own, since it is not all applied any more.
    pub(super) fn share_out_squashes(&mut self, tasks: &[Task<'r>]) {
        let history = self.parts.history;
        let mut taken: HashSet<StepId> = tasks.iter().map(|task| task.step.id.clone()).collect();
        for task in tasks.iter().filter(|task| task.is_backwards()) {
            let id = &task.step.id;
            let squashes = history.squashes_of(id).into_iter().cloned();
            let along: Vec<StepId> = history
                .replaced_by(id)
                .into_iter()
                .chain(squashes)
                .filter(|id| self.row(id).is_some() && taken.insert(id.clone()))
                .collect();
            if !along.is_empty() {
                self.along.insert(id.clone(), along);
            }
        }
    }

    /// Removes the rows that go along with a task.
    fn gone_along(&self, task: Task<'r>) -> Vec<Statement> {
        let ledger = &self.parts.ledger;
        let ids = self.along.get(&task.step.id).into_iter().flatten();
        ids.filter_map(|id| self.row(id))
            .flat_map(|row| {
                let line = RunRow {
                    app: &row.app,
                    name: &row.name,
                    action: task.work.action(),
                    outcome: "removed",
                    duration_ms: None,
                    rows: None,
                    checksum: Some(&row.checksum),
                    error: None,
                    reason: None,
                };
                [ledger.remove(&row.app, &row.name), ledger.run(&line)]
            })
            .collect()
    }

    /// What is written when a task begins that is not done in one transaction: that it runs, or
    /// that its way back does, and how far an earlier attempt had come.
    pub(super) fn begun(
        &self,
        task: Task<'r>,
        record: &Applied<'_>,
        total: usize,
        done: usize,
        hash: &str,
    ) -> Vec<Statement> {
        let ledger = &self.parts.ledger;
        let (app, name) = (record.app, record.name);
        let progress = ledger.progress(app, name, done, hash, task.state());
        if !task.is_backwards() {
            return vec![ledger.running(record, total), progress];
        }
        let mut statements = Vec::new();
        // A squash that is applied because all that it replaces is: from here on its own row says
        // how far its way back is, and the others would say that they are applied.
        if self.row(&task.step.id).is_none() {
            let squash = Applied {
                duration_ms: Some(0),
                action: Work::Record.action(),
                ..record.clone()
            };
            statements.extend(self.recorded(&squash));
        }
        statements.extend(self.gone_along(task));
        statements.push(ledger.reverting(app, name, total));
        statements.push(progress);
        statements
    }

    /// The row that an attempt left which did not come to its end.
    pub(super) fn interrupted_row(&self, task: Task<'r>) -> Option<&LedgerRow> {
        self.row(&task.step.id).filter(|row| task.began(row))
    }

    /// Whether a step is applied: before this run and in it.
    pub(crate) fn is_applied(&self, id: &StepId) -> bool {
        match self.finished.last(id).map(|run| run.outcome) {
            Some(StepOutcome::Reverted | StepOutcome::FakeReverted) => false,
            Some(_) => true,
            None => self.row(id).is_some_and(LedgerRow::is_applied),
        }
    }

    /// What a task's outcome is called: the same work is an application, a resumption or a
    /// forced re-run.
    pub(super) fn outcome(&self, task: Task<'r>) -> StepOutcome {
        match task.work {
            Work::Force => StepOutcome::Forced,
            Work::Fake => StepOutcome::Faked,
            Work::Record => StepOutcome::Recorded,
            Work::Undo => StepOutcome::Reverted,
            Work::FakeUndo => StepOutcome::FakeReverted,
            Work::Run if self.interrupted_row(task).is_some_and(|row| row.done > 0) => {
                StepOutcome::Resumed
            }
            Work::Run => StepOutcome::Applied,
        }
    }
}

impl Task<'_> {
    /// The state of its row while it is under way.
    pub(super) fn state(self) -> RowState {
        if self.is_backwards() {
            RowState::Reverting
        } else {
            RowState::Running
        }
    }
}
