//! Bare `migrate`: goes where it is told; `--plan`, `--check` and `--dry-run` only look, `--prune`
//! only forgets.

use clap::Args;
use migrate_core::report::{Action, Direction, Plan, Problem};
use migrate_core::{Fake, Goal, Request};

use super::goal::{GoalArgs, typed};
use super::{going, prune, trying};
use crate::context::Context;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::progress::Narration;
use crate::render::human::plan::{self, Asked};
use crate::render::units;
use crate::view::View;

/// The words and flags of a bare `migrate`.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Without a verb, every pending step is applied")]
pub(crate) struct BareArgs {
    #[command(flatten)]
    goal: GoalArgs,

    /// Show what would run, and run nothing.
    #[arg(long)]
    plan: bool,

    /// Exit with 3 when there is something to do, with 4 on drift; run nothing.
    #[arg(long)]
    check: bool,

    /// Run what would run, forwards or backwards, report what it changed, and roll it back.
    #[arg(long)]
    dry_run: bool,

    /// Only record the steps as applied; backwards, only remove their records.
    #[arg(long)]
    fake: bool,

    /// Only record an app's first steps where all their tables and columns exist.
    #[arg(long)]
    fake_initial: bool,

    /// Delete the records of steps of APP that this binary does not have; run nothing.
    #[arg(long)]
    prune: bool,

    /// With --prune: also records that look like those of a newer binary.
    #[arg(long)]
    force: bool,

    /// All steps in one transaction, or none of them.
    #[arg(long)]
    single_transaction: bool,
}

/// Flags that contradict each other, and why.
const CONTRADICTIONS: &[(&str, &str, &str)] = &[
    (
        "--dry-run",
        "--plan",
        "--plan runs nothing; --dry-run runs the steps and rolls them back",
    ),
    (
        "--dry-run",
        "--check",
        "--check runs nothing; --dry-run runs the steps and rolls them back",
    ),
    (
        "--dry-run",
        "--fake",
        "what is only recorded does not run, so there is nothing to try",
    ),
    ("--dry-run", "--fake-initial", "a dry run records nothing"),
    (
        "--dry-run",
        "--single-transaction",
        "a dry run is one transaction anyway",
    ),
    (
        "--fake",
        "--fake-initial",
        "--fake records every step of the plan, --fake-initial only first ones",
    ),
    (
        "--fake",
        "--single-transaction",
        "what is only recorded needs no transaction of its own",
    ),
    (
        "--prune",
        "--plan",
        "pruning asks before it deletes, and shows what",
    ),
    (
        "--prune",
        "--check",
        "pruning applies nothing that could be pending",
    ),
    ("--prune", "--dry-run", "pruning runs no step"),
    (
        "--prune",
        "--fake",
        "pruning deletes records, --fake writes them",
    ),
    (
        "--prune",
        "--fake-initial",
        "pruning deletes records, --fake-initial writes them",
    ),
    ("--prune", "--single-transaction", "pruning runs no step"),
];

impl BareArgs {
    /// The flags that were given.
    fn given(&self) -> Vec<&'static str> {
        let flags = [
            (self.plan, "--plan"),
            (self.check, "--check"),
            (self.dry_run, "--dry-run"),
            (self.fake, "--fake"),
            (self.fake_initial, "--fake-initial"),
            (self.prune, "--prune"),
            (self.force, "--force"),
            (self.single_transaction, "--single-transaction"),
        ];
        let given = flags.iter().filter(|(given, _)| *given);
        given.map(|(_, flag)| *flag).collect()
    }

    /// `migrate --dry-run run x` would run x for real if the flag were ignored.
    pub(crate) fn refuse_before_verb(&self, verb: &str) -> Result<(), Failure> {
        if let Some(app) = &self.goal.app {
            return Err(
                Failure::usage(format!("`{app}` before the verb `{verb}` has no meaning"))
                    .help(format!("the verb goes first: `migrate {verb} ..`"))
                    .help(format!(
                        "if `{verb}` is how a step's name begins: `migrate {app}.{verb}`"
                    )),
            );
        }
        match self.given().first() {
            Some(flag) => Err(
                Failure::usage(format!("{flag} before a verb has no meaning"))
                    .help("put the verb's own flags behind it: `migrate run NAME --dry-run`"),
            ),
            None => Ok(()),
        }
    }

    fn request(&self, goal: Goal) -> Result<Request, Failure> {
        let fake = match (self.fake, self.fake_initial) {
            (true, _) => Fake::All,
            (_, true) => Fake::Initial,
            _ => Fake::No,
        };
        if fake == Fake::Initial && matches!(goal, Goal::Zero(_)) {
            return Err(Failure::usage(
                "--fake-initial records first steps; `zero` undoes them",
            ));
        }
        let request = Request::to(goal).fake(fake);
        Ok(request.single_transaction(self.single_transaction))
    }
}

