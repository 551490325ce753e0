//! The way back: what is undone, what goes with it, and in which order.

use std::cmp::Reverse;
use std::collections::HashSet;

use migrate_source::Database;

use super::check::listed;
use super::compare::Findings;
use super::goal::Aim;
use super::graph;
use super::replace::Effective;
use super::route::Move;
use super::row::{LedgerRow, LedgerRows};
use super::step::Step;
use super::way_back::irreversible;
use crate::error::ErrorCode;
use crate::goal::{Fake, Request};
use crate::policy::Policy;
use crate::report::{Action, Problem, StepId};

/// Steps that go back.
#[derive(Debug, Default)]
pub(super) struct Back {
    /// The last one first.
    nodes: Vec<usize>,
    /// Steps that are in the way: interrupted on their way forwards.
    interrupted: Vec<usize>,
    /// Squashes that are split and on the way.
    split: Vec<usize>,
}

/// Undoes what comes after a step in its app, and all that depends on that.
pub(super) fn to_step(effective: &Effective<'_, '_>, target: usize, on: Database) -> Back {
    let same_app = |node: usize| effective.is_of(node, effective.app(target));
    let mut after = Vec::new();
    let mut seen = HashSet::from([target]);
    let mut open = vec![target];
    while let Some(node) = open.pop() {
        for &later in effective.children.of(node) {
            let joins = effective.is_split(later);
            if !(joins || same_app(later)) || !seen.insert(later) {
                continue;
            }
            // Data migrations that depend only on what stays, stay; what follows one goes.
            if joins || !effective.is_sql(later) {
                open.push(later);
            } else {
                after.push(later);
            }
        }
    }
    and_dependents(effective, after, on)
}

/// Undoes every step of an app, and all that depends on them.
pub(super) fn to_zero(effective: &Effective<'_, '_>, app: &str, on: Database) -> Back {
    and_dependents(effective, effective.of_app(app).collect(), on)
}

/// Dependents go before what they depend on; of those that could go, the one applied last.
fn and_dependents(effective: &Effective<'_, '_>, first: Vec<usize>, on: Database) -> Back {
    let reached = effective.children.reach(first);
    let mut waits: Vec<usize> = reached
        .iter()
        .enumerate()
        .map(|(node, &reached)| match reached {
            true => effective.children.of(node).len(),
            false => usize::MAX,
        })
        .collect();
    let goes = |node: usize| {
        effective.is_step(node) && (effective.is_applied(node) || effective.is_reverting(node))
    };
    let all = (0..reached.len()).filter(|&node| reached[node]);
    let run = effective.run_by(all.clone().filter(|&node| goes(node)), on);
    let key = |node: usize| {
        // What does not go itself, or with its runner, holds up nothing; what is half undone is first.
        let holds = goes(node) && !run.contains(&effective.step(node).id);
        let finished = !effective.is_reverting(node);
        (holds, finished, Reverse(effective.seq(node)))
    };
    let nodes = graph::sorted(&effective.parents, &mut waits, all, key);
    let (nodes, others): (Vec<usize>, Vec<usize>) = nodes.into_iter().partition(|&node| goes(node));
    let split = others.iter().copied();
    Back {
        nodes,
        split: split.filter(|&node| effective.is_split(node)).collect(),
        interrupted: interrupted(effective, others),
    }
}

/// Steps that stopped on their way forwards after something was done.
fn interrupted(effective: &Effective<'_, '_>, nodes: Vec<usize>) -> Vec<usize> {
    let begun = |&node: &usize| effective.row(node).is_some_and(LedgerRow::has_begun);
    nodes.into_iter().filter(begun).collect()
}

/// Undoes the step that was applied last, or finishes the way back of one.
pub(super) fn undo(effective: &Effective<'_, '_>, findings: &mut Findings<'_, '_, '_>) -> Back {
    let half = last_of(effective, |node| effective.is_reverting(node));
    let last = half.or_else(|| {
        // What a SQL step runs goes back with it.
        let applied = |node: &usize| effective.is_step(*node) && effective.is_applied(*node);
        let nodes = effective.order.iter().copied().filter(applied);
        let run = effective.run_by(nodes, findings.database);
        last_of(effective, |node| {
            effective.is_applied(node) && !run.contains(&effective.step(node).id)
        })
    });
    if half.is_none() {
        let seq = last.map_or(i64::MIN, |node| effective.seq(node));
        findings.problems.extend(lost_last(findings, seq));
    }
    let Some(last) = last else {
        return Back::default();
    };
    let above = and_dependents(
        effective,
        effective.children.of(last).to_vec(),
        findings.database,
    );
    // What it ran goes along with it.
    let along = effective.run_by([last], findings.database);
    let ids = above.nodes.iter().map(|&node| &effective.step(node).id);
    let depend: Vec<StepId> = ids.filter(|id| !along.contains(id)).cloned().collect();
    if !depend.is_empty() {
        let id = &effective.step(last).id;
        findings.problems.push(Problem {
            code: ErrorCode::InconsistentHistory,
            step: Some(id.clone()),
            message: format!(
                "`{id}` was applied last on this {} database, but {}, which depends on it, is applied as well: undone, it would leave that without what it relies on",
                findings.database,
                listed(&depend)
            ),
            help: vec![
                format!(
                    "`migrate {} TARGET` goes back and takes what depends on it along",
                    id.app
                ),
                format!("`migrate unmark {id}` only forgets it"),
            ],
        });
    }
    Back {
        nodes: vec![last],
        interrupted: above.interrupted,
        split: above.split,
    }
}

