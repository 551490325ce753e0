//! `status`: every step, by app, with its state.

use clap::Args;
use migrate_core::report::Status;
use migrate_source::name::nearest;

use crate::context::Context;
use crate::failure::Failure;
use crate::progress::Narration;
use crate::render::human::status::{render_order, render_status, render_status_summary};
use crate::view::View;

/// Show every step, by app, with its state.
#[derive(Clone, Debug, Args)]
#[command(after_help = "\
Writes nothing and needs no more than SELECT on the ledger.

Marks:
  [X]  applied                    [>]  running now
  [ ]  pending                    [~]  interrupted; the next run resumes it
  [m]  manual: run by name only   [<]  half undone; `migrate undo` goes on
  [-]  a squash, not recorded yet, whose steps are all applied
  [o]  of an app that this binary does not have: another service's
  [!]  edited, missing from this binary, or failed

Examples:
  migrate status
  migrate status users billing
  migrate status --plan -v 2       in order of execution, with what each comes after
  migrate status --json | jq '.result.pending'

Exit codes: 0 whatever the states are (`migrate --check` and `migrate verify` judge), 1 failed")]
pub(crate) struct StatusArgs {
    /// These apps only.
    #[arg(value_name = "APP")]
    apps: Vec<String>,

    /// In order of execution instead of by app.
    #[arg(long)]
    plan: bool,
}

pub(crate) async fn run(context: &mut Context, args: &StatusArgs) -> Result<View, Failure> {
    let connected = context.connect(Narration::Quiet)?;
    let mut report = connected.drive(connected.migrator.status()).await?;
    for app in &args.apps {
        if !report.steps.iter().any(|entry| entry.step.app == *app) {
            return Err(unknown_app(app, &report));
        }
    }
    let summary = render_status_summary(context.paint_err(), &report);
    if !args.apps.is_empty() {
        report
            .steps
            .retain(|entry| args.apps.contains(&entry.step.app));
    }
    let data = match args.plan {
        true => render_order(context.paint(), &report, context.detailed()),
        false => render_status(context.paint(), &report),
    };
    Ok(View::of(&report).data(data).note(summary))
}

fn unknown_app(app: &str, report: &Status) -> Failure {
    let mut apps: Vec<&str> = report
        .steps
        .iter()
        .map(|entry| entry.step.app.as_str())
        .collect();
    apps.dedup();
    let failure = Failure::usage(format!(
        "neither this binary nor its ledger has an app `{}`",
        app.escape_debug()
    ));
    match nearest(app, apps.iter().copied()) {
        Some(near) => failure.help(format!("did you mean `migrate status {near}`?")),
        None => failure.help(format!("apps: {}", apps.join(", "))),
    }
}
