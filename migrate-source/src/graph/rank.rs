//! Ranks: one number per SQL step, higher than those of the steps it comes after. They are there for
//! `embed_migrations!`; what waits for itself is found on the way.
//!
//! rustc finds a cycle because a rank that depends on itself cannot be computed; the order of
//! execution comes from elsewhere. A rank is a literal wherever nothing but the crate's own SQL files
//! counts. Behind a step that waits for a function it is an offset from that step's rank, and not
//! a chain of "previous plus one", which would exceed the depth of rustc's queries.

use std::collections::BTreeMap;

use super::{Graph, Mistake, Node};

/// How a rank is written: at least `literal`, and at least the rank of each base plus an offset.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct Rank {
    /// What is known here.
    pub literal: u32,
    /// By node: steps that wait for a function or for a step of another crate.
    pub bases: BTreeMap<usize, u32>,
}

impl Rank {
    fn raise(&mut self, other: &Rank) {
        self.literal = self.literal.max(other.literal + 1);
        for (&base, &offset) in &other.bases {
            let known = self.bases.entry(base).or_default();
            *known = (*known).max(offset + 1);
        }
    }
}

impl Node {
    /// Whether rustc has to compute the rank.
    #[must_use]
    pub fn is_base(&self) -> bool {
        self.waits().next().is_some()
    }
}

impl Graph<'_> {
    /// The rank of every node. For a base it covers only the SQL steps it comes after.
    ///
    /// Both histories must be in order, the one without squashes and the one with them; the ranks are those of the
    /// latter, in which a replaced step has the rank of its squash. From then on the graph is the latter.
    ///
    /// `sound`: whether nothing is wrong with the files themselves. Else squashes could seem to wait for each
    /// other, and are left out.
    #[must_use]
    pub fn ranks(&mut self, sound: bool) -> Vec<Rank> {
        ranks(self, sound)
    }
}

fn ranks(graph: &mut Graph<'_>, sound: bool) -> Vec<Rank> {
    let mut ranks = vec![
        Rank {
            literal: 1,
            ..Rank::default()
        };
        graph.nodes.len()
    ];
    let unsquashed = order(graph);
    if unsquashed.len() < graph.nodes.len() {
        report_cycle(graph, &unsquashed);
        return ranks;
    }
    if !sound || !graph.mistakes.is_empty() {
        // Squashes with a mistake in them would seem to wait for each other as well.
        return ranks;
    }
    graph.contract();
    let order = order(graph);
    for &node in &order {
        if let Some(squash) = graph.replaced_by(node) {
            ranks[node] = equal_to(squash, &graph.nodes[squash], &ranks[squash]);
            continue;
        }
        let mut rank = ranks[node].clone();
        for &other in &graph.nodes[node].after {
            if graph.nodes[other].is_base() {
                rank.raise(&Rank {
                    literal: 0,
                    bases: BTreeMap::from([(other, 0)]),
                });
            } else {
                rank.raise(&ranks[other]);
            }
        }
        ranks[node] = rank;
    }
    if order.len() < graph.nodes.len() {
        report_squashed_cycle(graph, &order);
    }
    ranks
}

/// The rank of a step that has the place of another.
fn equal_to(node: usize, value: &Node, rank: &Rank) -> Rank {
    if !value.is_base() {
        return rank.clone();
    }
    Rank {
        literal: 0,
        bases: BTreeMap::from([(node, 0)]),
    }
}

/// The nodes, each behind those it comes after; without the ones that wait for each other.
fn order(graph: &Graph<'_>) -> Vec<usize> {
    let mut followers: Vec<Vec<usize>> = vec![Vec::new(); graph.nodes.len()];
    let mut waits: Vec<usize> = vec![0; graph.nodes.len()];
    for (node, value) in graph.nodes.iter().enumerate() {
        waits[node] = value.after.len();
        for &other in &value.after {
            followers[other].push(node);
        }
    }
    let mut order: Vec<usize> = (0..graph.nodes.len())
        .filter(|&node| waits[node] == 0)
        .collect();
    let mut next = 0;
    while let Some(&node) = order.get(next) {
        for &follower in &followers[node] {
            waits[follower] -= 1;
            if waits[follower] == 0 {
                order.push(follower);
            }
        }
        next += 1;
    }
    order
}

fn report_cycle(graph: &mut Graph<'_>, order: &[usize]) {
    let cycle = find_cycle(graph, order);
    let Some(&first) = cycle.first() else { return };
    let message = format!("these steps wait for each other: {}", chain(graph, &cycle));
    let help = format!(
        "change one of the directives at {}",
        places(graph, &cycle, &["after", "before"])
    );
    report(graph, first, message, help);
}

/// A cycle that is there only when the squashes are in force: a step between those that one stands for.
fn report_squashed_cycle(graph: &mut Graph<'_>, order: &[usize]) {
    let cycle = find_cycle(graph, order);
    let Some(&first) = cycle.first() else { return };
    let message = format!(
        "a squash cannot have the place of all the steps that it replaces, because others come between them: {}",
        chain(graph, &cycle)
    );
    let help = format!(
        "write one squash for the steps before those and one for the steps behind, at {}; \
         a squash that waits only because of its number takes the number of the first step that it replaces",
        places(graph, &cycle, &["replaces"])
    );
    report(graph, first, message, help);
}

fn report(graph: &mut Graph<'_>, first: usize, message: String, help: String) {
    graph.mistakes.push(Mistake {
        app: graph.nodes[first].app,
        place: None,
        code: "dependency_cycle",
        message,
        help,
    });
}

/// `a` waits for `b` waits for `a`
fn chain(graph: &Graph<'_>, cycle: &[usize]) -> String {
    let closed = cycle.iter().chain(cycle.first());
    let names = closed.map(|&node| format!("`{}`", graph.name(node)));
    names.collect::<Vec<_>>().join(" waits for ")
}

/// Where the headers of the steps name others.
fn places(graph: &Graph<'_>, cycle: &[usize], keys: &[&str]) -> String {
    let headers = cycle.iter().flat_map(|&node| &graph.step(node).headers);
    let lines = headers.flat_map(|(place, header)| {
        keys.iter()
            .filter_map(move |key| header.line_of(key).map(|line| format!("{place}:{line}")))
    });
    lines.collect::<Vec<_>>().join(", ")
}

/// Follows what each leftover waits for until one comes again.
fn find_cycle(graph: &Graph<'_>, order: &[usize]) -> Vec<usize> {
    let done: std::collections::BTreeSet<usize> = order.iter().copied().collect();
    let Some(start) = (0..graph.nodes.len()).find(|node| !done.contains(node)) else {
        return Vec::new();
    };
    let mut path = vec![start];
    loop {
        let here = path[path.len() - 1];
        let Some(&next) = graph.nodes[here]
            .after
            .iter()
            .find(|other| !done.contains(other))
        else {
            return Vec::new();
        };
        if let Some(at) = path.iter().position(|&node| node == next) {
            return path.split_off(at);
        }
        path.push(next);
    }
}
