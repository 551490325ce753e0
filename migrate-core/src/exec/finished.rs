//! What a run has done so far, in order, and found by step: each step of a long way back asks.

use std::collections::HashMap;

use crate::report::{StepId, StepRun};

/// The steps that are done, in order.
#[derive(Clone, Debug, Default)]
pub(crate) struct Finished {
    runs: Vec<StepRun>,
    /// The last place of each step.
    places: HashMap<StepId, usize>,
}

impl Finished {
    pub(super) fn push(&mut self, run: StepRun) {
        self.places.insert(run.step.clone(), self.runs.len());
        self.runs.push(run);
    }

    /// What was done last with a step.
    pub(super) fn last(&self, id: &StepId) -> Option<&StepRun> {
        self.places.get(id).and_then(|&place| self.runs.get(place))
    }

    pub(super) fn has(&self, id: &StepId) -> bool {
        self.places.contains_key(id)
    }

    pub(super) fn runs(&self) -> &[StepRun] {
        &self.runs
    }

    /// All of it, and begins anew.
    pub(crate) fn take(&mut self) -> Vec<StepRun> {
        self.places.clear();
        std::mem::take(&mut self.runs)
    }
}
