//! Which squash stands for which steps.

use std::collections::HashMap;

use super::invalid;
use crate::domain::graph::Squashes;
use crate::domain::step::Step;
use crate::error::{Error, ErrorCode};
use crate::report::StepId;

/// Reads every `replaces`. A name may be replaced by one squash, and by squashes of that squash.
pub(super) fn squashes(steps: &[Step], places: &HashMap<StepId, usize>) -> Result<Squashes, Error> {
    let mut squashes = Squashes::none(steps.len());
    let found: Vec<usize> = (0..steps.len())
        .filter(|&i| !steps[i].replaces.is_empty())
        .collect();
    if found.is_empty() {
        return Ok(squashes);
    }
    squashes.any = true;
    let outer_first = outer_first(steps, places, &found)?;
    let mut claims = Claims {
        steps,
        squashes,
        placed: vec![false; steps.len()],
    };
    let mut by_name: HashMap<&StepId, Vec<usize>> = HashMap::new();
    for &squash in &outer_first {
        for name in &steps[squash].replaces {
            let claimants = by_name.entry(name).or_default();
            if claimants.last() != Some(&squash) {
                claimants.push(squash);
            }
        }
    }
    // The squashes before all else: which of two is the inner one is known from them.
    for &squash in &outer_first {
        claims.place_around(squash, &by_name)?;
    }
    for &squash in &outer_first {
        for name in &steps[squash].replaces {
            match places.get(name) {
                Some(&step) if steps[step].replaces.is_empty() => {
                    claims.place_around(step, &by_name)?;
                }
                Some(_) => {}
                None => claims.gone(name, &by_name)?,
            }
        }
    }
    Ok(claims.squashes)
}

struct Claims<'s> {
    steps: &'s [Step],
    squashes: Squashes,
    placed: Vec<bool>,
}

impl Claims<'_> {
    fn place_around(
        &mut self,
        step: usize,
        by_name: &HashMap<&StepId, Vec<usize>>,
    ) -> Result<(), Error> {
        if std::mem::replace(&mut self.placed[step], true) {
            return Ok(());
        }
        let id = &self.steps[step].id;
        if let Some(claimants) = by_name.get(id)
            && let Some(squash) = self.innermost(id, claimants)?
        {
            self.squashes.container[step] = Some(squash);
            self.squashes.members[squash].push(step);
        }
        Ok(())
    }

    fn gone(&mut self, name: &StepId, by_name: &HashMap<&StepId, Vec<usize>>) -> Result<(), Error> {
        if self.squashes.aliases.contains_key(name) {
            return Ok(());
        }
        if let Some(claimants) = by_name.get(name)
            && let Some(squash) = self.innermost(name, claimants)?
        {
            self.squashes.gone[squash].push(name.clone());
            self.squashes.aliases.insert(name.clone(), squash);
        }
        Ok(())
    }

    /// Of the squashes that name one step, the one that all others replace as well.
    fn innermost(&self, name: &StepId, claimants: &[usize]) -> Result<Option<usize>, Error> {
        let Some((&innermost, others)) = claimants.split_last() else {
            return Ok(None);
        };
        let Some(&other) = others
            .iter()
            .find(|&&other| !self.squashes.contains(other, innermost))
        else {
            return Ok(Some(innermost));
        };
        let (one, other) = (&self.steps[innermost], &self.steps[other]);
        Err(invalid(
            &one.location,
            format!(
                "`{}` and `{}` ({}) both replace `{name}`: a database could get its effect twice",
                one.id, other.id, other.location
            ),
        )
        .help(format!("take `{name}` out of one of the two `replaces`"))
        .help("or, if one is a squash of the other, name that one in its `replaces`"))
    }
}

/// The squashes, each before the squashes that it replaces.
fn outer_first(
    steps: &[Step],
    places: &HashMap<StepId, usize>,
    found: &[usize],
) -> Result<Vec<usize>, Error> {
    let inner = |squash: usize| {
        let names = steps[squash].replaces.iter();
        names
            .filter_map(|name| places.get(name).copied())
            .filter(|&step| !steps[step].replaces.is_empty())
    };
    let mut waits: HashMap<usize, usize> = found.iter().map(|&squash| (squash, 0)).collect();
    for &squash in found {
        for inner in inner(squash) {
            *waits.entry(inner).or_default() += 1;
        }
    }
    let mut open: Vec<usize> = found
        .iter()
        .rev()
        .copied()
        .filter(|squash| waits.get(squash) == Some(&0))
        .collect();
    let mut order = Vec::with_capacity(found.len());
    while let Some(squash) = open.pop() {
        order.push(squash);
        for inner in inner(squash) {
            let left = waits.entry(inner).or_default();
            *left = left.saturating_sub(1);
            if *left == 0 {
                open.push(inner);
            }
        }
    }
    if order.len() == found.len() {
        return Ok(order);
    }
    let stuck: Vec<String> = found
        .iter()
        .filter(|squash| waits.get(squash).is_some_and(|&left| left > 0))
        .map(|&squash| format!("`{}` ({})", steps[squash].id, steps[squash].location))
        .collect();
    Err(Error::new(
        ErrorCode::DependencyCycle,
        format!(
            "these squashes replace each other, so none of them could ever run: {}",
            stuck.join(", ")
        ),
    )
    .help("a squash names in `replaces` what is older than itself: remove the younger one's name"))
}
