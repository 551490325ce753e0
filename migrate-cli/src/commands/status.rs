//! `status`: every step, by app, with its state.

use clap::Args;

use crate::context::Context;
use crate::failure::Failure;
use crate::progress::Narration;
use crate::render::human::status::{render_status, render_status_summary};
use crate::view::View;

/// Show every step, by app, with its state.
#[derive(Clone, Debug, Args)]
#[command(after_help = "\
Writes nothing and needs no more than SELECT on the ledger.

Marks:
  [X]  applied                    [~]  interrupted; the next run resumes it
  [ ]  pending                    [>]  running now
  [-]  manual: run by name only   [!]  edited, missing or failed

Examples:
  migrate status
  migrate status --json | jq '.result.pending'

Exit codes: 0 whatever the states are (`migrate --check` and `migrate verify` judge), 1 failed")]
pub(crate) struct StatusArgs {}

pub(crate) async fn run(context: &mut Context, _: StatusArgs) -> Result<View, Failure> {
    let connected = context.connect(Narration::Quiet)?;
    let report = connected.drive(connected.migrator.status()).await?;
    Ok(View::of(&report)
        .data(render_status(context.paint(), &report))
        .note(render_status_summary(context.paint_err(), &report)))
}
