//! `run NAME`: one data migration, by hand.
//!
//! The order of decisions: `--fake` goes before everything; an applied migration is left
//! alone unless `--force`; then `--dry-run` tries, else it runs.

use clap::Args;
use migrate_core::{ErrorCode, RunStep};

use crate::context::Context;
use crate::drive::Connected;
use crate::failure::Failure;
use crate::progress::Narration;
use crate::render::human::{dry_run, run};
use crate::view::View;

/// Run one data migration by name, once.
#[derive(Clone, Debug, Args)]
#[command(after_help = "\
NAME is the name of a data migration, `app.name`, or a beginning of it that
fits only one step. One that is applied already is left alone, with exit code
0. SQL steps are run by `migrate`.

Examples:
  migrate run lower_emails_v1_2026_11_20 --dry-run    what would it change?
  migrate run lower_emails_v1_2026_11_20
  migrate run lower_emails_v1_2026_11_20 --force      once more; its time is refreshed
  migrate run lower_emails_v1_2026_11_20 --fake       it was done by hand

Exit codes: 0 done or applied before, 1 failed, 2 usage, 4 drift, 5 the lock was not had")]
pub(crate) struct RunArgs {
    /// The data migration.
    name: String,

    /// Run it, report what it changed, and roll it back.
    #[arg(long)]
    dry_run: bool,

    /// Run it even if it is applied already; asks first.
    #[arg(long)]
    force: bool,

    /// Record it as applied without running it.
    #[arg(long, conflicts_with = "dry_run")]
    fake: bool,
}

pub(crate) async fn run(context: &mut Context, args: &RunArgs) -> Result<View, Failure> {
    if args.dry_run {
        return try_out(context, args).await;
    }
    let how = match (args.fake, args.force) {
        (true, _) => RunStep::Fake,
        (false, true) => RunStep::Force,
        (false, false) => RunStep::Run,
    };
    let connected = context.connect(Narration::Step)?;
    if how == RunStep::Force {
        let step = connected.step(&args.name)?;
        let question = format!("Run '{step}' even if it has been applied already?");
        context.confirm(&question, &format!("run {step} --force"))?;
    }
    let report = connected
        .drive(connected.migrator.run_step(&args.name, how))
        .await
        .map_err(|failure| in_words(failure, &connected, &args.name))?;
    Ok(View::of(&report).note(run::single(context.paint_err(), &report, args.fake)))
}

async fn try_out(context: &mut Context, args: &RunArgs) -> Result<View, Failure> {
    let connected = context.connect(Narration::StepDryRun)?;
    let report = connected
        .drive(connected.migrator.dry_run_step(&args.name, args.force))
        .await
        .map_err(|failure| in_words(failure, &connected, &args.name))?;
    let paint = context.paint_err();
    let view = View::of(&report).data(dry_run::render_dry_run(context.paint(), &report));
    // Nothing tried and nothing refused: it is applied, and was not forced.
    if report.steps.is_empty() {
        let step = connected.step(&args.name)?;
        return Ok(view.note(run::already_applied(paint, &step.name)));
    }
    Ok(view.note(paint.lead(run::DRY_RUN_COMPLETE)))
}

/// Says first, in the words of a single run, that the step itself failed.
fn in_words(failure: Failure, connected: &Connected, name: &str) -> Failure {
    let of_the_step = [
        ErrorCode::StepFailed,
        ErrorCode::StepPanicked,
        ErrorCode::VerifyFailed,
    ];
    let step = connected
        .migrator
        .steps()
        .and_then(|history| history.find(name));
    match step {
        Ok(step) if of_the_step.iter().any(|code| code.as_str() == failure.code) => {
            let intro = run::failed(&step.id().name, &failure.message);
            Failure {
                intro: Some(intro.into()),
                ..failure
            }
        }
        _ => failure,
    }
}
