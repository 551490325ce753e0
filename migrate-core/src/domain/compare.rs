//! Binary against ledger: what is in the way, what is worth a warning.

use std::collections::{HashMap, HashSet};

use migrate_source::Database;

use super::check;
use super::places::{last_places, place};
use super::replace::Effective;
use super::row::{LedgerRow, RowState};
use super::step::{Body, Step};
use crate::error::ErrorCode;
use crate::policy::{Policies, Policy};
use crate::report::{Problem, StepId};

/// What stands in the way of a run, and what the policies let pass.
pub(super) struct Findings<'e, 'h, 'r> {
    pub(super) effective: &'e Effective<'h, 'r>,
    pub(super) database: Database,
    policies: Policies,
    last_places: HashMap<(&'h str, &'h str), &'h str>,
    pub(super) problems: Vec<Problem>,
    pub(super) warnings: Vec<String>,
}

impl<'e, 'h, 'r> Findings<'e, 'h, 'r> {
    pub(super) fn new(
        effective: &'e Effective<'h, 'r>,
        policies: Policies,
        database: Database,
    ) -> Self {
        Self {
            effective,
            database,
            policies,
            last_places: match effective.strangers.is_empty() {
                true => HashMap::new(),
                false => last_places(effective.history),
            },
            problems: Vec::new(),
            warnings: Vec::new(),
        }
    }

    /// What stands in the way whatever the goal is, in both directions.
    pub(super) fn everywhere(&mut self) {
        self.edited();
        for row in self.lost() {
            self.missing(row);
        }
        self.left_out();
        let more = check::everywhere(self.effective, self.database);
        self.problems.extend(more);
    }

    /// What stands in the way of applying some steps; `near` are the nodes that lead to the goal.
    pub(super) fn forwards(&mut self, pending: &[usize], near: &[bool]) {
        self.out_of_order(pending);
        self.manual_needed(pending, near);
        self.half_reverted(near);
        self.lost_half_way(pending);
    }

