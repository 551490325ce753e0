//! A run in words: the lines of a bare `migrate`, and the texts of a single data migration.

use migrate_core::report::{Direction, RunReport, StepId, StepOutcome, StepRun};

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

/// What is done with the steps of a run, as its lines begin.
pub(crate) fn verb(backwards: bool) -> &'static str {
    if backwards { "Undoing" } else { "Applying" }
}

/// One step of a bare run that came to its end.
pub(crate) fn step_line(paint: Paint, run: &StepRun) -> String {
    let name = paint.strong(&run.step.to_string());
    let (verb, end) = match run.outcome {
        StepOutcome::AppliedMeanwhile => {
            let meanwhile = paint.faint("was applied meanwhile by another process");
            return format!("  {name} {meanwhile}");
        }
        StepOutcome::Faked => return format!("  Applying {name}... {}", paint.warn("FAKED")),
        StepOutcome::FakeReverted => return format!("  Undoing {name}... {}", paint.warn("FAKED")),
        StepOutcome::Recorded => ("Recording", "OK"),
        StepOutcome::Reverted => ("Undoing", "OK"),
        StepOutcome::Resumed => ("Resuming", "OK"),
        _ => ("Applying", "OK"),
    };
    let mut line = format!(
        "  {verb} {name}... {} {}",
        paint.good(end),
        paint.faint(&cost(run))
    );
    // A count of rows stands in the line already.
    let counted = run.rows.map(|rows| rows.to_string());
    if let Some(result) = run
        .result
        .as_ref()
        .filter(|result| counted.as_ref() != Some(result))
    {
        line.push_str(&format!("\n      Result: {}", units::plain(result)));
    }
    line
}

/// The step of a bare run at which it stopped; the error itself comes at the end.
pub(crate) fn failed_line(paint: Paint, verb: &str, step: &StepId) -> String {
    format!(
        "  {verb} {}... {}",
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

/// The last line of a bare run: what was done, by kind of outcome, and what that comes to.
pub(crate) fn summary(paint: Paint, report: &RunReport) -> String {
    let count = |outcomes: &[StepOutcome]| {
        let of = |run: &&StepRun| outcomes.contains(&run.outcome);
        report.steps.iter().filter(of).count()
    };
    let meanwhile = count(&[StepOutcome::AppliedMeanwhile]);
    let reverted = count(&[StepOutcome::Reverted]);
    let faked = count(&[StepOutcome::Faked]);
    let forgotten = count(&[StepOutcome::FakeReverted]);
    let recorded = count(&[StepOutcome::Recorded]);
    let ran = report.steps.len() - meanwhile - reverted - faked - forgotten - recorded;
    let took = units::duration(report.duration_ms.saturating_sub(report.waited_ms));
    let steps = |n| units::len(n, "step");
    let parts = [
        (ran, format!("applied {} in {took}", steps(ran))),
        (reverted, format!("undid {} in {took}", steps(reverted))),
        (faked, format!("recorded {} without running", steps(faked))),
        (
            forgotten,
            format!("removed {}", units::len(forgotten, "record")),
        ),
        (
            recorded,
            format!("recorded {}", units::len(recorded, "squash")),
        ),
    ];
    let done: Vec<&str> = parts
        .iter()
        .filter(|(n, _)| *n > 0)
        .map(|(_, text)| text.as_str())
        .collect();
    let done = match (done.is_empty(), report.direction) {
        (false, _) => done.join(", "),
        (true, Direction::Forwards) => "nothing is pending".to_owned(),
        (true, Direction::Backwards) => "nothing is to be undone".to_owned(),
    };
    let mut line = paint.good(&capitalised(&done));
    if meanwhile > 0 {
        line.push_str(&format!("; another process applied {meanwhile} meanwhile"));
    }
    let total = steps(report.applied_total);
    line.push_str(&format!("; {total} applied in all ({}).", report.database));
    line
}

fn capitalised(text: &str) -> String {
    let mut chars = text.chars();
    let first = chars.next().map(|first| first.to_ascii_uppercase());
    first.into_iter().chain(chars).collect()
}

/// The end of `run NAME`, for each way in which it can end well.
pub(crate) fn single(paint: Paint, run: &StepRun, faking: bool) -> String {
    let name = &run.step.name;
    match run.outcome {
        StepOutcome::Faked => paint.good(&format!("Migration '{name}' marked as applied (fake)")),
        StepOutcome::AlreadyApplied if run.through.is_some() => {
            let squash = run.through.iter().map(ToString::to_string);
            paint.warn(&format!(
                "Migration '{name}' has already been applied, as a part of the squash '{}'.",
                squash.collect::<String>()
            ))
        }
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
                text.push_str(&format!("\nResult: {}", units::plain(result)));
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
