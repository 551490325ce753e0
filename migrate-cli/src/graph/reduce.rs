//! Leaves out edges that follow from others, so that a picture shows the order and no more.

use super::Edge;

/// The edges without those between two nodes that a longer way joins as well, each once.
///
/// Nodes are numbered so that an edge leads from a lower to a higher number, as in an order of
/// execution. An edge that does not is kept.
pub(super) fn reduced(nodes: usize, edges: Vec<Edge>) -> Vec<Edge> {
    let mut parents = vec![Vec::new(); nodes];
    for edge in edges {
        if let Some(of) = parents.get_mut(edge.to) {
            of.push(edge.from);
        }
    }
    let words = nodes.div_ceil(64);
    // One bit for each node that comes before.
    let mut before: Vec<Vec<u64>> = Vec::with_capacity(nodes);
    let mut kept = Vec::new();
    for (to, mut of) in parents.into_iter().enumerate() {
        of.sort_unstable();
        of.dedup();
        let mut through = vec![0; words];
        for from in &of {
            if let Some(earlier) = before.get(*from) {
                for (word, more) in through.iter_mut().zip(earlier) {
                    *word |= more;
                }
            }
        }
        let follows = |from: usize| {
            through
                .get(from / 64)
                .is_some_and(|word| word >> (from % 64) & 1 == 1)
        };
        kept.extend(
            of.iter()
                .filter(|from| !follows(**from))
                .map(|from| Edge { from: *from, to }),
        );
        for from in &of {
            if let Some(word) = through.get_mut(from / 64) {
                *word |= 1 << (from % 64);
            }
        }
        before.push(through);
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    fn edges(pairs: &[(usize, usize)]) -> Vec<Edge> {
        let edge = |(from, to): &(usize, usize)| Edge {
            from: *from,
            to: *to,
        };
        pairs.iter().map(edge).collect()
    }

    #[test]
    fn a_shortcut_goes_and_a_diamond_stays() {
        let diamond = edges(&[(0, 1), (0, 2), (1, 3), (2, 3)]);
        assert_eq!(reduced(4, diamond.clone()), diamond);
        let mut with_shortcut = diamond.clone();
        with_shortcut.extend(edges(&[(0, 3), (1, 3)]));
        assert_eq!(reduced(4, with_shortcut), diamond);
    }

    #[test]
    fn long_chains_are_as_good_as_short_ones() {
        let chain: Vec<Edge> = (1..200).map(|to| Edge { from: to - 1, to }).collect();
        let mut with_shortcuts = chain.clone();
        with_shortcuts.extend((2..200).map(|to| Edge { from: 0, to }));
        assert_eq!(reduced(200, with_shortcuts), chain);
    }
}
