//! `current`: how far each app is.

use clap::Args;

use crate::context::Context;
use crate::failure::Failure;
use crate::progress::Narration;
use crate::render::human::current::render_current;
use crate::view::View;

/// Show the last applied SQL step of each app, and what is still to come.
#[derive(Clone, Debug, Args)]
#[command(after_help = "\
Writes nothing. Manual data migrations do not count as pending.

Examples:
  migrate current
  migrate current --json | jq -r '.result.apps[] | \"\\(.app) \\(.step)\"'

Exit codes: 0 done, 1 failed")]
pub(crate) struct CurrentArgs {}

pub(crate) async fn run(context: &mut Context) -> Result<View, Failure> {
    let connected = context.connect(Narration::Quiet)?;
    let report = connected.drive(connected.migrator.current()).await?;
    Ok(View::of(&report).data(render_current(context.paint(), &report)))
}
