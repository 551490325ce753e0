//! Leaves: the SQL steps of an app that no other of them comes after. There may be one only, or the
//! next file would follow one of the branches and nobody said which.

use std::collections::BTreeSet;

use super::mistakes::list;
use super::{Graph, Mistake};

impl Graph<'_> {
    /// Reports every app with two leaves. A step that waits for a function may follow another leaf through
    /// it, which only the finished history shows: such leaves are left to the check at start. The graph
    /// is the one that [`Graph::ranks`] leaves.
    pub fn refuse_several_leaves(&mut self) {
        refuse_several(self);
    }
}

fn refuse_several(graph: &mut Graph<'_>) {
    let mut leaves = vec![true; graph.nodes.len()];
    for (node, value) in graph.nodes.iter().enumerate() {
        for &other in &value.after {
            // A replaced step has the place of its squash, and comes after nothing.
            let followed = graph.is_of(node, graph.nodes[other].app);
            if followed && graph.replaced_by(node).is_none() {
                leaves[other] = false;
            }
        }
    }
    for app in 0..graph.apps.len() {
        let of_app = (0..graph.nodes.len()).filter(|&node| {
            graph.nodes[node].app == app && leaves[node] && graph.replaced_by(node).is_none()
        });
        let of_app: Vec<usize> = of_app.collect();
        if of_app.len() < 2 {
            continue;
        }
        let certain = of_app
            .iter()
            .filter(|&&leaf| !waits_for_function(graph, leaf));
        let certain: Vec<usize> = certain.copied().collect();
        if let [one, .., other] = certain.as_slice() {
            report(graph, (*one, *other), &certain);
        }
    }
}

/// Whether a step, or one that it comes after, waits for something that only rustc can look up.
fn waits_for_function(graph: &Graph<'_>, leaf: usize) -> bool {
    let mut seen = BTreeSet::from([leaf]);
    let mut next = vec![leaf];
    while let Some(node) = next.pop() {
        if !graph.nodes[node].after_unknown.is_empty() {
            return true;
        }
        let after = graph.nodes[node].after.iter();
        next.extend(after.copied().filter(|&other| seen.insert(other)));
    }
    false
}

fn report(graph: &mut Graph<'_>, (one, other): (usize, usize), leaves: &[usize]) {
    let (first, last) = (graph.step(one), graph.step(other));
    let place = last
        .headers
        .first()
        .map_or_else(String::new, |(file, _)| format!(" at the top of {file}"));
    let whose = match graph.app(one).label.as_str() {
        "" => "the folder".to_owned(),
        label => format!("the app `{label}`"),
    };
    let names = list(leaves.iter().map(|&leaf| &graph.step(leaf).name));
    let mistake = Mistake {
        app: graph.nodes[one].app,
        place: None,
        code: "conflicting_leaves",
        message: format!(
            "{whose} has more than one last SQL step, {names}, and no header says which comes first"
        ),
        help: format!(
            "run `cargo migrate merge`, which writes a step after both; or, where `{}` is applied nowhere yet, write `-- migrate: after = \"{}\"`{place}",
            last.name, first.name,
        ),
    };
    graph.mistakes.push(mistake);
}
