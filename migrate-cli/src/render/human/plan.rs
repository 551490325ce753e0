//! `plan`: what a run would do, in order of execution.

use migrate_core::report::{Mode, Plan, PlannedStep, StepKind};

use super::failure::render_problems;
use crate::program::Program;
use crate::render::paint::Paint;
use crate::render::table::{Cell, Table};
use crate::render::units;

/// The steps, for stdout.
pub(crate) fn render_plan(paint: Paint, plan: &Plan) -> String {
    let mut table = Table::new();
    table.text(paint.strong("Planned operations:"));
    if plan.steps.is_empty() {
        table.text("  No planned migration operations.");
    }
    let digits = plan.steps.len().to_string().len();
    for (index, step) in plan.steps.iter().enumerate() {
        table.row(2, row(index + 1, step));
        if let Some(description) = &step.description {
            let line = description.lines().next().unwrap_or_default();
            table.text(format!(
                "{}{}",
                " ".repeat(2 + digits + 2),
                paint.faint(line)
            ));
        }
    }
    table.render(paint)
}

fn row(number: usize, step: &PlannedStep) -> Vec<Cell> {
    let how = match step.resumes_after {
        Some((done, of)) => format!("{}, resumes after {done} of {of}", mode(step.mode)),
        None => mode(step.mode).to_owned(),
    };
    let color = if step.mode == Mode::Atomic {
        Paint::faint
    } else {
        Paint::warn
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

/// What stands in the way and what to do next, for stderr.
pub(crate) fn render_plan_summary(paint: Paint, plan: &Plan, program: &Program) -> String {
    let mut out = String::new();
    for warning in &plan.warnings {
        out.push_str(&format!("{}: {warning}\n", paint.warn("warning")));
    }
    if !plan.problems.is_empty() {
        out.push_str(&render_problems(paint, &plan.problems, program));
        out.push_str("A run would refuse to start.\n");
        return out;
    }
    match plan.steps.len() {
        0 => out.push_str(&format!("Nothing is pending ({}).\n", plan.database)),
        steps => out.push_str(&format!(
            "{} pending ({}).
{}: `migrate` applies {}
",
            units::len(steps, "step"),
            plan.database,
            paint.lead("next"),
            if steps == 1 { "it" } else { "them" }
        )),
    }
    out
}
