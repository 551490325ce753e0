//! `resolve NAME`: a person has looked at the statement at which a step was interrupted.

use clap::{ArgGroup, Args};
use migrate_core::report::StepId;
use serde::Serialize;

use crate::args::parse_reason;
use crate::context::Context;
use crate::failure::Failure;
use crate::progress::Narration;
use crate::view::View;

/// Tell whether the statement at which a step was interrupted took effect.
#[derive(Clone, Debug, Args)]
#[command(
    group = ArgGroup::new("answer").required(true).args(["done", "not_done"]),
    after_help = "\
Needed when a process died during a statement that cannot run in a
transaction, and the database cannot tell whether it took effect. `migrate
status` names the statement.

Examples:
  migrate resolve users.0007_reindex --done --why 'the index is there and valid'
  migrate resolve users.0007_reindex --not-done --why 'dropped the half-made index'
  migrate                                              goes on from there

Exit codes: 0 recorded, 1 failed (also when nothing needs an answer), 2 usage"
)]
pub(crate) struct ResolveArgs {
    /// The step.
    name: String,

    /// It took effect: go on with the statement after it.
    #[arg(long)]
    done: bool,

    /// It did not: run it again.
    #[arg(long)]
    not_done: bool,

    /// How you know; kept in the history.
    #[arg(long, value_name = "TEXT", value_parser = parse_reason)]
    why: String,
}

#[derive(Serialize)]
struct Resolved<'a> {
    name: &'a str,
    step: &'a StepId,
    outcome: &'static str,
    statement_done: bool,
}

pub(crate) async fn run(context: &mut Context, args: &ResolveArgs) -> Result<View, Failure> {
    let connected = context.connect(Narration::Quiet)?;
    let step = connected.step(&args.name)?;
    let name = &step.name;
    connected
        .drive(connected.migrator.resolve(&args.name, args.done, &args.why))
        .await?;
    let then = if args.done {
        "after that statement"
    } else {
        "with that statement"
    };
    let paint = context.paint_err();
    Ok(View::of(&Resolved {
        name: &args.name,
        step: &step,
        outcome: "resolved",
        statement_done: args.done,
    })
    .note(paint.good(&format!("Migration '{name}' resolved")))
    .note(format!("{}: `migrate` goes on {then}", paint.lead("next"))))
}
