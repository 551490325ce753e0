//! Every mistake that the macros or rustc find, one per file in `ui/<topic>/fail`, with the text
//! the user sees beside it. `TRYBUILD=overwrite cargo test --test ui` writes the texts anew.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "these are tests"
)]

use std::fs;
use std::path::{Path, PathBuf};

/// trybuild builds each case in a package of its own, and `embed_migrations!` looks for folders
/// there: `ui/folders/x` is `ui/x` for a case.
fn copy_folders() {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap();
    let project = target
        .join("tests/trybuild")
        .join(env!("CARGO_PKG_NAME"))
        .join("ui");
    let _ = fs::remove_dir_all(&project);
    for folder in entries(&Path::new(env!("CARGO_MANIFEST_DIR")).join("ui/folders")) {
        let copy = project.join(folder.file_name().unwrap());
        fs::create_dir_all(&copy).unwrap();
        for file in entries(&folder) {
            fs::copy(&file, copy.join(file.file_name().unwrap())).unwrap();
        }
    }
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect()
}

#[test]
fn ui() {
    copy_folders();
    let cases = trybuild::TestCases::new();
    cases.compile_fail("ui/*/fail/*.rs");
}
