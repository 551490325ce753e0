//! From a conflict to files that have none.

use std::collections::HashSet;
use std::fs::OpenOptions;
use std::io::Write;
use std::path::{Path, PathBuf};

use migrate_source::folder::{INDEX_FILE, write_index};

use super::report::{Change, FromTo, Merged, view};
use super::{Dialog, MergeArgs, chosen, show};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::sources::branches::{Conflict, SourceStep, conflicts, next_number, read_steps};
use crate::sources::discover::{MigrationFolder, discover_for, shown};
use crate::sources::renumber::{Renamed, Renaming, with_names};
use crate::view::View;

/// A longer name of a merge step says no more.
const LONGEST_NAME: usize = 60;

/// One folder and everything that its conflicts are resolved with.
struct Merging<'a> {
    root: &'a Path,
    folders: &'a [MigrationFolder],
    folder: &'a MigrationFolder,
    dialog: &'a Dialog<'a>,
    /// The names of steps that are to be renumbered.
    wanted: &'a HashSet<String>,
}

/// Looks for conflicts below a project and resolves them one by one.
pub(crate) fn merge(
    project: &Path,
    args: &MergeArgs,
    dialog: &Dialog<'_>,
) -> Result<View, Failure> {
    let (root, folders) = discover_for(project, args.app.as_deref())?;
    let wanted: HashSet<String> = args.renumber.iter().map(|file| step_of(file)).collect();
    let chosen = chosen(&folders, args)?;
    refuse_unconcerned(&wanted, &chosen)?;
    let mut merged = Merged::default();
    for folder in chosen {
        let merging = Merging {
            root: &root,
            folders: &folders,
            folder,
            dialog,
            wanted: &wanted,
        };
        // Each change takes one step out of a conflict.
        while let Some(change) = merging.resolve_next()? {
            merged.changes.push(change);
        }
    }
    Ok(view(&merged, dialog))
}

/// A file that is named for renumbering and has no part in a conflict is a slip of the pen.
fn refuse_unconcerned(
    wanted: &HashSet<String>,
    folders: &[&MigrationFolder],
) -> Result<(), Failure> {
    let mut concerned = HashSet::new();
    for folder in folders {
        let steps = read_steps(&folder.path, folder.app.as_deref())?;
        for conflict in conflicts(&steps) {
            concerned.extend(match conflict {
                Conflict::Number(names) => names,
                Conflict::Leaves { branches, .. } => branches.into_iter().flatten().collect(),
            });
        }
    }
    let mut unconcerned: Vec<&String> = wanted.difference(&concerned).collect();
    unconcerned.sort();
    match unconcerned.first() {
        Some(name) => Err(Failure::usage(format!(
            "`{}` conflicts with no other step",
            name.escape_debug()
        ))
        .help("`--renumber` takes a file that a conflict names")),
        None => Ok(()),
    }
}

/// A file as typed, with or without its folder and its ending, as the step it belongs to.
fn step_of(file: &str) -> String {
    let name = file.rsplit(['/', '\\']).next().unwrap_or(file);
    name.split('.').next().unwrap_or(name).to_owned()
}

