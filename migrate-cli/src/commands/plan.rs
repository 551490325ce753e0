//! `plan`: what a run would do.

use clap::Args;

use crate::context::Context;
use crate::failure::Failure;
use crate::progress::Narration;
use crate::render::human::plan::{render_plan, render_plan_summary};
use crate::view::View;

/// Show what a run would do, in order, and what it would refuse.
#[derive(Clone, Debug, Args)]
#[command(after_help = "\
The same as `migrate --plan`. Writes nothing.

Examples:
  migrate plan
  migrate plan --json | jq -r '.result.steps[].step'

Exit codes: 0 done, 1 failed (`migrate --check` exits with 3 or 4)")]
pub(crate) struct PlanArgs {}

pub(crate) async fn run(context: &mut Context, _: PlanArgs) -> Result<View, Failure> {
    let connected = context.connect(Narration::Quiet)?;
    let report = connected.drive(connected.migrator.plan()).await?;
    Ok(View::of(&report)
        .data(render_plan(context.paint(), &report))
        .note(render_plan_summary(
            context.paint_err(),
            &report,
            &context.program,
        )))
}
