//! Reads the folders of the crate's apps: files, their index, and the steps they make up.

use std::collections::BTreeMap;
use std::ops::Deref;
use std::path::{Path, PathBuf};

use migrate_source::checksum::Checksum;
use migrate_source::file_name::FileName;
use migrate_source::folder::{
    Checked, FolderError, FolderFile, INDEX_FILE, check_files, check_index, read_folder_partly,
    steps_of,
};
use migrate_source::graph::{App, SqlStep};
use migrate_source::{Database, SourceError};

use super::input::{AppInput, Input};
use crate::errors::Errors;

/// An app of this crate with what its folder holds.
pub(super) struct LoadedApp {
    /// Its label and its steps.
    pub(super) app: App,
    /// Where mistakes of this app are reported.
    pub(super) span: proc_macro2::Span,
    pub(super) path: PathBuf,
    pub(super) files: Vec<LoadedFile>,
    pub(super) has_index: bool,
}

impl Deref for LoadedApp {
    type Target = App;

    fn deref(&self) -> &App {
        &self.app
    }
}

/// A SQL file.
pub(super) struct LoadedFile {
    pub(super) file_name: String,
    pub(super) checksum: Checksum,
}

/// Reads the folders of all apps.
pub(super) fn load(input: &Input, errors: &mut Errors) -> Vec<LoadedApp> {
    let Some(root) = std::env::var_os("CARGO_MANIFEST_DIR").map(PathBuf::from) else {
        errors.at(
            proc_macro2::Span::call_site(),
            "the folders start at the package's Cargo.toml, and CARGO_MANIFEST_DIR is not set",
            "build with cargo, or set the variable to the package's folder",
        );
        return Vec::new();
    };
    input
        .apps
        .iter()
        .map(|app| load_app(&root, app, errors))
        .collect()
}

fn load_app(root: &Path, app: &AppInput, errors: &mut Errors) -> LoadedApp {
    let path = root.join(&app.folder);
    let label = app.label.to_string();
    let (folder, problems) = read_folder_partly(&path);
    for problem in &problems {
        report(root, app, problem, errors);
    }
    let has_index = check_index_of(&folder, problems.is_empty(), app, errors);
    let checked = check_files(&folder.files, Some(&label), only_database());
    let place = |file: &FolderFile| format!("{}/{}", app.folder, file.file_name);
    let steps = match problems.is_empty() {
        true => steps_of(&folder.files, &checked, place),
        false => names_in(&path),
    };
    let files = folder
        .files
        .into_iter()
        .zip(checked)
        .map(|(file, checked)| {
            report_file(app, &place(&file), &checked, errors);
            LoadedFile {
                checksum: checked.checksum,
                file_name: file.file_name,
            }
        });
    LoadedApp {
        files: files.collect(),
        app: App { label, steps },
        span: app.span,
        path,
        has_index,
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

/// Says where a folder or a file of it is wrong, without the path of this machine.
fn report(root: &Path, app: &AppInput, problem: &FolderError, errors: &mut Errors) {
    let place = problem
        .path
        .strip_prefix(root)
        .unwrap_or(&problem.path)
        .display();
    errors.at(
        app.span,
        format!("{place}: {}", problem.message),
        &problem.help,
    );
}

/// Compares the folder with its index, and says whether there is one to track. A folder that
/// cannot be read as a whole is not compared: its names would differ.
fn check_index_of(
    folder: &migrate_source::folder::Folder,
    is_whole: bool,
    app: &AppInput,
    errors: &mut Errors,
) -> bool {
    let index = folder.path.join(INDEX_FILE);
    match std::fs::read_to_string(&index) {
        Ok(text) => {
            if is_whole && let Err(error) = check_index(folder, &text) {
                errors.at(
                    app.span,
                    format!("{}/{INDEX_FILE}: {}", app.folder, index_problem(&error)),
                    "run `cargo migrate index`: the index makes cargo notice new files, and two branches that add one conflict in Git",
                );
            }
            true
        }
        // A folder without files may come later: an app can have functions alone.
        Err(_) if folder.files.is_empty() => false,
        Err(_) => {
            errors.at(
                app.span,
                format!("{}/{INDEX_FILE} is missing; it lists the files of the folder", app.folder),
                "run `cargo migrate index`: the index makes cargo notice new files, and two branches that add one conflict in Git",
            );
            false
        }
    }
}

fn index_problem(error: &migrate_source::folder::IndexError) -> String {
    let mut parts = Vec::new();
    if !error.missing.is_empty() {
        parts.push(format!(
            "it does not list {}",
            crate::errors::list(&error.missing)
        ));
    }
    if !error.extra.is_empty() {
        parts.push(format!(
            "it lists {}, which the folder does not have",
            crate::errors::list(&error.extra)
        ));
    }
    parts.join("; ")
}

fn report_file(app: &AppInput, place: &str, checked: &Checked, errors: &mut Errors) {
    for SourceError {
        line,
        column,
        message,
        help,
        ..
    } in &checked.errors
    {
        errors.at(
            app.span,
            format!("{place}:{line}:{column}: {message}"),
            help,
        );
    }
}

/// The steps of a folder in which something is wrong, as far as their names can be read: with
/// their names, functions that refer to them are not reported as well.
fn names_in(path: &Path) -> Vec<SqlStep> {
    let entries = std::fs::read_dir(path).into_iter().flatten().flatten();
    let names = entries.filter_map(|entry| FileName::parse(entry.file_name().to_str()?).ok());
    let step = |name: FileName| SqlStep {
        name: name.step,
        number: name.number,
        headers: Vec::new(),
    };
    let steps: BTreeMap<String, SqlStep> =
        names.map(|name| (name.step.clone(), step(name))).collect();
    steps.into_values().collect()
}
