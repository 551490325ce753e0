//! The way forwards: what is applied and recorded, in order.

use migrate_source::Database;

use super::replace::Effective;
use super::route::Move;
use crate::report::Action;

/// The nodes that lead to some, those included.
pub(super) fn towards(
    effective: &Effective<'_, '_>,
    goals: impl IntoIterator<Item = usize>,
) -> Vec<bool> {
    effective.parents.reach(goals)
}

/// What is to be applied among some nodes, in order.
pub(super) fn pending(effective: &Effective<'_, '_>, among: &[bool]) -> Vec<usize> {
    let pending = |&node: &usize| {
        among[node]
            && effective.is_step(node)
            && !effective.is_manual(node)
            && !effective.is_applied(node)
            && !effective.is_reverting(node)
    };
    effective.order.iter().copied().filter(pending).collect()
}

/// The moves of a run that applies some steps: those, and every squash that has, or will then
/// have, all that it replaces applied.
pub(super) fn moves<'h>(
    effective: &Effective<'h, '_>,
    pending: &[usize],
    database: Database,
) -> Vec<Move<'h>> {
    let history = effective.history;
    let squashes = &history.graph.squashes;
    let mut applies: Vec<bool> = vec![false; history.steps.len()];
    for &node in pending {
        applies[node] = true;
    }
    let mut done = vec![false; history.steps.len()];
    let mut moves = Vec::with_capacity(pending.len());
    for &node in &effective.order {
        let step = effective.step(node);
        if applies[node] {
            done[node] = true;
            let action = Action::Apply;
            moves.push(Move { step, action });
            for run in effective.run_by([node], database) {
                if let Some(&run) = history.index.get(run) {
                    done[run] = true;
                }
            }
            continue;
        }
        // What a step before has run is done.
        done[node] |= effective.is_applied(node);
        if effective.is_split(node) {
            let members = &squashes.members[node];
            done[node] |= effective.none_lost(node) && members.iter().all(|&member| done[member]);
        }
        if done[node] && squashes.is_squash(node) && effective.row(node).is_none() {
            let action = Action::Record;
            moves.push(Move { step, action });
        }
    }
    moves
}
