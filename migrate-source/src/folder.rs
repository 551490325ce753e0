//! Reads a folder of SQL files, and its index: the list of the files that stands beside them, so
//! that the compiler notices new files and two branches that add one conflict in Git.

use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::Database;
use crate::file_name::{Direction, FileName};
use crate::shares::map_in_shares;

mod check;
mod numbers;

pub use check::{Checked, check_files, steps_of};

/// The name of the index file.
pub const INDEX_FILE: &str = "index.txt";

/// The comment in front of every index.
const INDEX_HEADER: &str = "# The SQL files of this folder, one a line. Do not edit by hand:\n\
                            # `cargo migrate index` writes this file, and so does `migrate new`.\n";

/// The SQL files of a folder, sorted by name.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Folder {
    /// Where it is.
    pub path: PathBuf,
    /// Its files: by number, then by name.
    pub files: Vec<FolderFile>,
}

/// A SQL file of a folder.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct FolderFile {
    /// Where it is.
    pub path: PathBuf,
    /// Its name in parts.
    pub name: FileName,
    /// Its name.
    pub file_name: String,
    /// What it says; UTF-8, not normalised.
    pub text: String,
}

/// What is wrong with a folder or a file of it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct FolderError {
    /// The folder or file.
    pub path: PathBuf,
    /// A stable code in snake_case.
    pub code: &'static str,
    /// What is wrong.
    pub message: String,
    /// What to do.
    pub help: String,
}

impl fmt::Display for FolderError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}: {}; {}",
            self.path.display(),
            self.message,
            self.help
        )
    }
}

impl std::error::Error for FolderError {}

impl FolderError {
    fn new(
        path: &Path,
        code: &'static str,
        message: impl Into<String>,
        help: impl Into<String>,
    ) -> Self {
        Self {
            path: path.to_owned(),
            code,
            message: message.into(),
            help: help.into(),
        }
    }
}

/// Reads the SQL files of a folder. Files that do not end in `.sql` and hidden files are left alone.
///
/// # Errors
///
/// All mistakes found: a folder that cannot be read, a name that is not a step's, two steps with
/// one number, two files for one purpose, a way back without a way forward, text that is not UTF-8
/// or has a NUL character.
pub fn read_folder(path: &Path) -> Result<Folder, Vec<FolderError>> {
    let (folder, errors) = read_folder_partly(path);
    if errors.is_empty() {
        Ok(folder)
    } else {
        Err(errors)
    }
}

/// As [`read_folder`], with the files that can be read beside the mistakes, so that what is wrong
/// inside them can be told as well.
#[must_use]
pub fn read_folder_partly(path: &Path) -> (Folder, Vec<FolderError>) {
    let mut files = Vec::new();
    let mut errors = Vec::new();
    let names = file_names(path).unwrap_or_else(|error| {
        errors.push(unreadable_folder(path, &error));
        Vec::new()
    });
    for file in map_in_shares(&names, |name| read_file(path, name.clone())) {
        match file {
            Ok(file) => files.push(file),
            Err(error) => errors.push(error),
        }
    }
    errors.sort_by(|a, b| a.path.cmp(&b.path));
    files.sort_by(|a, b| (a.name.number, &a.file_name).cmp(&(b.name.number, &b.file_name)));
    // One file a number, each of which goes forward, leaves nothing to conflict.
    let in_step = |pair: &[FolderFile]| pair[0].name.number < pair[1].name.number;
    let has_down = |file: &FolderFile| file.name.direction == Direction::Down;
    if !files.windows(2).all(in_step) || files.iter().any(has_down) {
        errors.extend(conflicts(&files));
    }
    let path = path.to_owned();
    (Folder { path, files }, errors)
}

fn unreadable_folder(path: &Path, error: &io::Error) -> FolderError {
    match error.kind() {
        io::ErrorKind::NotFound => FolderError::new(
            path,
            "missing_folder",
            "there is no such folder",
            "create it with `cargo migrate new`, or correct the path, which starts at the package's Cargo.toml",
        ),
        io::ErrorKind::NotADirectory => FolderError::new(
            path,
            "missing_folder",
            "it is not a folder",
            "name the folder that holds the SQL files",
        ),
        _ => FolderError::new(
            path,
            "unreadable_folder",
            error.to_string(),
            "make the folder readable",
        ),
    }
}

/// The names of the SQL files, in no order.
fn file_names(path: &Path) -> io::Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(path)? {
        let entry = entry?;
        // A name that is not UTF-8 cannot be a step's; shown lossily, it fails as one.
        let name = entry.file_name().to_string_lossy().into_owned();
        let is_sql = name.to_ascii_lowercase().ends_with(".sql") && !name.starts_with('.');
        if is_sql && !is_folder(&entry) {
            names.push(name);
        }
    }
    Ok(names)
}

/// A link is followed, and only a link costs a look at the disk.
fn is_folder(entry: &fs::DirEntry) -> bool {
    match entry.file_type() {
        Ok(kind) if !kind.is_symlink() => kind.is_dir(),
        _ => entry.path().is_dir(),
    }
}

