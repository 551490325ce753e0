//! Where a SQL step stands among those of its app: which one it follows, and which may share a
//! number. A squash stands beside the files that it replaces, with the number of the first of them,
//! until they are deleted: `0001_squashed_0004` beside `0001_initial` to `0004_index`.

use std::collections::{HashMap, HashSet};

/// A SQL step as far as its place depends on it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Numbered<'a> {
    /// The number in front of the name.
    pub number: u32,
    /// The name, number included.
    pub name: &'a str,
    /// The steps of the same app that it replaces; some may be gone.
    pub replaces: Vec<&'a str>,
}

/// For each step of an app the one it follows unless its header says otherwise, as places in the
/// list: the step with the highest number below its own.
///
/// A squash counts as high as the last step that it replaces, behind that step where it is still
/// there. So what follows the range follows its last file, and the squash once that file is gone.
///
/// ```
/// use migrate_source::file_order::{Numbered, predecessors};
///
/// let step = |number, name, replaces: &[&'static str]| Numbered { number, name, replaces: replaces.to_vec() };
/// let squash = step(1, "0001_squashed_0002", &["0001_a", "0002_b"]);
/// let both = [step(1, "0001_a", &[]), squash.clone(), step(2, "0002_b", &[]), step(3, "0003_c", &[])];
/// assert_eq!(predecessors(&both), [None, None, Some(0), Some(2)]);
/// assert_eq!(predecessors(&[squash, step(3, "0003_c", &[])]), [None, Some(0)]);
/// ```
#[must_use]
pub fn predecessors(steps: &[Numbered<'_>]) -> Vec<Option<usize>> {
    let ends = ends(steps);
    let mut order: Vec<(u32, u32, &str, usize)> = steps
        .iter()
        .zip(ends)
        .enumerate()
        .map(|(place, (step, end))| (end, step.number, step.name, place))
        .collect();
    order.sort_unstable();
    steps
        .iter()
        .map(|step| {
            let below = order.partition_point(|(end, ..)| *end < step.number);
            let last = order.get(below.checked_sub(1)?)?;
            Some(last.3)
        })
        .collect()
}

/// The number up to which each step reaches: its own, or that of the last step it replaces.
fn ends(steps: &[Numbered<'_>]) -> Vec<u32> {
    let mut ends: Vec<u32> = steps
        .iter()
        .map(|step| {
            let replaced = step.replaces.iter().filter_map(|name| number_of(name));
            replaced.fold(step.number, u32::max)
        })
        .collect();
    let squashes: Vec<usize> = (0..steps.len())
        .filter(|&place| !steps.get(place).is_none_or(|step| step.replaces.is_empty()))
        .collect();
    if squashes.is_empty() {
        return ends;
    }
    let places = places(steps);
    // A squash of a squash reaches as far as that one: a few rounds, one for each level.
    for _ in &squashes {
        let mut changed = false;
        for &place in &squashes {
            let replaced = steps.get(place).map(|step| &step.replaces);
            let inner = replaced.into_iter().flatten();
            let furthest = inner.filter_map(|name| ends.get(*places.get(name)?)).max();
            let furthest = furthest.copied().unwrap_or_default();
            if let Some(end) = ends.get_mut(place).filter(|end| **end < furthest) {
                *end = furthest;
                changed = true;
            }
        }
        if !changed {
            break;
        }
    }
    ends
}

fn places<'a>(steps: &[Numbered<'a>]) -> HashMap<&'a str, usize> {
    let named = steps.iter().enumerate();
    named.map(|(place, step)| (step.name, place)).collect()
}

/// The number in front of a step's name.
fn number_of(name: &str) -> Option<u32> {
    let digits = name.bytes().take_while(u8::is_ascii_digit).count();
    name.get(..digits)?.parse().ok()
}

