//! `cargo migrate index`: writes the index files, or checks that they are right.

use std::fs;
use std::path::{Path, PathBuf};

use clap::Args;
use migrate_source::folder::{INDEX_FILE, check_index, read_folder, write_index};
use serde::Serialize;

use crate::exit::Exit;
use crate::failure::Failure;
use crate::render::units;
use crate::sources::discover::shown;
use crate::view::View;

/// Write the index file of each migration folder.
#[derive(Clone, Debug, Args)]
#[command(after_help = "\
The index lists the folder's SQL files. It makes the compiler notice new
files, and two branches that add a step conflict in Git instead of at the
deploy.

Examples:
  cargo migrate index
  cargo migrate index --check        for CI

Exit codes: 0 written or right already, 1 failed, or wrong under --check, 2 usage")]
pub(crate) struct IndexArgs {
    /// Write nothing; exit with 1 when an index is missing or wrong.
    #[arg(long)]
    check: bool,

    /// This folder only, instead of looking for all.
    #[arg(long, value_name = "FOLDER")]
    folder: Option<PathBuf>,
}

#[derive(Serialize)]
struct Report {
    folders: Vec<IndexState>,
}

#[derive(Serialize)]
struct IndexState {
    index: String,
    /// `written`, `unchanged`, or `wrong` under `--check`.
    outcome: &'static str,
    /// Files that the index did not list.
    missing: Vec<String>,
    /// Lines of the index without a file.
    extra: Vec<String>,
}

pub(super) fn run(project: &Path, args: &IndexArgs) -> Result<View, Failure> {
    let folders = super::folders(project, args.folder.as_deref())?;
    let states = folders.iter().map(|folder| index(&folder.path, args.check));
    let folders = states.collect::<Result<Vec<_>, Failure>>()?;
    let mut text = String::new();
    for state in &folders {
        text.push_str(&format!("{:<9}  {}\n", state.outcome, state.index));
        for file in &state.missing {
            text.push_str(&format!("  + {file}\n"));
        }
        for file in &state.extra {
            text.push_str(&format!("  - {file}\n"));
        }
    }
    let wrong = folders
        .iter()
        .filter(|state| state.outcome == "wrong")
        .count();
    let verdict = (wrong > 0).then(|| {
        let files = units::len(wrong, "index file");
        Failure::new(
            Exit::Failed,
            "stale_index",
            format!("{files} not up to date"),
        )
        .help("`cargo migrate index`")
    });
    Ok(View::of(&Report { folders }).data(text).verdict(verdict))
}

fn index(folder: &Path, check: bool) -> Result<IndexState, Failure> {
    if !folder.is_dir() {
        return Err(Failure::usage(format!(
            "there is no folder {}",
            shown(folder)
        )));
    }
    let path = folder.join(INDEX_FILE);
    let before = fs::read_to_string(&path).unwrap_or_default();
    // A folder with other mistakes still gets its index; `check` names those.
    let difference = read_folder(folder)
        .ok()
        .and_then(|folder| check_index(&folder, &before).err());
    let outcome = match (check, difference.is_some()) {
        (true, true) => "wrong",
        (true, false) => "unchanged",
        (false, _) => match write_index(folder) {
            Ok(true) => "written",
            Ok(false) => "unchanged",
            Err(error) => return Err(Failure::io("write", &path, &error)),
        },
    };
    let (missing, extra) = difference.map(|d| (d.missing, d.extra)).unwrap_or_default();
    Ok(IndexState {
        index: shown(&path),
        outcome,
        missing,
        extra,
    })
}