fn read_file(folder: &Path, file_name: String) -> Result<FolderFile, FolderError> {
    let path = folder.join(&file_name);
    let name = FileName::parse(&file_name).map_err(|error| {
        FolderError::new(
            &path,
            "bad_file_name",
            error.to_string(),
            "rename the file, or move it out of the folder",
        )
    })?;
    let bytes = fs::read(&path).map_err(|error| {
        FolderError::new(
            &path,
            "unreadable_file",
            error.to_string(),
            "make the file readable",
        )
    })?;
    let text = String::from_utf8(bytes).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        let line = error
            .as_bytes()
            .iter()
            .take(at)
            .filter(|byte| **byte == b'\n')
            .count()
            + 1;
        let message = format!("it is not UTF-8: line {line} has a byte that is not");
        FolderError::new(&path, "not_utf8", message, "save the file as UTF-8")
    })?;
    if let Some(at) = text.find('\0') {
        let line = text
            .get(..at)
            .map_or(0, |before| before.matches('\n').count())
            + 1;
        let message = format!("line {line} has a NUL character");
        return Err(FolderError::new(
            &path,
            "nul_character",
            message,
            "remove it: no database takes one in a statement",
        ));
    }
    Ok(FolderFile {
        path,
        name,
        file_name,
        text,
    })
}

/// Two steps with one number, two files for one database and direction, a lonely way back.
fn conflicts(files: &[FolderFile]) -> Vec<FolderError> {
    let mut errors = Vec::new();
    let mut steps: BTreeMap<u32, &FolderFile> = BTreeMap::new();
    let mut purposes: BTreeMap<(&str, Option<Database>, bool), &FolderFile> = BTreeMap::new();
    for file in files {
        let first = *steps.entry(file.name.number).or_insert(file);
        if first.name.step != file.name.step && !numbers::may_share(files, first, file) {
            errors.push(FolderError::new(
                &file.path,
                "duplicate_number",
                format!(
                    "`{}` has the number {:04} already",
                    first.file_name, file.name.number
                ),
                "run `cargo migrate merge`: it gives the one that is applied nowhere the next free number, and mends the index",
            ));
        }
        let is_down = file.name.direction == Direction::Down;
        let purpose = (file.name.step.as_str(), file.name.database, is_down);
        if let Some(other) = purposes.insert(purpose, file) {
            errors.push(FolderError::new(
                &file.path,
                "duplicate_file",
                format!("`{}` has the same purpose", other.file_name),
                "keep one of them",
            ));
        }
    }
    errors.extend(
        purposes
            .iter()
            .filter(|((_, _, is_down), _)| *is_down)
            .filter_map(|(purpose, file)| {
                let (step, database, _) = *purpose;
                let has_up = purposes.contains_key(&(step, database, false))
                    || purposes.contains_key(&(step, None, false));
                let expected = file.file_name.replace(".down.sql", ".up.sql");
                (!has_up).then(|| {
                    FolderError::new(
                        &file.path,
                        "down_without_up",
                        "there is no file that goes forward",
                        format!("add `{expected}`"),
                    )
                })
            }),
    );
    errors
}

/// The text of the index of a folder.
#[must_use]
pub fn render_index(folder: &Folder) -> String {
    render_names(&names_of(folder))
}

fn names_of(folder: &Folder) -> Vec<&str> {
    let mut names: Vec<&str> = folder
        .files
        .iter()
        .map(|file| file.file_name.as_str())
        .collect();
    names.sort_unstable();
    names
}

fn render_names(names: &[&str]) -> String {
    names
        .iter()
        .fold(INDEX_HEADER.to_owned(), |text, name| text + name + "\n")
}

/// How a folder and its index differ.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct IndexError {
    /// Files that the index does not list.
    pub missing: Vec<String>,
    /// Lines of the index without a file.
    pub extra: Vec<String>,
}

impl fmt::Display for IndexError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the folder and its {INDEX_FILE} differ")?;
        if !self.missing.is_empty() {
            write!(f, "; not listed: {}", self.missing.join(", "))?;
        }
        if !self.extra.is_empty() {
            write!(f, "; listed, but not there: {}", self.extra.join(", "))?;
        }
        f.write_str("; run `cargo migrate index`")
    }
}

impl std::error::Error for IndexError {}

/// Compares a folder with the text of its index. Order, comments, blank lines and CRLF do not count.
///
/// # Errors
///
/// What is missing and what is too much. A file listed twice is too much.
pub fn check_index(folder: &Folder, index: &str) -> Result<(), IndexError> {
    let index = index.strip_prefix('\u{feff}').unwrap_or(index);
    let listed = index
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty() && !line.starts_with('#'));
    let names = names_of(folder);
    if listed.clone().eq(names.iter().copied()) {
        return Ok(());
    }
    let mut extra: Vec<String> = listed.map(str::to_owned).collect();
    let mut missing = Vec::new();
    for name in names {
        match extra.iter().position(|listed| listed == name) {
            Some(at) => drop(extra.remove(at)),
            None => missing.push(name.to_owned()),
        }
    }
    if missing.is_empty() && extra.is_empty() {
        Ok(())
    } else {
        Err(IndexError { missing, extra })
    }
}

/// Writes the index of a folder, if it is not right already. Says whether it has written.
///
/// It lists every SQL file, whatever is wrong with it: those errors have their own place.
///
/// # Errors
///
/// When the folder cannot be read or the file not be written.
pub fn write_index(path: &Path) -> io::Result<bool> {
    let mut names = file_names(path)?;
    names.sort_unstable();
    let text = render_names(&names.iter().map(String::as_str).collect::<Vec<_>>());
    let index = path.join(INDEX_FILE);
    if fs::read_to_string(&index).is_ok_and(|known| known == text) {
        return Ok(false);
    }
    fs::write(index, text)?;
    Ok(true)
}

#[cfg(test)]
mod tests;
