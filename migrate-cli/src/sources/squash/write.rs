//! Writes the files of squashes, all of them or none, and the index; moves away what they replace.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};

use migrate_source::folder::{Folder, FolderFile, INDEX_FILE, write_index};

use super::Squash;
use crate::failure::Failure;
use crate::sources::calendar::today;

/// Writes the files of one app into its folder and the index anew.
pub(crate) fn write(folder: &Path, squash: &Squash) -> Result<Vec<PathBuf>, Failure> {
    write_all(&[(folder, squash)])
}

/// Writes the files of several apps, all or none. A file that is there is never overwritten.
pub(crate) fn write_all(squashes: &[(&Path, &Squash)]) -> Result<Vec<PathBuf>, Failure> {
    let mut written: Vec<PathBuf> = Vec::new();
    let result = squashes
        .iter()
        .try_for_each(|(folder, squash)| write_one(folder, squash, &mut written));
    match result {
        Ok(()) => Ok(written),
        Err(failure) => {
            take_back(&written);
            for (folder, _) in squashes {
                // What stays wrong is found by `cargo migrate check`, and the first error counts.
                let _ = write_index(folder);
            }
            Err(failure)
        }
    }
}

fn write_one(folder: &Path, squash: &Squash, written: &mut Vec<PathBuf>) -> Result<(), Failure> {
    for file in squash.steps.iter().flat_map(|step| &step.files) {
        let path = folder.join(&file.file);
        create(&path, &file.text)?;
        written.push(path);
    }
    renew_index(folder)
}

fn renew_index(folder: &Path) -> Result<(), Failure> {
    let renewed = write_index(folder);
    renewed
        .map(drop)
        .map_err(|error| Failure::io("write", &folder.join(INDEX_FILE), &error))
}

/// Moves the files that a squash replaces into a folder of their own, and renews the index. Each is
/// copied before any is removed, and nothing there is overwritten.
pub(crate) fn move_away(
    folder: &Folder,
    squash: &Squash,
    backup: Option<&Path>,
) -> Result<Vec<PathBuf>, Failure> {
    let replaced = || squash.steps.iter().flat_map(|step| &step.replaces);
    let files: Vec<&FolderFile> = folder
        .files
        .iter()
        .filter(|file| replaced().any(|id| id.name == file.name.step))
        .collect();
    let to = free_folder(&match backup {
        Some(backup) => backup.join(&squash.app),
        None => folder
            .path
            .join(".squashed")
            .join(today().replace('_', "-")),
    });
    fs::create_dir_all(&to).map_err(|error| Failure::io("create", &to, &error))?;
    let mut moved = Vec::new();
    for file in &files {
        let path = to.join(&file.file_name);
        fs::copy(&file.path, &path).map_err(|error| Failure::io("copy to", &path, &error))?;
        moved.push(path);
    }
    for file in &files {
        fs::remove_file(&file.path).map_err(|error| Failure::io("remove", &file.path, &error))?;
    }
    renew_index(&folder.path)?;
    Ok(moved)
}

/// The folder, or one beside it that is not there yet.
fn free_folder(wanted: &Path) -> PathBuf {
    let mut folder = wanted.to_owned();
    let mut number = 2;
    while folder.exists() {
        let mut name = wanted.file_name().unwrap_or_default().to_owned();
        name.push(format!("-{number}"));
        folder = wanted.with_file_name(name);
        number += 1;
    }
    folder
}

fn create(path: &Path, text: &str) -> Result<(), Failure> {
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .open(path)
        .map_err(|error| Failure::io("create", path, &error))?;
    file.write_all(text.as_bytes()).map_err(|error| {
        // Half a file is worse than none; the error that counts is the first.
        let _ = fs::remove_file(path);
        Failure::io("write", path, &error)
    })
}

/// A squash without one of its parts would replace steps that nothing stands for.
fn take_back(written: &[PathBuf]) {
    for path in written {
        // What cannot be removed is found by `cargo migrate check`: the index does not list it.
        let _ = fs::remove_file(path);
    }
}