    /// Rows of this binary's apps that nothing in it has or stands for.
    pub(super) fn lost(&self) -> Vec<&'r LedgerRow> {
        let history = self.effective.history;
        let apps: HashSet<&str> = history.apps.iter().map(String::as_str).collect();
        let aliases = &history.graph.squashes.aliases;
        // A ledger may serve several services: rows of apps that this binary does not have are
        // theirs, and shown by `status`.
        let lost = self.effective.strangers.iter().filter(|row| {
            apps.contains(row.app.as_str())
                && (aliases.is_empty() || !aliases.contains_key(&row.id()))
        });
        lost.copied().collect()
    }

    fn report(
        &mut self,
        policy: Policy,
        code: ErrorCode,
        step: StepId,
        message: String,
        help: Vec<String>,
    ) {
        match policy {
            Policy::Allow => {}
            Policy::Warn => self.warnings.push(message),
            Policy::Deny => self.problems.push(Problem {
                code,
                step: Some(step),
                message,
                help,
            }),
        }
    }

    fn edited(&mut self) {
        for (place, step) in self.effective.history.steps.iter().enumerate() {
            let Some(row) = self.effective.row(place) else {
                continue;
            };
            if !row.is_applied() || step.accepts(self.database, &row.checksum) {
                continue;
            }
            let (id, now) = (&step.id, step.checksum(self.database));
            let message = format!(
                "`{id}` ({}) was changed after it was applied: the ledger has {}, this binary {now}",
                step.location_on(self.database),
                row.checksum
            );
            let put_back =
                "put the text back as it was applied, and write the change as a new step"
                    .to_owned();
            let accept = match step.body {
                Body::Function(_) => format!(
                    "or accept the change: `formerly = [\"{}\"]` in its attribute, which travels with the deploy, or `migrate accept {id} --why \"..\"`",
                    row.checksum
                ),
                Body::Sql { .. } => {
                    format!("or accept the change: `migrate accept {id} --why \"..\"`")
                }
            };
            self.report(
                self.policies.edited,
                ErrorCode::StepEdited,
                id.clone(),
                message,
                vec![put_back, accept],
            );
        }
    }

    /// What the policies say of a row that the binary lacks, and whether the binary is older.
    pub(super) fn policy_for(&self, row: &LedgerRow) -> (Policy, bool) {
        // Later than every step of its app and kind in the binary. So is a squash, whatever its
        // number: what it stands for was there first.
        let last = self.last_places.get(&(row.app.as_str(), row.kind.as_str()));
        let newer =
            row.kind == Step::SQUASH || last.is_none_or(|last| *last < place(&row.kind, &row.name));
        match (newer, row.kind.as_str(), self.policies.missing) {
            (true, ..) => (self.policies.newer, true),
            // Code of an applied data migration may be deleted; a lost SQL file is a lost history.
            (false, "data", Policy::Deny) => (Policy::Warn, false),
            (false, _, policy) => (policy, false),
        }
    }

    /// The last SQL step of this binary that was applied in the app of a row, if that was after the
    /// row: what only a newer binary has would have come behind it.
    fn applied_after(&self, row: &LedgerRow) -> Option<&'h Step> {
        let history = self.effective.history;
        let of_app = history
            .steps
            .iter()
            .enumerate()
            .filter_map(|(place, step)| {
                let known = self.effective.row(place)?;
                let later = known.is_applied() && known.seq > row.seq;
                (step.id.app == row.app && self.effective.is_sql(place) && later)
                    .then_some((known.seq, step))
            });
        let last = of_app.max_by_key(|(seq, _)| *seq);
        last.filter(|_| row.is_applied()).map(|(_, step)| step)
    }

    fn missing(&mut self, row: &LedgerRow) {
        let id = row.id();
        let (policy, newer) = self.policy_for(row);
        let (message, help) = if newer {
            let mut help =
                vec!["deploy the newer binary, or go on with `--newer allow`".to_owned()];
            let why = match self.applied_after(row) {
                None => "the binary is older than the database".to_owned(),
                Some(later) => {
                    let prune = format!("`migrate {} --prune`", id.app);
                    help.push(format!(
                        "or, if it was deleted for good, as behind a squash: {prune}"
                    ));
                    format!(
                        "`{}` was applied after it, so either the binary is older than the database, or the step was deleted for good, as behind a squash, and its record is left ({prune})",
                        later.id
                    )
                }
            };
            let message =
                format!("`{id}` is applied and later than anything in this binary: {why}");
            (message, help)
        } else {
            let help = vec![
                "put the file back (and its line in the index)".to_owned(),
                format!("or forget it for good: `migrate unmark {id}`"),
                format!(
                    "or forget all that is gone from its app: `migrate {} --prune`",
                    id.app
                ),
            ];
            let message = format!("`{id}` is applied, but this binary does not have it");
            (message, help)
        };
        self.report(policy, ErrorCode::StepMissing, id, message, help);
    }

    fn out_of_order(&mut self, pending: &[usize]) {
        let effective = self.effective;
        let applied = |&node: &usize| effective.is_step(node) && effective.is_applied(node);
        // Applied files in the order of numbers; a header that names its own place is exempt,
        // because there the graph and not the number says what comes first.
        let mut last_applied: HashMap<usize, (u32, usize)> = HashMap::new();
        for node in effective.order.iter().copied().filter(applied) {
            let step = effective.step(node);
            if let Body::Sql { number, .. } = step.body
                && !step.explicit_order
            {
                let last = last_applied
                    .entry(effective.app(node))
                    .or_insert((number, node));
                if number > last.0 {
                    *last = (number, node);
                }
            }
        }
        let followers = match pending.is_empty() {
            true => HashMap::new(),
            false => followers(effective),
        };
        for &node in pending {
            let step = effective.step(node);
            let Body::Sql { number, .. } = step.body else {
                continue;
            };
            let by_number = last_applied
                .get(&effective.app(node))
                .filter(|(last, _)| number < *last && !step.explicit_order)
                .map(|(_, later)| *later);
            let follower = followers.get(&node).copied();
            let Some(later) = by_number.or(follower) else {
                continue;
            };
            let id = step.id.clone();
            let message = format!(
                "`{id}` is pending, but `{}`, which comes after it, is applied",
                effective.step(later).id
            );
            let help = vec![
                "if it is new (a merged branch): give it the next free number".to_owned(),
                "if it is right as it is: `migrate --out-of-order allow`".to_owned(),
                format!("if its effect is already there: `migrate mark {id}`"),
            ];
            self.report(
                self.policies.out_of_order,
                ErrorCode::OutOfOrder,
                id,
                message,
                help,
            );
        }
    }

    /// A pending step may wait for a manual one that nobody has run and nothing will run.
    fn manual_needed(&mut self, pending: &[usize], near: &[bool]) {
        let effective = self.effective;
        let will_run = effective.run_by(pending.iter().copied(), self.database);
        let mut waits = vec![false; near.len()];
        for &node in pending {
            waits[node] = true;
        }
        for &node in effective.order.iter().filter(|&&node| near[node]) {
            if !waits[node] && !effective.is_split(node) {
                continue;
            }
            for &needed in effective.parents.of(node) {
                if !effective.is_manual(needed) || effective.is_applied(needed) {
                    continue;
                }
                let (step, needs) = (effective.step(node), effective.step(needed));
                if will_run.contains(&needs.id) {
                    continue;
                }
                self.problems.push(Problem {
                    code: ErrorCode::DependencyNotApplied,
                    step: Some(step.id.clone()),
                    message: format!(
                        "`{}` comes after `{}`, which is manual and not applied",
                        step.id, needs.id
                    ),
                    help: vec![format!("run it first: `migrate run {}`", needs.id)],
                });
            }
        }
    }

    /// Nothing is applied on top of a step whose way back stopped half-way.
    fn half_reverted(&mut self, near: &[bool]) {
        let effective = self.effective;
        let half = effective
            .order
            .iter()
            .filter(|&&node| near[node] && effective.is_reverting(node));
        for &node in half {
            let id = &effective.step(node).id;
            let far = match effective.row(node) {
                Some(row) if row.total > 0 => {
                    format!(" after {} of its {} statements", row.done, row.total)
                }
                _ => String::new(),
            };
            self.problems.push(Problem {
                code: ErrorCode::HalfReverted,
                step: Some(id.clone()),
                message: format!(
                    "the way back of `{id}` stopped on this {} database{far}: it is neither applied nor undone, and nothing can be applied on top of that",
                    self.database
                ),
                help: vec![
                    "finish its way back: `migrate undo`".to_owned(),
                    "then `migrate` applies it anew".to_owned(),
                    format!(
                        "or put back by hand what was undone, then record it: `migrate mark {id} --why \"..\"`"
                    ),
                ],
            });
        }
    }
}

