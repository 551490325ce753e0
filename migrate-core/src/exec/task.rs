//! What is done with one step: run it, undo it, or only change what the ledger says of it.
//!
//! The ways of execution take a [`Task`] and not a bare step, so that each exists once for both
//! directions.

use migrate_source::Database;
use migrate_source::classify::{Class, classify};

use super::steps::{StepStatement, split, statement_texts};
use crate::context::ErasedStepFn;
use crate::domain::{Body, LedgerRow, Move, RowState, Step};
use crate::embedded::FunctionStep;
use crate::error::{Error, ErrorCode};
use crate::goal::Fake;
use crate::report::{Action, Direction, Mode};

/// What is done with a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Work {
    /// Executed and recorded.
    Run,
    /// As [`Run`](Self::Run), although it is recorded already.
    Force,
    /// Recorded without being executed.
    Fake,
    /// A squash is recorded whose replaced steps are.
    Record,
    /// Its way back is executed, and its record removed.
    Undo,
    /// Its record is removed.
    FakeUndo,
}

impl Work {
    /// What the history of runs calls it.
    pub(crate) fn action(self) -> &'static str {
        match self {
            Self::Run => "run",
            Self::Force => "force",
            Self::Fake => "fake",
            Self::Record => "squash",
            Self::Undo => "undo",
            Self::FakeUndo => "fake_undo",
        }
    }

    pub(crate) fn direction(self) -> Direction {
        match self {
            Self::Undo | Self::FakeUndo => Direction::Backwards,
            Self::Run | Self::Force | Self::Fake | Self::Record => Direction::Forwards,
        }
    }

    /// Whether anything of the step itself is executed.
    pub(crate) fn executes(self) -> bool {
        matches!(self, Self::Run | Self::Force | Self::Undo)
    }
}

/// One step and what is done with it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Task<'r> {
    pub(crate) step: &'r Step,
    pub(crate) work: Work,
}

impl<'r> Task<'r> {
    pub(crate) fn new(step: &'r Step, work: Work) -> Self {
        Self { step, work }
    }

    /// What a planned move means for a request.
    pub(crate) fn of(planned: &Move<'r>, fake: Fake) -> Self {
        let work = match (planned.action, fake) {
            (Action::Record, _) => Work::Record,
            (Action::Apply, Fake::All) => Work::Fake,
            (Action::Apply, _) => Work::Run,
            (Action::Revert, Fake::All) => Work::FakeUndo,
            (Action::Revert, _) => Work::Undo,
        };
        Self::new(planned.step, work)
    }

    /// The same work on a data migration that the step runs.
    pub(super) fn inner(self, step: &'r Step) -> Self {
        let work = match self.work {
            Work::Run | Work::Force | Work::Record => Work::Run,
            Work::Undo | Work::Fake | Work::FakeUndo => self.work,
        };
        Self::new(step, work)
    }

    pub(super) fn is_backwards(self) -> bool {
        self.work.direction() == Direction::Backwards
    }

    /// What watchers are told.
    pub(super) fn reported(self) -> Action {
        match self.work {
            Work::Run | Work::Force | Work::Fake => Action::Apply,
            Work::Record => Action::Record,
            Work::Undo | Work::FakeUndo => Action::Revert,
        }
    }