/// Of some steps the one that was applied last.
fn last_of(effective: &Effective<'_, '_>, wanted: impl Fn(usize) -> bool) -> Option<usize> {
    let nodes = effective.order.iter().copied();
    nodes
        .filter(|&node| effective.is_step(node) && wanted(node))
        .max_by_key(|&node| effective.seq(node))
}

/// That something was applied later which the binary does not have.
fn lost_last(findings: &Findings<'_, '_, '_>, seq: i64) -> Option<Problem> {
    let lost = findings.lost();
    let row = lost
        .iter()
        .filter(|row| row.can_go() && row.kind != Step::SQUASH && row.seq > seq)
        .max_by_key(|row| row.seq)?;
    let id = row.id();
    Some(Problem {
        code: ErrorCode::StepMissing,
        message: format!(
            "the step that was applied last on this {} database is `{id}`, and this binary does not have it: it cannot undo that",
            findings.database
        ),
        help: vec![
            format!("undo it with the binary that has it, or forget it: `migrate unmark {id}`"),
            "to undo something older, name where to go back to: `migrate APP TARGET`".to_owned(),
        ],
        step: Some(id),
    })
}

impl Back {
    pub(super) fn is_empty(&self) -> bool {
        self.nodes.is_empty() && self.interrupted.is_empty()
    }

