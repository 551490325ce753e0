//! The effective graph: which steps a ledger leaves to be planned, with squashes and what they
//! replace reduced to the one or the other.
//!
//! What decides is the ledger alone; the files of replaced steps may be gone.
//!
//! | replaced steps recorded | the squash | the replaced steps |
//! |---|---|---|
//! | none | runs, and records them and itself | are folded into it |
//! | all | is applied; the next run records it | are folded into it |
//! | some, all others in the binary | is split: recorded when they are all done | run |
//! | some, others gone from the binary | is split and incomplete: an error | cannot run |
//!
//! A squash with a row of its own is folded, whatever rows the replaced steps have.

use std::collections::HashSet;

use migrate_source::Database;

use super::graph::{self, Edges};
use super::history::History;
use super::row::{LedgerRow, LedgerRows, RowState};
use super::step::Step;
use crate::report::StepId;

/// What a step of the history is in the effective graph.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Role {
    /// It is there.
    Step,
    /// Another step, a squash, stands for it.
    Folded(usize),
    /// A squash whose replaced steps are there: it is nothing but the place where they join.
    Split,
}

/// The steps of a history as a ledger's rows leave them.
#[derive(Debug)]
pub(crate) struct Effective<'h, 'r> {
    pub(super) history: &'h History,
    rows: Vec<Option<&'r LedgerRow>>,
    /// Rows that no step of the binary has.
    pub(super) strangers: Vec<&'r LedgerRow>,
    roles: Vec<Role>,
    recorded: Vec<Recorded>,
    /// Squashes with the apps of what they stand for, where they are not their own.
    foreign: HashSet<(usize, usize)>,
    pub(super) parents: Edges,
    pub(super) children: Edges,
    /// Nodes in order of execution; folded steps are not among them.
    pub(super) order: Vec<usize>,
}

/// What the ledger says of a step and of all that it replaces.
#[derive(Clone, Copy, Debug, Default)]
struct Recorded {
    /// Applied, by its own row or by those of all that it replaces.
    applied: bool,
    /// All that it replaces is applied; never for a step that is no squash.
    replaced: bool,
    /// There is a row of it or of something that it replaces.
    touched: bool,
    /// The highest place in the order of application.
    seq: i64,
}

impl<'h, 'r> Effective<'h, 'r> {
    /// The effective graph. The squashes around `within` are split, whatever the ledger says.
    ///
    /// Linear in steps, edges and rows, but for a logarithm where a squash is split.
    pub(crate) fn new(history: &'h History, rows: &'r LedgerRows, within: Option<usize>) -> Self {
        let (mut own, strangers) = joined(history, rows);
        forget_failures(history, &mut own);
        let recorded = recorded(history, &own, rows);
        let roles = roles(history, &own, &recorded, within);
        let mut effective = Self {
            history,
            rows: own,
            strangers,
            roles,
            recorded,
            foreign: history.graph.foreign(&history.apps),
            parents: Edges::default(),
            children: Edges::default(),
            order: Vec::new(),
        };
        effective.connect();
        effective
    }

    fn connect(&mut self) {
        let graph = &self.history.graph;
        let count = self.roles.len();
        let mut pairs = Vec::new();
        for step in 0..count {
            if self.roles[step] == Role::Split {
                let members = &graph.squashes.members[step];
                pairs.extend(members.iter().map(|&member| (member, step)));
                continue;
            }
            let later = self.node(step);
            let earlier = graph.parents[step]
                .iter()
                .map(|&earlier| self.node(earlier));
            pairs.extend(
                earlier
                    .filter(|&earlier| earlier != later)
                    .map(|earlier| (earlier, later)),
            );
        }
        self.children = Edges::new(count, pairs.iter().copied());
        self.parents = Edges::new(count, pairs.iter().map(|&(from, to)| (to, from)));
        let there = |&step: &usize| !matches!(self.roles[step], Role::Folded(_));
        let mut order: Vec<usize> = (0..count).filter(there).collect();
        if self.roles.contains(&Role::Split) {
            // Replaced steps that run after all have their places of before the squash.
            let mut waits: Vec<usize> = (0..count).map(|i| self.parents.of(i).len()).collect();
            let ranked = graph::sorted(&self.children, &mut waits, order.iter().copied(), |i| {
                graph.ranks[i]
            });
            if ranked.len() == order.len() {
                order = ranked;
            }
        }
        self.order = order;
    }

    /// The node that stands for a step: its squash if it is folded into one, else itself.
    pub(super) fn node(&self, step: usize) -> usize {
        match self.roles[step] {
            Role::Folded(squash) => squash,
            Role::Step | Role::Split => step,
        }
    }

