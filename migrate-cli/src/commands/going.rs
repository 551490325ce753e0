//! Going to a goal, forwards or backwards. What goes backwards is shown and asked for first.

use migrate_core::report::{Direction, Plan, Problem};
use migrate_core::{Fake, Goal, Request};

use super::goal::typed;
use crate::args::Format;
use crate::context::Context;
use crate::drive::Connected;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::progress::Narration;
use crate::render::human::plan::{render_dependents, render_plan};
use crate::render::human::run;
use crate::render::units;
use crate::view::View;

/// Does what is asked for.
pub(crate) async fn go(context: &mut Context, mut request: Request) -> Result<View, Failure> {
    let connected = context.connect(Narration::Run)?;
    if may_go_back(&request.goal) {
        let plan = connected
            .drive(connected.migrator.plan_to(&request))
            .await?;
        if plan.direction == Direction::Backwards && !plan.steps.is_empty() {
            ask(context, &request, &plan)?;
            connected.reporter.go_backwards();
        }
        // Much can happen while somebody thinks about the answer.
        request = request.agreed(&plan);
    }
    let report = connected
        .drive(connected.migrator.migrate(&request))
        .await?;
    let view = View::of(&report);
    if context.global.verbosity == 0 {
        return Ok(view);
    }
    Ok(view.note(run::summary(context.paint_err(), &report)))
}

/// Shows what would be done.
pub(crate) async fn plan(connected: &Connected, request: &Request) -> Result<Plan, Failure> {
    connected.drive(connected.migrator.plan_to(request)).await
}

/// Whether the goal may lead backwards. Where it cannot, nothing needs to be looked at before.
fn may_go_back(goal: &Goal) -> bool {
    !matches!(goal, Goal::Latest | Goal::App(_))
}

/// Shows a way back and asks for it. What a run would refuse is not asked for.
fn ask(context: &Context, request: &Request, plan: &Plan) -> Result<(), Failure> {
    if let Some(failure) = refusal(&plan.problems) {
        return Err(failure);
    }
    let paint = context.paint_err();
    if context.global.format() == Format::Human && !context.global.yes {
        let output = context.output();
        output.note(&render_plan(paint, plan, request.fake == Fake::All));
        output.note(&render_dependents(paint, plan));
        for warning in &plan.warnings {
            output.note(&format!("{}: {warning}\n", paint.warn("warning")));
        }
    }
    let steps = units::len(plan.steps.len(), "step");
    let (what, it) = match plan.steps.as_slice() {
        [only] => (format!("{}", only.step), "it"),
        _ => (steps, "they"),
    };
    let question = match request.fake {
        Fake::All => format!("Remove the record of {what}? The database itself stays as it is."),
        _ => format!("Undo {what}? The data that {it} created is lost."),
    };
    let command = typed(request);
    let command = command.strip_prefix("migrate ").unwrap_or(&command);
    context.confirm(&question, command)
}

/// What a run would be refused with: the first problem, and the others by name.
pub(crate) fn refusal(problems: &[Problem]) -> Option<Failure> {
    let first = problems.first()?;
    let mut failure = Failure::new(Exit::of(first.code), first.code.as_str(), &first.message);
    for other in &problems[1..] {
        failure.message.push_str("\nand also: ");
        failure.message.push_str(&other.message);
    }
    failure.help.clone_from(&first.help);
    Some(failure)
}
