//! Checks a migration folder as the macro does, with the same code, but without compiling. What is elsewhere,
//! functions and other apps, is the compiler's to look up.

use std::fs;

use migrate_source::SourceError;
use migrate_source::folder::{
    Folder, FolderError, FolderFile, INDEX_FILE, check_files, check_index, read_folder_partly,
    steps_of,
};
use migrate_source::graph::{App, Graph, Mistake, OldName, Others, SqlStep};
use serde::Serialize;

use super::discover::{MigrationFolder, shown};
use super::new_step::known_files;

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
    /// What is no mistake, and still to be mended.
    pub(crate) notes: Vec<Finding>,
}

/// Checks names, index, headers, statements, references and their order in a folder.
pub(crate) fn check_folder(folder: &MigrationFolder) -> Checked {
    let app = folder.app.as_deref();
    let (folder, errors) = read_folder_partly(&folder.path);
    let mut findings: Vec<Finding> = errors.into_iter().map(folder_finding).collect();
    let is_whole = findings.is_empty();
    if folder.path.is_dir() {
        findings.extend(index_finding(&folder, is_whole));
    }
    let checked = check_files(&folder.files, app, None);
    let mut in_files: Vec<(usize, Finding)> = Vec::new();
    for (at, (file, checked)) in folder.files.iter().zip(&checked).enumerate() {
        let errors = checked.errors.iter();
        in_files.extend(errors.map(|error| (at, finding(file, error))));
    }
    let mut steps = steps_of(&folder.files, &checked, |file| shown(&file.path));
    add_unread(&folder, &mut steps);
    let label = app.unwrap_or_default().to_owned();
    let app = App { label, steps };
    let mut graph = Graph::new([&app], Others::Any);
    let is_sound = is_whole && in_files.is_empty();
    let _ = graph.ranks(is_sound);
    if is_sound && graph.mistakes.is_empty() {
        graph.refuse_several_leaves();
    }
    let mut of_folder = Vec::new();
    for mistake in &graph.mistakes {
        match in_file(&folder, mistake) {
            Some(in_file) => in_files.push(in_file),
            None => of_folder.push(whole_finding(&folder, mistake)),
        }
    }
    in_files.sort_by_key(|(at, finding)| (*at, finding.line, finding.column));
    findings.extend(in_files.into_iter().map(|(_, finding)| finding));
    findings.extend(of_folder);
    let notes = graph.old_names.iter();
    let notes = notes.filter_map(|name| old_name(&folder, &graph, name));
    Checked {
        files: folder.files.len(),
        notes: notes.collect(),
        findings,
    }
}

/// Files that cannot be read are steps as well, which others may name.
fn add_unread(folder: &Folder, steps: &mut Vec<SqlStep>) {
    for name in known_files(&folder.path).unwrap_or_default() {
        if !steps.iter().any(|step| step.name == name.step) {
            steps.push(SqlStep {
                name: name.step,
                number: name.number,
                headers: Vec::new(),
            });
        }
    }
}

/// The file of a mistake that has one, and the mistake at its line.
fn in_file(folder: &Folder, mistake: &Mistake) -> Option<(usize, Finding)> {
    let (file, line) = mistake.place.as_ref()?;
    let at = place_of(folder, file)?;
    let whole = whole_finding(folder, mistake);
    Some((at, at_line(&folder.files[at], line.unwrap_or(1), whole)))
}

fn place_of(folder: &Folder, file: &str) -> Option<usize> {
    let mut files = folder.files.iter();
    files.position(|known| shown(&known.path) == file)
}

/// A mistake that is about several files.
fn whole_finding(folder: &Folder, mistake: &Mistake) -> Finding {
    Finding {
        code: mistake.code,
        file: shown(&folder.path),
        line: None,
        column: None,
        message: mistake.message.clone(),
        help: mistake.help.clone(),
        excerpt: None,
    }
}

/// What the compiler reports as deprecated.
fn old_name(folder: &Folder, graph: &Graph<'_>, name: &OldName) -> Option<Finding> {
    let written = graph.written(name.squash, name.node);
    let file = &folder.files[place_of(folder, &name.file)?];
    let note = Finding {
        code: "replaced_name",
        file: String::new(),
        line: None,
        column: None,
        message: format!(
            "`{}` names `{}`, which `{written}` has replaced",
            name.key, name.written
        ),
        help: match name.is_data {
            true => format!("write `{written}`, if the function is gone as well"),
            false => format!("write `{written}`"),
        },
        excerpt: None,
    };
    Some(at_line(file, name.line, note))
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

fn finding(file: &FolderFile, error: &SourceError) -> Finding {
    let found = Finding {
        code: error.code,
        file: String::new(),
        line: None,
        column: None,
        message: error.message.clone(),
        help: error.help.clone(),
        excerpt: None,
    };
    let found = at_line(file, error.line, found);
    Finding {
        column: Some(error.column),
        ..found
    }
}

/// What is wrong, at the beginning of a line of a file.
fn at_line(file: &FolderFile, line: u32, found: Finding) -> Finding {
    let index = usize::try_from(line)
        .unwrap_or(usize::MAX)
        .saturating_sub(1);
    Finding {
        file: shown(&file.path),
        line: Some(line),
        column: Some(1),
        excerpt: file.text.lines().nth(index).map(str::to_owned),
        ..found
    }
}