    /// The nodes that stand for the steps of an app, those that are gone included, unless their
    /// squash is split: then they are applied, or lost.
    pub(super) fn of_app<'s>(&'s self, app: &'s str) -> impl Iterator<Item = usize> + 's {
        let steps = self.history.steps.iter().enumerate();
        let apps = &self.history.apps;
        let place = apps.iter().position(|known| known == app);
        let there = steps.filter(move |(node, _)| Some(self.app(*node)) == place);
        let aliases = self.history.graph.squashes.aliases.iter();
        let gone = aliases.filter(move |(name, _)| name.app == app);
        let gone = gone.map(|(_, &squash)| self.node(squash));
        there
            .map(|(place, _)| self.node(place))
            .chain(gone.filter(|&node| self.is_step(node)))
    }

    pub(super) fn step(&self, node: usize) -> &'h Step {
        &self.history.steps[node]
    }

    pub(super) fn row(&self, node: usize) -> Option<&'r LedgerRow> {
        self.rows[node]
    }

    pub(super) fn is_sql(&self, node: usize) -> bool {
        self.history.graph.traits[node].sql
    }

    pub(super) fn is_manual(&self, node: usize) -> bool {
        self.history.graph.traits[node].manual
    }

    /// The place of a step's app among the history's.
    pub(super) fn app(&self, node: usize) -> usize {
        self.history.graph.traits[node].app
    }

    /// Whether a node is a step of an app, or stands for one.
    pub(super) fn is_of(&self, node: usize, app: usize) -> bool {
        self.app(node) == app || self.foreign.contains(&(node, app))
    }

    /// The data migrations that some SQL steps run.
    pub(super) fn run_by<'s>(
        &'s self,
        nodes: impl IntoIterator<Item = usize> + 's,
        database: Database,
    ) -> HashSet<&'h StepId> {
        let nodes = nodes.into_iter();
        nodes
            .filter(|&node| self.history.graph.traits[node].runs)
            .flat_map(|node| self.step(node).runs(database))
            .collect()
    }

    /// Whether something can be done with the node: it is neither folded nor split.
    pub(super) fn is_step(&self, node: usize) -> bool {
        self.roles[node] == Role::Step
    }

    pub(super) fn is_split(&self, node: usize) -> bool {
        self.roles[node] == Role::Split
    }

    /// Whether a step is applied, by its own row or as part of a squash or as a squash.
    pub(super) fn is_applied(&self, step: usize) -> bool {
        self.recorded[step].applied || self.recorded[self.node(step)].applied
    }

    /// Whether a squash is applied only by what it replaces.
    pub(super) fn is_unrecorded(&self, node: usize) -> bool {
        self.rows[node].is_none() && self.recorded[node].replaced && !self.is_split(node)
    }

    /// The row of a name that the binary does not have.
    pub(super) fn stranger(&self, id: &StepId) -> Option<&'r LedgerRow> {
        let name = (id.app.as_str(), id.name.as_str());
        let of = |row: &&LedgerRow| (row.app.as_str(), row.name.as_str()).cmp(&name);
        let found = self.strangers.binary_search_by(of);
        found.ok().map(|place| self.strangers[place])
    }

    /// Whether all that a squash replaces and the binary lacks is applied.
    pub(super) fn none_lost(&self, squash: usize) -> bool {
        let mut gone = self.history.graph.squashes.gone[squash].iter();
        gone.all(|name| self.stranger(name).is_some_and(LedgerRow::is_applied))
    }

    /// Whether all that a squash replaces is applied.
    pub(super) fn all_replaced(&self, squash: usize) -> bool {
        self.recorded[squash].replaced
    }

    /// The steps that a squash replaces and the ledger lacks, although it has the squash itself and
    /// others of what that replaces. Without any of those they were pruned.
    pub(super) fn left_out(&self, squash: usize) -> Vec<&StepId> {
        let squashes = &self.history.graph.squashes;
        let own = self.rows[squash].is_some_and(LedgerRow::is_applied);
        if !own || self.all_replaced(squash) {
            return Vec::new();
        }
        let gone = |name| self.stranger(name).is_some_and(LedgerRow::is_applied);
        let members = squashes.members[squash].iter().copied();
        let (there, missing): (Vec<usize>, Vec<usize>) =
            members.partition(|&step| self.recorded[step].applied);
        if there.is_empty() && !squashes.gone[squash].iter().any(gone) {
            return Vec::new();
        }
        missing.iter().map(|&step| &self.step(step).id).collect()
    }

    pub(crate) fn is_left_out(&self, id: &StepId) -> bool {
        let squash = self.place(id).map(|step| self.node(step));
        squash.is_some_and(|squash| self.left_out(squash).contains(&id))
    }

    pub(super) fn is_reverting(&self, node: usize) -> bool {
        self.rows[node].is_some_and(|row| row.state == RowState::Reverting)
    }

    /// The place of a node in the order of application. A squash that was recorded late has that
    /// of what it replaces.
    pub(super) fn seq(&self, node: usize) -> i64 {
        self.recorded[node].seq
    }

    fn place(&self, id: &StepId) -> Option<usize> {
        self.history.index.get(id).copied()
    }

    /// The squash that stands for this step, if it is folded into one.
    pub(crate) fn folded_into(&self, id: &StepId) -> Option<&'h Step> {
        let step = self.place(id)?;
        let node = self.node(step);
        (node != step).then(|| self.step(node))
    }

    /// Whether a step counts as applied: by its row, by that of its squash, or by those of all
    /// that it replaces.
    pub(crate) fn applied(&self, id: &StepId) -> bool {
        self.place(id).is_some_and(|step| self.is_applied(step))
    }

    /// Whether this is a squash that is applied only by what it replaces: the next run records it.
    pub(crate) fn unrecorded(&self, id: &StepId) -> bool {
        self.place(id).is_some_and(|step| self.is_unrecorded(step))
    }

    /// Whether this is a squash whose replaced steps run instead, because some of them have.
    pub(crate) fn split(&self, id: &StepId) -> bool {
        self.place(id).is_some_and(|step| self.is_split(step))
    }
}

