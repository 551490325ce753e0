//! Writes the files of a squash, all of them or none, and the index.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};

use migrate_source::folder::{INDEX_FILE, write_index};

use super::Squash;
use crate::failure::Failure;

/// Writes the files into a folder and its index anew. A file that is there is never overwritten.
pub(crate) fn write(folder: &Path, squash: &Squash) -> Result<Vec<PathBuf>, Failure> {
    let mut written: Vec<PathBuf> = Vec::new();
    for file in squash.steps.iter().flat_map(|step| &step.files) {
        let path = folder.join(&file.file);
        if let Err(failure) = create(&path, &file.text) {
            take_back(&written);
            return Err(failure);
        }
        written.push(path);
    }
    if let Err(error) = write_index(folder) {
        take_back(&written);
        return Err(Failure::io("write", &folder.join(INDEX_FILE), &error));
    }
    Ok(written)
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
