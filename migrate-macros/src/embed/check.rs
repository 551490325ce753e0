//! What is wrong inside SQL files, as far as it can be told without a database.
//!
//! An app may have a thousand files: no file is read more often than it has to be.

use migrate_source::checksum::{Checksum, normalise, of_canonical};
use migrate_source::classify::{any_step_errors, atomic_step_errors, table_rebuild_risk};
use migrate_source::file_name::Direction;
use migrate_source::folder::FolderFile;
use migrate_source::header::Header;
use migrate_source::shares::map_in_shares;
use migrate_source::sql_file::{SqlFile, parse_normalised};
use migrate_source::{Database, SourceError};

/// What there is to know about one file.
pub(super) struct Checked {
    pub(super) checksum: Checksum,
    /// Empty if the file cannot be read.
    pub(super) header: Header,
    pub(super) errors: Vec<SourceError>,
}

/// Checks files; the results are in their order.
pub(super) fn check_files(files: &[FolderFile]) -> Vec<Checked> {
    map_in_shares(files, check_file)
}

fn check_file(file: &FolderFile) -> Checked {
    let text = normalise(&file.text);
    let checksum = of_canonical(&text);
    let database = file.name.database.or_else(only_database);
    match parse_normalised(&text, database) {
        Ok(sql) => {
            let mut errors = direction_errors(&sql, file);
            errors.extend(statement_errors(&sql, database));
            Checked {
                checksum,
                header: sql.header,
                errors,
            }
        }
        Err(errors) => Checked {
            checksum,
            header: Header::default(),
            errors,
        },
    }
}

/// The database that `migrate-core` is built for, if it is one alone: then every file is written for
/// it, and the rules of the others do not matter.
fn only_database() -> Option<Database> {
    let enabled = [
        (cfg!(feature = "sqlite"), Database::Sqlite),
        (cfg!(feature = "postgres"), Database::Postgres),
        (cfg!(feature = "mysql"), Database::MySql),
    ];
    let mut enabled = enabled.into_iter().filter(|(enabled, _)| *enabled);
    match (enabled.next(), enabled.next()) {
        (Some((_, database)), None) => Some(database),
        _ => None,
    }
}

fn direction_errors(sql: &SqlFile, file: &FolderFile) -> Vec<SourceError> {
    if file.name.direction == Direction::Both || sql.down.is_none() {
        return Vec::new();
    }
    vec![SourceError {
        code: "down-in-one-way-file",
        line: 1,
        column: 1,
        message: "the file's name says which way it goes, and yet it has a `-- migrate: down` part"
            .to_owned(),
        help: "name the file without `.up` or `.down`, or move the part to a file of its own"
            .to_owned(),
    }]
}

fn statement_errors(sql: &SqlFile, database: Option<Database>) -> Vec<SourceError> {
    let atomic = sql.header.atomic != Some(false);
    let may_be_sqlite = database.is_none_or(|database| database == Database::Sqlite);
    let mut errors = Vec::new();
    for part in [Some(&sql.up), sql.down.as_ref()].into_iter().flatten() {
        if atomic {
            errors.extend(atomic_step_errors(part, database));
        } else {
            errors.extend(any_step_errors(part, database));
        }
        if may_be_sqlite && !sql.header.foreign_keys_off && may_rename(part) {
            errors.extend(table_rebuild_risk(part));
        }
    }
    errors
}

/// A table is rebuilt by renaming; most files can be left alone without reading their statements.
fn may_rename(sql: &str) -> bool {
    const WORD: &[u8] = b"rename";
    let bytes = sql.as_bytes();
    let mut at = 0;
    while at + WORD.len() <= bytes.len() {
        // A letter's case is one bit of it.
        if bytes[at] | 0x20 == b'r'
            && bytes[at + 1] | 0x20 == b'e'
            && bytes[at..at + WORD.len()].eq_ignore_ascii_case(WORD)
        {
            return true;
        }
        at += 1;
    }
    false
}
