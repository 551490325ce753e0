//! `history`: everything that was done, or tried, to the steps.

use clap::Args;
use migrate_core::report::HistoryEntry;
use serde::Serialize;

use crate::context::Context;
use crate::failure::Failure;
use crate::progress::Narration;
use crate::render::human::history::render_history;
use crate::view::View;

/// Show everything that was done, or tried, to the steps: newest first.
#[derive(Clone, Debug, Args)]
#[command(after_help = "\
Runs, what was undone, failures, marks and what was accepted, with when and
why. Times are UTC. With -v 2 each has its checksum.

Examples:
  migrate history
  migrate history --verbose --name 0003     also who, from where, and which text
  migrate history --name lower_emails
  migrate history --json | jq '.result.entries[] | select(.outcome == \"failed\")'

Exit codes: 0 done, 1 failed")]
pub(crate) struct HistoryArgs {
    /// Only names that contain this text, upper and lower case alike.
    #[arg(long, value_name = "SUB")]
    name: Option<String>,

    /// Everything that is known of each, in a block of its own.
    #[arg(long)]
    verbose: bool,
}

#[derive(Serialize)]
struct Listing<'a> {
    entries: &'a [HistoryEntry],
}

pub(crate) async fn run(context: &mut Context, args: &HistoryArgs) -> Result<View, Failure> {
    let connected = context.connect(Narration::Quiet)?;
    let entries = connected
        .drive(connected.migrator.history(args.name.as_deref()))
        .await?;
    let text = render_history(context.paint(), &entries, context.detailed(), args.verbose);
    Ok(View::of(&Listing { entries: &entries }).data(text))
}
