//! The texts of a step as its files have them: one for every database or one for each, forwards and
//! back, without the directives, which belong to the step and not to its statements.

use std::collections::{BTreeMap, BTreeSet};

use migrate_source::Database;
use migrate_source::checksum::normalise;
use migrate_source::classify::{SessionEffect, session_effect};
use migrate_source::file_name::Direction;
use migrate_source::folder::{Folder, FolderFile};
use migrate_source::header::Header;
use migrate_source::sql_file::{SqlFile, parse_sql_file};
use migrate_source::statements::statements;

use super::cut::Traits;
use crate::failure::Failure;
use crate::sources::discover::shown;

/// Every database there is.
pub(super) const DATABASES: [Database; 3] = [Database::Sqlite, Database::Postgres, Database::MySql];

/// One way of a step, of one file.
#[derive(Clone, Debug)]
pub(super) struct Text {
    pub(super) file_name: String,
    /// Without directives and without blank lines around it.
    pub(super) sql: String,
}

/// What a step has for one database, or for all that have nothing of their own.
#[derive(Clone, Debug)]
pub(super) struct Variant {
    pub(super) header: Header,
    pub(super) up: Text,
    pub(super) down: Option<Text>,
}

/// The files of one step.
#[derive(Clone, Debug, Default)]
pub(super) struct StepTexts {
    variants: BTreeMap<Option<Database>, Variant>,
}

impl StepTexts {
    /// Reads the files of a step.
    pub(super) fn read(folder: &Folder, step: &str) -> Result<Self, Failure> {
        let files = || folder.files.iter().filter(|file| file.name.step == step);
        let mut texts = Self::default();
        for file in files().filter(|file| file.name.direction != Direction::Down) {
            let parsed = parse(file)?;
            let down = parsed.down.as_deref().map(|sql| Text {
                file_name: file.file_name.clone(),
                sql: without_directives(sql, &parsed.header),
            });
            let head = prose_above(&normalise(&file.text), &parsed);
            let up = without_directives(&parsed.up, &parsed.header);
            let variant = Variant {
                up: Text {
                    file_name: file.file_name.clone(),
                    sql: [head, up].join("\n").trim_matches('\n').to_owned(),
                },
                down,
                header: parsed.header,
            };
            texts.variants.insert(file.name.database, variant);
        }
        for file in files().filter(|file| file.name.direction == Direction::Down) {
            texts.attach_down(file)?;
        }
        Ok(texts)
    }

    /// A way back without a database serves every text that has none of its own.
    fn attach_down(&mut self, file: &FolderFile) -> Result<(), Failure> {
        let parsed = parse(file)?;
        let text = Text {
            file_name: file.file_name.clone(),
            sql: without_directives(&parsed.up, &parsed.header),
        };
        for (database, variant) in &mut self.variants {
            let own = file.name.database.is_some();
            if (!own && variant.down.is_none()) || (own && *database == file.name.database) {
                variant.down = Some(text.clone());
            }
        }
        Ok(())
    }

    /// The databases that have a file of their own; none stands for the common file.
    pub(super) fn databases(&self) -> BTreeSet<Option<Database>> {
        self.variants.keys().copied().collect()
    }

    /// What a database gets: its own, else what is common to all.
    pub(super) fn of(&self, database: Option<Database>) -> Option<&Variant> {
        self.variants
            .get(&database)
            .or_else(|| self.variants.get(&None))
    }

    pub(super) fn headers(&self) -> impl Iterator<Item = &Header> {
        self.variants.values().map(|variant| &variant.header)
    }

    /// What the texts say about being joined with others.
    pub(super) fn traits(&self) -> Traits {
        let any = |found: fn(&Variant) -> bool| self.variants.values().any(found);
        let alone = if any(|variant| variant.header.atomic == Some(false)) {
            Some("is not atomic")
        } else if any(|v| v.down.as_ref().is_some_and(|down| sets_session(&down.sql))) {
            Some("changes its session on the way back")
        } else {
            None
        };
        let last = if any(|variant| !variant.header.run.is_empty()) {
            Some("runs a data migration at its end")
        } else if any(|variant| sets_session(&variant.up.sql)) {
            Some("changes its session, which others do not expect")
        } else if any(|variant| adds_enum_value(&variant.up.sql)) {
            Some("adds a value to an enum, which the same transaction may not use")
        } else {
            None
        };
        let for_sqlite = self.of(Some(Database::Sqlite));
        Traits {
            alone,
            last,
            foreign_keys_off: for_sqlite.is_some_and(|variant| variant.header.foreign_keys_off),
        }
    }
}

fn parse(file: &FolderFile) -> Result<SqlFile, Failure> {
    parse_sql_file(&file.text, file.name.database).map_err(|errors| {
        let first = errors.first().map(ToString::to_string).unwrap_or_default();
        Failure::usage(format!("{}: {first}", shown(&file.path)))
            .help("`cargo migrate check` shows every mistake in its place")
    })
}

/// A part of a file without the comments that are directives; its lines are numbered as in the
/// file.
fn without_directives(part: &str, header: &Header) -> String {
    let taken: BTreeSet<u32> = header.directive_lines().collect();
    let mut kept: Vec<&str> = Vec::new();
    for (number, line) in (1..).zip(part.lines()) {
        if !taken.contains(&number) {
            kept.push(line);
            continue;
        }
        let before = line.split("--").next().unwrap_or_default();
        let before = before.split('#').next().unwrap_or_default().trim_end();
        // The way back has no directives, and a line of it may have the number of one.
        let is_directive = line.contains("migrate");
        match (is_directive, before.is_empty()) {
            (false, _) => kept.push(line),
            (true, false) => kept.push(before),
            (true, true) => {}
        }
    }
    kept.join("\n").trim_matches('\n').to_owned()
}

/// What stands above the first part of a file: comments, for a statement would be a mistake there.
fn prose_above(text: &str, parsed: &SqlFile) -> String {
    let is_marker = |line: &&str| {
        let comment = line.trim().trim_start_matches(['-', '#']).trim();
        let (word, part) = comment.split_once(':').unwrap_or_default();
        word.trim().eq_ignore_ascii_case("migrate") && matches!(part.trim(), "up" | "down")
    };
    if parsed.down.is_none() && !text.lines().any(|line| is_marker(&line)) {
        return String::new();
    }
    let above: Vec<&str> = text.lines().take_while(|line| !is_marker(line)).collect();
    without_directives(&above.join("\n"), &parsed.header)
}

/// Postgres' session is as new for every step; within one it is not.
fn sets_session(sql: &str) -> bool {
    let found = statements(sql, Database::Postgres).unwrap_or_default();
    found.iter().any(|statement| {
        let lower = statement.text.to_ascii_lowercase();
        session_effect(statement.text, Database::Postgres) != SessionEffect::None
            || lower.split_whitespace().next() == Some("set")
            || lower.contains("set_config")
    })
}

fn adds_enum_value(sql: &str) -> bool {
    let found = statements(sql, Database::Postgres).unwrap_or_default();
    found.iter().any(|statement| {
        let lower = statement.text.to_ascii_lowercase();
        let words: Vec<&str> = lower.split_whitespace().take(2).collect();
        words == ["alter", "type"] && lower.contains("add value")
    })
}
