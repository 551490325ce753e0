//! `unmark NAME`: deletes the record that a step is applied.

use clap::Args;
use migrate_core::ErrorCode;
use migrate_core::report::StepId;
use serde::Serialize;

use crate::args::parse_reason;
use crate::context::Context;
use crate::failure::Failure;
use crate::progress::Narration;
use crate::view::View;

/// Delete the record that a step is applied; the next run applies it again.
#[derive(Clone, Debug, Args)]
#[command(after_help = "\
The database's own tables are not touched. Asks first.

Examples:
  migrate unmark lower_emails_v1_2026_11_20 --why 'restored a backup' --yes

Exit codes: 0 deleted, 1 failed (a step without a record is an error), 2 not confirmed")]
pub(crate) struct UnmarkArgs {
    /// The step.
    name: String,

    /// Why; kept in the history.
    #[arg(long, value_name = "TEXT", value_parser = parse_reason)]
    why: Option<String>,
}

#[derive(Serialize)]
struct Removed<'a> {
    name: &'a str,
    step: &'a StepId,
    outcome: &'static str,
}

pub(crate) async fn run(context: &mut Context, args: &UnmarkArgs) -> Result<View, Failure> {
    let connected = context.connect(Narration::Quiet)?;
    let found = connected.migrator.find_recorded(&args.name);
    let step = connected.drive(found).await.map_err(|failure| {
        match failure.code == ErrorCode::UnknownStep.as_str() {
            true => Failure {
                message: format!("Migration '{}' not found", args.name),
                ..failure
            },
            false => failure,
        }
    })?;
    context.confirm(
        &format!("Delete the record of '{step}'? The next run applies it again."),
        &format!("unmark {step}"),
    )?;
    let (name, reason) = (step.to_string(), args.why.as_deref());
    connected
        .drive(connected.migrator.unmark(&name, reason))
        .await?;
    let text = format!("Migration '{}' unmarked (record deleted)", step.name);
    Ok(View::of(&Removed {
        name: &args.name,
        step: &step,
        outcome: "removed",
    })
    .note(context.paint_err().good(&text)))
}
