//! What stands in the way of every run, whatever its goal: a history that is recorded in an order
//! that cannot be, branches that nobody has joined, and squashes that can never be completed.

use std::collections::{BTreeSet, HashMap};

use migrate_source::Database;

use super::replace::Effective;
use super::row::LedgerRow;
use crate::error::ErrorCode;
use crate::report::{Problem, StepId};

pub(super) fn everywhere(effective: &Effective<'_, '_>, database: Database) -> Vec<Problem> {
    let incomplete = incomplete(effective);
    let mut problems = inconsistent(effective, &incomplete, database);
    problems.extend(
        incomplete
            .iter()
            .map(|squash| squash.problem(effective, database)),
    );
    problems.extend(conflicting(effective));
    problems
}

/// What applied SQL steps come directly after: each such step, and the node of a SQL step before it.
///
/// A squash is judged as the steps that it stands for are, each in its own app. A run may complete
/// it half-way, and what was in order before must be so then. What its own header names counts
/// where none of those steps is there to tell.
pub(super) fn applied_after<'e>(
    effective: &'e Effective<'_, '_>,
) -> impl Iterator<Item = (usize, usize)> + 'e {
    let graph = &effective.history.graph;
    let told_by_parts =
        |step: usize| effective.all_replaced(step) && !graph.squashes.members[step].is_empty();
    let steps = graph.parents.iter().enumerate();
    let steps = steps.filter(move |&(step, _)| {
        let node = effective.node(step);
        let applied = effective.is_step(node) && effective.is_applied(node);
        applied && effective.is_sql(step) && !told_by_parts(step)
    });
    steps.flat_map(move |(step, earlier)| {
        let nodes = earlier.iter().map(|&earlier| effective.node(earlier));
        nodes
            .filter(move |&earlier| earlier != effective.node(step) && effective.is_sql(earlier))
            .map(move |earlier| (step, earlier))
    })
}

/// Applied SQL steps whose SQL parent in another app is not applied. Within an app the policy for
/// steps out of order judges; data migrations may have been taken out of the ledger to run again.
fn inconsistent(
    effective: &Effective<'_, '_>,
    incomplete: &[Incomplete],
    database: Database,
) -> Vec<Problem> {
    let wrong = applied_after(effective).filter(|&(step, earlier)| {
        effective.app(earlier) != effective.app(step)
            && !effective.is_applied(earlier)
            && !incomplete.iter().any(|squash| squash.node == earlier)
    });
    let wrong = wrong.map(|(step, earlier)| (effective.node(step), earlier));
    // Several steps of one squash may come after the same one.
    let wrong: BTreeSet<(usize, usize)> = wrong.collect();
    let problem = |(node, earlier)| {
        let (child, parent) = (&effective.step(node).id, &effective.step(earlier).id);
        Problem {
            code: ErrorCode::InconsistentHistory,
            step: Some(child.clone()),
            message: format!(
                "on this {database} database `{child}` is applied, but `{parent}`, which it comes after, is not: what `{child}` relies on may be missing there, and `{parent}` may fail on what `{child}` did"
            ),
            help: vec![
                format!("if the effect of `{parent}` is there: `migrate mark {parent}`"),
                format!(
                    "if the effect of `{child}` is not: `migrate unmark {child}`, and `migrate` applies both"
                ),
            ],
        }
    };
    wrong.into_iter().map(problem).collect()
}

/// A squash of which a part is applied, while the rest is neither applied nor in the binary.
struct Incomplete {
    node: usize,
    applied: Vec<StepId>,
    missing: Vec<StepId>,
}

