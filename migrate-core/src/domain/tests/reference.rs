//! The same planning once more, slowly: sets of names and fix points, by the words of the
//! specification. It shares nothing with what it is compared with but the steps as written.

use std::collections::{BTreeMap, BTreeSet};

use super::Spec;

pub(super) type Names = BTreeSet<String>;

/// A history as written, and a ledger: each row's state and place.
pub(super) struct World<'w> {
    specs: BTreeMap<String, &'w Spec>,
    rows: &'w Rows,
    /// A step inside a squash that is the goal.
    within: Option<String>,
    /// All that each squash stands for.
    parts: BTreeMap<String, Names>,
    /// The effective graph: what each node comes directly after.
    pub(super) graph: BTreeMap<String, Names>,
    incomplete: Names,
}

pub(super) type Rows = BTreeMap<String, (&'static str, i64)>;

pub(super) fn id(spec: &Spec) -> String {
    format!("{}.{}", spec.app, spec.name)
}

fn app(id: &str) -> &str {
    id.split('.').next().unwrap()
}

impl<'w> World<'w> {
    pub(super) fn new(specs: &'w [Spec], rows: &'w Rows, within: Option<String>) -> Self {
        let mut world = Self {
            specs: specs.iter().map(|spec| (id(spec), spec)).collect(),
            rows,
            within,
            parts: BTreeMap::new(),
            graph: BTreeMap::new(),
            incomplete: Names::new(),
        };
        let squashes = specs.iter().filter(|spec| !spec.replaces.is_empty());
        world.parts = squashes
            .map(|spec| (id(spec), world.all_parts(&id(spec))))
            .collect();
        world.graph = world.effective();
        world.incomplete = world.all_incomplete();
        world
    }

    pub(super) fn spec(&self, name: &str) -> Option<&'w Spec> {
        self.specs.get(name).copied()
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
        self.parts
            .get(squash)
            .is_some_and(|parts| parts.contains(part))
    }

    /// The squashes around a name, the innermost first.
    pub(super) fn around(&self, name: &str) -> Vec<String> {
        let mut around: Vec<String> = self
            .parts
            .keys()
            .filter(|squash| self.has(squash, name))
            .cloned()
            .collect();
        around.sort_by_key(|squash| self.parts(squash).len());
        around
    }

    /// What a squash replaces itself, not through another squash.
    fn direct(&self, squash: &str) -> Names {
        let parts = self.parts(squash);
        let inner = parts.iter().flat_map(|part| self.parts(part)).collect();
        parts.difference(&inner).cloned().collect()
    }

    /// The nodes for the steps of an app, those that are gone included.
    pub(super) fn of_app(&self, wanted: &str) -> Names {
        let own = |name: &&String| app(name) == wanted;
        let there = self.specs.keys().filter(own).map(|name| self.stands(name));
        let mut nodes: Names = there.collect();
        for gone in self.parts.values().flatten().filter(own) {
            let node = self.stands(&self.meant(gone));
            if self.spec(gone).is_none() && !self.split(&node) {
                nodes.insert(node);
            }
        }
        nodes
    }

    fn meant(&self, name: &str) -> String {
        match self.spec(name) {
            Some(_) => name.to_owned(),
            None => self.around(name).first().unwrap().clone(),
        }
    }

    fn related(&self, one: &str, other: &str) -> bool {
        one == other || self.has(one, other) || self.has(other, one)
    }

    /// What each step of the binary comes directly after, before squashes are looked at.
    fn written(&self) -> BTreeMap<String, Names> {
        let mut all = BTreeMap::new();
        for spec in self.specs.values().copied() {
            let mut earlier: Names = spec
                .after
                .iter()
                .flatten()
                .map(|name| self.meant(name))
                .collect();
            let own = spec
                .after
                .iter()
                .flatten()
                .any(|name| app(name) == spec.app);
            if !spec.function && !own {
                let place = |spec: &Spec| (spec.name[..4].to_owned(), !spec.replaces.is_empty());
                let before = self
                    .specs
                    .values()
                    .filter(|other| !other.function && other.app == spec.app)
                    .filter(|other| place(other) < place(spec))
                    .filter(|other| !self.related(&id(other), &id(spec)))
                    .max_by_key(|other| place(other));
                earlier.extend(before.map(|other| id(other)));
            }
            for other in self.specs.values() {
                if other.before.iter().any(|name| self.meant(name) == id(spec)) {
                    earlier.insert(id(other));
                }
            }
            all.insert(id(spec), earlier);
        }
        let before_runs = all.clone();
        for spec in self.specs.values().copied() {
            for run in &spec.run {
                let needs = before_runs[run].clone();
                all.get_mut(&id(spec)).unwrap().extend(needs);
            }
        }
        for earlier in all.values_mut() {
            let runners = self
                .specs
                .values()
                .filter(|spec| spec.run.iter().any(|run| earlier.contains(run)));
            let runners: Names = runners.map(|spec| id(spec)).collect();
            earlier.extend(runners);
        }
        for (name, earlier) in &mut all {
            earlier.retain(|other| !self.related(name, other));
        }
        all
    }

    pub(super) fn state(&self, name: &str) -> Option<&'static str> {
        self.rows.get(name).map(|(state, _)| *state)
    }

    pub(super) fn applied(&self, name: &str) -> bool {
        match self.state(name) {
            Some(state) => state == "applied",
            None => self.whole(name),
        }
    }

    /// Whether all that a squash replaces is applied.
    fn whole(&self, name: &str) -> bool {
        let direct = self.direct(name);
        !direct.is_empty() && direct.iter().all(|part| self.applied(part))
    }

    pub(super) fn split(&self, name: &str) -> bool {
        let parts = self.parts(name);
        if self
            .within
            .as_ref()
            .is_some_and(|goal| parts.contains(goal))
        {
            return true;
        }
        let touched = parts.iter().any(|part| self.rows.contains_key(part));
        self.state(name).is_none() && touched && !self.whole(name)
    }

    /// The node that stands for a step.
    pub(super) fn stands(&self, name: &str) -> String {
        let mut around = self.around(name);
        around.reverse();
        let closed = around.into_iter().find(|squash| !self.split(squash));
        closed.unwrap_or_else(|| name.to_owned())
    }

    fn effective(&self) -> BTreeMap<String, Names> {
        let stands: BTreeMap<String, String> = self
            .specs
            .keys()
            .map(|name| (name.clone(), self.stands(name)))
            .collect();
        let mut graph: BTreeMap<String, Names> = BTreeMap::new();
        for (name, earlier) in self.written() {
            let node = &stands[&name];
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

    pub(super) fn is_step(&self, node: &str) -> bool {
        self.stands(node) == node && !self.split(node)
    }

    /// Applies what is missing among some nodes; then the squashes that are complete.
    pub(super) fn forwards(&self, near: &Names) -> Names {
        let graph = &self.graph;
        let runs = |node: &&String| {
            self.is_step(node)
                && !self.spec(node).unwrap().manual
                && !self.applied(node)
                && self.state(node) != Some("reverting")
        };
        let applied: Names = near.iter().filter(runs).cloned().collect();
        let mut done = applied.clone();
        let ran = applied.iter().flat_map(|node| &self.specs[node].run);
        done.extend(ran.cloned());
        done.extend(graph.keys().filter(|node| self.applied(node)).cloned());
        done.extend(self.rows.keys().filter(|name| self.applied(name)).cloned());
        let mut moves: Names = applied.iter().map(|node| format!("+{node}")).collect();
        loop {
            let complete = |node: &&String| {
                let direct = self.direct(node);
                let new = self.state(node).is_none() && !moves.contains(&format!("={node}"));
                let whole = direct.iter().all(|part| done.contains(part));
                new && !direct.is_empty() && !applied.contains(*node) && (whole || self.whole(node))
            };
            let Some(squash) = graph.keys().find(complete) else {
                return moves;
            };
            done.insert(squash.clone());
            moves.insert(format!("={squash}"));
        }
    }

    /// Undoes some steps and all that depends on them.
    pub(super) fn backwards(&self, first: Names) -> Names {
        let graph = &self.graph;
        let reached = closure(graph, first, |node, other| graph[other].contains(node));
        let goes: Names = reached
            .into_iter()
            .filter(|node| self.is_step(node))
            .filter(|node| self.applied(node) || self.state(node) == Some("reverting"))
            .collect();
        let ran = |name: &String| {
            let mut specs = goes.iter().filter_map(|node| self.spec(node));
            specs.any(|spec| spec.run.contains(name))
        };
        let own = goes.iter().filter(|node| !ran(node));
        own.map(|node| format!("-{node}")).collect()
    }

    /// What comes after a step in its app: the files, and not the data migrations on the way.
    pub(super) fn files_after(&self, target: &str) -> Names {
        let graph = &self.graph;
        let passes = |node: &String| {
            let function = self.spec(node).unwrap().function;
            node == target || self.split(node) || (function && app(node) == app(target))
        };
        let walked = closure(graph, Names::from([target.to_owned()]), |node, other| {
            passes(node) && passes(other) && graph[other].contains(node)
        });
        let follows = |node: &&String| {
            let file = !self.spec(node).unwrap().function && !self.split(node);
            file && app(node) == app(target) && graph[*node].iter().any(|e| walked.contains(e))
        };
        graph.keys().filter(follows).cloned().collect()
    }

    pub(super) fn ancestors(&self, of: Names) -> Names {
        let graph = &self.graph;
        closure(graph, of, |node, other| graph[node].contains(other))
    }

    /// Applied files with a file of another app before them that is not applied.
    pub(super) fn inconsistent(&self) -> Names {
        let file = |node: &str| !self.spec(node).unwrap().function;
        let graph = &self.graph;
        let wrong = graph.iter().filter(|(node, earlier)| {
            let applied = self.is_step(node) && file(node) && self.applied(node);
            applied
                && earlier.iter().any(|other| {
                    app(other) != app(node)
                        && file(other)
                        && !self.applied(other)
                        && !self.incomplete.contains(other)
                })
        });
        wrong.map(|(node, _)| node.clone()).collect()
    }

    pub(super) fn incomplete(&self) -> Names {
        self.incomplete.clone()
    }

    /// Squashes that are split and of which something is neither there nor applied.
    fn all_incomplete(&self) -> Names {
        let lost = |squash: &String| {
            let direct = self.direct(squash);
            let mut gone = direct.iter().filter(|part| self.spec(part).is_none());
            self.stands(squash) == *squash
                && self.split(squash)
                && gone.any(|part| !self.applied(part))
        };
        self.specs
            .keys()
            .filter(|name| lost(name))
            .cloned()
            .collect()
    }
}

/// Adds to some nodes whatever `leads` says, until nothing is new.
fn closure(
    graph: &BTreeMap<String, Names>,
    mut reached: Names,
    leads: impl Fn(&String, &String) -> bool,
) -> Names {
    let mut open: Vec<String> = reached.iter().cloned().collect();
    while let Some(node) = open.pop() {
        for other in graph.keys() {
            if !reached.contains(other) && leads(&node, other) {
                reached.insert(other.clone());
                open.push(other.clone());
            }
        }
    }
    reached
}
