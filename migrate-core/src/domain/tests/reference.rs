//! The same planning once more, slowly: sets of names and fix points, by the words of the
//! specification. It shares nothing with what it is compared with but the steps as written and
//! the rows of the ledger.

mod answer;
mod ledger;

use std::collections::{BTreeMap, BTreeSet};

use super::Spec;
use crate::domain::row::RowState;

pub(super) use answer::{Answer, Asked, answer, world};
pub(super) use ledger::{Ledger, Move};

pub(super) type Names = BTreeSet<String>;
pub(super) type Graph = BTreeMap<String, Names>;
pub(super) type Rows = BTreeMap<String, Row>;

/// What the ledger has of one step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Row {
    pub(super) state: RowState,
    /// Its place in the order of application.
    pub(super) seq: i64,
    /// Statements done of those that there are, and whether one was under way.
    pub(super) done: usize,
    pub(super) total: usize,
    pub(super) intent: bool,
    /// Whether the text was another one when it was applied.
    pub(super) edited: bool,
    pub(super) kind: &'static str,
}

impl Row {
    pub(super) fn applied(seq: i64, kind: &'static str) -> Self {
        Self {
            state: RowState::Applied,
            seq,
            done: 0,
            total: 0,
            intent: false,
            edited: false,
            kind,
        }
    }

    fn stopped(&self) -> bool {
        matches!(self.state, RowState::Running | RowState::Failed)
    }

    fn begun(&self) -> bool {
        self.stopped() && (self.done > 0 || self.intent)
    }

    fn can_go(&self) -> bool {
        matches!(self.state, RowState::Applied | RowState::Reverting)
    }
}

pub(super) fn id(spec: &Spec) -> String {
    format!("{}.{}", spec.app, spec.name)
}

pub(super) fn app(id: &str) -> &str {
    id.split('.').next().unwrap()
}

pub(super) fn kind(spec: &Spec) -> &'static str {
    match (spec.function, spec.replaces.is_empty()) {
        (true, _) => "data",
        (false, true) => "sql",
        (false, false) => "squash",
    }
}

/// A history as written, and a ledger.
pub(super) struct World<'w> {
    specs: BTreeMap<String, &'w Spec>,
    /// The apps in the order in which they are named: those of files, then those of functions.
    apps: Vec<&'w str>,
    rows: &'w Rows,
    /// A step inside a squash that is the goal.
    within: Option<String>,
    /// All that each squash stands for.
    parts: Graph,
    /// The squashes that are nothing but the place where what they stand for joins.
    splits: Names,
    /// What each step comes directly after, before squashes are looked at.
    written: Graph,
    /// The effective graph: what each node comes directly after.
    graph: Graph,
}

impl<'w> World<'w> {
    pub(super) fn new(specs: &'w [Spec], rows: &'w Rows, within: Option<String>) -> Self {
        let mut apps: Vec<&str> = Vec::new();
        for functions in [false, true] {
            for spec in specs.iter().filter(|spec| spec.function == functions) {
                if !apps.contains(&spec.app.as_str()) {
                    apps.push(&spec.app);
                }
            }
        }
        let mut world = Self {
            specs: specs.iter().map(|spec| (id(spec), spec)).collect(),
            apps,
            rows,
            within,
            parts: Graph::new(),
            splits: Names::new(),
            written: Graph::new(),
            graph: Graph::new(),
        };
        let squashes = specs.iter().filter(|spec| !spec.replaces.is_empty());
        world.parts = squashes
            .map(|spec| (id(spec), world.all_parts(&id(spec))))
            .collect();
        let splits = world.parts.keys().filter(|squash| world.is_split(squash));
        world.splits = splits.cloned().collect();
        world.written = world.links();
        world.graph = world.effective();
        world
    }

