//! Ranks: one number per SQL step, higher than those of the steps it comes after.
//!
//! rustc finds a cycle because a rank that depends on itself cannot be computed; the order of
//! execution comes from elsewhere. A rank is a literal wherever nothing but the crate's own SQL files
//! counts. Behind a step that waits for a function it is an offset from that step's rank, and not
//! a chain of "previous plus one", which would exceed the depth of rustc's queries.

use std::collections::BTreeMap;

use super::load::LoadedApp;
use super::resolve::{Graph, Node};
use crate::errors::Errors;

/// How a rank is written: at least `literal`, and at least the rank of each base plus an offset.
#[derive(Clone, Default)]
pub(super) struct Rank {
    pub(super) literal: u32,
    /// By node: steps that wait for a function or for a step of another crate.
    pub(super) bases: BTreeMap<usize, u32>,
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

/// Whether rustc has to compute the rank.
pub(super) fn is_base(node: &Node) -> bool {
    node.waits().next().is_some()
}

/// The rank of every node. For a base it covers only the SQL steps it comes after.
///
/// Both histories must be in order, the one without squashes and the one with them; the ranks are those of the
/// latter, in which a replaced step has the rank of its squash.
pub(super) fn ranks(apps: &[LoadedApp], graph: &mut Graph, errors: &mut Errors) -> Vec<Rank> {
    let mut ranks = vec![
        Rank {
            literal: 1,
            ..Rank::default()
        };
        graph.nodes.len()
    ];
    let unsquashed = order(graph);
    if unsquashed.len() < graph.nodes.len() {
        report_cycle(apps, graph, &unsquashed, errors);
        return ranks;
    }
    if !errors.is_empty() {
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
            if is_base(&graph.nodes[other]) {
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
        report_squashed_cycle(apps, graph, &order, errors);
    }
    ranks
}

/// The rank of a step that has the place of another.
fn equal_to(node: usize, value: &Node, rank: &Rank) -> Rank {
    if !is_base(value) {
        return rank.clone();
    }
    Rank {
        literal: 0,
        bases: BTreeMap::from([(node, 0)]),
    }
}

/// The nodes, each behind those it comes after; without the ones that wait for each other.
fn order(graph: &Graph) -> Vec<usize> {
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

fn report_cycle(apps: &[LoadedApp], graph: &Graph, order: &[usize], errors: &mut Errors) {
    let cycle = find_cycle(graph, order);
    let Some(&first) = cycle.first() else { return };
    let places = cycle
        .iter()
        .flat_map(|&node| places(apps, &graph.nodes[node], &["after", "before"]));
    let places: Vec<String> = places.collect();
    errors.at(
        apps[graph.nodes[first].app].span,
        format!(
            "these steps wait for each other: {}",
            chain(apps, graph, &cycle)
        ),
        format!("change one of the directives at {}", places.join(", ")),
    );
}

/// A cycle that is there only when the squashes are in force: a step between those that one stands for.
fn report_squashed_cycle(apps: &[LoadedApp], graph: &Graph, order: &[usize], errors: &mut Errors) {
    let cycle = find_cycle(graph, order);
    let Some(&first) = cycle.first() else { return };
    let places = cycle
        .iter()
        .flat_map(|&node| places(apps, &graph.nodes[node], &["replaces"]));
    let places: Vec<String> = places.collect();
    errors.at(
        apps[graph.nodes[first].app].span,
        format!(
            "a squash cannot have the place of all the steps that it replaces, because others come between them: {}",
            chain(apps, graph, &cycle)
        ),
        format!(
            "write one squash for the steps before those and one for the steps behind, at {}; \
             a squash that waits only because of its number takes the number of the first step that it replaces",
            places.join(", ")
        ),
    );
}

/// `a` waits for `b` waits for `a`
fn chain(apps: &[LoadedApp], graph: &Graph, cycle: &[usize]) -> String {
    let closed = cycle.iter().chain(cycle.first());
    let names = closed.map(|&node| format!("`{}`", graph.nodes[node].name(apps)));
    names.collect::<Vec<_>>().join(" waits for ")
}

/// Where the headers of a step name other steps.
fn places(apps: &[LoadedApp], node: &Node, keys: &[&str]) -> Vec<String> {
    let headers = &apps[node.app].steps[node.step].headers;
    let lines = headers.iter().flat_map(|(place, header)| {
        keys.iter()
            .filter_map(move |key| header.line_of(key).map(|line| format!("{place}:{line}")))
    });
    lines.collect()
}

/// Follows what each leftover waits for until one comes again.
fn find_cycle(graph: &Graph, order: &[usize]) -> Vec<usize> {
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