/// The row of each step, and the rows of none. Both lists are sorted by app and name.
fn joined<'r>(
    history: &History,
    rows: &'r LedgerRows,
) -> (Vec<Option<&'r LedgerRow>>, Vec<&'r LedgerRow>) {
    let mut own = vec![None; history.steps.len()];
    let mut strangers = Vec::new();
    let mut left = history.graph.by_name.iter().copied().peekable();
    for row in rows.iter() {
        let name = (row.app.as_str(), row.name.as_str());
        let of = |step: usize| {
            let id = &history.steps[step].id;
            (id.app.as_str(), id.name.as_str())
        };
        while left.next_if(|&step| of(step) < name).is_some() {}
        match left.next_if(|&step| of(step) == name) {
            Some(step) => own[step] = Some(row),
            None => strangers.push(row),
        }
    }
    (own, strangers)
}

/// A squash that failed before it did anything says nothing about what it replaces: another binary
/// may have applied that one by one since.
fn forget_failures(history: &History, own: &mut [Option<&LedgerRow>]) {
    let squashes = &history.graph.squashes;
    if !squashes.any {
        return;
    }
    for (step, row) in own.iter_mut().enumerate() {
        if squashes.is_squash(step) && row.is_some_and(LedgerRow::did_nothing) {
            *row = None;
        }
    }
}

fn recorded(history: &History, own: &[Option<&LedgerRow>], rows: &LedgerRows) -> Vec<Recorded> {
    let mut recorded: Vec<Recorded> = own
        .iter()
        .map(|row| Recorded {
            applied: row.is_some_and(LedgerRow::is_applied),
            replaced: false,
            touched: row.is_some(),
            seq: row.map_or(i64::MIN, |row| row.seq),
        })
        .collect();
    let squashes = &history.graph.squashes;
    if !squashes.any {
        return recorded;
    }
    // What a squash replaces stands before it.
    for squash in (0..own.len()).filter(|&step| squashes.is_squash(step)) {
        let gone = squashes.gone[squash].iter().map(|name| {
            let row = rows.find(name);
            let seq = row.map_or(i64::MIN, |row| row.seq);
            (row.is_some_and(LedgerRow::is_applied), row.is_some(), seq)
        });
        let members = squashes.members[squash].iter().map(|&member| {
            let Recorded {
                applied,
                touched,
                seq,
                ..
            } = recorded[member];
            (applied, touched, seq)
        });
        let (all, any, last) = gone
            .chain(members)
            .fold((true, false, i64::MIN), |(all, any, last), of| {
                (all && of.0, any || of.1, last.max(of.2))
            });
        let of = &mut recorded[squash];
        of.replaced = all;
        // A row of its own says more: the squash may be half done, or half undone.
        of.applied |= all && own[squash].is_none();
        of.touched |= any;
        if all {
            of.seq = last;
        }
    }
    recorded
}

fn roles(
    history: &History,
    own: &[Option<&LedgerRow>],
    recorded: &[Recorded],
    within: Option<usize>,
) -> Vec<Role> {
    let squashes = &history.graph.squashes;
    let mut roles = vec![Role::Step; own.len()];
    if !squashes.any {
        return roles;
    }
    // A squash stands after what it replaces, so the outer ones are met first.
    for step in (0..own.len()).rev() {
        let around = squashes.container[step].map(|squash| (squash, roles[squash]));
        roles[step] = match around {
            Some((_, Role::Folded(squash))) | Some((squash, Role::Step)) => Role::Folded(squash),
            Some((_, Role::Split)) | None => {
                let state = &recorded[step];
                let partly = own[step].is_none() && state.touched && !state.replaced;
                let opened = within.is_some_and(|within| squashes.contains(step, within));
                match squashes.is_squash(step) && (partly || opened) {
                    true => Role::Split,
                    false => Role::Step,
                }
            }
        };
    }
    roles
}
