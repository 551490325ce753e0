//! What a run would do, and what stands in its way.

use migrate_source::Database;
use serde::Serialize;

use super::{Action, Direction, Mode, StepId, StepKind};
use crate::error::{Error, ErrorCode};

/// One step of a plan.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct PlannedStep {
    /// The step.
    pub step: StepId,
    /// What is done with it.
    pub action: Action,
    /// SQL file or function.
    pub kind: StepKind,
    /// How it will be executed.
    pub mode: Mode,
    /// The file, and for a function the line.
    pub location: String,
    /// The doc comment of a function.
    pub description: Option<String>,
    /// The data migrations that the step runs at its end, without those that are applied already;
    /// on the way back those that it undoes before itself. Of a fake, those whose records come or
    /// go with that of the step.
    pub runs: Vec<StepId>,
    /// For a step that was interrupted: how many statements are done, of how many.
    pub resumes_after: Option<(usize, usize)>,
    /// Why its way back cannot be gone, on a plan that goes backwards.
    pub irreversible: Option<String>,
    /// Whether only its record is written or removed, because that is asked for; with
    /// [`Fake::Initial`](crate::Fake::Initial) of the steps whose tables exist already.
    pub faked: bool,
}

/// What a run would do now.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct Plan {
    /// The database.
    pub database: Database,
    /// Which way it goes.
    pub direction: Direction,
    /// The steps, in order of execution.
    pub steps: Vec<PlannedStep>,
    /// Steps of other apps among them that go only because they depend on what was named.
    pub dependents: Vec<StepId>,
    /// What a run would refuse; empty when it would start.
    pub problems: Vec<Problem>,
    /// What the policies let pass.
    pub warnings: Vec<String>,
}

/// Something that stands in the way of a run.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct Problem {
    /// The error code that a run would give.
    pub code: ErrorCode,
    /// The step, if it is about one.
    pub step: Option<StepId>,
    /// What it is.
    pub message: String,
    /// What to do, one sentence or command each.
    pub help: Vec<String>,
}

impl Problem {
    /// What an error says, which a run would give.
    pub(crate) fn of(error: &Error, step: Option<&StepId>) -> Self {
        Self {
            code: error.code(),
            step: step.cloned(),
            message: error.message().to_owned(),
            help: error.helps().to_vec(),
        }
    }
}
