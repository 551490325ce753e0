//! From the ledger to a goal: which steps are applied or undone, in which order, and what stands
//! in the way.

use migrate_source::Database;

use super::backwards;
use super::compare::Findings;
use super::forwards::{self, towards};
use super::goal::{Aim, aim};
use super::history::History;
use super::replace::Effective;
use super::row::{LedgerRows, RowState};
use super::step::Step;
use crate::error::{Error, ErrorCode};
use crate::goal::Request;
use crate::policy::Policies;
use crate::report::{Action, Direction, Problem, StepId};

/// One step of a route.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Move<'h> {
    pub(crate) step: &'h Step,
    pub(crate) action: Action,
}

impl Move<'_> {
    /// The data migrations that go along with the step: those that it runs at its end, and on the
    /// way back those that it undoes first.
    pub(crate) fn runs(&self, rows: &LedgerRows, database: Database) -> Vec<StepId> {
        let is_applied = |id: &&StepId| {
            rows.find(id)
                .is_some_and(|row| row.state == RowState::Applied)
        };
        let is_there = |id: &&StepId| {
            rows.find(id)
                .is_some_and(|row| matches!(row.state, RowState::Applied | RowState::Reverting))
        };
        let runs = self.step.runs(database).iter();
        match self.action {
            Action::Record => Vec::new(),
            Action::Apply => runs.filter(|id| !is_applied(id)).cloned().collect(),
            Action::Revert => runs.rev().filter(is_there).cloned().collect(),
        }
    }
}

impl Route<'_> {
    /// Everything that goes back, with the data migrations that go with their steps.
    pub(crate) fn undone(&self, rows: &LedgerRows, database: Database) -> Vec<StepId> {
        let back = self.moves.iter();
        let back = back.filter(|planned| planned.action == Action::Revert);
        back.flat_map(|planned| {
            let mut ids = planned.runs(rows, database);
            ids.push(planned.step.id.clone());
            ids
        })
        .collect()
    }
}

/// What leads to a goal.
#[derive(Debug)]
pub(crate) struct Route<'h> {
    pub(crate) direction: Direction,
    /// In order of execution; interrupted steps included.
    pub(crate) moves: Vec<Move<'h>>,
    /// Steps of other apps that go back only because they depend on what was named.
    pub(crate) dependents: Vec<StepId>,
    /// What a run refuses.
    pub(crate) problems: Vec<Problem>,
    /// What the policies let pass.
    pub(crate) warnings: Vec<String>,
}

/// Plans the way to a goal. Pure, and linear in steps, edges and rows.
///
/// # Errors
///
/// A goal that names no app or step, or several.
pub(crate) fn route<'h>(
    history: &'h History,
    rows: &LedgerRows,
    request: &Request,
    policies: Policies,
    database: Database,
) -> Result<Route<'h>, Error> {
    let aim = aim(history, rows, &request.goal)?;
    let mut effective = Effective::new(history, rows, None);
    if let Aim::Step(target) = aim
        && effective.node(target) != target
    {
        refuse_closed(&effective, target)?;
        effective = Effective::new(history, rows, Some(target));
    }
    let mut findings = Findings::new(&effective, policies, database);
    findings.everywhere();
    let back = match aim {
        Aim::Latest | Aim::App(_) => None,
        Aim::Step(target) if effective.is_split(target) || !effective.is_applied(target) => None,
        Aim::Step(target) => Some(backwards::to_step(&effective, target, database)),
        Aim::Zero(app) => Some(backwards::to_zero(&effective, app, database)),
        Aim::Undo => Some(backwards::undo(&effective, &mut findings)),
    };
    if let Some(back) = back {
        if !back.is_empty() || aim == Aim::Undo {
            back.judge(&mut findings, request, rows, aim);
            return Ok(Route {
                direction: Direction::Backwards,
                dependents: back.dependents(&effective, aim),
                moves: back.moves(&effective, database),
                problems: findings.problems,
                warnings: findings.warnings,
            });
        }
        // Nothing goes back, but an app of which something stays is not at zero.
        back.stays(&mut findings, aim);
    }
    let near = match aim {
        Aim::Latest | Aim::Undo => vec![true; history.steps.len()],
        Aim::Step(target) => towards(&effective, [target]),
        Aim::App(app) => {
            let of_app = effective.of_app(app);
            towards(
                &effective,
                of_app.filter(|&node| !effective.is_manual(node)),
            )
        }
        Aim::Zero(_) => vec![false; history.steps.len()],
    };
    let pending = forwards::pending(&effective, &near);
    findings.forwards(&pending, &near);
    Ok(Route {
        direction: Direction::Forwards,
        moves: forwards::moves(&effective, &pending, database),
        dependents: Vec::new(),
        problems: findings.problems,
        warnings: findings.warnings,
    })
}

/// A step inside a squash can be a goal only where its record is more than that of the squash.
fn refuse_closed(effective: &Effective<'_, '_>, target: usize) -> Result<(), Error> {
    let closed = effective
        .history
        .graph
        .squashes
        .around(target)
        .find(|&squash| {
            let whole = effective.all_replaced(squash);
            effective
                .row(squash)
                .is_some_and(|row| !row.is_applied() || !whole)
        });
    let Some(squash) = closed else {
        return Ok(());
    };
    let (target, squash) = (&effective.step(target).id, &effective.step(squash).id);
    Err(Error::new(
        ErrorCode::NotPossible,
        format!(
            "`{target}` is part of `{squash}`, which is recorded as one step without all that it replaces: there is no state between"
        ),
    )
    .help(format!("`migrate {} {}` leads to the squash", squash.app, squash.name))
    .help(format!(
        "if the replaced steps are all there, record them: `migrate mark {target}`"
    )))
}