impl Merging<'_> {
    fn resolve_next(&self) -> Result<Option<Change>, Failure> {
        let steps = read_steps(&self.folder.path, self.folder.app.as_deref())?;
        let Some(conflict) = conflicts(&steps).into_iter().next() else {
            return Ok(None);
        };
        let paint = self.dialog.output.paint_err();
        self.dialog.show(&show::conflict(
            paint,
            self.folder,
            &steps,
            &conflict,
            self.dialog,
        ));
        let change = match &conflict {
            Conflict::Number(names) => {
                let step = self.choose(&steps, names)?;
                self.keep_place(&steps, step, names)?;
                let to = format!("{:04}_{}", next_number(&steps)?, description(&step.name));
                self.renumber("number", step, to)?
            }
            Conflict::Leaves { branches, .. } => {
                let single = branches.iter().find_map(|branch| match branch.as_slice() {
                    [only] if self.wanted.contains(only) => Some(only),
                    _ => None,
                });
                match single.and_then(|name| steps.iter().find(|step| step.name == *name)) {
                    Some(step) => self.put_last(&steps, step, &conflict)?,
                    None => self.write_merge_step(&steps, branches)?,
                }
            }
        };
        Ok(Some(change))
    }

    /// The step that gets another number.
    fn choose<'s>(
        &self,
        steps: &'s [SourceStep],
        names: &[String],
    ) -> Result<&'s SourceStep, Failure> {
        let of = |name: &String| steps.iter().find(|step| step.name == *name);
        let has = |step: &&SourceStep| self.dialog.has(self.folder, &step.name) == Some(true);
        let all: Vec<&SourceStep> = names.iter().filter_map(of).collect();
        let free: Vec<&SourceStep> = all.iter().copied().filter(|step| !has(step)).collect();
        if let Some(step) = all.iter().find(|step| self.wanted.contains(&step.name)) {
            if has(step) && !free.is_empty() {
                return Err(applied(step));
            }
            return Ok(step);
        }
        let Some(last) = free.last() else {
            return Err(self.all_applied(&all));
        };
        if self.dialog.yes && self.dialog.applied.is_none() {
            let mut failure = Failure::usage(
                "no database was asked which of them is applied, so `--yes` cannot choose",
            );
            for step in &all {
                failure = failure.help(format!("`{}`", self.renumbering(&step.name)));
            }
            return Err(failure);
        }
        let number = next_number(steps)?;
        for step in free.iter().rev() {
            let question = format!("Give {} the number {number:04}?", step.name);
            let command = format!("merge --renumber {}", last.name);
            if self.dialog.agrees(&question, &command)? {
                return Ok(step);
            }
        }
        Err(declined())
    }

    fn renumbering(&self, name: &str) -> String {
        format!("{} merge --renumber {name}", self.dialog.program)
    }

    fn all_applied(&self, steps: &[&SourceStep]) -> Failure {
        let names: Vec<&str> = steps.iter().map(|step| step.name.as_str()).collect();
        let message = format!(
            "{} are applied in this database: with another name each would run again",
            names.join(" and ")
        );
        let failure = Failure::new(Exit::Failed, "already_applied", message);
        let (Some(step), Some(app)) = (names.last(), &self.folder.app) else {
            return failure;
        };
        failure
            .help(format!("rename one all the same: `{}`", self.renumbering(step)))
            .help(format!(
                "then on each database that has it: `migrate unmark {app}.{step}`, `migrate mark {app}.NEW`"
            ))
    }

    /// A step that others come after cannot simply go to the end, where it would come after them:
    /// its header says what it comes after now.
    fn keep_place(
        &self,
        steps: &[SourceStep],
        step: &SourceStep,
        names: &[String],
    ) -> Result<(), Failure> {
        let Some(stays) = names.iter().rev().find(|name| **name != step.name) else {
            return Ok(());
        };
        if step.has_own_place() || !steps.iter().any(|other| step.is_before(other)) {
            return Ok(());
        }
        for path in &step.files {
            let text =
                std::fs::read_to_string(path).map_err(|error| Failure::io("read", path, &error))?;
            let text = format!("-- migrate: after = [\"{stays}\"]\n{text}");
            std::fs::write(path, text).map_err(|error| Failure::io("write", path, &error))?;
        }
        Ok(())
    }

    fn renumber(
        &self,
        conflict: &'static str,
        step: &SourceStep,
        to: String,
    ) -> Result<Change, Failure> {
        let renaming = Renaming {
            folder: self.folder,
            step,
            to,
        };
        let done = renaming.carry_out(self.root, self.folders)?;
        Ok(self.change(conflict, &done))
    }

    /// Puts the only step of a branch behind the last one of another.
    fn put_last(
        &self,
        steps: &[SourceStep],
        step: &SourceStep,
        conflict: &Conflict,
    ) -> Result<Change, Failure> {
        let Conflict::Leaves { shared, branches } = conflict else {
            return Err(declined());
        };
        if self.dialog.has(self.folder, &step.name) == Some(true) {
            return Err(applied(step));
        }
        let others = branches
            .iter()
            .filter(|branch| !branch.contains(&step.name));
        let Some(end) = others.filter_map(|branch| branch.last()).next_back() else {
            return Err(declined());
        };
        if let Some(shared) = shared {
            for path in &step.files {
                let text = std::fs::read_to_string(path)
                    .map_err(|error| Failure::io("read", path, &error))?;
                let names = [(shared.clone(), end.clone())];
                let Some(mended) = with_names(&text, &names) else {
                    continue;
                };
                std::fs::write(path, mended).map_err(|error| Failure::io("write", path, &error))?;
            }
        }
        let to = format!("{:04}_{}", next_number(steps)?, description(&step.name));
        self.renumber("leaves", step, to)
    }

    fn write_merge_step(
        &self,
        steps: &[SourceStep],
        branches: &[Vec<String>],
    ) -> Result<Change, Failure> {
        let ends: Vec<&String> = branches.iter().filter_map(|branch| branch.last()).collect();
        let name = merge_name(next_number(steps)?, &ends);
        let question = format!("Write {name}.sql, an empty step that comes after all of them?");
        if !self.dialog.agrees(&question, "merge --yes")? {
            return Err(declined());
        }
        let quoted: Vec<String> = ends.iter().map(|end| format!("\"{end}\"")).collect();
        let text = format!("-- migrate: after = [{}]\n", quoted.join(", "));
        let path = self.folder.path.join(format!("{name}.sql"));
        let create = || {
            let mut file = OpenOptions::new()
                .write(true)
                .create_new(true)
                .open(&path)?;
            file.write_all(text.as_bytes())
        };
        create().map_err(|error| Failure::io("write", &path, &error))?;
        let index = self.folder.path.join(INDEX_FILE);
        write_index(&self.folder.path).map_err(|error| Failure::io("write", &index, &error))?;
        let mut change = self.change("leaves", &Renamed::default());
        change.written = Some(shown(&path));
        Ok(change)
    }

    fn change(&self, conflict: &'static str, done: &Renamed) -> Change {
        let from_to = |(from, to): &(PathBuf, PathBuf)| FromTo {
            from: shown(from),
            to: shown(to),
        };
        let mention = |(path, line): &(PathBuf, usize)| format!("{}:{line}", shown(path));
        Change {
            app: self.folder.app.clone(),
            conflict,
            renamed: done.files.iter().map(from_to).collect(),
            written: None,
            headers: done.headers.iter().map(|path| shown(path)).collect(),
            mentions: done.mentions.iter().map(mention).collect(),
        }
    }
}

/// A step's name without its number.
fn description(name: &str) -> &str {
    name.split_once('_').map_or(name, |(_, rest)| rest)
}

fn merge_name(number: u32, ends: &[&String]) -> String {
    let parts: Vec<&str> = ends.iter().map(|end| description(end)).collect();
    let name = format!("{number:04}_merge_{}", parts.join("_"));
    match name.len() {
        0..=LONGEST_NAME => name,
        _ => format!("{number:04}_merge"),
    }
}

fn declined() -> Failure {
    Failure::new(Exit::Failed, "declined", "nothing was merged")
}

fn applied(step: &SourceStep) -> Failure {
    let name = &step.name;
    Failure::new(
        Exit::Failed,
        "already_applied",
        format!("{name} is applied in this database: with another name it would run again"),
    )
    .help("renumber the other one")
}