    /// The steps, without those that a SQL step among them ran and so undoes.
    pub(super) fn moves<'h>(
        &self,
        effective: &Effective<'h, '_>,
        database: Database,
    ) -> Vec<Move<'h>> {
        let run = effective.run_by(self.nodes.iter().copied(), database);
        let action = Action::Revert;
        let steps = self.nodes.iter().map(|&node| effective.step(node));
        steps
            .filter(|step| !run.contains(&step.id))
            .map(|step| Move { step, action })
            .collect()
    }

    /// What goes only because it depends on what was named.
    pub(super) fn dependents(&self, effective: &Effective<'_, '_>, aim: Aim<'_>) -> Vec<StepId> {
        let named = match aim {
            Aim::Zero(app) | Aim::App(app) => app,
            Aim::Step(target) => &effective.step(target).id.app,
            Aim::Latest | Aim::Undo => return Vec::new(),
        };
        let ids = self.nodes.iter().map(|&node| &effective.step(node).id);
        ids.filter(|id| id.app != named).cloned().collect()
    }

    /// What stands in the way of this way back.
    pub(super) fn judge(
        &self,
        findings: &mut Findings<'_, '_, '_>,
        request: &Request,
        rows: &LedgerRows,
        aim: Aim<'_>,
    ) {
        for &node in &self.interrupted {
            let problem = self.unfinished(findings, node);
            findings.problems.push(problem);
        }
        if request.fake != Fake::All {
            let problem = self.one_way(findings, rows);
            findings.problems.extend(problem);
        }
        self.stays(findings, aim);
    }

    /// What stays although it may rely on what goes, or would have to go.
    pub(super) fn stays(&self, findings: &mut Findings<'_, '_, '_>, aim: Aim<'_>) {
        self.lost(findings, aim);
        self.only_in_a_squash(findings, aim);
    }

    fn unfinished(&self, findings: &Findings<'_, '_, '_>, node: usize) -> Problem {
        let id = &findings.effective.step(node).id;
        let row = findings.effective.row(node);
        let (done, total) = row.map_or((0, 0), |row| (row.done, row.total));
        Problem {
            code: ErrorCode::NotPossible,
            step: Some(id.clone()),
            message: format!(
                "`{id}` would have to go back too, but it stopped on this {} database after {done} of its {total} statements: there is no way back from half-way",
                findings.database
            ),
            help: vec![
                "finish it first: `migrate`".to_owned(),
                format!("or undo what it did by hand, and forget it: `migrate unmark {id}`"),
            ],
        }
    }

    /// The steps without a way back, all of them at once.
    fn one_way(&self, findings: &Findings<'_, '_, '_>, rows: &LedgerRows) -> Option<Problem> {
        let effective = findings.effective;
        let found: Vec<(&StepId, String)> = self
            .moves(effective, findings.database)
            .iter()
            .filter_map(|of| {
                let why = irreversible(effective.history, rows, of.step, findings.database)?;
                Some((
                    &of.step.id,
                    format!(
                        "`{}` ({}): {why}",
                        of.step.id,
                        of.step.location_on(findings.database)
                    ),
                ))
            })
            .collect();
        let (first, _) = found.first()?;
        let lines: Vec<&str> = found.iter().map(|(_, line)| line.as_str()).collect();
        let steps = match found.len() {
            1 => "a step".to_owned(),
            several => format!("{several} steps"),
        };
        Some(Problem {
            code: ErrorCode::Irreversible,
            step: Some((*first).clone()),
            message: format!(
                "this way back on {} leads through {steps} that cannot be undone, so nothing is: {}",
                findings.database,
                lines.join("; ")
            ),
            help: vec![
                "write the way back: a `-- migrate: down` part or a `.down.sql` file, `reverse = ..` for a data migration".to_owned(),
                "or undo the effect by hand, and let `--fake` remove the records".to_owned(),
            ],
        })
    }

    /// Rows that only the database knows and that may rely on what goes.
    fn lost(&self, findings: &mut Findings<'_, '_, '_>, aim: Aim<'_>) {
        let effective = findings.effective;
        let first = self.nodes.iter().map(|&node| effective.seq(node)).min();
        for row in findings.lost() {
            let id = row.id();
            let (policy, _) = findings.policy_for(row);
            let of_app = matches!(aim, Aim::Zero(app) if app == row.app);
            if self.may_be_within(effective, row) {
                findings
                    .problems
                    .push(unknown_squash(id, findings.database));
            // Denied is refused already.
            } else if of_app && policy == Policy::Warn {
                findings.problems.push(Problem {
                    code: ErrorCode::StepMissing,
                    step: Some(id.clone()),
                    message: format!(
                        "`{id}` is applied on this {} database, but this binary does not have it and so cannot undo it: the app would not be at zero",
                        findings.database
                    ),
                    help: vec![
                        "go back with the binary that has it".to_owned(),
                        format!("or forget it: `migrate unmark {id}`"),
                    ],
                });
            } else if !of_app
                && first.is_some_and(|first| row.seq > first)
                && policy != Policy::Allow
            {
                findings.warnings.push(format!(
                    "`{id}` was applied later than steps that go back; this binary does not have it, so it stays and may miss them"
                ));
            }
        }
    }

    /// Applied steps whose files are gone, of a squash that is not applied as a whole: there is no
    /// way back for them alone. One that can never be completed is refused anyway.
    fn only_in_a_squash(&self, findings: &mut Findings<'_, '_, '_>, aim: Aim<'_>) {
        let effective = findings.effective;
        let first = self.nodes.iter().map(|&node| effective.seq(node)).min();
        let mut stay: Vec<(&StepId, usize)> = Vec::new();
        let squashes = &effective.history.graph.squashes;
        let split = effective.order.iter().copied();
        let split = split.filter(|&node| effective.is_split(node) && effective.none_lost(node));
        for squash in split {
            let on_the_way = self.split.contains(&squash);
            for name in &squashes.gone[squash] {
                let Some(row) = effective.stranger(name).filter(|row| row.can_go()) else {
                    continue;
                };
                let of_app = matches!(aim, Aim::Zero(app) if app == name.app);
                if of_app || (on_the_way && first.is_some_and(|first| row.seq > first)) {
                    stay.push((name, squash));
                }
            }
        }
        let problems = stay.into_iter().map(|(name, squash)| {
            let squash = &effective.step(squash).id;
            Problem {
                code: ErrorCode::StepMissing,
                step: Some(name.clone()),
                message: format!(
                    "`{name}` is applied on this {} database and would have to go back too, but this binary has it only as a part of `{squash}`, which is not applied as a whole",
                    findings.database
                ),
                help: vec![
                    format!("apply all that `{squash}` stands for first: `migrate`"),
                    format!("or go back with the binary that has `{name}`"),
                ],
            }
        });
        findings.problems.extend(problems);
    }

    /// Whether a row is that of a squash which may stand for something that goes back: it was
    /// recorded after that, in the same app.
    fn may_be_within(&self, effective: &Effective<'_, '_>, row: &LedgerRow) -> bool {
        let mut nodes = self.nodes.iter();
        row.kind == Step::SQUASH
            && row.can_go()
            && nodes.any(|&node| {
                effective.step(node).id.app == row.app && effective.seq(node) < row.seq
            })
    }
}

/// The record of a squash that this binary does not have would go on saying that a step which it
/// stands for is applied, and no binary that has it would run that step again.
fn unknown_squash(id: StepId, database: Database) -> Problem {
    Problem {
        code: ErrorCode::StepMissing,
        message: format!(
            "`{id}` is a squash that another binary recorded on this {database} database after steps that would go back; if it stands for them, its record would still say that they are applied"
        ),
        help: vec![
            "go back with the binary that has it".to_owned(),
            format!(
                "or forget its record first: `migrate unmark {id}`; the other binary records it again once all that it stands for is applied"
            ),
        ],
        step: Some(id),
    }
}
