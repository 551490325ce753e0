//! `--dry-run`: what a run would do, done and rolled back.

use migrate_core::Request;
use migrate_core::report::{Direction, DryRunReport};

use crate::context::Context;
use crate::failure::Failure;
use crate::progress::Narration;
use crate::render::human::{dry_run, run};
use crate::render::units;
use crate::view::View;

/// Tries the way to the goal, in either direction. Nobody is asked: nothing stays.
pub(crate) async fn try_out(context: &mut Context, request: &Request) -> Result<View, Failure> {
    let connected = context.connect(Narration::DryRun)?;
    context.announce_dry_run();
    let migrator = &connected.migrator;
    let report = connected.drive(migrator.dry_run_to(request)).await?;
    let paint = context.paint_err();
    let view = View::of(&report).data(dry_run::render_dry_run(context.paint(), &report));
    if report.steps.is_empty() && report.not_tried.is_empty() {
        return Ok(view.note(nothing(&report)));
    }
    let view = match report.not_tried.first() {
        None => view,
        Some(first) => {
            let n = report.not_tried.len();
            view.note(format!(
                "{}: the dry run stopped before {}: {} {} not tried",
                paint.warn("warning"),
                first.step,
                units::len(n, "step"),
                if n == 1 { "was" } else { "were" },
            ))
        }
    };
    Ok(view.note(paint.lead(run::DRY_RUN_COMPLETE)))
}

fn nothing(report: &DryRunReport) -> String {
    let nothing = match report.direction {
        Direction::Forwards => "Nothing is pending",
        Direction::Backwards => "Nothing is to be undone",
    };
    format!("{nothing} ({}).", report.database)
}
