//! How many steps are applied, counted as `status` shows them: a squash stands for what it replaces.

use std::collections::HashSet;

use crate::domain::{Effective, History, LedgerRow, LedgerRows, RowState};
use crate::report::{StepId, StepOutcome, StepRun};

/// How many steps are applied, those included that this binary does not have.
pub(super) fn applied(history: &History, rows: &LedgerRows) -> usize {
    let recorded = rows.iter().filter(|row| row.is_applied());
    if !history.has_squashes() {
        return recorded.count();
    }
    let effective = Effective::new(history, rows, None);
    let steps = history.iter().map(|step| &step.id).filter(|id| {
        effective.folded_into(id).is_none() && !effective.split(id) && effective.applied(id)
    });
    let others = recorded
        .map(LedgerRow::id)
        .filter(|id| history.get(id).is_none() && history.stands_for(id).is_none());
    steps.count() + others.count()
}

/// As [`applied`], after what was done to these rows.
pub(super) fn applied_after(rows: &LedgerRows, history: &History, done: &[StepRun]) -> usize {
    let (before, others): (Vec<&LedgerRow>, Vec<&LedgerRow>) =
        rows.iter().partition(|row| row.is_applied());
    let mut ids: HashSet<StepId> = before.into_iter().map(LedgerRow::id).collect();
    let mut gone = HashSet::new();
    for run in done {
        let back = matches!(
            run.outcome,
            StepOutcome::Reverted | StepOutcome::FakeReverted
        );
        let along = history.replaced_by(&run.step);
        for id in along.iter().chain([&run.step]) {
            match back {
                true => (ids.remove(id), gone.insert(id.clone())),
                false => (ids.insert(id.clone()), gone.remove(id)),
            };
        }
        if back {
            for squash in history.squashes_of(&run.step) {
                ids.remove(squash);
            }
        }
    }
    let kind = |id: &StepId| history.get(id).map_or("sql", |step| step.kind_text());
    let others = others.into_iter().filter(|row| {
        let id = row.id();
        !ids.contains(&id) && !gone.contains(&id)
    });
    let rows = ids
        .iter()
        .map(|id| LedgerRow::bare(id, kind(id), RowState::Applied, 0))
        .chain(others.cloned());
    applied(history, &LedgerRows::new(rows.collect()))
}
