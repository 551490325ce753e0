//! `accept NAME`: an edited step is right as it is now.

use clap::Args;
use migrate_core::report::StepId;
use serde::Serialize;

use crate::args::parse_reason;
use crate::context::Context;
use crate::failure::Failure;
use crate::progress::Narration;
use crate::view::View;

/// Accept an applied step that was edited since: the ledger takes its new checksum.
#[derive(Clone, Debug, Args)]
#[command(after_help = "\
Nothing runs. What was applied stays in the history, with the reason given
here. In code, `formerly = [\"v1:sha256:..\"]` does the same and travels with
the deploy. Asks first.

Examples:
  migrate verify
  migrate accept users.0002_add_email --why 'only a comment was added'

Exit codes: 0 accepted, 1 failed, 2 not confirmed")]
pub(crate) struct AcceptArgs {
    /// The step.
    name: String,

    /// Why; kept in the history.
    #[arg(long, value_name = "TEXT", value_parser = parse_reason)]
    why: String,
}

#[derive(Serialize)]
struct Accepted<'a> {
    name: &'a str,
    step: &'a StepId,
    outcome: &'static str,
}

pub(crate) async fn run(context: &mut Context, args: &AcceptArgs) -> Result<View, Failure> {
    let connected = context.connect(Narration::Quiet)?;
    let step = connected.step(&args.name)?;
    context.confirm(
        &format!("Take the present text of '{step}' for the one that was applied?"),
        &format!("accept {step} --why \"{}\"", args.why),
    )?;
    connected
        .drive(connected.migrator.accept(&args.name, &args.why))
        .await?;
    let text = format!("Migration '{}' accepted as it is now", step.name);
    Ok(View::of(&Accepted {
        name: &args.name,
        step: &step,
        outcome: "accepted",
    })
    .note(context.paint_err().good(&text)))
}
