//! `cargo migrate check`: every mistake in the SQL files, with its place, without compiling.

use std::path::{Path, PathBuf};

use clap::Args;
use serde::Serialize;

use crate::exit::Exit;
use crate::failure::Failure;
use crate::render::paint::Paint;
use crate::render::units;
use crate::sources::check::{Finding, check_folder};
use crate::sources::discover::shown;
use crate::view::View;

/// Check the SQL files of each migration folder, without a database.
#[derive(Clone, Debug, Args)]
#[command(after_help = "\
Names, numbers, the index, headers, unclosed strings and comments, statements
that do not belong into a transaction, table rebuilds that would delete child
rows on SQLite, ways back, squashes; steps that wait for each other, and
branches that nobody has joined. Functions and other apps are looked up by the
compiler alone. A header that names a step which a squash has replaced gets a
note, and is no mistake.

Examples:
  cargo migrate check
  cargo migrate check src/users/migrations

Exit codes: 0 no mistakes, 1 mistakes, 2 usage")]
pub(crate) struct CheckArgs {
    /// This folder only, instead of looking for all.
    #[arg(value_name = "FOLDER")]
    folder: Option<PathBuf>,
}

#[derive(Serialize)]
struct Report {
    folders: Vec<FolderReport>,
}

#[derive(Serialize)]
struct FolderReport {
    path: String,
    files: usize,
    errors: Vec<Finding>,
    notes: Vec<Finding>,
}

pub(super) fn run(project: &Path, args: &CheckArgs, paint: Paint) -> Result<View, Failure> {
    let folders = super::folders(project, args.folder.as_deref())?;
    let folders: Vec<FolderReport> = folders
        .iter()
        .map(|folder| {
            let checked = check_folder(folder);
            FolderReport {
                path: shown(&folder.path),
                files: checked.files,
                errors: checked.findings,
                notes: checked.notes,
            }
        })
        .collect();
    let mut text = String::new();
    for folder in &folders {
        let errors = folder.errors.iter();
        text.extend(errors.map(|finding| render_finding(paint, "error", finding)));
        let notes = folder.notes.iter();
        text.extend(notes.map(|finding| render_finding(paint, "note", finding)));
    }
    let mistakes: usize = folders.iter().map(|folder| folder.errors.len()).sum();
    let files: usize = folders.iter().map(|folder| folder.files).sum();
    let looked = format!(
        "{} in {}",
        units::len(files, "file"),
        units::len(folders.len(), "folder")
    );
    let notes: usize = folders.iter().map(|folder| folder.notes.len()).sum();
    let view = View::of(&Report { folders }).data(text);
    if mistakes == 0 {
        let noted = match notes {
            0 => String::new(),
            _ => format!(", {}", units::len(notes, "note")),
        };
        return Ok(view.note(format!("Checked {looked}: no mistakes{noted}.")));
    }
    let message = format!(
        "{} in the migration folders",
        units::len(mistakes, "mistake")
    );
    Ok(view.verdict(Some(Failure::new(Exit::Failed, "mistakes", message))))
}

/// The form of rustc's diagnostics, so that editors and people know it.
fn render_finding(paint: Paint, level: &str, finding: &Finding) -> String {
    let paint_level = |text: &str| match level {
        "error" => paint.bad(text),
        _ => paint.lead(text),
    };
    let code = paint_level(&format!("{level}[{}]", finding.code));
    let mut out = format!("{code}: {}\n", paint.strong(&finding.message));
    let gutter = finding.line.map_or(1, |line| line.to_string().len());
    let blank = " ".repeat(gutter);
    let place = match (finding.line, finding.column) {
        (Some(line), Some(column)) => format!(":{line}:{column}"),
        _ => String::new(),
    };
    out.push_str(&format!(
        "{blank}{} {}{place}\n",
        paint.lead("-->"),
        finding.file
    ));
    let bar = paint.lead("|");
    if let (Some(line), Some(column), Some(excerpt)) =
        (finding.line, finding.column, &finding.excerpt)
    {
        let before = usize::try_from(column).unwrap_or(1).saturating_sub(1);
        // Tabs stay tabs, so that the caret stands under its character.
        let pad: String = excerpt
            .chars()
            .take(before)
            .map(|c| if c == '\t' { '\t' } else { ' ' })
            .collect();
        out.push_str(&format!("{blank} {bar}\n"));
        out.push_str(&format!(
            "{} {bar} {excerpt}\n",
            paint.lead(&line.to_string())
        ));
        out.push_str(&format!("{blank} {bar} {pad}{}\n", paint_level("^")));
    }
    if !finding.help.is_empty() {
        out.push_str(&format!(
            "{blank} {} {}: {}\n",
            paint.lead("="),
            paint.strong("help"),
            finding.help
        ));
    }
    out.push('\n');
    out
}