impl Findings<'_, '_, '_> {
    /// A squash counts as applied by its own row, and with it what another binary took back.
    fn left_out(&mut self) {
        let effective = self.effective;
        if !effective.history.graph.squashes.any {
            return;
        }
        for &squash in &effective.order {
            for name in effective.left_out(squash) {
                self.warnings.push(format!(
                    "`{}` is recorded, but `{name}`, which it stands for, is not: a binary without the squash may have undone it, and it does not run again; if its effect is there, `migrate mark {name}`",
                    effective.step(squash).id
                ));
            }
        }
    }

    /// Nothing is applied in an app in which another binary's step is half undone.
    fn lost_half_way(&mut self, pending: &[usize]) {
        let effective = self.effective;
        let apps: HashSet<&str> = pending
            .iter()
            .map(|&node| effective.step(node).id.app.as_str())
            .collect();
        let half = self
            .lost()
            .into_iter()
            .filter(|row| row.state == RowState::Reverting && apps.contains(row.app.as_str()));
        let problems = half.map(|row| {
            let id = row.id();
            Problem {
                code: ErrorCode::HalfReverted,
                message: format!(
                    "the way back of `{id}` stopped on this {} database after {} of its {} statements, and this binary does not have it: nothing can be applied on top of what is neither applied nor undone",
                    self.database, row.done, row.total
                ),
                help: vec![
                    "finish its way back with the binary that has it: `migrate undo`".to_owned(),
                    format!("or undo the rest by hand, then forget it: `migrate unmark {id} --why \"..\"`"),
                ],
                step: Some(id),
            }
        });
        self.problems.extend(problems);
    }
}

/// Steps that are not applied, each with the last applied one that comes after it in its app.
fn followers(effective: &Effective<'_, '_>) -> HashMap<usize, usize> {
    let pairs = check::applied_after(effective);
    let pairs = pairs.filter(|&(step, earlier)| {
        effective.app(step) == effective.app(earlier) && !effective.is_applied(earlier)
    });
    pairs
        .map(|(step, earlier)| (earlier, effective.node(step)))
        .collect()
}
