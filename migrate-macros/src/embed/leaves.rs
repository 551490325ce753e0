//! Leaves: the SQL steps of an app that no other of them comes after. There may be one only, or the
//! next file would follow one of the branches and nobody said which.

use std::collections::BTreeSet;

use super::load::LoadedApp;
use super::resolve::{Graph, Node};
use crate::errors::{Errors, list};

/// Reports every app with two leaves. A step that waits for a function may follow another leaf through
/// it, which only the finished history shows: such leaves are left to the check at start.
pub(super) fn refuse_several(apps: &[LoadedApp], graph: &Graph, errors: &mut Errors) {
    let mut leaves = vec![true; graph.nodes.len()];
    for (node, value) in graph.nodes.iter().enumerate() {
        for &other in &value.after {
            // A replaced step has the place of its squash, and comes after nothing.
            if graph.nodes[other].app == value.app && graph.replaced_by(node).is_none() {
                leaves[other] = false;
            }
        }
    }
    for app in 0..apps.len() {
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
        let certain: Vec<&Node> = certain.map(|&leaf| &graph.nodes[leaf]).collect();
        if let [one, .., other] = certain.as_slice() {
            report(apps, (one, other), &certain, errors);
        }
    }
}

/// Whether a step, or one that it comes after, waits for something that only rustc can look up.
fn waits_for_function(graph: &Graph, leaf: usize) -> bool {
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

fn report(apps: &[LoadedApp], (one, other): (&Node, &Node), leaves: &[&Node], errors: &mut Errors) {
    let step = |node: &Node| &apps[node.app].steps[node.step];
    let app = &apps[one.app];
    let place = step(other)
        .headers
        .first()
        .map_or_else(String::new, |(place, _)| format!(" at the top of {place}"));
    errors.at(
        app.span,
        format!(
            "the app `{}` has more than one last SQL step, {}, and no header says which comes first",
            app.label,
            list(leaves.iter().map(|leaf| &step(leaf).name)),
        ),
        format!(
            "run `cargo migrate merge`, which writes a step after both; or, where `{}` is applied nowhere yet, write `-- migrate: after = \"{}\"`{place}",
            step(other).name,
            step(one).name,
        ),
    );
}