    fn spec(&self, name: &str) -> Option<&'w Spec> {
        self.specs.get(name).copied()
    }

    fn is_file(&self, name: &str) -> bool {
        self.spec(name).is_some_and(|spec| !spec.function)
    }

    fn is_manual(&self, name: &str) -> bool {
        self.spec(name).is_some_and(|spec| spec.manual)
    }

    fn all_parts(&self, name: &str) -> Names {
        let mut parts = Names::new();
        for replaced in self.spec(name).iter().flat_map(|spec| &spec.replaces) {
            parts.insert(replaced.clone());
            parts.extend(self.all_parts(replaced));
        }
        parts
    }

    /// All that a name stands for, below itself.
    fn parts(&self, name: &str) -> Names {
        self.parts.get(name).cloned().unwrap_or_default()
    }

    fn has(&self, squash: &str, part: &str) -> bool {
        let parts = self.parts.get(squash);
        parts.is_some_and(|parts| parts.contains(part))
    }

    fn is_squash(&self, name: &str) -> bool {
        self.parts.contains_key(name)
    }

    /// The squashes around a name, the innermost first.
    fn around(&self, name: &str) -> Vec<String> {
        let squashes = self.parts.keys().filter(|squash| self.has(squash, name));
        let mut around: Vec<String> = squashes.cloned().collect();
        around.sort_by_key(|squash| self.parts[squash].len());
        around
    }

    /// What a squash replaces itself, not through another squash.
    fn direct(&self, squash: &str) -> Names {
        let parts = self.parts(squash);
        let inner = parts.iter().flat_map(|part| self.parts(part)).collect();
        parts.difference(&inner).cloned().collect()
    }

    /// What a name means: of a step that is gone, the innermost squash that stands for it.
    fn meant(&self, name: &str) -> String {
        match self.spec(name) {
            Some(_) => name.to_owned(),
            None => self.around(name).first().unwrap().clone(),
        }
    }

    fn related(&self, one: &str, other: &str) -> bool {
        one == other || self.has(one, other) || self.has(other, one)
    }

    /// The row of a step. A squash that failed at its first statement says nothing about what it
    /// stands for.
    fn row(&self, name: &str) -> Option<&'w Row> {
        let row = self.rows.get(name)?;
        let nothing = row.stopped() && !row.begun() && row.total > 0;
        (!(nothing && self.is_squash(name))).then_some(row)
    }

    fn in_state(&self, name: &str, state: RowState) -> bool {
        self.row(name).is_some_and(|row| row.state == state)
    }

    /// A row of its own says all; without one a squash is applied by what it stands for.
    fn applied(&self, name: &str) -> bool {
        match self.row(name) {
            Some(row) => row.state == RowState::Applied,
            None => self.whole(name),
        }
    }

    /// Whether a step is applied, by itself or as a part of a squash.
    pub(super) fn there(&self, name: &str) -> bool {
        self.applied(name) || self.applied(&self.stands(name))
    }

    /// Whether all that a squash replaces is applied.
    fn whole(&self, name: &str) -> bool {
        let direct = self.direct(name);
        !direct.is_empty() && direct.iter().all(|part| self.applied(part))
    }

    /// The place in the order of application: of a squash that is whole, that of what it replaces.
    fn seq(&self, name: &str) -> i64 {
        if self.whole(name) {
            let parts = self.direct(name);
            return parts.iter().map(|part| self.seq(part)).max().unwrap();
        }
        self.row(name).map_or(i64::MIN, |row| row.seq)
    }

    fn is_split(&self, squash: &str) -> bool {
        let within = self.within.as_ref();
        let touched = || {
            self.parts[squash]
                .iter()
                .any(|part| self.row(part).is_some())
        };
        within.is_some_and(|goal| self.has(squash, goal))
            || (self.row(squash).is_none() && touched() && !self.whole(squash))
    }

    pub(super) fn any_split(&self) -> bool {
        !self.splits.is_empty()
    }

    /// The squashes that are split, with all that they stand for.
    pub(super) fn splits(&self) -> impl Iterator<Item = (&String, &Names)> {
        let squashes = self.parts.iter();
        squashes.filter(|(squash, _)| self.split(squash))
    }

    fn split(&self, name: &str) -> bool {
        self.splits.contains(name)
    }

    /// The node that stands for a step: the outermost squash around it that is not split.
    fn stands(&self, name: &str) -> String {
        let mut around = self.around(name).into_iter().rev();
        let closed = around.find(|squash| !self.split(squash));
        closed.unwrap_or_else(|| name.to_owned())
    }

    fn is_step(&self, node: &str) -> bool {
        self.graph.contains_key(node) && !self.split(node)
    }

    /// The nodes for the steps of an app, those that are gone included, unless their squash is
    /// split: then they are applied, or lost.
    fn of_app(&self, wanted: &str) -> Names {
        let own = |name: &&String| app(name) == wanted;
        let there = self.specs.keys().filter(own).map(|name| self.stands(name));
        let mut nodes: Names = there.collect();
        for gone in self.gone().iter().filter(own) {
            let node = self.stands(&self.meant(gone));
            if !self.split(&node) {
                nodes.insert(node);
            }
        }
        nodes
    }

    /// The names that squashes stand for and the binary does not have.
    fn gone(&self) -> Names {
        let parts = self.parts.values().flatten();
        let gone = parts.filter(|part| self.spec(part).is_none());
        gone.cloned().collect()
    }

    /// The file that a file follows: the one before it by its number. Squashes and what they stand
    /// for are alternatives.
    fn follows(&self, spec: &Spec) -> Option<String> {
        let own = |name: &String| app(name) == spec.app;
        if spec.function || spec.after.iter().flatten().any(own) {
            return None;
        }
        let place = |spec: &Spec| (spec.name[..4].to_owned(), !spec.replaces.is_empty());
        let files = self.specs.values();
        let before = files
            .filter(|other| !other.function && other.app == spec.app)
            .filter(|other| place(other) < place(spec))
            .filter(|other| !self.related(&id(other), &id(spec)))
            .max_by_key(|other| place(other));
        before.map(|other| id(other))
    }

    fn links(&self) -> Graph {
        let mut all = Graph::new();
        for (name, spec) in &self.specs {
            let named = spec.after.iter().flatten().map(|name| self.meant(name));
            let mut earlier: Names = named.chain(self.follows(spec)).collect();
            for (other, by) in &self.specs {
                if by.before.iter().any(|named| self.meant(named) == *name) {
                    earlier.insert(other.clone());
                }
            }
            all.insert(name.clone(), earlier);
        }
        // Who runs a data migration comes after what that needs, and stands for it.
        let alone = all.clone();
        for (name, spec) in &self.specs {
            for run in &spec.run {
                all.get_mut(name).unwrap().extend(alone[run].clone());
            }
        }
        for earlier in all.values_mut() {
            let runs = |spec: &Spec| spec.run.iter().any(|run| earlier.contains(run));
            let runners = self.specs.values().filter(|spec| runs(spec));
            let runners: Names = runners.map(|spec| id(spec)).collect();
            earlier.extend(runners);
        }
        for (name, earlier) in &mut all {
            earlier.retain(|other| !self.related(name, other));
        }
        all
    }

    fn effective(&self) -> Graph {
        let names = self.specs.keys();
        let stands: BTreeMap<&String, String> =
            names.map(|name| (name, self.stands(name))).collect();
        let mut graph = Graph::new();
        for (name, earlier) in &self.written {
            let node = &stands[name];
            let edges = graph.entry(node.clone()).or_default();
            if self.split(node) {
                let parts = self.direct(node);
                edges.extend(parts.into_iter().filter(|part| stands.contains_key(part)));
                continue;
            }
            edges.extend(earlier.iter().map(|other| stands[other].clone()));
            edges.remove(node);
        }
        graph
    }

    fn ancestors(&self, of: Names) -> Names {
        let nodes = |node: &String| self.graph[node].clone();
        closure(of, nodes)
    }

    fn descendants(&self, of: Names) -> Names {
        closure(of, |node| self.children(node))
    }

    fn children(&self, node: &str) -> Names {
        let all = self.graph.iter();
        let children = all.filter(|(_, earlier)| earlier.contains(node));
        children.map(|(child, _)| child.clone()).collect()
    }

    /// All nodes, each after those that it comes after; of those that could be next, data
    /// migrations before files, the apps as they are named, files by number.
    fn order(&self) -> Vec<String> {
        if self
            .splits
            .iter()
            .any(|squash| self.stands(squash) == *squash)
        {
            // Replaced steps that run after all have their places of before the squash.
            return self.sorted(&self.graph);
        }
        let mut order = self.sorted(&self.blocks());
        order.retain(|name| self.graph.contains_key(name));
        order
    }

    fn sorted(&self, graph: &Graph) -> Vec<String> {
        let rank = |name: &&String| {
            let spec = self.specs[*name];
            let app = self.apps.iter().position(|app| *app == spec.app);
            let number = if spec.function { "" } else { &spec.name[..4] };
            (!spec.function, app, number, &spec.name)
        };
        let mut order: Vec<String> = Vec::new();
        let mut left = graph.clone();
        while !left.is_empty() {
            let ready = left.iter().filter(|(_, earlier)| earlier.is_empty());
            let next = ready.map(|(name, _)| name).min_by_key(rank);
            let next = next.unwrap().clone();
            left.remove(&next);
            for earlier in left.values_mut() {
                earlier.remove(&next);
            }
            order.push(next);
        }
        order
    }

    /// What each step comes after if a squash and what it stands for are one block: what comes
    /// before one of them comes before all, and so for what comes after.
    fn blocks(&self) -> Graph {
        let mut blocks: Graph = self
            .specs
            .keys()
            .map(|name| (name.clone(), Names::new()))
            .collect();
        let there = |name: &String| self.specs.contains_key(name);
        for (name, earlier) in &self.written {
            for other in earlier {
                let first = self.block(other, name);
                for later in self.block(name, other) {
                    let blocks = blocks.get_mut(&later).unwrap();
                    blocks.extend(first.iter().cloned());
                }
            }
            let parts = self.parts(name).into_iter().filter(there);
            blocks.get_mut(name).unwrap().extend(parts);
        }
        blocks
    }

    /// The steps of the outermost squash around one that is not around another, or the one alone.
    fn block(&self, one: &str, other: &str) -> Names {
        let mut around = self.around(one).into_iter().rev();
        let outer = around.find(|squash| squash != other && !self.has(squash, other));
        let outer = outer.unwrap_or_else(|| one.to_owned());
        let mut block = self.parts(&outer);
        block.retain(|name| self.specs.contains_key(name));
        block.insert(outer);
        block
    }
}

/// Adds to some nodes whatever they lead to, until nothing is new.
fn closure(mut reached: Names, leads: impl Fn(&String) -> Names) -> Names {
    let mut open: Vec<String> = reached.iter().cloned().collect();
    while let Some(node) = open.pop() {
        for other in leads(&node) {
            if reached.insert(other.clone()) {
                open.push(other);
            }
        }
    }
    reached
}