/// Refuses flags that contradict each other, and says why.
pub(super) fn refuse_contradictions(given: &[&str]) -> Result<(), Failure> {
    let has = |flag: &str| given.contains(&flag);
    match CONTRADICTIONS.iter().find(|(a, b, _)| has(a) && has(b)) {
        Some((a, b, why)) => Err(Failure::usage(format!(
            "{a} and {b} cannot be used together\n{why}"
        ))),
        None => Ok(()),
    }
}

/// Goes, or looks.
pub(crate) async fn run(context: &mut Context, args: BareArgs) -> Result<View, Failure> {
    refuse_contradictions(&args.given())?;
    if args.force && !args.prune {
        return Err(
            Failure::usage("--force goes with --prune, or behind the verb `run`")
                .help("to run a step once more: `migrate run NAME --force`"),
        );
    }
    if args.prune {
        return prune::run(context, &args.goal, args.force).await;
    }
    let goal = args.goal.goal(context.steps()?)?;
    let request = args.request(goal)?;
    if args.plan || args.check {
        return look(context, &args, &request).await;
    }
    if args.dry_run {
        return trying::try_out(context, &request).await;
    }
    going::go(context, request).await
}

async fn look(context: &mut Context, args: &BareArgs, request: &Request) -> Result<View, Failure> {
    let connected = context.connect(Narration::Quiet)?;
    let report = going::plan(&connected, request).await?;
    let command = typed(request);
    let mut view = View::of(&report);
    if args.plan {
        view = view.data(plan::render_plan(context.paint(), &report, args.fake));
    }
    if args.check {
        let verdict = judge(&report, &command);
        if verdict.is_none() && !args.plan {
            view = view.note(format!("Nothing is pending ({}).", report.database));
        }
        return Ok(view.verdict(verdict));
    }
    Ok(view.note(plan::render_plan_summary(
        context.paint_err(),
        &report,
        &context.program,
        Asked {
            command: &command,
            fake: args.fake,
        },
    )))
}

/// The verdict of `--check`: drift weighs more than what else a run would refuse, and that more than
/// pending steps; of each kind it is the first. A squash that only waits to be
/// recorded is not pending.
fn judge(report: &Plan, command: &str) -> Option<Failure> {
    let drift = |problem: &&Problem| Exit::of(problem.code) == Exit::Drift;
    let drifted = report.problems.iter().find(drift);
    let worst = drifted.or(report.problems.first());
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
    let executed = || {
        let steps = report.steps.iter();
        steps.filter(|step| step.action != Action::Record)
    };
    let first = &executed().next()?.step;
    let backwards = report.direction == Direction::Backwards;
    let message = match (executed().count(), backwards) {
        (1, false) => format!("1 step is pending: {first}"),
        (n, false) => format!(
            "{} are pending, the first is {first}",
            units::len(n, "step")
        ),
        (1, true) => format!("1 step would be undone: {first}"),
        (n, true) => format!(
            "{} would be undone, the first is {first}",
            units::len(n, "step")
        ),
    };
    let help = match backwards {
        false => format!("`{command}` applies what is pending, `{command} --plan` shows it"),
        true => format!("`{command}` asks and undoes, `{command} --plan` shows what"),
    };
    Some(Failure::new(Exit::Pending, "pending", message).help(help))
}
