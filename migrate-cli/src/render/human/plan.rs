//! `plan`: what a run would do, in order of execution.

use migrate_core::report::{Action, Direction, Mode, Plan, PlannedStep, StepKind};

use super::failure::render_problems;
use crate::exit::Exit;
use crate::program::Program;
use crate::render::paint::Paint;
use crate::render::table::{Cell, Table};
use crate::render::units;

/// The steps, for stdout; `fake` says whether only their records are written or removed.
pub(crate) fn render_plan(paint: Paint, plan: &Plan, fake: bool) -> String {
    let mut table = Table::new();
    table.text(paint.strong(match (plan.direction, fake) {
        (Direction::Forwards, false) => "Planned operations:",
        (Direction::Backwards, false) => "Planned operations, backwards:",
        (Direction::Forwards, true) => "Records to be written, without running the steps:",
        (Direction::Backwards, true) => "Records to be removed, without undoing the steps:",
    }));
    if plan.steps.is_empty() {
        table.text("  No planned migration operations.");
    }
    let indent = " ".repeat(2 + plan.steps.len().to_string().len() + 2);
    for (index, step) in plan.steps.iter().enumerate() {
        table.row(2, row(index + 1, step, fake));
        if let Some(why) = step.irreversible.as_ref().filter(|_| !fake) {
            table.text(format!("{indent}{}", paint.bad(why)));
        } else if let Some(description) = step.description.as_ref().filter(|_| !fake) {
            let line = description.lines().next().unwrap_or_default();
            table.text(format!("{indent}{}", paint.faint(line)));
        }
        let does = match step.action {
            _ if fake => "with that of",
            Action::Revert => "undoes",
            _ => "runs",
        };
        for run in &step.runs {
            table.text(format!("{indent}{does} {}", paint.strong(&run.to_string())));
        }
    }
    table.render(paint)
}

/// The steps of other apps that go only because they depend on what was named, for stderr.
pub(crate) fn render_dependents(paint: Paint, plan: &Plan) -> String {
    let warning = paint.warn("warning");
    match plan.dependents.as_slice() {
        [] => String::new(),
        [only] => format!("{warning}: {only} depends on what is undone, and goes with it\n"),
        several => {
            let names: Vec<String> = several.iter().map(|id| format!("  {id}\n")).collect();
            let steps = units::len(several.len(), "step");
            format!(
                "{warning}: {steps} of other apps depend on what is undone, and go with it:\n{}",
                names.concat()
            )
        }
    }
}

fn row(number: usize, step: &PlannedStep, fake: bool) -> Vec<Cell> {
    let (how, color): (String, fn(Paint, &str) -> String) = match (step.action, step.resumes_after)
    {
        _ if fake => (String::new(), Paint::faint),
        _ if step.faked => ("is only recorded: its tables exist".to_owned(), Paint::warn),
        _ if step.irreversible.is_some() => ("IRREVERSIBLE".to_owned(), Paint::bad),
        (Action::Record, _) => ("is only recorded".to_owned(), Paint::faint),
        (_, Some((done, of))) => (
            format!("{}, resumes after {done} of {of}", mode(step.mode)),
            Paint::warn,
        ),
        (_, None) if step.mode == Mode::Atomic => (mode(step.mode).to_owned(), Paint::faint),
        _ => (mode(step.mode).to_owned(), Paint::warn),
    };
    vec![
        Cell::new(format!("{number}.")).right().close(),
        Cell::new(step.step.to_string()).with(Paint::strong),
        Cell::new(kind(step.kind)),
        Cell::new(how).with(color),
        Cell::new(&step.location).with(Paint::faint),
    ]
}

/// SQL or Rust, as a word.
pub(crate) fn kind(kind: StepKind) -> &'static str {
    match kind {
        StepKind::Sql => "SQL",
        StepKind::Data => "Rust",
        _ => "other",
    }
}

/// How a step is executed, as people read it.
pub(crate) fn mode(mode: Mode) -> &'static str {
    match mode {
        Mode::Atomic => "atomic",
        Mode::NonAtomic => "statement by statement",
        Mode::ImplicitCommit => "statement by statement (DDL commits by itself here)",
        _ => "other",
    }
}

/// What was asked for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Asked<'a> {
    /// The command that does what is planned.
    pub(crate) command: &'a str,
    /// Whether only records are written or removed.
    pub(crate) fake: bool,
}

/// What stands in the way and what to do next, for stderr.
pub(crate) fn render_plan_summary(
    paint: Paint,
    plan: &Plan,
    program: &Program,
    asked: Asked<'_>,
) -> String {
    let mut out = String::new();
    for warning in &plan.warnings {
        out.push_str(&format!("{}: {warning}\n", paint.warn("warning")));
    }
    out.push_str(&render_dependents(paint, plan));
    if let Some(first) = plan.problems.first() {
        out.push_str(&render_problems(paint, &plan.problems, program));
        let exit = Exit::of(first.code).code();
        let refused = format!("A run would refuse to start, with exit code {exit}.");
        out.push_str(&format!("{}\n", paint.bad(&refused)));
        return out;
    }
    let backwards = plan.direction == Direction::Backwards;
    if plan.steps.is_empty() {
        let nothing = if backwards {
            "Nothing is to be undone"
        } else {
            "Nothing is pending"
        };
        return format!("{out}{nothing} ({}).\n", plan.database);
    }
    // What a step runs has a record of its own.
    let n = match asked.fake {
        true => plan.steps.iter().map(|step| 1 + step.runs.len()).sum(),
        false => plan.steps.len(),
    };
    let only_recorded = plan.steps.iter().all(|step| step.action == Action::Record);
    let (what, does) = match (backwards, asked.fake) {
        _ if only_recorded => (
            format!("{} to be recorded", units::len(n, "squash")),
            "records",
        ),
        (false, false) => (format!("{} pending", units::len(n, "step")), "applies"),
        (true, false) => (format!("{} to be undone", units::len(n, "step")), "undoes"),
        (false, true) => (
            format!("{} to be written", units::len(n, "record")),
            "writes",
        ),
        (true, true) => (
            format!("{} to be removed", units::len(n, "record")),
            "removes",
        ),
    };
    let them = if n == 1 { "it" } else { "them" };
    let asks = if backwards { ", and asks first" } else { "" };
    let (next, command) = (paint.lead("next"), asked.command);
    out.push_str(&format!(
        "{what}{} ({}).\n{next}: `{command}` {does} {them}{asks}\n",
        of_them_recorded(plan, asked),
        plan.database
    ));
    out
}

/// How many steps would only be recorded, where others would be executed.
fn of_them_recorded(plan: &Plan, asked: Asked<'_>) -> String {
    match plan.steps.iter().filter(|step| step.faked).count() {
        _ if asked.fake => String::new(),
        0 => String::new(),
        faked if faked == plan.steps.len() => ", only to be recorded".to_owned(),
        faked => format!(", {faked} of them only to be recorded"),
    }
}
