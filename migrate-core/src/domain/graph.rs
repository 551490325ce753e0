//! The steps of a history as numbers: which come after which, and what a squash stands for.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap, HashSet};

use crate::report::StepId;

/// What planning needs of a history besides its steps; a step's number is its place in there.
#[derive(Clone, Debug, Default)]
pub(super) struct Graph {
    /// The steps that each step comes directly after.
    pub(super) parents: Vec<Vec<usize>>,
    /// Which of two steps goes first where both could.
    pub(super) ranks: Vec<usize>,
    /// What is asked of every step of a long history, side by side.
    pub(super) traits: Vec<Traits>,
    /// The steps by app and name, as the rows of a ledger are sorted.
    pub(super) by_name: Vec<usize>,
    pub(super) squashes: Squashes,
}

impl Graph {
    /// The apps of what each squash stands for, where they are not its own.
    pub(super) fn foreign(&self, apps: &[String]) -> HashSet<(usize, usize)> {
        let squashes = &self.squashes;
        let mut foreign = HashSet::new();
        if !squashes.any {
            return foreign;
        }
        let place: HashMap<&str, usize> = apps.iter().map(String::as_str).zip(0..).collect();
        let gone = squashes.aliases.iter();
        let gone = gone.filter_map(|(name, &squash)| {
            let app = place.get(name.app.as_str()).copied()?;
            Some((Some(squash), app))
        });
        let there = squashes.container.iter().zip(&self.traits);
        let there = there.map(|(&squash, step)| (squash, step.app));
        for (inner, app) in there.chain(gone) {
            let around = std::iter::successors(inner, |&squash| squashes.container[squash]);
            let other = around.filter(|&squash| self.traits[squash].app != app);
            foreign.extend(other.map(|squash| (squash, app)));
        }
        foreign
    }
}

/// What planning asks of a step.
#[derive(Clone, Copy, Debug)]
pub(super) struct Traits {
    /// The place of the app among the history's.
    pub(super) app: usize,
    /// SQL, and not a function.
    pub(super) sql: bool,
    pub(super) manual: bool,
    /// Whether it runs data migrations, on some database.
    pub(super) runs: bool,
}

/// Which steps replace which.
#[derive(Clone, Debug, Default)]
pub(super) struct Squashes {
    /// The squash that replaces each step; with squashes of squashes the innermost.
    pub(super) container: Vec<Option<usize>>,
    /// The steps that each squash replaces and the binary has.
    pub(super) members: Vec<Vec<usize>>,
    /// The names that each squash replaces and the binary does not have.
    pub(super) gone: Vec<Vec<StepId>>,
    /// All those names, each with the squash that it means now.
    pub(super) aliases: HashMap<StepId, usize>,
    /// Whether there is a squash at all.
    pub(super) any: bool,
}

impl Squashes {
    /// Of steps that replace nothing.
    pub(super) fn none(steps: usize) -> Self {
        Self {
            container: vec![None; steps],
            members: vec![Vec::new(); steps],
            gone: vec![Vec::new(); steps],
            ..Self::default()
        }
    }

    pub(super) fn is_squash(&self, step: usize) -> bool {
        !self.members[step].is_empty() || !self.gone[step].is_empty()
    }

    /// The squashes that a step is part of, the innermost first.
    pub(super) fn around(&self, step: usize) -> impl Iterator<Item = usize> {
        std::iter::successors(self.container[step], |&squash| self.container[squash])
    }

    pub(super) fn contains(&self, squash: usize, step: usize) -> bool {
        self.any && self.around(step).any(|around| around == squash)
    }

    /// The same, once the steps have other places.
    pub(super) fn moved(mut self, order: &[usize], place: &[usize]) -> Self {
        if !self.any {
            return self;
        }
        let mut moved = Self::none(order.len());
        moved.any = true;
        for (new, &old) in order.iter().enumerate() {
            moved.container[new] = self.container[old].map(|squash| place[squash]);
            moved.members[new] = self.members[old].iter().map(|&step| place[step]).collect();
            moved.members[new].sort_unstable();
            moved.gone[new] = std::mem::take(&mut self.gone[old]);
        }
        moved.aliases = self.aliases;
        for squash in moved.aliases.values_mut() {
            *squash = place[*squash];
        }
        moved
    }
}

/// Edges by the node that they leave.
#[derive(Clone, Debug, Default)]
pub(super) struct Edges {
    starts: Vec<usize>,
    targets: Vec<usize>,
}

impl Edges {
    /// Of pairs `(from, to)`; those of one node keep their order.
    pub(super) fn new(nodes: usize, pairs: impl Iterator<Item = (usize, usize)> + Clone) -> Self {
        let mut starts = vec![0; nodes + 1];
        for (from, _) in pairs.clone() {
            starts[from + 1] += 1;
        }
        for node in 0..nodes {
            starts[node + 1] += starts[node];
        }
        let mut next = starts.clone();
        let mut targets = vec![0; starts[nodes]];
        for (from, to) in pairs {
            targets[next[from]] = to;
            next[from] += 1;
        }
        Self { starts, targets }
    }

    pub(super) fn of(&self, node: usize) -> &[usize] {
        &self.targets[self.starts[node]..self.starts[node + 1]]
    }

    /// Everything that the edges lead to from some nodes, those included.
    pub(super) fn reach(&self, from: impl IntoIterator<Item = usize>) -> Vec<bool> {
        let mut reached = vec![false; self.starts.len().saturating_sub(1)];
        let mut open: Vec<usize> = from.into_iter().collect();
        while let Some(node) = open.pop() {
            if !std::mem::replace(&mut reached[node], true) {
                open.extend(self.of(node).iter().filter(|&&next| !reached[next]));
            }
        }
        reached
    }
}

/// Orders nodes so that each comes after those it waits for; among those that are ready the one
/// with the lowest key goes first. Nodes in a circle are left out, and still wait in `waits`.
///
/// O((nodes + edges) log nodes).
pub(super) fn sorted<K: Ord>(
    followers: &Edges,
    waits: &mut [usize],
    nodes: impl IntoIterator<Item = usize>,
    key: impl Fn(usize) -> K,
) -> Vec<usize> {
    let entry = |node| Reverse((key(node), node));
    let mut ready: BinaryHeap<_> = nodes
        .into_iter()
        .filter(|&node| waits[node] == 0)
        .map(entry)
        .collect();
    let mut order = Vec::new();
    while let Some(Reverse((_, node))) = ready.pop() {
        order.push(node);
        for &later in followers.of(node) {
            // Nodes that are not among those to be sorted wait for ever.
            waits[later] = waits[later].saturating_sub(1);
            if waits[later] == 0 {
                ready.push(Reverse((key(later), later)));
            }
        }
    }
    order
}
