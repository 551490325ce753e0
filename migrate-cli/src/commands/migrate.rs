//! Bare `migrate`: applies what is pending; `--plan`, `--check` and `--dry-run` only look.

use clap::Args;
use migrate_core::report::Plan;

use crate::context::Context;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::progress::Narration;
use crate::render::human::{dry_run, plan, run};
use crate::render::units;
use crate::view::View;

/// The flags of a bare `migrate`.
#[derive(Clone, Copy, Debug, Args)]
#[command(next_help_heading = "Without a verb, every pending step is applied")]
pub(crate) struct BareArgs {
    /// Show what would run, and run nothing.
    #[arg(long)]
    plan: bool,

    /// Exit with 3 when steps are pending, with 4 on drift; run nothing.
    #[arg(long)]
    check: bool,

    /// Run every pending step, report what it changed, and roll it back.
    #[arg(long, conflicts_with_all = ["plan", "check"])]
    dry_run: bool,
}

impl BareArgs {
    /// `migrate --dry-run run x` would run x for real if the flag were ignored.
    pub(crate) fn refuse_before_verb(self) -> Result<(), Failure> {
        let flags = [
            (self.plan, "--plan"),
            (self.check, "--check"),
            (self.dry_run, "--dry-run"),
        ];
        match flags.iter().find(|(given, _)| *given) {
            Some((_, flag)) => Err(
                Failure::usage(format!("{flag} before a verb has no meaning"))
                    .help("put the verb's own flags behind it: `migrate run NAME --dry-run`"),
            ),
            None => Ok(()),
        }
    }
}

/// Applies, or looks.
pub(crate) async fn run(context: &mut Context, args: BareArgs) -> Result<View, Failure> {
    if args.plan || args.check {
        return look(context, args).await;
    }
    if args.dry_run {
        return try_out(context).await;
    }
    let connected = context.connect(Narration::Run)?;
    let report = connected.drive(connected.migrator.run()).await?;
    let view = View::of(&report);
    if context.global.verbosity == 0 {
        return Ok(view);
    }
    Ok(view.note(run::summary(context.paint_err(), &report)))
}

async fn look(context: &mut Context, args: BareArgs) -> Result<View, Failure> {
    let connected = context.connect(Narration::Quiet)?;
    let report = connected.drive(connected.migrator.plan()).await?;
    let mut view = View::of(&report);
    if args.plan {
        view = view.data(plan::render_plan(context.paint(), &report));
    }
    if args.check {
        let verdict = judge(&report);
        if verdict.is_none() && !args.plan {
            view = view.note(format!("Nothing is pending ({}).", report.database));
        }
        return Ok(view.verdict(verdict));
    }
    Ok(view.note(plan::render_plan_summary(
        context.paint_err(),
        &report,
        &context.program,
    )))
}

/// The verdict of `--check`: drift weighs more than pending steps.
fn judge(report: &Plan) -> Option<Failure> {
    let worst = report
        .problems
        .iter()
        .max_by_key(|problem| Exit::of(problem.code) == Exit::Drift);
    if let Some(problem) = worst {
        let mut failure = Failure::new(
            Exit::of(problem.code),
            problem.code.as_str(),
            &problem.message,
        );
        failure.help.clone_from(&problem.help);
        if report.problems.len() > 1 {
            let more = report.problems.len() - 1;
            failure = failure.help(format!("`migrate verify` shows {more} more"));
        }
        return Some(failure);
    }
    let first = report.steps.first()?;
    let message = match report.steps.len() {
        1 => format!("1 step is pending: {}", first.step),
        n => format!(
            "{} are pending, the first is {}",
            units::len(n, "step"),
            first.step
        ),
    };
    Some(
        Failure::new(Exit::Pending, "pending", message)
            .help("`migrate` applies what is pending, `migrate --plan` shows it"),
    )
}

async fn try_out(context: &mut Context) -> Result<View, Failure> {
    let connected = context.connect(Narration::DryRun)?;
    context.announce_dry_run();
    let report = connected.drive(connected.migrator.dry_run()).await?;
    let paint = context.paint_err();
    let view = View::of(&report).data(dry_run::render_dry_run(context.paint(), &report));
    if report.steps.is_empty() && report.not_tried.is_empty() {
        return Ok(view.note(format!("Nothing is pending ({}).", report.database)));
    }
    Ok(view.note(paint.lead(run::DRY_RUN_COMPLETE)))
}
