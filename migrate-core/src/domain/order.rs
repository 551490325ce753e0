//! The order of execution: a topological sort that runs data migrations as early as it can.

use std::collections::{HashMap, HashSet};

use super::graph::{self, Edges, Squashes};
use super::step::{Body, Step};
use crate::error::{Error, ErrorCode};

/// Where a step stands among those that could run next. Data migrations come first, so that a
/// fresh database replays history in the order in which it was written; then the apps in the
/// order in which they are named, and each app's files by number.
type Rank<'s> = (bool, usize, u32, &'s str);

fn rank(step: &Step, app: usize) -> Rank<'_> {
    match &step.body {
        Body::Function(_) => (false, app, 0, &step.id.name),
        Body::Sql { number, .. } => (true, app, *number, &step.id.name),
    }
}

/// The place of each step among all if none waited for another.
pub(super) fn ranks(steps: &[Step], apps: &[String]) -> Vec<usize> {
    let app_place: HashMap<&str, usize> = apps
        .iter()
        .enumerate()
        .map(|(i, app)| (app.as_str(), i))
        .collect();
    let app_of = |step: &Step| app_place.get(step.id.app.as_str()).copied();
    let mut ranked: Vec<(Rank<'_>, usize)> = steps
        .iter()
        .enumerate()
        .map(|(i, step)| (rank(step, app_of(step).unwrap_or(usize::MAX)), i))
        .collect();
    ranked.sort_unstable();
    let mut ranks = vec![0; steps.len()];
    for (place, (_, step)) in ranked.into_iter().enumerate() {
        ranks[step] = place;
    }
    ranks
}

/// The order in which each step comes after those in `after`, whichever squashes are folded.
///
/// A squash and what it replaces are one block: what comes before one of them comes before all,
/// and so for what comes after. An order of the blocks is one for a fresh database, where only
/// the squash runs, for an old one, where only the replaced steps do, and for all between.
///
/// Runs in O((steps + edges) log steps).
pub(super) fn sort(
    steps: &[Step],
    after: &[Vec<usize>],
    ranks: &[usize],
    squashes: &Squashes,
) -> Result<Vec<usize>, Error> {
    let count = steps.len();
    // Each squash has a second node, where its block begins; it stands at the end itself.
    let nodes = if squashes.any { 2 * count } else { count };
    let pairs = if squashes.any {
        blocks(after, squashes)
    } else {
        let pairs = |(step, earlier): (usize, &Vec<usize>)| {
            let pairs: Vec<_> = earlier.iter().map(|&earlier| (earlier, step)).collect();
            pairs
        };
        after.iter().enumerate().flat_map(pairs).collect()
    };
    let mut waits = vec![0_usize; nodes];
    for &(_, later) in &pairs {
        waits[later] += 1;
    }
    let followers = Edges::new(nodes, pairs.iter().copied());
    // A block begins as soon as it can; that holds up nothing.
    let key = |node: usize| ranks.get(node).map_or(0, |rank| rank + 1);
    let mut order = graph::sorted(&followers, &mut waits, 0..nodes, key);
    if order.len() < nodes {
        return Err(cycle(steps, squashes, &pairs, &waits));
    }
    order.retain(|&node| node < count);
    Ok(order)
}

/// The edges between steps and blocks; `count + squash` is where the block of a squash begins.
fn blocks(after: &[Vec<usize>], squashes: &Squashes) -> Vec<(usize, usize)> {
    let count = after.len();
    let begin = |step: usize| match squashes.is_squash(step) {
        true => count + step,
        false => step,
    };
    let mut pairs = Vec::new();
    for (step, earlier) in after.iter().enumerate() {
        for &earlier in earlier {
            // The outermost block of each that the other is not in.
            let outermost = |of: usize, not: usize| {
                let outside = squashes
                    .around(of)
                    .take_while(|&around| around != not && !squashes.contains(around, not));
                outside.last().unwrap_or(of)
            };
            pairs.push((outermost(earlier, step), begin(outermost(step, earlier))));
        }
    }
    for (squash, members) in squashes.members.iter().enumerate() {
        if squashes.is_squash(squash) {
            pairs.push((count + squash, squash));
        }
        for &member in members {
            pairs.push((count + squash, begin(member)));
            pairs.push((member, squash));
        }
    }
    pairs
}

/// Walks backwards among the steps that never became ready until one repeats.
fn cycle(steps: &[Step], squashes: &Squashes, pairs: &[(usize, usize)], waits: &[usize]) -> Error {
    let earlier = Edges::new(waits.len(), pairs.iter().map(|&(from, to)| (to, from)));
    let stuck = |node: &usize| waits[*node] > 0;
    let mut path = Vec::new();
    let mut seen_at = vec![None; waits.len()];
    let mut current = (0..waits.len()).find(stuck).unwrap_or(0);
    let start = loop {
        if let Some(start) = seen_at[current] {
            break start;
        }
        seen_at[current] = Some(path.len());
        path.push(current);
        match earlier.of(current).iter().copied().find(stuck) {
            Some(previous) => current = previous,
            None => break 0,
        }
    };
    let mut members: Vec<usize> = path[start..]
        .iter()
        .map(|&node| {
            if node < steps.len() {
                node
            } else {
                node - steps.len()
            }
        })
        .collect();
    let on_path: HashSet<usize> = members.iter().copied().collect();
    // Through a block goes its squash alone.
    members.retain(|&step| {
        !squashes
            .around(step)
            .any(|around| on_path.contains(&around))
    });
    members.dedup();
    if members.len() > 1 && members.first() == members.last() {
        members.pop();
    }
    let hops: Vec<String> = members
        .iter()
        .map(|&i| format!("{} ({})", steps[i].id, steps[i].location))
        .collect();
    let error = Error::new(
        ErrorCode::DependencyCycle,
        format!(
            "these steps wait for each other: {}, which waits for the first",
            hops.join(" waits for ")
        ),
    );
    match members.iter().find(|&&step| squashes.is_squash(step)) {
        Some(&squash) => error
            .help(format!(
                "`{}` waits for all that the steps it replaces wait for, and all that waits for one of them waits for it",
                steps[squash].id
            ))
            .help("squash fewer steps: those before and those after the step that stands between them"),
        None => error.help("remove one of these `after`, `before` or `run` references"),
    }
}

#[cfg(test)]
mod tests;
