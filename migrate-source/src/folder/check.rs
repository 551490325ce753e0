//! What is wrong inside SQL files, as far as it can be told without a database.
//!
//! An app may have a thousand files: no file is read more often than it has to be.

use std::collections::{BTreeMap, HashMap};

use super::FolderFile;
use crate::checksum::{Checksum, normalise, of_normalised};
use crate::file_name::Direction;
use crate::graph::SqlStep;
use crate::header::Header;
use crate::shares::map_in_shares;
use crate::sql_file::{SqlFile, StatementRules, parse_normalised};
use crate::{Database, SourceError};

/// What there is to know about one file.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Checked {
    /// Its checksum.
    pub checksum: Checksum,
    /// Empty if the file cannot be read.
    pub header: Header,
    /// What is wrong with it.
    pub errors: Vec<SourceError>,
    /// Whether the file has a `-- migrate: down` part.
    has_down: bool,
    unreadable: bool,
}

/// What the files that go forward say about a whole step.
#[derive(Default)]
struct Forward<'a> {
    not_atomic: bool,
    foreign_keys_off: bool,
    /// Nothing is known then, and the way back is judged by what it says itself.
    unreadable: bool,
    /// The files with a `-- migrate: down` part, and the database each is for.
    downs: Vec<(Option<Database>, &'a str)>,
}

/// Checks files; the results are in their order. The files that go back come last, because how their
/// statements run is up to the file that goes forward.
///
/// `app` is the label, if it is known; `only` the one database that the files are for, if there is one alone.
#[must_use]
pub fn check_files(
    files: &[FolderFile],
    app: Option<&str>,
    only: Option<Database>,
) -> Vec<Checked> {
    let (back, forward): (Vec<_>, Vec<_>) = files
        .iter()
        .enumerate()
        .partition(|(_, file)| file.name.direction == Direction::Down);
    let mut checked = map_in_shares(&forward, |&(at, file)| {
        (at, check_file(file, app, only, None))
    });
    let mut steps: HashMap<&str, Forward> = HashMap::new();
    for ((_, file), (_, checked)) in forward.iter().zip(&checked) {
        let step = steps.entry(&file.name.step).or_default();
        step.not_atomic |= checked.header.atomic == Some(false);
        step.foreign_keys_off |= checked.header.foreign_keys_off;
        step.unreadable |= checked.unreadable;
        if checked.has_down {
            step.downs.push((file.name.database, &file.file_name));
        }
    }
    checked.extend(map_in_shares(&back, |&(at, file)| {
        (
            at,
            check_file(file, app, only, steps.get(file.name.step.as_str())),
        )
    }));
    checked.sort_by_key(|(at, _)| *at);
    checked.into_iter().map(|(_, checked)| checked).collect()
}

fn check_file(
    file: &FolderFile,
    app: Option<&str>,
    only: Option<Database>,
    forward: Option<&Forward<'_>>,
) -> Checked {
    let text = normalise(&file.text);
    let checksum = of_normalised(&text);
    let database = file.name.database.or(only);
    match parse_normalised(&text, database) {
        Ok(sql) => {
            let mut errors = direction_errors(&sql, file);
            let mut rules = StatementRules {
                database,
                atomic: sql.header.atomic != Some(false),
                foreign_keys_off: sql.header.foreign_keys_off,
            };
            if let Some(forward) = forward.filter(|forward| !forward.unreadable) {
                errors.extend(down_errors(&sql.header, file, forward));
                rules.atomic = !forward.not_atomic;
                rules.foreign_keys_off = forward.foreign_keys_off;
            }
            errors.extend(sql.statement_errors(rules));
            if file.name.direction != Direction::Down {
                errors.extend(sql.empty_error(database, app));
            }
            Checked {
                checksum,
                has_down: sql.down.is_some(),
                unreadable: false,
                header: sql.header,
                errors,
            }
        }
        Err(errors) => Checked {
            checksum,
            has_down: false,
            unreadable: true,
            header: Header::default(),
            errors,
        },
    }
}

/// The steps that files make up, by number and name; `shown` is a file as messages name it.
pub fn steps_of(
    files: &[FolderFile],
    checked: &[Checked],
    shown: impl Fn(&FolderFile) -> String,
) -> Vec<SqlStep> {
    let mut steps: BTreeMap<(u32, &str), SqlStep> = BTreeMap::new();
    for (file, checked) in files.iter().zip(checked) {
        let key = (file.name.number, file.name.step.as_str());
        let step = steps.entry(key).or_insert_with(|| SqlStep {
            name: file.name.step.clone(),
            number: file.name.number,
            headers: Vec::new(),
        });
        if file.name.direction != Direction::Down {
            step.headers.push((shown(file), checked.header.clone()));
        }
    }
    steps.into_values().collect()
}

fn direction_errors(sql: &SqlFile, file: &FolderFile) -> Vec<SourceError> {
    if file.name.direction == Direction::Both || sql.down.is_none() {
        return Vec::new();
    }
    vec![SourceError {
        code: "down_in_one_way_file",
        line: 1,
        column: 1,
        message: "the file's name says which way it goes, and yet it has a `-- migrate: down` part"
            .to_owned(),
        help: "name the file without `.up` or `.down`, or move the part to a file of its own"
            .to_owned(),
    }]
}

/// What a `.down.sql` file must not say: the file that goes forward speaks for the whole step.
fn down_errors(header: &Header, file: &FolderFile, forward: &Forward<'_>) -> Vec<SourceError> {
    let error = |line: u32, code, message: String, help: String| SourceError {
        code,
        line,
        column: 1,
        message,
        help,
    };
    let mut errors = Vec::new();
    for key in ["after", "before", "replaces", "run", "foreign_keys"] {
        if let Some(line) = header.line_of(key) {
            errors.push(error(
                line,
                "directive_in_down_file",
                format!("`{key}` has no effect in a file that goes back"),
                "move it to the file that goes forward, which speaks for both ways".to_owned(),
            ));
        }
    }
    if header
        .atomic
        .is_some_and(|atomic| atomic == forward.not_atomic)
    {
        let (way_back, other) = match forward.not_atomic {
            true => ("true", "false"),
            false => ("false", "true"),
        };
        errors.push(error(
            header.line_of("atomic").unwrap_or(1),
            "contradicting_directives",
            format!("the file that goes back says `atomic = {way_back}`, and the one that goes forward runs as `atomic = {other}`"),
            "say it in the file that goes forward, which speaks for both ways".to_owned(),
        ));
    }
    let twice = forward.downs.iter();
    let mut twice = twice.filter(|(database, _)| *database == file.name.database);
    if let Some((_, other)) = twice.next() {
        errors.push(error(
            1,
            "two_ways_back",
            format!("`{other}` has a `-- migrate: down` part already"),
            "keep the part or this file".to_owned(),
        ));
    }
    errors
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checksum::of_sql;
    use crate::file_name::FileName;

    fn file(text: &str) -> FolderFile {
        let name = "0001_squashed_0002_more.sql";
        FolderFile {
            path: name.into(),
            name: FileName::parse(name).expect("a file name"),
            file_name: name.to_owned(),
            text: text.to_owned(),
        }
    }

    #[test]
    fn the_line_that_a_squash_loses_at_last_is_no_edit() {
        let with = "-- migrate: replaces = [\"0001_a\", \"0002_more\"]\nSELECT 1;\n";
        let checked = check_files(&[file(with), file("SELECT 1;\n")], Some("app"), None);
        assert_eq!(checked[0].checksum, checked[1].checksum);
        assert_eq!(checked[0].checksum, of_sql(with));
    }
}
