//! A run in words: the lines of a bare `migrate`, and the texts of a single data migration.

use migrate_core::report::{RunReport, StepId, StepOutcome, StepRun};

use crate::render::paint::Paint;
use crate::render::units;

pub(crate) const DRY_RUN_BEGINS: &str = "DRY RUN MODE - No changes will be applied";
pub(crate) const DRY_RUN_COMPLETE: &str = "DRY RUN COMPLETE - No changes were applied";

/// The first line of a single run.
pub(crate) fn starting(name: &str) -> String {
    format!("Starting migration: {name}")
}

/// The line of a single run that failed: the reason without the step, which it names itself.
pub(crate) fn failed(name: &str, message: &str) -> String {
    let reason = match message.split_once(" failed: ") {
        Some((step, reason)) if step.contains(name) => reason,
        _ => message,
    };
    format!("Migration '{name}' failed: {reason}")
}

/// One step of a bare run that came to its end.
pub(crate) fn step_line(paint: Paint, run: &StepRun) -> String {
    let name = paint.strong(&run.step.to_string());
    if run.outcome == StepOutcome::AppliedMeanwhile {
        return format!(
            "  {name} {}",
            paint.faint("was applied meanwhile by another process")
        );
    }
    let verb = if run.outcome == StepOutcome::Resumed {
        "Resuming"
    } else {
        "Applying"
    };
    let mut line = format!(
        "  {verb} {name}... {} {}",
        paint.good("OK"),
        paint.faint(&cost(run))
    );
    // A count of rows stands in the line already.
    let counted = run.rows.map(|rows| rows.to_string());
    if let Some(result) = run
        .result
        .as_ref()
        .filter(|result| counted.as_ref() != Some(result))
    {
        line.push_str(&format!("\n      Result: {result}"));
    }
    line
}

/// The step of a bare run at which it stopped; the error itself comes at the end.
pub(crate) fn failed_line(paint: Paint, step: &StepId) -> String {
    format!(
        "  Applying {}... {}",
        paint.strong(&step.to_string()),
        paint.bad("FAILED")
    )
}

/// `(1.24 s, 5,000 rows)`.
fn cost(run: &StepRun) -> String {
    match run.rows {
        Some(rows) => format!(
            "({}, {})",
            units::duration(run.duration_ms),
            units::of(rows, "row")
        ),
        None => format!("({})", units::duration(run.duration_ms)),
    }
}

/// The last line of a bare run.
pub(crate) fn summary(paint: Paint, report: &RunReport) -> String {
    let meanwhile = report
        .steps
        .iter()
        .filter(|run| run.outcome == StepOutcome::AppliedMeanwhile)
        .count();
    let ran = report.steps.len() - meanwhile;
    let total = format!(
        "{} applied in all",
        units::len(report.applied_total, "step")
    );
    let mut line = match ran {
        0 => paint.good("Nothing is pending"),
        _ => paint.good(&format!(
            "Applied {} in {}",
            units::len(ran, "step"),
            units::duration(report.duration_ms.saturating_sub(report.waited_ms))
        )),
    };
    if meanwhile > 0 {
        line.push_str(&format!("; another process applied {meanwhile} meanwhile"));
    }
    line.push_str(&format!("; {total} ({}).", report.database));
    line
}

/// The end of `run NAME`, for each way in which it can end well.
pub(crate) fn single(paint: Paint, run: &StepRun, faking: bool) -> String {
    let name = &run.step.name;
    match run.outcome {
        StepOutcome::Faked => paint.good(&format!("Migration '{name}' marked as applied (fake)")),
        StepOutcome::AlreadyApplied if faking => {
            paint.warn(&format!("Migration '{name}' is already marked as applied"))
        }
        StepOutcome::AlreadyApplied => already_applied(paint, name),
        StepOutcome::AppliedMeanwhile => paint.warn(&format!(
            "Migration '{name}' was already applied during execution"
        )),
        _ => {
            let mut text = paint.good(&format!("Migration '{name}' completed successfully"));
            if run.refreshed {
                text.push_str("\nMigration timestamp updated to current time");
            }
            if let Some(result) = &run.result {
                text.push_str(&format!("\nResult: {result}"));
            }
            text
        }
    }
}

/// What is said instead of running an applied migration again.
pub(crate) fn already_applied(paint: Paint, name: &str) -> String {
    paint.warn(&format!(
        "Migration '{name}' has already been applied.\n\
         Use --force to re-run or --force --dry-run to preview."
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_gives_its_reason_once() {
        let message = "`users.x` (src/users.rs:12) failed: the server failed: no";
        assert_eq!(
            failed("x", message),
            "Migration 'x' failed: the server failed: no"
        );
        assert_eq!(
            failed("x", "the check failed: no"),
            "Migration 'x' failed: the check failed: no"
        );
    }
}
