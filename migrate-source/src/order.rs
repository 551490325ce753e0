//! Which SQL file each SQL file of an app follows, as far as numbers say: the one rule of the macros, the
//! runtime and the command line.
//!
//! ```
//! use migrate_source::order::{Place, files_before};
//!
//! let place = |number, name, has_own_place| Place { app: "users", number, name, is_squash: false, has_own_place };
//! let files = [
//!     place(3, "0003_key", false),
//!     place(1, "0001_initial", false),
//!     place(2, "0002_name", true), // its header says `after = ..`
//! ];
//! let never = |_, _| false;
//! assert_eq!(files_before(&files, never), [Some(2), None, None]);
//! ```

use std::collections::HashMap;

/// A SQL step among those of its app.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place<'a> {
    /// Its app.
    pub app: &'a str,
    /// Its number.
    pub number: u32,
    /// Its name.
    pub name: &'a str,
    /// Whether it stands for other steps.
    pub is_squash: bool,
    /// Whether its header names a step of its own app in `after`.
    pub has_own_place: bool,
}

/// The step that each comes after although nothing says so: the one before by number, unless it has a place
/// of its own. A squash comes behind the other steps of its number.
///
/// `alternatives` tells of two steps, by their places in the list, whether one replaces the other, at once or through
/// squashes between them: of those a database has the one or the other, and neither follows the other.
pub fn files_before(
    steps: &[Place<'_>],
    alternatives: impl Fn(usize, usize) -> bool,
) -> Vec<Option<usize>> {
    let key = |step: usize| {
        let Place {
            app,
            number,
            is_squash,
            name,
            ..
        } = steps[step];
        (app, number, is_squash, name)
    };
    let mut order: Vec<usize> = (0..steps.len()).collect();
    order.sort_unstable_by_key(|&step| key(step));
    let mut before = vec![None; steps.len()];
    for (position, &step) in order.iter().enumerate() {
        if steps[step].has_own_place {
            continue;
        }
        let earlier = order[..position].iter().rev().copied();
        let mut earlier = earlier.take_while(|&other| steps[other].app == steps[step].app);
        before[step] = earlier.find(|&other| !alternatives(other, step));
    }
    before
}

/// What the squashes of a folder replace, by name.
#[derive(Debug, Clone, Default)]
pub struct Replaced<'a> {
    by: HashMap<&'a str, Vec<&'a str>>,
}

impl<'a> Replaced<'a> {
    /// Of steps with the names in their `replaces`.
    pub fn new<R: IntoIterator<Item = &'a str>>(
        steps: impl IntoIterator<Item = (&'a str, R)>,
    ) -> Self {
        let mut by: HashMap<&str, Vec<&str>> = HashMap::new();
        for (squash, names) in steps {
            for name in names {
                by.entry(name).or_default().push(squash);
            }
        }
        Self { by }
    }

    /// Whether one of two steps replaces the other, at once or through squashes between them.
    #[must_use]
    pub fn are_alternatives(&self, one: &str, other: &str) -> bool {
        !self.by.is_empty() && (self.stands_for(one, other) || self.stands_for(other, one))
    }

    /// The step that stands for another in the end; itself if nothing replaces it.
    #[must_use]
    pub fn last<'n>(&self, name: &'n str) -> &'n str
    where
        'a: 'n,
    {
        let above = self.above(name);
        let last = above.iter().find(|squash| !self.by.contains_key(*squash));
        last.copied().unwrap_or(name)
    }

    fn stands_for(&self, squash: &str, step: &str) -> bool {
        self.above(step).contains(&squash)
    }

    fn above(&self, step: &str) -> Vec<&'a str> {
        let direct = |name: &str| self.by.get(name).into_iter().flatten().copied();
        let mut above: Vec<&'a str> = Vec::new();
        let mut next: Vec<&'a str> = direct(step).collect();
        while let Some(squash) = next.pop() {
            if !above.contains(&squash) {
                above.push(squash);
                next.extend(direct(squash));
            }
        }
        above
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place<'a>(name: &'a str, app: &'a str, is_squash: bool) -> Place<'a> {
        Place {
            app,
            number: name[..4].parse().expect("a number"),
            name,
            is_squash,
            has_own_place: name.ends_with("own"),
        }
    }

    fn before<'a>(steps: &[Place<'a>], replaced: &Replaced<'_>) -> Vec<Option<&'a str>> {
        let found = files_before(steps, |one, other| {
            replaced.are_alternatives(steps[one].name, steps[other].name)
        });
        found.into_iter().map(|at| Some(steps[at?].name)).collect()
    }

    #[test]
    fn each_file_follows_the_one_before_in_its_app() {
        let steps = ["0002_b", "0001_a", "0005_own", "0007_d"].map(|name| place(name, "a", false));
        let mut steps = steps.to_vec();
        steps.extend(["0001_x", "0003_y"].map(|name| place(name, "b", false)));
        let expected = [
            Some("0001_a"),
            None,
            None,
            Some("0005_own"),
            None,
            Some("0001_x"),
        ];
        assert_eq!(before(&steps, &Replaced::default()), expected);
    }

    #[test]
    fn a_squash_and_what_it_replaces_do_not_follow_each_other() {
        let replaced = Replaced::new([
            ("0002_squashed_0003", vec!["0002_z", "0003_c"]),
            ("0002_squashed_0004", vec!["0002_squashed_0003", "0004_d"]),
        ]);
        let names = [
            "0001_a",
            "0002_z",
            "0002_squashed_0003",
            "0002_squashed_0004",
            "0003_c",
            "0004_d",
            "0005_e",
        ];
        let steps = names.map(|name| place(name, "a", name.contains("squashed")));
        let expected = [
            None,
            Some("0001_a"),
            Some("0001_a"),
            Some("0001_a"),
            Some("0002_z"),
            Some("0003_c"),
            Some("0004_d"),
        ];
        assert_eq!(before(&steps, &replaced), expected);
        assert_eq!(replaced.last("0002_z"), "0002_squashed_0004");
        assert_eq!(replaced.last("0005_e"), "0005_e");
        // A squash stands behind what has its number, for those that follow it.
        let late = [
            place("0001_z", "a", false),
            place("0001_squashed", "a", true),
            place("0002_b", "a", false),
        ];
        let replaced = Replaced::new([("0001_squashed", ["0001_z"])]);
        assert_eq!(
            before(&late, &replaced),
            [None, None, Some("0001_squashed")]
        );
    }

    #[test]
    fn squashes_that_replace_each_other_end() {
        let replaced = Replaced::new([("0001_a", ["0002_b"]), ("0002_b", ["0001_a"])]);
        assert!(replaced.are_alternatives("0001_a", "0002_b"));
        assert_eq!(replaced.last("0001_a"), "0001_a");
    }
}
