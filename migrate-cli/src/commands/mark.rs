//! `mark NAME`: records a step as applied without running it.

use clap::Args;
use migrate_core::Marked;
use migrate_core::report::StepId;
use serde::Serialize;

use crate::args::parse_reason;
use crate::context::Context;
use crate::failure::Failure;
use crate::progress::Narration;
use crate::view::View;

/// Record a step as applied without running it.
#[derive(Clone, Debug, Args)]
#[command(after_help = "\
What it comes after is marked first: a SQL step that would make every run be
refused is not recorded, a data migration is recorded with a warning.

Examples:
  migrate mark lower_emails_v1_2026_11_20 --why 'done by hand in October'

Exit codes: 0 recorded or recorded before, 1 failed (an unknown name is an error),
4 what it comes after is not applied")]
pub(crate) struct MarkArgs {
    /// The step.
    name: String,

    /// Why; kept in the history.
    #[arg(long, value_name = "TEXT", value_parser = parse_reason)]
    why: Option<String>,
}

/// What happened to one named step.
#[derive(Serialize)]
struct Recorded<'a> {
    name: &'a str,
    step: &'a StepId,
    outcome: &'static str,
}

pub(crate) async fn run(context: &mut Context, args: &MarkArgs) -> Result<View, Failure> {
    let connected = context.connect(Narration::Quiet)?;
    // A beginning of a name is enough to type; what is recorded is said in full.
    let step = connected.step(&args.name)?;
    let name = &step.name;
    let marked = connected
        .drive(connected.migrator.mark(&args.name, args.why.as_deref()))
        .await?;
    let paint = context.paint_err();
    let (outcome, text) = match marked {
        Marked::Recorded => (
            "recorded",
            paint.good(&format!("Migration '{name}' marked as applied")),
        ),
        _ => (
            "already_applied",
            paint.warn(&format!("Migration '{name}' was already marked as applied")),
        ),
    };
    let recorded = Recorded {
        name: &args.name,
        step: &step,
        outcome,
    };
    Ok(View::of(&recorded).note(text))
}
