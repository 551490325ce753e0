//! A failure: `error[code]: message`, what led to it, what is left, and what to do.

use migrate_core::report::{Problem, RunProgress, StepId, StepOutcome};

use crate::failure::Failure;
use crate::program::Program;
use crate::render::paint::Paint;
use crate::render::units;

/// How many names are listed before "and 12 more".
const NAMES_SHOWN: usize = 5;

/// The whole block, ready to be pasted from.
pub(crate) fn render_failure(paint: Paint, failure: &Failure, program: &Program) -> String {
    let mut out = String::new();
    if let Some(intro) = &failure.intro {
        out.push_str(&format!("{}\n", paint.bad(&units::plain(intro))));
    }
    out.push_str(&headline(paint, failure.code, &failure.message));
    for cause in &failure.causes {
        out.push_str(&format!(
            "  {}: {}\n",
            paint.faint("caused by"),
            indent_rest(&units::plain(cause), 4)
        ));
    }
    if let Some(progress) = &failure.progress {
        out.push_str(&render_progress(progress));
    }
    push_help(&mut out, paint, &failure.help, program);
    out
}

/// What a run would refuse, as it would say it.
pub(crate) fn render_problems(paint: Paint, problems: &[Problem], program: &Program) -> String {
    let mut out = String::new();
    for problem in problems {
        out.push_str(&headline(paint, problem.code.as_str(), &problem.message));
        push_help(&mut out, paint, &problem.help, program);
    }
    out
}

fn headline(paint: Paint, code: &str, message: &str) -> String {
    let message = units::plain(message);
    let mut lines = message.trim_end().lines();
    let first = lines.next().unwrap_or_default();
    let mut out = format!("{}: {first}\n", paint.bad(&format!("error[{code}]")));
    let is_diff = message.contains("@@ ");
    for line in lines {
        let line = if is_diff {
            paint_diff(paint, line)
        } else {
            line.to_owned()
        };
        out.push_str(&format!("  {line}\n"));
    }
    out
}

/// A line of a unified diff.
fn paint_diff(paint: Paint, line: &str) -> String {
    let text = line.trim_start();
    if ["---", "+++", "@@"]
        .iter()
        .any(|head| text.starts_with(head))
    {
        paint.faint(line)
    } else if text.starts_with('-') {
        paint.bad(line)
    } else if text.starts_with('+') {
        paint.good(line)
    } else {
        line.to_owned()
    }
}

fn push_help(out: &mut String, paint: Paint, help: &[String], program: &Program) {
    for line in help {
        let line = program.localize(&units::plain(line));
        out.push_str(&format!(
            "{}: {}\n",
            paint.lead("help"),
            indent_rest(&line, 6)
        ));
    }
}

fn render_progress(progress: &RunProgress) -> String {
    let mut out = String::new();
    if let Some(left_behind) = &progress.left_behind {
        out.push_str(&format!(
            "  left behind: {}\n",
            indent_rest(&units::plain(left_behind), 4)
        ));
    }
    if !progress.applied.is_empty() {
        let ids: Vec<&StepId> = progress.applied.iter().map(|run| &run.step).collect();
        let undone = [StepOutcome::Reverted, StepOutcome::FakeReverted];
        let before = match progress.applied.first() {
            Some(run) if undone.contains(&run.outcome) => "undone",
            _ => "applied",
        };
        out.push_str(&format!("  {before} before: {}\n", named(&ids)));
    }
    if !progress.remaining.is_empty() {
        let ids: Vec<&StepId> = progress.remaining.iter().collect();
        out.push_str(&format!("  not run: {}\n", named(&ids)));
    }
    out
}

fn named(ids: &[&StepId]) -> String {
    let shown: Vec<String> = ids
        .iter()
        .take(NAMES_SHOWN)
        .map(ToString::to_string)
        .collect();
    let more = match ids.len().saturating_sub(NAMES_SHOWN) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    format!(
        "{} ({}{more})",
        units::len(ids.len(), "step"),
        shown.join(", ")
    )
}

/// Indents all lines but the first, so that a text of several lines stays one block.
fn indent_rest(text: &str, by: usize) -> String {
    text.replace('\n', &format!("\n{}", " ".repeat(by)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exit::Exit;

    #[test]
    fn a_failure_is_one_block_with_pasteable_help() {
        let mut failure = Failure::new(Exit::Drift, "step_edited", "users.a was edited\nnow: b")
            .help("put it back, or")
            .help("`migrate accept users.a --why \"..\"`");
        failure.causes = vec!["disk\nfull".into()];
        let text = render_failure(Paint::new(false), &failure, &Program::new("shop migrate"));
        assert_eq!(
            text,
            "error[step_edited]: users.a was edited\n  now: b\n\
             \x20 caused by: disk\n    full\n\
             help: put it back, or\n\
             help: `shop migrate accept users.a --why \"..\"`\n"
        );
    }

    #[test]
    fn many_names_are_counted() {
        let ids: Vec<StepId> = (0..7).map(|n| StepId::new("a", n.to_string())).collect();
        assert_eq!(
            named(&ids.iter().collect::<Vec<_>>()),
            "7 steps (a.0, a.1, a.2, a.3, a.4 and 2 more)"
        );
    }
}