fn incomplete(effective: &Effective<'_, '_>) -> Vec<Incomplete> {
    let squashes = &effective.history.graph.squashes;
    let split = effective.order.iter().copied();
    let split = split.filter(|&node| effective.is_split(node) && !squashes.gone[node].is_empty());
    split
        .filter_map(|node| {
            let (mut applied, missing): (Vec<StepId>, Vec<StepId>) = squashes.gone[node]
                .iter()
                .cloned()
                .partition(|name| effective.stranger(name).is_some_and(LedgerRow::is_applied));
            if missing.is_empty() {
                return None;
            }
            let members = squashes.members[node].iter().copied();
            applied.extend(
                members
                    .filter(|&member| effective.is_applied(member))
                    .map(|member| effective.step(member).id.clone()),
            );
            applied.sort_unstable();
            Some(Incomplete {
                node,
                applied,
                missing,
            })
        })
        .collect()
}

impl Incomplete {
    fn problem(&self, effective: &Effective<'_, '_>, database: Database) -> Problem {
        let squash = &effective.step(self.node).id;
        let missing = listed(&self.missing);
        let first = self.missing.first().unwrap_or(squash);
        let mut help = vec![
            format!("deploy the release that still has {missing}, run `migrate`, then come back"),
            format!("if the effect of {missing} is there: `migrate mark {squash}`"),
        ];
        if let [only] = self.applied.as_slice() {
            help.push(format!(
                "if nothing of `{squash}` is there: `migrate unmark {only}`"
            ));
        }
        Problem {
            code: ErrorCode::SquashIncomplete,
            step: Some(squash.clone()),
            message: format!(
                "`{squash}` stands for steps of which this {database} database has {} but not {missing}; `{first}` is no longer in this binary, so the rest can neither run by itself nor be recorded with the squash",
                match self.applied.is_empty() {
                    true => "begun some".to_owned(),
                    false => listed(&self.applied),
                }
            ),
            help,
        }
    }
}

/// Apps with several SQL steps that no SQL step of the app comes after.
fn conflicting(effective: &Effective<'_, '_>) -> Vec<Problem> {
    let mut followed = vec![false; effective.history.steps.len()];
    let mut leaves: HashMap<usize, Vec<usize>> = HashMap::new();
    for &node in effective.order.iter().rev() {
        let (sql, split) = (effective.is_sql(node), effective.is_split(node));
        let app = effective.app(node);
        if sql && !split && !followed[node] {
            leaves.entry(app).or_default().push(node);
        }
        // Through a data migration of the same app, one SQL step follows another; a squash joins
        // what it replaces, and is in line in each app that it stands for.
        if followed[node] || sql {
            for &earlier in effective.parents.of(node) {
                let joins = split || effective.is_split(earlier);
                followed[earlier] |= joins || effective.is_of(node, effective.app(earlier));
            }
        }
    }
    let mut conflicts: Vec<(usize, Vec<usize>)> = leaves
        .into_iter()
        .filter(|(_, leaves)| leaves.len() > 1)
        .collect();
    conflicts.sort_unstable();
    let problem = |(app, mut leaves): (usize, Vec<usize>)| {
        let app = &effective.history.apps[app];
        leaves.sort_unstable();
        let named: Vec<String> = leaves
            .iter()
            .map(|&leaf| effective.step(leaf))
            .map(|step| format!("`{}` ({})", step.id, step.location))
            .collect();
        Problem {
            code: ErrorCode::ConflictingLeaves,
            step: leaves.last().map(|&leaf| effective.step(leaf).id.clone()),
            message: format!(
                "the SQL steps of `{app}` end in {} branches: {}; which of them comes last is open, so two databases could apply them in different orders",
                leaves.len(),
                named.join(", ")
            ),
            help: vec![format!(
                "`migrate merge {app}` shows the branches and joins them"
            )],
        }
    };
    conflicts.into_iter().map(problem).collect()
}

/// Some steps in a sentence, not too many of them.
pub(crate) fn listed(ids: &[StepId]) -> String {
    const SHOWN: usize = 6;
    let mut names: Vec<String> = ids.iter().take(SHOWN).map(|id| format!("`{id}`")).collect();
    if ids.len() > SHOWN {
        names.push(format!("{} more", ids.len() - SHOWN));
    }
    names.join(", ")
}
