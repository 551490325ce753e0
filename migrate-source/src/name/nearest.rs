//! The nearest known name to a misspelt one.

/// The known name that is closest to the wanted one, if any is close enough to be meant.
///
/// The distance is Damerau-Levenshtein's (optimal string alignment), without case; close enough is
/// a third of the wanted name's length, at least 1, and less than all of it. Of equally close ones the
/// first wins.
///
/// ```
/// use migrate_source::name::nearest;
///
/// let known = ["0001_initial", "0002_add_email"];
/// assert_eq!(nearest("0001_initail", known), Some("0001_initial"));
/// assert_eq!(nearest("billing", known), None);
/// ```
pub fn nearest<'a>(wanted: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let wanted: Vec<char> = wanted.to_lowercase().chars().collect();
    // A name of which no letter is right was not meant.
    let bound = (wanted.len() / 3)
        .max(1)
        .min(wanted.len().saturating_sub(1));
    known
        .into_iter()
        .map(|name| {
            (
                distance(&wanted, &name.to_lowercase().chars().collect::<Vec<_>>()),
                name,
            )
        })
        .filter(|(distance, _)| *distance <= bound)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, name)| name)
}

/// Insertions, deletions, substitutions and swaps of neighbours that turn one into the other.
fn distance(left: &[char], right: &[char]) -> usize {
    let mut before: Vec<usize> = Vec::new();
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for (i, a) in left.iter().enumerate() {
        let mut next = vec![i + 1; right.len() + 1];
        for (j, b) in right.iter().enumerate() {
            let mut best = (row[j] + usize::from(a != b))
                .min(row[j + 1] + 1)
                .min(next[j] + 1);
            if i > 0 && j > 0 && *a == right[j - 1] && left[i - 1] == *b {
                best = best.min(before[j - 1] + 1);
            }
            next[j + 1] = best;
        }
        before = row;
        row = next;
    }
    row.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn between(left: &str, right: &str) -> usize {
        distance(
            &left.chars().collect::<Vec<_>>(),
            &right.chars().collect::<Vec<_>>(),
        )
    }

    #[test]
    fn distance_counts_edits_and_swaps() {
        assert_eq!(between("", "abc"), 3);
        assert_eq!(between("abc", ""), 3);
        assert_eq!(between("abc", "abc"), 0);
        assert_eq!(between("abc", "acb"), 1);
        assert_eq!(between("kitten", "sitting"), 3);
        assert_eq!(between("ca", "abc"), 3);
    }

    #[test]
    fn far_names_are_not_suggested() {
        assert_eq!(nearest("atomc", ["atomic", "after"]), Some("atomic"));
        assert_eq!(nearest("ATOMIC", ["atomic"]), Some("atomic"));
        assert_eq!(nearest("xyz", ["atomic", "after", "run"]), None);
        assert_eq!(nearest("", ["run", "a"]), None);
        assert_eq!(nearest("x", ["a"]), None);
        assert_eq!(nearest("A", ["a"]), Some("a"));
        assert_eq!(nearest("ba", ["ab"]), Some("ab"));
        assert_eq!(nearest("\u{fc}sers", ["users"]), Some("users"));
    }
}
