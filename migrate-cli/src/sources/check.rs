//! Checks a migration folder as the macro would, but all of it at once and without compiling.

use std::fs;
use std::path::Path;

use migrate_source::classify::{any_step_errors, atomic_step_errors, table_rebuild_risk};
use migrate_source::file_name::Direction;
use migrate_source::folder::{
    Folder, FolderError, FolderFile, INDEX_FILE, check_index, read_folder_partly,
};
use migrate_source::name::{Reference, nearest};
use migrate_source::sql_file::{SqlFile, parse_sql_file};
use migrate_source::{Database, SourceError};
use serde::Serialize;

use super::discover::shown;

/// Something wrong in a folder.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Finding {
    pub(crate) code: &'static str,
    pub(crate) file: String,
    pub(crate) line: Option<u32>,
    pub(crate) column: Option<u32>,
    pub(crate) message: String,
    pub(crate) help: String,
    /// The line itself, to show the place.
    #[serde(skip)]
    pub(crate) excerpt: Option<String>,
}

/// What became of checking one folder.
#[derive(Clone, Debug, Default)]
pub(crate) struct Checked {
    pub(crate) files: usize,
    pub(crate) findings: Vec<Finding>,
}

/// Checks names, index, headers, statements and references of a folder.
pub(crate) fn check_folder(path: &Path) -> Checked {
    let (folder, errors) = read_folder_partly(path);
    let mut findings: Vec<Finding> = errors.into_iter().map(folder_finding).collect();
    let is_whole = findings.is_empty();
    if path.is_dir() {
        findings.extend(index_finding(&folder, is_whole));
    }
    for file in &folder.files {
        let errors = match parse_sql_file(&file.text, file.name.database) {
            Ok(parsed) => step_errors(file, &parsed, &folder),
            Err(errors) => errors,
        };
        findings.extend(errors.into_iter().map(|error| finding(file, error)));
    }
    Checked {
        files: folder.files.len(),
        findings,
    }
}

fn folder_finding(error: FolderError) -> Finding {
    Finding {
        code: error.code,
        file: shown(&error.path),
        line: None,
        column: None,
        message: error.message,
        help: error.help,
        excerpt: None,
    }
}

/// What is wrong with the index. Of a folder that cannot be read as a whole only that there is
/// none: the names that are no steps' would differ.
fn index_finding(folder: &Folder, is_whole: bool) -> Option<Finding> {
    let path = folder.path.join(INDEX_FILE);
    let (code, message) = match fs::read_to_string(&path) {
        Ok(_) if !is_whole => return None,
        Ok(index) => (
            "stale_index",
            check_index(folder, &index).err()?.to_string(),
        ),
        Err(error) => ("missing_index", format!("the folder has no index: {error}")),
    };
    Some(Finding {
        code,
        file: shown(&path),
        line: None,
        column: None,
        message: message.replace("; run `cargo migrate index`", ""),
        help: "run `cargo migrate index`".to_owned(),
        excerpt: None,
    })
}

fn finding(file: &FolderFile, error: SourceError) -> Finding {
    let index = usize::try_from(error.line)
        .unwrap_or(usize::MAX)
        .saturating_sub(1);
    Finding {
        code: error.code,
        file: shown(&file.path),
        line: Some(error.line),
        column: Some(error.column),
        message: error.message,
        help: error.help,
        excerpt: file.text.lines().nth(index).map(str::to_owned),
    }
}

fn step_errors(file: &FolderFile, parsed: &SqlFile, folder: &Folder) -> Vec<SourceError> {
    let database = file.name.database;
    let atomic = parsed.header.atomic != Some(false);
    let mut errors = Vec::new();
    for sql in [Some(&parsed.up), parsed.down.as_ref()]
        .into_iter()
        .flatten()
    {
        errors.extend(match atomic {
            true => atomic_step_errors(sql, database),
            false => any_step_errors(sql, database),
        });
        let may_be_sqlite = database.is_none_or(|database| database == Database::Sqlite);
        if may_be_sqlite && !parsed.header.foreign_keys_off {
            errors.extend(table_rebuild_risk(sql));
        }
    }
    if file.name.direction != Direction::Down {
        errors.extend(parsed.empty_error(database, None));
    }
    errors.extend(reference_errors(file, parsed, folder));
    errors.sort_by_key(|error| (error.line, error.column));
    errors
}

/// References to SQL files of the same app; those to functions and other apps are rustc's.
fn reference_errors(file: &FolderFile, parsed: &SqlFile, folder: &Folder) -> Vec<SourceError> {
    let header = &parsed.header;
    let after = header.after.as_deref().unwrap_or_default();
    let known = || {
        let forward = folder
            .files
            .iter()
            .filter(|file| file.name.direction != Direction::Down);
        forward.map(|file| file.name.step.as_str())
    };
    let mut errors = Vec::new();
    for (key, references) in [("after", after), ("before", header.before.as_slice())] {
        let here = |reference: &&Reference| {
            reference.app.is_none() && reference.name.starts_with(|c: char| c.is_ascii_digit())
        };
        for reference in references.iter().filter(here) {
            let name = reference.name.as_str();
            let help = match nearest(name, known()) {
                _ if name == file.name.step => "a step cannot wait for itself".to_owned(),
                _ if known().any(|known| known == name) => continue,
                Some(near) => format!("did you mean `{near}`?"),
                None => "name a file of this folder, without `.sql`".to_owned(),
            };
            errors.push(SourceError {
                code: "unknown_reference",
                line: header.line_of(key).unwrap_or(1),
                column: 1,
                message: format!("`{key}` names `{name}`, which this folder does not have"),
                help,
            });
        }
    }
    errors
}
