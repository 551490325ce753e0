//! Joins the texts of several steps into the files of one, and proves that the statements are
//! the same, one by one, for every database that can read them.

use std::collections::BTreeSet;

use migrate_source::Database;
use migrate_source::header::Allow;
use migrate_source::name::Reference;
use migrate_source::statements::statements;

use super::super::quoted;
use super::texts::{DATABASES, StepTexts, Text, Variant};
use crate::failure::Failure;

/// What the header of a squash says besides what its files bring along.
#[derive(Clone, Debug, Default)]
pub(super) struct Head {
    pub(super) after: Vec<String>,
    pub(super) before: Vec<String>,
    pub(super) replaces: Vec<String>,
}

/// A file of a squash.
#[derive(Clone, Debug)]
pub(super) struct Joined {
    pub(super) database: Option<Database>,
    pub(super) text: String,
    /// The files whose statements it has, in order.
    pub(super) files: Vec<String>,
    /// The first file without a way back, because of which the squash has none.
    pub(super) one_way: Option<String>,
}

/// The files of a squash: a common one, and one for each database that one of its steps has a
/// file for.
pub(super) fn join(steps: &[StepTexts], head: &Head) -> Result<Vec<Joined>, Failure> {
    let databases: BTreeSet<Option<Database>> =
        steps.iter().flat_map(StepTexts::databases).collect();
    let mut joined = Vec::new();
    for database in databases {
        // A step that has nothing for this database: the squash has nothing for it either.
        let variants: Option<Vec<&Variant>> = steps.iter().map(|step| step.of(database)).collect();
        if let Some(variants) = variants {
            joined.push(join_variants(&variants, database, head)?);
        }
    }
    if joined.is_empty() {
        return Err(Failure::usage(
            "no database has a file for every one of these steps",
        ));
    }
    Ok(joined)
}

fn join_variants(
    variants: &[&Variant],
    database: Option<Database>,
    head: &Head,
) -> Result<Joined, Failure> {
    let ups: Vec<&Text> = variants.iter().map(|variant| &variant.up).collect();
    let one_way = variants
        .iter()
        .find(|variant| !has_way_back(variant, database));
    let mut text = header(variants, head);
    let mut up = join_texts(&ups, database)?;
    let runs = variants
        .iter()
        .any(|variant| !variant.header.run.is_empty());
    if !runs && is_empty(&up, database) {
        up.push_str(NOTHING_TO_DO);
    }
    match one_way {
        Some(_) => text.push_str(&up),
        None => {
            let downs = variants.iter().rev().filter_map(|v| v.down.as_ref());
            let downs: Vec<&Text> = downs.collect();
            let down = join_texts(&downs, database)?;
            text.push_str(&format!("-- migrate: up\n{up}\n-- migrate: down\n{down}"));
        }
    }
    Ok(Joined {
        database,
        text,
        files: ups.iter().map(|up| up.file_name.clone()).collect(),
        one_way: one_way.map(|variant| variant.up.file_name.clone()),
    })
}

/// What stands in a squash of files that only join branches. Its line `replaces` gives it a meaning,
/// but that line goes one day, and a file without a statement is refused then.
const NOTHING_TO_DO: &str = "\n-- nothing to do\nSELECT 1;\n";

/// A step without statements can be undone by doing nothing.
fn has_way_back(variant: &Variant, database: Option<Database>) -> bool {
    let does_nothing = || is_empty(&variant.up.sql, database);
    variant.down.is_some() || (variant.header.run.is_empty() && does_nothing())
}

fn is_empty(sql: &str, database: Option<Database>) -> bool {
    let mut counts = candidates(database).map(|db| statements(sql, db));
    counts.any(|found| found.is_ok_and(|found| found.is_empty()))
}

fn candidates(database: Option<Database>) -> impl Iterator<Item = Database> {
    let all = DATABASES.into_iter();
    all.filter(move |db| database.is_none_or(|database| database == *db))
}

fn header(variants: &[&Variant], head: &Head) -> String {
    let mut text = String::new();
    let mut list = |key: &str, names: &[String]| {
        if !names.is_empty() {
            text.push_str(&format!("-- migrate: {key} = [{}]\n", quoted(names)));
        }
    };
    list("replaces", &head.replaces);
    list("after", &head.after);
    list("before", &head.before);
    let headers = || variants.iter().map(|variant| &variant.header);
    let runs: Vec<&Reference> = headers().flat_map(|header| &header.run).collect();
    list("run", &strings(&runs));
    let mut allowed: Vec<String> = Vec::new();
    for Allow { lint, reason, .. } in headers().flat_map(|header| &header.allow) {
        if !allowed
            .iter()
            .any(|known| known.starts_with(&format!("{lint}:")))
        {
            allowed.push(format!("{lint}: {reason}"));
        }
    }
    list("allow", &allowed);
    if headers().any(|header| header.foreign_keys_off) {
        text.push_str("-- migrate: foreign_keys = off\n");
    }
    text
}

fn strings(references: &[&Reference]) -> Vec<String> {
    references.iter().map(ToString::to_string).collect()
}

/// One text out of several, each below the name of its file.
fn join_texts(texts: &[&Text], database: Option<Database>) -> Result<String, Failure> {
    let mut joined = String::new();
    for (place, text) in texts.iter().enumerate() {
        joined.push_str(&format!("\n-- {}\n", text.file_name));
        if !text.sql.is_empty() {
            joined.push_str(&text.sql);
            joined.push('\n');
        }
        if place + 1 < texts.len() && swallows_what_follows(&text.sql, database) {
            joined.push_str(";\n");
        }
    }
    for db in candidates(database) {
        prove(texts, &joined, db)?;
    }
    Ok(joined)
}

/// Whether the last statement has no terminator.
fn swallows_what_follows(sql: &str, database: Option<Database>) -> bool {
    const PROBE: &str = "SELECT 1";
    candidates(database).any(|db| {
        let followed = format!("{sql}\n{PROBE}");
        let (Ok(alone), Ok(followed)) = (statements(sql, db), statements(&followed, db)) else {
            return false;
        };
        followed.len() != alone.len() + 1
    })
}

/// The statements of the whole are those of its parts.
fn prove(texts: &[&Text], joined: &str, database: Database) -> Result<(), Failure> {
    let mut expected: Vec<&str> = Vec::new();
    for text in texts {
        let Ok(found) = statements(&text.sql, database) else {
            // It is not written for this database.
            return Ok(());
        };
        expected.extend(found.iter().map(|statement| statement.text));
    }
    let found = statements(joined, database).unwrap_or_default();
    let found: Vec<&str> = found.iter().map(|statement| statement.text).collect();
    if found == expected {
        return Ok(());
    }
    let differs = |at: &usize| found.get(*at) != expected.get(*at);
    let at = (0..expected.len()).find(differs).unwrap_or_default();
    let statement = expected.get(at).copied().unwrap_or_default();
    let first_line = statement.lines().next().unwrap_or_default();
    Err(Failure::usage(format!(
        "joined, these files read differently on {database}, from `{first_line}` on"
    ))
    .help(
        "end each file with `;`, and set a DELIMITER back at the end of the file that changes it",
    ))
}
