//! The two histories in a binary whose squashes stand beside what they replace: the one without
//! squashes and the one of squashes alone. Comparing what the two leave behind proves a squash.

use std::collections::{HashMap, HashSet};

use super::build;
use super::history::History;
use super::step::Step;
use crate::error::Error;
use crate::report::StepId;

impl History {
    /// The history as it was written: without the squashes whose replaced steps this binary still
    /// has. What comes after such a squash comes after those steps.
    ///
    /// # Errors
    ///
    /// Steps that wait for each other without the squashes.
    ///
    /// ```
    /// use migrate_core::History;
    ///
    /// let squash = "-- migrate: replaces = [\"0001_a\", \"0002_b\"]\nSELECT 1;";
    /// let history = History::builder()
    ///     .sql("users", "0001_a.sql", "SELECT 1;")
    ///     .sql("users", "0002_b.sql", "SELECT 1;")
    ///     .sql("users", "0001_squashed_0002.sql", squash)
    ///     .sql("users", "0003_c.sql", "SELECT 1;")
    ///     .build()?;
    /// let names = |history: &History| -> Vec<String> {
    ///     history.iter().map(|step| step.id().name.clone()).collect()
    /// };
    /// assert_eq!(names(&history.without_squashes()?), ["0001_a", "0002_b", "0003_c"]);
    /// assert_eq!(names(&history.only_squashes()?), ["0001_squashed_0002", "0003_c"]);
    /// # Ok::<(), migrate_core::Error>(())
    /// ```
    pub fn without_squashes(&self) -> Result<Self, Error> {
        let mut in_place_of: HashMap<StepId, Vec<StepId>> = HashMap::new();
        for squash in self.iter().filter(|step| !step.replaces.is_empty()) {
            let there = squash.replaces.iter().filter(|id| self.get(id).is_some());
            let there: Vec<StepId> = there.cloned().collect();
            if !there.is_empty() {
                in_place_of.insert(squash.id.clone(), there);
            }
        }
        self.with(&in_place_of)
    }

    /// The history as a new database gets it once the replaced steps are deleted: without them.
    /// What comes after a replaced step comes after its squash.
    ///
    /// # Errors
    ///
    /// Steps that wait for each other with the squashes in place.
    pub fn only_squashes(&self) -> Result<Self, Error> {
        let mut in_place_of: HashMap<StepId, Vec<StepId>> = HashMap::new();
        for squash in self.iter() {
            let there = squash.replaces.iter().filter(|id| self.get(id).is_some());
            for replaced in there.filter(|id| **id != squash.id) {
                let squashes = in_place_of.entry(replaced.clone()).or_default();
                squashes.push(squash.id.clone());
            }
        }
        self.with(&in_place_of)
    }

    /// The first steps, in order of execution, and the manual ones, which a step may run.
    ///
    /// # Errors
    ///
    /// None that the whole history does not have.
    pub(crate) fn first(&self, count: usize) -> Result<Self, Error> {
        let numbered = self.iter().enumerate();
        let kept = numbered.filter(|(place, step)| *place < count || step.manual);
        let mut steps: Vec<Step> = kept.map(|(_, step)| step.clone()).collect();
        let there: HashSet<StepId> = steps.iter().map(|step| step.id.clone()).collect();
        for step in &mut steps {
            step.after.retain(|id| there.contains(id));
        }
        build::again(&self.apps, steps, &[])
    }

    /// Leaves steps out and puts others in their place wherever they are named.
    fn with(&self, in_place_of: &HashMap<StepId, Vec<StepId>>) -> Result<Self, Error> {
        let kept = self
            .iter()
            .filter(|step| !in_place_of.contains_key(&step.id));
        let mut steps: Vec<Step> = kept.cloned().collect();
        for step in &mut steps {
            let mut after: Vec<StepId> = Vec::new();
            let mut seen = HashSet::new();
            let mut waiting: Vec<StepId> = step.after.iter().rev().cloned().collect();
            while let Some(id) = waiting.pop() {
                if !seen.insert(id.clone()) {
                    continue;
                }
                match in_place_of.get(&id) {
                    Some(others) => waiting.extend(others.iter().rev().cloned()),
                    None if id == step.id => {}
                    None => after.push(id),
                }
            }
            step.after = after;
        }
        build::again(&self.apps, steps, &[])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(history: &History) -> Vec<String> {
        history.iter().map(|step| step.id.to_string()).collect()
    }

    fn after(history: &History, id: &str) -> Vec<String> {
        let step = history.find(id).unwrap();
        step.after.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_squash_stands_beside_what_it_replaces_and_either_side_can_be_taken() {
        let squash = "-- migrate: replaces = [\"0001_a\", \"0002_b\"]\nSELECT 1;";
        let again = "-- migrate: replaces = [\"0001_a\", \"0002_b\", \"0001_squashed_0002\", \"0003_c\"]\nSELECT 1;";
        let other = "-- migrate: after = \"users.0002_b\"\nSELECT 1;";
        let history = History::builder()
            .sql("users", "0001_a.sql", "SELECT 1;")
            .sql("users", "0001_squashed_0002.sql", squash)
            .sql("users", "0001_squashed_0003.sql", again)
            .sql("users", "0002_b.sql", "SELECT 1;")
            .sql("users", "0003_c.sql", "SELECT 1;")
            .sql("users", "0004_d.sql", "SELECT 1;")
            .sql("billing", "0001_a.sql", other)
            .build()
            .unwrap();
        assert_eq!(after(&history, "users.0001_squashed_0003"), [""; 0]);
        assert_eq!(after(&history, "users.0004_d"), ["users.0003_c"]);
        let written = history.without_squashes().unwrap();
        assert_eq!(
            names(&written),
            [
                "users.0001_a",
                "users.0002_b",
                "users.0003_c",
                "users.0004_d",
                "billing.0001_a"
            ]
        );
        let squashed = history.only_squashes().unwrap();
        assert_eq!(
            names(&squashed),
            ["users.0001_squashed_0003", "users.0004_d", "billing.0001_a"]
        );
        assert_eq!(
            after(&squashed, "billing.0001_a"),
            ["users.0001_squashed_0003"]
        );
    }

    #[test]
    fn the_first_steps_are_a_history_of_their_own() {
        let history = History::builder()
            .sql(
                "users",
                "0001_a.sql",
                "-- migrate: before = \"billing.0001_x\"\nSELECT 1;",
            )
            .sql("users", "0002_b.sql", "SELECT 1;")
            .sql("billing", "0001_x.sql", "SELECT 1;")
            .build()
            .unwrap();
        assert_eq!(names(&history.first(1).unwrap()), ["users.0001_a"]);
        assert_eq!(names(&history.first(9).unwrap()), names(&history));
        assert_eq!(names(&history.first(0).unwrap()), [""; 0]);
    }

    #[test]
    fn squashes_that_wait_for_each_other_are_told() {
        let history = History::builder()
            .sql("a", "0001_x.sql", "SELECT 1;")
            .sql(
                "b",
                "0001_y.sql",
                "-- migrate: after = \"a.0001_x\"\nSELECT 1;",
            )
            .sql(
                "a",
                "0002_z.sql",
                "-- migrate: after = \"b.0001_y\"\nSELECT 1;",
            )
            .sql(
                "a",
                "0001_squashed_0002.sql",
                "-- migrate: replaces = [\"0001_x\", \"0002_z\"], after = \"b.0001_y\"\nSELECT 1;",
            )
            .build();
        let error = history
            .and_then(|history| history.only_squashes())
            .unwrap_err();
        assert_eq!(error.code(), crate::error::ErrorCode::DependencyCycle);
    }
}