    /// The SQL of this direction; none for a function, and for a step without a way back.
    pub(super) fn sql(self, database: Database) -> &'r str {
        let text = self.step.text_for(database);
        match (text, self.is_backwards()) {
            (None, _) => "",
            (Some(text), false) => &text.parsed.up,
            (Some(text), true) => text.down.as_ref().map_or("", |down| &down.sql),
        }
    }

    /// The file, for a function with its line.
    pub(crate) fn location(self, database: Database) -> &'r str {
        let down = self
            .step
            .text_for(database)
            .filter(|_| self.is_backwards())
            .and_then(|text| text.down.as_ref());
        match down {
            Some(down) => &down.location,
            None => self.step.location_on(database),
        }
    }

    /// Whether the way back stands in the file of the step, which the step's checksum covers; one
    /// in a file of its own has no checksum.
    pub(super) fn down_in_its_file(self, database: Database) -> bool {
        let text = self.step.text_for(database);
        text.is_some_and(|text| {
            let down = text.down.as_ref();
            down.is_some_and(|down| down.location == text.location)
        })
    }

    /// The statements of this direction; none for a function.
    ///
    /// # Errors
    ///
    /// [`ErrorCode::Irreversible`] for the way back of a step that has none.
    pub(crate) fn statements(self, database: Database) -> Result<Vec<StepStatement>, Error> {
        if !self.is_backwards() {
            return statement_texts(self.step, database);
        }
        let Some(text) = self.step.text_for(database) else {
            return Ok(Vec::new());
        };
        if let Some(down) = &text.down {
            return split(&down.location, &down.sql, database);
        }
        // What does nothing is undone by doing nothing.
        let nothing = split(&text.location, &text.parsed.up, database)?.is_empty();
        if nothing {
            Ok(Vec::new())
        } else {
            Err(irreversible(self.step))
        }
    }

    /// What is called of a function.
    ///
    /// # Errors
    ///
    /// As [`statements`](Self::statements).
    pub(super) fn call(self, function: &FunctionStep) -> Result<&'static dyn ErasedStepFn, Error> {
        if self.is_backwards() {
            function.reverse.ok_or_else(|| irreversible(self.step))
        } else {
            Ok(function.run)
        }
    }

    /// How it is executed on a database, unless an earlier attempt has begun it otherwise.
    pub(crate) fn mode(self, database: Database) -> Mode {
        if !self.work.executes() {
            return Mode::Atomic;
        }
        if !self.is_backwards() {
            return self.step.mode(database);
        }
        if !self.step.atomic {
            return Mode::NonAtomic;
        }
        if database != Database::MySql {
            return Mode::Atomic;
        }
        let statements = self.statements(database).unwrap_or_default();
        // What does not show what it runs may commit as well.
        let commits = statements.iter().any(|statement| {
            matches!(
                classify(&statement.text, database),
                Class::ImplicitCommit | Class::Opaque { .. }
            )
        });
        if commits {
            Mode::ImplicitCommit
        } else {
            Mode::Atomic
        }
    }

    /// Whether a row is what an attempt of this work left that did not come to its end.
    pub(super) fn began(self, row: &LedgerRow) -> bool {
        match row.state {
            RowState::Applied => false,
            RowState::Running | RowState::Failed => !self.is_backwards(),
            RowState::Reverting => self.is_backwards(),
        }
    }

    pub(super) fn is_sql(self) -> bool {
        matches!(self.step.body, Body::Sql { .. })
    }

    /// Whether what runs is the SQL of a way back.
    pub(super) fn is_down(self) -> bool {
        self.is_sql() && self.is_backwards()
    }
}

fn irreversible(step: &Step) -> Error {
    let id = &step.id;
    let error = Error::new(
        ErrorCode::Irreversible,
        format!("`{id}` ({}) has no way back", step.location),
    );
    let error = match step.body {
        Body::Sql { .. } => {
            error.help("write one below `-- migrate: down`, or in a `.down.sql` file beside it")
        }
        Body::Function(_) => error.help("write one: `#[data_migration(reverse = ..)]`"),
    };
    error.help("or, if its effect is gone already, only forget it: `migrate undo --fake`")
}

/// What was done, as an error begins that says how it ended.
pub(super) fn doing(task: Task<'_>) -> String {
    let id = &task.step.id;
    if task.is_backwards() {
        format!("undoing `{id}`")
    } else {
        format!("`{id}`")
    }
}

/// What is to be corrected after a failure: the part of the step that ran.
pub(super) fn to_correct(task: Task<'_>) -> &'static str {
    match (task.is_sql(), task.is_backwards()) {
        (true, false) => "the file",
        (true, true) => "the way back",
        (false, false) => "the function",
        (false, true) => "its `reverse`",
    }
}

/// The step, or its way back, as an error names it.
pub(super) fn named(task: Task<'_>) -> String {
    let id = &task.step.id;
    if task.is_backwards() {
        format!("the way back of `{id}`")
    } else {
        format!("`{id}`")
    }
}
