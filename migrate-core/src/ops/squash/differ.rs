//! How two snapshots differ, as far as it matters. Pure.

use std::collections::{BTreeMap, BTreeSet};

use migrate_source::name::nearest;

use super::snapshot::{Cell, Snapshot, Table};
use crate::error::{Error, ErrorCode};
use crate::report::SquashDifference;

/// How many rows of a difference are shown.
const SHOWN: usize = 5;

/// Every difference: of the schemas first, then of the rows.
pub(super) fn differences(
    replaced: &Snapshot,
    squashed: &Snapshot,
    ignored: &[String],
) -> Vec<SquashDifference> {
    let things: BTreeSet<&String> = replaced.facts.keys().chain(squashed.facts.keys()).collect();
    let facts = things.into_iter().filter_map(|thing| {
        let (one, other) = (replaced.facts.get(thing), squashed.facts.get(thing));
        let shown = |fact: Option<&String>| -> Vec<String> {
            fact.map(|fact| match fact.is_empty() {
                true => "there".to_owned(),
                false => fact.clone(),
            })
            .into_iter()
            .collect()
        };
        (one != other).then(|| SquashDifference {
            what: thing.clone(),
            replaced: shown(one),
            squashed: shown(other),
            columns: Vec::new(),
        })
    });
    let tables = replaced.tables.iter().filter_map(|(name, one)| {
        // A table that only one of them has is told already.
        let other = squashed.tables.get(name)?;
        rows(name, one, other, ignored)
    });
    facts.chain(tables).collect()
}

/// How the rows of a table differ in the columns that both have.
fn rows(name: &str, one: &Table, other: &Table, ignored: &[String]) -> Option<SquashDifference> {
    let is_ignored = |column: &str| {
        ignored
            .iter()
            .any(|text| *text == format!("{name}.{column}"))
    };
    let common: Vec<&String> = one
        .columns
        .iter()
        .filter(|column| other.columns.contains(column) && !is_ignored(column))
        .collect();
    let (mut only_one, mut only_other) = (project(one, &common), project(other, &common));
    remove_common(&mut only_one, &mut only_other);
    if only_one.is_empty() && only_other.is_empty() {
        return None;
    }
    let columns = differing(&common, &only_one, &only_other);
    Some(SquashDifference {
        what: format!("rows of {name}"),
        replaced: show(&common, &only_one),
        squashed: show(&common, &only_other),
        columns,
    })
}

/// The rows with these columns only, sorted.
fn project(table: &Table, columns: &[&String]) -> Vec<Vec<Cell>> {
    let places: Vec<Option<usize>> = columns
        .iter()
        .map(|column| table.columns.iter().position(|known| known == *column))
        .collect();
    let cell = |row: &Vec<Cell>, place: &Option<usize>| row.get((*place)?).cloned().flatten();
    let mut rows: Vec<Vec<Cell>> = table
        .rows
        .iter()
        .map(|row| places.iter().map(|place| cell(row, place)).collect())
        .collect();
    rows.sort();
    rows
}

/// Takes out what both have, as often as both have it.
fn remove_common(one: &mut Vec<Vec<Cell>>, other: &mut Vec<Vec<Cell>>) {
    let mut counts: BTreeMap<&Vec<Cell>, (usize, usize)> = BTreeMap::new();
    for row in one.iter() {
        counts.entry(row).or_default().0 += 1;
    }
    for row in other.iter() {
        counts.entry(row).or_default().1 += 1;
    }
    let (mut left, mut right) = (Vec::new(), Vec::new());
    for (row, (a, b)) in counts {
        left.extend(std::iter::repeat_n(row.clone(), a.saturating_sub(b)));
        right.extend(std::iter::repeat_n(row.clone(), b.saturating_sub(a)));
    }
    *one = left;
    *other = right;
}

/// The columns in which rows differ that stand at one place: a key before them keeps rows together.
fn differing(columns: &[&String], one: &[Vec<Cell>], other: &[Vec<Cell>]) -> Vec<String> {
    if one.len() != other.len() {
        return Vec::new();
    }
    let differs = |place: usize| {
        let mut pairs = one.iter().zip(other);
        pairs.any(|(a, b)| a.get(place) != b.get(place))
    };
    let columns = columns.iter().enumerate();
    columns
        .filter(|(place, _)| differs(*place))
        .map(|(_, column)| (*column).clone())
        .collect()
}

