//! The way forwards: what is applied and recorded, in order.

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
pub(super) fn moves<'h>(effective: &Effective<'h, '_>, pending: &[usize]) -> Vec<Move<'h>> {
    let mut done: Vec<bool> = vec![false; effective.history.steps.len()];
    for &node in pending {
        done[node] = true;
    }
    let squashes = &effective.history.graph.squashes;
    let mut moves = Vec::with_capacity(pending.len());
    for &node in &effective.order {
        let step = effective.step(node);
        if done[node] {
            let action = Action::Apply;
            moves.push(Move { step, action });
            continue;
        }
        done[node] = effective.is_applied(node);
        if effective.is_split(node) {
            let members = &squashes.members[node];
            done[node] |= effective.none_lost(node) && members.iter().all(|&member| done[member]);
        }
        let unrecorded = squashes.is_squash(node) && effective.row(node).is_none();
        if done[node] && unrecorded {
            let action = Action::Record;
            moves.push(Move { step, action });
        }
    }
    moves
}
