//! From names to places: which steps each step comes directly after, implied ones included.

use std::collections::{BTreeMap, HashMap};

use migrate_source::name::nearest;
use migrate_source::order::{Place, files_before};

use super::invalid;
use crate::domain::graph::Squashes;
use crate::domain::step::{Body, Step};
use crate::error::{Error, ErrorCode};
use crate::report::StepId;

/// Everything that references are looked up in.
pub(super) struct Names<'d> {
    pub(super) steps: &'d [Step],
    pub(super) places: &'d HashMap<StepId, usize>,
    pub(super) apps: &'d HashMap<String, String>,
    pub(super) squashes: &'d Squashes,
}

/// The steps that each step comes directly after, each once. Linear in steps and references.
pub(super) fn link(names: &Names<'_>) -> Result<Vec<Vec<usize>>, Error> {
    let mut after = names.written()?;
    names.predecessors(&mut after);
    names.before(&mut after)?;
    names.runs(&mut after)?;
    let mut seen_by = vec![usize::MAX; after.len()];
    for (step, earlier) in after.iter_mut().enumerate() {
        earlier.retain(|&place| std::mem::replace(&mut seen_by[place], step) != step);
    }
    Ok(after)
}

impl Names<'_> {
    /// What a reference means; a replaced name that is gone means its squash. Nothing where the
    /// two are one for the order: a squash and what it replaces.
    fn look_up(&self, from: usize, id: &StepId) -> Result<Option<usize>, Error> {
        if let Some(&place) = self.places.get(id) {
            let one = self.squashes.contains(place, from) || self.squashes.contains(from, place);
            return Ok((!one).then_some(place));
        }
        let Some(&squash) = self.squashes.aliases.get(id) else {
            return Err(self.unknown(&self.steps[from], id));
        };
        let one = squash == from
            || self.squashes.contains(squash, from)
            || self.squashes.contains(from, squash);
        Ok((!one).then_some(squash))
    }

    /// What headers and attributes name in `after`.
    fn written(&self) -> Result<Vec<Vec<usize>>, Error> {
        let of = |(from, step): (usize, &Step)| {
            step.after
                .iter()
                .filter_map(|id| self.look_up(from, id).transpose())
                .collect()
        };
        self.steps.iter().enumerate().map(of).collect()
    }

    /// Each SQL file follows the one before, unless its header names a step of its own app. A
    /// squash and what it replaces are alternatives: neither follows the other.
    fn predecessors(&self, after: &mut [Vec<usize>]) {
        let mut places = Vec::new();
        let mut files = Vec::new();
        for (i, step) in self.steps.iter().enumerate() {
            if let Body::Sql { number, .. } = step.body {
                places.push(Place {
                    app: &step.id.app,
                    number,
                    name: &step.id.name,
                    is_squash: self.squashes.is_squash(i),
                    has_own_place: step.explicit_order,
                });
                files.push(i);
            }
        }
        let before = files_before(&places, |one, other| {
            let (one, other) = (files[one], files[other]);
            self.squashes.contains(one, other) || self.squashes.contains(other, one)
        });
        for (&file, before) in files.iter().zip(before) {
            after[file].extend(before.map(|before| files[before]));
        }
    }

    fn before(&self, after: &mut [Vec<usize>]) -> Result<(), Error> {
        for (i, step) in self.steps.iter().enumerate() {
            for later in &step.before {
                if let Some(place) = self.look_up(i, later)? {
                    after[place].push(i);
                }
            }
        }
        Ok(())
    }

    /// A SQL step that runs a data migration comes after all that the data migration needs, and
    /// what comes after the data migration comes after that step, which is what executes it.
    fn runs(&self, after: &mut [Vec<usize>]) -> Result<(), Error> {
        let mut run_by: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
        for (i, step) in self.steps.iter().enumerate() {
            let Body::Sql { texts, .. } = &step.body else {
                continue;
            };
            for run in texts.iter().flat_map(|text| &text.runs) {
                let place = self.runnable(step, run)?;
                self.refuse_run_apart(i, place)?;
                let by = run_by.entry(place).or_default();
                if by.last() != Some(&i) {
                    by.push(i);
                }
            }
        }
        let related = |one: usize, other: usize| {
            one == other || self.squashes.contains(one, other) || self.squashes.contains(other, one)
        };
        for (&run, by) in &run_by {
            for &step in by {
                let needs: Vec<usize> = after[run].clone();
                after[step].extend(needs.into_iter().filter(|&needed| !related(needed, step)));
            }
        }
        for (step, earlier) in after.iter_mut().enumerate() {
            let through: Vec<usize> = earlier
                .iter()
                .filter_map(|place| run_by.get(place))
                .flatten()
                .copied()
                .filter(|&by| !related(by, step))
                .collect();
            earlier.extend(through);
        }
        Ok(())
    }

    /// The place of a data migration that a SQL step may run.
    fn runnable(&self, step: &Step, run: &StepId) -> Result<usize, Error> {
        let Some(&place) = self.places.get(run) else {
            return Err(self.unknown(step, run));
        };
        let function = &self.steps[place];
        if !matches!(function.body, Body::Function(_)) {
            return Err(invalid(
                &step.location,
                format!("`run` names `{run}`, which is a SQL file and not a data migration"),
            ));
        }
        if function.manual {
            return Ok(place);
        }
        Err(invalid(
            &step.location,
            format!("`run` names `{run}`, which is not `manual`"),
        )
        .help(format!(
            "write `manual` into its attribute ({}), or drop the `run` and let it run by itself",
            function.location
        )))
    }

    /// A squash of a data migration is one of the step that runs it as well: else that step would
    /// run what the squash has done.
    fn refuse_run_apart(&self, step: usize, run: usize) -> Result<(), Error> {
        let mut around = self.squashes.around(run);
        let Some(squash) = around.find(|&squash| !self.squashes.contains(squash, step)) else {
            return Ok(());
        };
        let (step, run, squash) = (&self.steps[step], &self.steps[run], &self.steps[squash]);
        Err(invalid(
            &squash.location,
            format!(
                "`{}` replaces `{}`, but not `{}` ({}), which runs it",
                squash.id, run.id, step.id, step.location
            ),
        )
        .help(format!(
            "replace both, or take `{}` out of `replaces`",
            run.id
        )))
    }

    fn unknown(&self, step: &Step, missing: &StepId) -> Error {
        let error = Error::new(
            ErrorCode::UnknownReference,
            format!(
                "{}: `{}` refers to `{missing}`, which does not exist",
                step.location, step.id
            ),
        );
        let wanted = missing.to_string();
        let known: Vec<String> = self.steps.iter().map(|step| step.id.to_string()).collect();
        if !self.apps.contains_key(&missing.app) {
            return error.help(format!(
                "name the crate that has the app: `embed_migrations! {{ .. extern {}, }}`",
                missing.app
            ));
        }
        match nearest(&wanted, known.iter().map(String::as_str)) {
            Some(near) => error.help(format!("there is one of a similar name: `{near}`")),
            None => error,
        }
    }
}