/// Every two steps of an app that have one number although neither replaces the other, directly or
/// through a squash between them. The earlier in the list comes first.
#[must_use]
pub fn equal_numbers(steps: &[Numbered<'_>]) -> Vec<(usize, usize)> {
    let mut by_number: HashMap<u32, Vec<usize>> = HashMap::new();
    for (place, step) in steps.iter().enumerate() {
        by_number.entry(step.number).or_default().push(place);
    }
    let mut groups: Vec<Vec<usize>> = by_number
        .into_values()
        .filter(|group| group.len() > 1)
        .collect();
    if groups.is_empty() {
        return Vec::new();
    }
    groups.sort_unstable();
    let places = places(steps);
    let mut found = Vec::new();
    for group in groups {
        for (at, &one) in group.iter().enumerate() {
            for &other in group.iter().skip(at + 1) {
                let related =
                    replaces(steps, &places, one, other) || replaces(steps, &places, other, one);
                if !related {
                    found.push((one, other));
                }
            }
        }
    }
    found
}

/// Whether one step replaces another, directly or through the squashes it replaces.
fn replaces(
    steps: &[Numbered<'_>],
    places: &HashMap<&str, usize>,
    squash: usize,
    wanted: usize,
) -> bool {
    let mut seen = HashSet::new();
    let mut waiting = vec![squash];
    while let Some(place) = waiting.pop() {
        if !seen.insert(place) {
            continue;
        }
        let replaced = steps.get(place).map(|step| &step.replaces);
        for next in replaced.into_iter().flatten() {
            match places.get(next) {
                Some(&next) if next == wanted => return true,
                Some(&next) => waiting.push(next),
                None => {}
            }
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    fn step(name: &'static str, replaces: &[&'static str]) -> Numbered<'static> {
        Numbered {
            number: number_of(name).expect("a number"),
            name,
            replaces: replaces.to_vec(),
        }
    }

    fn followed<'a>(steps: &'a [Numbered<'a>], name: &str) -> Option<&'a str> {
        let place = steps.iter().position(|step| step.name == name).unwrap();
        predecessors(steps)[place].map(|place| steps[place].name)
    }

    #[test]
    fn each_file_follows_the_one_before_whatever_the_order_of_the_list() {
        let steps = [
            step("0007_c", &[]),
            step("0001_a", &[]),
            step("0002_b", &[]),
        ];
        assert_eq!(followed(&steps, "0001_a"), None);
        assert_eq!(followed(&steps, "0002_b"), Some("0001_a"));
        assert_eq!(followed(&steps, "0007_c"), Some("0002_b"));
    }

    #[test]
    fn a_squash_stands_where_the_first_of_its_range_stands_and_reaches_to_the_last() {
        let mut steps = vec![
            step("0001_a", &[]),
            step("0002_b", &[]),
            step("0002_squashed_0003", &["0002_b", "0003_c"]),
            step("0003_c", &[]),
            step("0004_d", &[]),
        ];
        assert_eq!(followed(&steps, "0002_squashed_0003"), Some("0001_a"));
        assert_eq!(followed(&steps, "0003_c"), Some("0002_b"));
        assert_eq!(followed(&steps, "0004_d"), Some("0003_c"));
        assert_eq!(equal_numbers(&steps), []);
        steps.retain(|step| !["0002_b", "0003_c"].contains(&step.name));
        assert_eq!(followed(&steps, "0002_squashed_0003"), Some("0001_a"));
        assert_eq!(followed(&steps, "0004_d"), Some("0002_squashed_0003"));
    }

    #[test]
    fn a_squash_of_a_squash_reaches_as_far_as_that_one() {
        let steps = [
            step("0001_squashed_0004", &["0001_a", "0004_d"]),
            step(
                "0001_squashed_0004_again",
                &["0001_squashed_0004", "unrelated_2026_01_01"],
            ),
            step("0001_a", &[]),
            step("0003_other", &[]),
            step("0005_e", &[]),
        ];
        assert_eq!(equal_numbers(&steps), []);
        assert_eq!(followed(&steps, "0003_other"), Some("0001_a"));
        let ends = ends(&steps);
        assert_eq!(ends, [4, 4, 1, 3, 5]);
    }

    #[test]
    fn squashes_that_replace_each_other_end() {
        let steps = [step("0001_a", &["0001_b"]), step("0001_b", &["0001_a"])];
        assert_eq!(predecessors(&steps), [None, None]);
        assert_eq!(equal_numbers(&steps), []);
    }

    #[test]
    fn two_files_with_one_number_are_told_unless_one_replaces_the_other() {
        let steps = [
            step("0001_a", &[]),
            step("0002_b", &[]),
            step("0002_c", &[]),
        ];
        assert_eq!(equal_numbers(&steps), [(1, 2)]);
        // Two people squashed the same files.
        let steps = [
            step("0001_a", &[]),
            step("0001_squashed_0002", &["0001_a"]),
            step("0001_squashed_0003", &["0001_a"]),
        ];
        assert_eq!(equal_numbers(&steps), [(1, 2)]);
        // A squash that replaces other steps is no excuse.
        let steps = [
            step("0001_a", &[]),
            step("0001_squashed_0002", &["0001_gone"]),
        ];
        assert_eq!(equal_numbers(&steps), [(0, 1)]);
    }
}
