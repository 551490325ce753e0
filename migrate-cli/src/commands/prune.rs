//! `migrate APP --prune`: deletes the records of steps that this binary does not have.

use migrate_core::Prune;
use migrate_core::report::StepId;
use serde::Serialize;

use super::goal::GoalArgs;
use crate::args::Format;
use crate::context::Context;
use crate::failure::Failure;
use crate::progress::Narration;
use crate::render::units;
use crate::view::View;

#[derive(Serialize)]
struct Pruned<'a> {
    app: &'a str,
    pruned: &'a [StepId],
}

/// `force`: whether rows go that look like a newer binary's.
pub(super) async fn run(
    context: &mut Context,
    goal: &GoalArgs,
    force: bool,
) -> Result<View, Failure> {
    let app = app(goal)?;
    let (which, flags) = match force {
        false => (Prune::Older, "--prune"),
        true => (Prune::All, "--prune --force"),
    };
    let connected = context.connect(Narration::Quiet)?;
    let migrator = &connected.migrator;
    let gone = connected.drive(migrator.prunable(app, which)).await?;
    if gone.is_empty() {
        let pruned: &[StepId] = &[];
        return Ok(View::of(&Pruned { app, pruned }).note(format!(
            "Every record of {app} has its step; there is nothing to prune."
        )));
    }
    let records = units::len(gone.len(), "record");
    if context.global.format() == Format::Human && !context.global.yes {
        let names: Vec<String> = gone.iter().map(|step| format!("  {step}\n")).collect();
        let heading = context
            .paint_err()
            .strong("Records without a step in this binary:");
        let names = names.concat();
        context.output().note(&format!("{heading}\n{names}"));
    }
    let question = format!("Delete {records}? The tables stay as they are.");
    context.confirm(&question, &format!("{app} {flags}"))?;
    // A newer binary may have recorded more while the question stood.
    let agreed = migrator.prune_agreed(app, which, &gone, None);
    let pruned = connected.drive(agreed).await?;
    let lines: Vec<String> = pruned.iter().map(|step| format!("{step}\n")).collect();
    let done = format!("Pruned {}.", units::len(pruned.len(), "record"));
    Ok(View::of(&Pruned {
        app,
        pruned: &pruned,
    })
    .data(lines.concat())
    .note(context.paint_err().good(&done)))
}

fn app(goal: &GoalArgs) -> Result<&str, Failure> {
    match (goal.app.as_deref(), goal.target.as_deref()) {
        (Some(app), None) if !app.contains('.') => Ok(app),
        (None, _) => Err(Failure::usage("--prune wants to know the app")
            .help("`migrate APP --prune`; `migrate status` shows what a binary does not have")),
        _ => Err(Failure::usage("--prune takes an app and no step")
            .help("it deletes every record of the app whose step this binary does not have")),
    }
}
