//! From the ledger to a goal: which steps are applied or undone, in which order, and what stands
//! in the way.

use migrate_source::Database;

use super::compare::{Comparison, compare};
use super::history::History;
use super::row::LedgerRows;
use super::step::Step;
use crate::error::{Error, ErrorCode};
use crate::goal::{Goal, Request};
use crate::policy::Policies;
use crate::report::{Action, Direction, Problem, StepId};

/// One step of a route.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Move<'h> {
    pub(crate) step: &'h Step,
    pub(crate) action: Action,
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
    if request.goal != Goal::Latest {
        return Err(Error::new(
            ErrorCode::NotPossible,
            "only the latest state can be migrated to",
        ));
    }
    let Comparison {
        pending,
        problems,
        warnings,
    } = compare(history, rows, policies, database);
    let moves = pending.into_iter().map(|step| Move {
        step,
        action: Action::Apply,
    });
    Ok(Route {
        direction: Direction::Forwards,
        moves: moves.collect(),
        dependents: Vec::new(),
        problems,
        warnings,
    })
}
