//! `undo`: the step that was applied last, undone.

use clap::Args;
use migrate_core::{Fake, Goal, Request};

use super::goal::typed;
use super::migrate::refuse_contradictions;
use super::{going, trying};
use crate::context::Context;
use crate::failure::Failure;
use crate::progress::Narration;
use crate::render::human::plan::{Asked, render_plan, render_plan_summary};
use crate::view::View;

/// Undo the step that was applied last.
#[derive(Clone, Debug, Args)]
#[command(after_help = "\
The last one by the ledger's own order, whichever app it is of. A step whose
way back stopped half-way is undone to its end. Asks first.

Examples:
  migrate undo --plan     which one is it, and has it a way back?
  migrate undo --dry-run  does that work, and how many rows does it change?
  migrate undo
  migrate undo --fake     its effect was taken back by hand; remove its record

Exit codes: 0 undone, or nothing is applied, 1 failed (also: no way back), 2 not confirmed;
  --plan: 0, also if a run would be refused")]
pub(crate) struct UndoArgs {
    /// Show which step it is, and undo nothing.
    #[arg(long)]
    plan: bool,

    /// Run its way back, report what that changed, and roll it back.
    #[arg(long)]
    dry_run: bool,

    /// Only remove its record.
    #[arg(long)]
    fake: bool,
}

pub(crate) async fn run(context: &mut Context, args: &UndoArgs) -> Result<View, Failure> {
    let fake = if args.fake { Fake::All } else { Fake::No };
    let request = Request::to(Goal::Undo).fake(fake);
    let flags = [
        (args.plan, "--plan"),
        (args.dry_run, "--dry-run"),
        (args.fake, "--fake"),
    ];
    let given = flags.iter().filter(|(given, _)| *given);
    refuse_contradictions(&given.map(|(_, flag)| *flag).collect::<Vec<_>>())?;
    if args.dry_run {
        return trying::try_out(context, &request).await;
    }
    if !args.plan {
        return going::go(context, request).await;
    }
    let connected = context.connect(Narration::Quiet)?;
    let report = going::plan(&connected, &request).await?;
    let paint = context.paint_err();
    let command = typed(&request);
    let asked = Asked {
        command: &command,
        fake: args.fake,
    };
    let summary = render_plan_summary(paint, &report, &context.program, asked);
    Ok(View::of(&report)
        .data(render_plan(context.paint(), &report, args.fake))
        .note(summary))
}
