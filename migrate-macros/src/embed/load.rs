//! Reads the folders of the crate's apps: files, their index, and the steps they make up.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use migrate_source::SourceError;
use migrate_source::checksum::Checksum;
use migrate_source::file_name::{Direction, FileName};
use migrate_source::folder::{
    FolderError, FolderFile, INDEX_FILE, check_index, read_folder_partly,
};
use migrate_source::header::Header;
use migrate_source::name::step_ident;

use super::check::{Checked, check_files};
use super::input::{AppInput, Input};
use crate::errors::Errors;

/// An app of this crate with what its folder holds.
pub(super) struct LoadedApp {
    pub(super) label: String,
    /// Where mistakes of this app are reported.
    pub(super) span: proc_macro2::Span,
    pub(super) path: PathBuf,
    pub(super) files: Vec<LoadedFile>,
    /// By number and name, one for all files of a step.
    pub(super) steps: Vec<SqlStep>,
    pub(super) has_index: bool,
}

/// A SQL file.
pub(super) struct LoadedFile {
    pub(super) file_name: String,
    pub(super) checksum: Checksum,
}

/// A step made of one or several SQL files.
pub(super) struct SqlStep {
    pub(super) name: String,
    /// Its name in the app's enum.
    pub(super) ident: String,
    /// The headers of the files that go forward, each with the file as messages name it.
    pub(super) headers: Vec<(String, Header)>,
}

impl SqlStep {
    /// Whether the step stands for others.
    pub(super) fn is_squash(&self) -> bool {
        self.headers
            .iter()
            .any(|(_, header)| !header.replaces.is_empty())
    }
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
    let mut loaded = LoadedApp {
        label: app.label.to_string(),
        span: app.span,
        path: path.clone(),
        files: Vec::new(),
        steps: Vec::new(),
        has_index: false,
    };
    let (folder, problems) = read_folder_partly(&path);
    for problem in &problems {
        report(root, app, problem, errors);
    }
    loaded.has_index = check_index_of(&folder, problems.is_empty(), app, errors);
    let mut steps = BTreeMap::new();
    let checked = check_files(&folder.files, &loaded.label);
    for (file, checked) in folder.files.into_iter().zip(checked) {
        add_file(app, file, checked, &mut steps, &mut loaded.files, errors);
    }
    loaded.steps = match problems.is_empty() {
        true => steps.into_values().collect(),
        false => names_in(&path),
    };
    loaded
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

fn add_file(
    app: &AppInput,
    file: FolderFile,
    checked: Checked,
    steps: &mut BTreeMap<(u32, String), SqlStep>,
    files: &mut Vec<LoadedFile>,
    errors: &mut Errors,
) {
    let place = format!("{}/{}", app.folder, file.file_name);
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
    let step = steps
        .entry((file.name.number, file.name.step.clone()))
        .or_insert_with(|| empty_step(&file.name));
    if file.name.direction != Direction::Down {
        step.headers.push((place, checked.header));
    }
    files.push(LoadedFile {
        checksum: checked.checksum,
        file_name: file.file_name,
    });
}

fn empty_step(name: &FileName) -> SqlStep {
    SqlStep {
        ident: step_ident(&name.step),
        name: name.step.clone(),
        headers: Vec::new(),
    }
}

/// The steps of a folder in which something is wrong, as far as their names can be read: with
/// their names, functions that refer to them are not reported as well.
fn names_in(path: &Path) -> Vec<SqlStep> {
    let entries = std::fs::read_dir(path).into_iter().flatten().flatten();
    let names = entries.filter_map(|entry| FileName::parse(entry.file_name().to_str()?).ok());
    let steps: BTreeMap<String, SqlStep> = names
        .map(|name| (name.step.clone(), empty_step(&name)))
        .collect();
    steps.into_values().collect()
}