fn show(columns: &[&String], rows: &[Vec<Cell>]) -> Vec<String> {
    let cell = |(column, cell): (&&String, &Cell)| {
        let value = cell.as_deref().unwrap_or("NULL");
        format!("{column} = {value}")
    };
    let row = |row: &Vec<Cell>| {
        let cells: Vec<String> = columns.iter().zip(row).map(cell).collect();
        cells.join(", ")
    };
    let mut shown: Vec<String> = rows.iter().take(SHOWN).map(row).collect();
    if let Some(more) = rows.len().checked_sub(SHOWN).filter(|more| *more > 0) {
        shown.push(format!("and {more} more"));
    }
    shown
}

/// A column that is to be ignored and does not exist is a mistake in its name.
pub(super) fn refuse_unknown_columns(
    ignored: &[String],
    snapshots: &[&Snapshot],
) -> Result<(), Error> {
    let tables = snapshots.iter().flat_map(|snapshot| &snapshot.tables);
    let known: BTreeSet<String> = tables
        .flat_map(|(name, table)| table.columns.iter().map(move |c| format!("{name}.{c}")))
        .collect();
    let Some(unknown) = ignored.iter().find(|column| !known.contains(*column)) else {
        return Ok(());
    };
    let error = Error::new(
        ErrorCode::NotPossible,
        format!("there is no column `{}` to ignore", unknown.escape_debug()),
    );
    Err(match nearest(unknown, known.iter().map(String::as_str)) {
        Some(near) => error.help(format!("did you mean `{near}`?")),
        None => error.help("name it as `table.column`"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn snapshot(facts: &[(&str, &str)], rows: &[(&str, &str)]) -> Snapshot {
        let fact = |(thing, text): &(&str, &str)| ((*thing).to_owned(), (*text).to_owned());
        let row = |(id, at): &(&str, &str)| vec![Some((*id).to_owned()), Some((*at).to_owned())];
        let table = Table {
            columns: vec!["id".to_owned(), "at".to_owned()],
            rows: rows.iter().map(row).collect(),
        };
        Snapshot {
            facts: facts.iter().map(fact).collect(),
            tables: [("users".to_owned(), table)].into(),
        }
    }

    #[test]
    fn what_only_one_has_and_what_is_different_are_told() {
        let one = snapshot(&[("index a", "x"), ("index b", "")], &[]);
        let other = snapshot(&[("index a", "y"), ("index c", "z")], &[]);
        let found = differences(&one, &other, &[]);
        let told: Vec<(&str, usize, usize)> = found
            .iter()
            .map(|d| (d.what.as_str(), d.replaced.len(), d.squashed.len()))
            .collect();
        assert_eq!(
            told,
            [("index a", 1, 1), ("index b", 1, 0), ("index c", 0, 1)]
        );
        assert_eq!(found[1].replaced, ["there"]);
        assert_eq!(differences(&one, &one, &[]), []);
    }

    #[test]
    fn rows_are_compared_as_often_as_they_stand_there() {
        let one = snapshot(&[], &[("1", "a"), ("1", "a"), ("2", "b")]);
        let other = snapshot(&[], &[("2", "b"), ("1", "a")]);
        let found = differences(&one, &other, &[]);
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].replaced, ["id = 1, at = a"]);
        assert_eq!(found[0].squashed, [""; 0]);
    }

    #[test]
    fn a_column_that_cannot_be_equal_is_named_and_ignored() {
        let one = snapshot(&[], &[("1", "noon"), ("2", "noon"), ("3", "now")]);
        let other = snapshot(&[], &[("1", "one"), ("2", "one"), ("3", "now")]);
        let found = differences(&one, &other, &[]);
        assert_eq!(found[0].columns, ["at"]);
        assert_eq!(found[0].replaced.len(), 2);
        let ignored = ["users.at".to_owned()];
        assert_eq!(differences(&one, &other, &ignored), []);
        assert!(refuse_unknown_columns(&ignored, &[&one]).is_ok());
        let error = refuse_unknown_columns(&["users.att".to_owned()], &[&one]).unwrap_err();
        assert_eq!(error.helps(), ["did you mean `users.at`?"]);
    }

    #[test]
    fn many_rows_are_counted() {
        let rows: Vec<(String, String)> = (0..8).map(|i| (i.to_string(), "a".to_owned())).collect();
        let rows: Vec<(&str, &str)> = rows.iter().map(|(a, b)| (a.as_str(), b.as_str())).collect();
        let found = differences(&snapshot(&[], &rows), &snapshot(&[], &[]), &[]);
        assert_eq!(found[0].replaced.len(), 6);
        assert_eq!(found[0].replaced[5], "and 3 more");
    }
}
