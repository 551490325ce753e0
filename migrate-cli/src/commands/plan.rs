//! `plan`: what a run would do.

use clap::Args;
use migrate_core::Request;

use super::goal::{GoalArgs, words};
use super::going;
use crate::context::Context;
use crate::failure::Failure;
use crate::progress::Narration;
use crate::render::human::plan::{Asked, render_plan, render_plan_summary};
use crate::view::View;

/// Show what a run would do, in order, and what it would refuse.
#[derive(Clone, Debug, Args)]
#[command(after_help = "\
The same as `migrate [APP [TARGET|zero]] --plan`. Writes nothing.

Examples:
  migrate plan
  migrate plan users 0002      forwards, or backwards where later steps are applied
  migrate plan users zero      with IRREVERSIBLE where there is no way back
  migrate plan --json | jq -r '.result.steps[].step'

Exit codes: 0 shown, also if a run would be refused; 1 failed, 2 no such app.
`migrate --check` exits with 3 if there is something to do, with 4 or 1 if a run
would be refused")]
pub(crate) struct PlanArgs {
    #[command(flatten)]
    goal: GoalArgs,
}

pub(crate) async fn run(context: &mut Context, args: &PlanArgs) -> Result<View, Failure> {
    let goal = args.goal.goal(context.steps()?)?;
    let command = words(&goal);
    let connected = context.connect(Narration::Quiet)?;
    let report = going::plan(&connected, &Request::to(goal)).await?;
    let paint = context.paint_err();
    let asked = Asked {
        command: &command,
        fake: false,
    };
    let summary = render_plan_summary(paint, &report, &context.program, asked);
    Ok(View::of(&report)
        .data(render_plan(context.paint(), &report, false))
        .note(summary))
}
