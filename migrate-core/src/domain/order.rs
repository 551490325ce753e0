//! The order of execution: a topological sort that runs data migrations as early as it can.

use std::collections::{BTreeSet, HashMap};

use super::step::{Body, Step};
use crate::error::{Error, ErrorCode};
use crate::report::StepId;

/// Where a step stands among those that could run next. Data migrations come first, so that a
/// fresh database replays history in the order in which it was written; then the apps in the
/// order in which they are named, and each app's files by number.
type Rank = (bool, usize, u32, String);

fn rank(step: &Step, app: usize) -> Rank {
    match &step.body {
        Body::Function(_) => (false, app, 0, step.id.name.clone()),
        Body::Sql { number, .. } => (true, app, *number, step.id.name.clone()),
    }
}

/// Sorts steps so that each comes after what it depends on.
///
/// Runs in O((steps + edges) log steps). References must exist.
pub(super) fn sort(steps: Vec<Step>, apps: &[String]) -> Result<Vec<Step>, Error> {
    let index: HashMap<&StepId, usize> = steps
        .iter()
        .enumerate()
        .map(|(i, step)| (&step.id, i))
        .collect();
    let app_place: HashMap<&str, usize> = apps
        .iter()
        .enumerate()
        .map(|(i, app)| (app.as_str(), i))
        .collect();

    let mut waits_for = vec![0_usize; steps.len()];
    let mut followers = vec![Vec::new(); steps.len()];
    for (i, step) in steps.iter().enumerate() {
        for reference in &step.after {
            let earlier = index[reference];
            followers[earlier].push(i);
            waits_for[i] += 1;
        }
    }

    let ranks: Vec<Rank> = steps
        .iter()
        .map(|step| {
            rank(
                step,
                app_place
                    .get(step.id.app.as_str())
                    .copied()
                    .unwrap_or(usize::MAX),
            )
        })
        .collect();
    let mut ready: BTreeSet<(&Rank, usize)> = (0..steps.len())
        .filter(|&i| waits_for[i] == 0)
        .map(|i| (&ranks[i], i))
        .collect();
    let mut order = Vec::with_capacity(steps.len());
    while let Some((_, i)) = ready.pop_first() {
        order.push(i);
        for &later in &followers[i] {
            waits_for[later] -= 1;
            if waits_for[later] == 0 {
                ready.insert((&ranks[later], later));
            }
        }
    }
    if order.len() < steps.len() {
        return Err(cycle(&steps, &index, &waits_for));
    }
    let mut place = vec![0; steps.len()];
    for (position, &i) in order.iter().enumerate() {
        place[i] = position;
    }
    let mut placed: Vec<(usize, Step)> = place.into_iter().zip(steps).collect();
    placed.sort_by_key(|(position, _)| *position);
    Ok(placed.into_iter().map(|(_, step)| step).collect())
}

/// Walks backwards among the steps that never became ready until one repeats.
fn cycle(steps: &[Step], index: &HashMap<&StepId, usize>, waits_for: &[usize]) -> Error {
    let stuck = |i: &usize| waits_for[*i] > 0;
    let mut path = Vec::new();
    let mut current = (0..steps.len()).find(stuck).unwrap_or(0);
    let start = loop {
        if let Some(start) = path.iter().position(|&seen| seen == current) {
            break start;
        }
        path.push(current);
        let previous = steps[current].after.iter().map(|id| index[id]).find(stuck);
        match previous {
            Some(previous) => current = previous,
            None => break 0,
        }
    };
    let hops: Vec<String> = path[start..]
        .iter()
        .map(|&i| format!("{} ({})", steps[i].id, steps[i].location))
        .collect();
    Error::new(
        ErrorCode::DependencyCycle,
        format!(
            "these steps wait for each other: {}, which waits for the first",
            hops.join(" waits for ")
        ),
    )
    .help("remove one of these `after`, `before` or `run` references")
}

#[cfg(test)]
mod tests;
