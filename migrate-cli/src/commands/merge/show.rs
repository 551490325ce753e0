//! The branches of a conflict, as people compare them.

use crate::render::paint::Paint;
use crate::sources::branches::{Conflict, SourceStep};
use crate::sources::discover::MigrationFolder;

use super::Dialog;

/// How many statements of a step are shown.
const STATEMENTS_SHOWN: usize = 4;

/// What to call a folder: its app, or where it is.
pub(super) fn name_of(folder: &MigrationFolder) -> String {
    let path = || crate::sources::discover::shown(&folder.path);
    folder.app.clone().unwrap_or_else(path)
}

/// The whole block, for stderr.
pub(super) fn conflict(
    paint: Paint,
    folder: &MigrationFolder,
    steps: &[SourceStep],
    conflict: &Conflict,
    dialog: &Dialog<'_>,
) -> String {
    let name = paint.strong(&name_of(folder));
    let mut out = String::new();
    let find = |name: &String| steps.iter().find(|step| step.name == *name);
    match conflict {
        Conflict::Number(names) => {
            let number = names.iter().find_map(find).map_or(0, |step| step.number);
            let how_many = count(names.len());
            out.push_str(&format!(
                "{name}: {how_many} steps have the number {number:04}\n\n"
            ));
            for step in names.iter().filter_map(find) {
                push_step(&mut out, paint, 2, step, dialog.has(folder, &step.name));
            }
        }
        Conflict::Leaves { shared, branches } => {
            let how_many = count(branches.len());
            let from = match shared {
                Some(shared) => format!("part after {shared}"),
                None => "share no step".to_owned(),
            };
            out.push_str(&format!("{name}: {how_many} branches {from}\n\n"));
            for (at, branch) in branches.iter().enumerate() {
                out.push_str(&format!(
                    "  {}\n",
                    paint.lead(&format!("branch {}", at + 1))
                ));
                for step in branch.iter().filter_map(find) {
                    push_step(&mut out, paint, 4, step, dialog.has(folder, &step.name));
                }
            }
        }
    }
    out
}

fn count(n: usize) -> String {
    match n {
        2 => "two".to_owned(),
        3 => "three".to_owned(),
        n => n.to_string(),
    }
}

fn push_step(out: &mut String, paint: Paint, by: usize, step: &SourceStep, has: Option<bool>) {
    let indent = " ".repeat(by);
    let state = match has {
        Some(true) => format!("  {}", paint.good("(applied in this database)")),
        Some(false) => format!("  {}", paint.faint("(not applied in this database)")),
        None => String::new(),
    };
    out.push_str(&format!("{indent}{}{state}\n", paint.strong(&step.name)));
    for statement in step.statements.iter().take(STATEMENTS_SHOWN) {
        out.push_str(&format!("{indent}    {}\n", paint.faint(statement)));
    }
    match step.statements.len().saturating_sub(STATEMENTS_SHOWN) {
        0 => {}
        more => out.push_str(&format!("{indent}    and {more} more\n")),
    }
    out.push('\n');
}
