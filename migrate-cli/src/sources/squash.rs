//! Squashing: a range of an app's SQL files as few files, each of which replaces what it joins.
//!
//! [`plan`] only reads; [`write`] writes what it planned and never overwrites. The order in which
//! steps run comes from the history, their texts from the folder. `range` finds the steps, `cut`
//! decides what becomes one, `texts` reads files, `join` makes new ones, `steps` says what those come after.

mod cut;
mod join;
mod range;
mod steps;
mod texts;
mod write;

use std::collections::HashMap;

use migrate_core::report::StepId;
use migrate_core::{History, Step};
use migrate_source::file_name::FileName;
use migrate_source::folder::Folder;
use serde::Serialize;

use self::cut::{Part, cut};
pub(crate) use self::range::check_app;
use self::range::{range, same_files};
use self::steps::Steps;
use self::texts::StepTexts;
pub(crate) use self::write::{move_away, write, write_all};
use crate::failure::Failure;

/// What is to be squashed. Names are as typed: a unique beginning is enough.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wanted<'a> {
    pub(crate) app: &'a str,
    pub(crate) from: &'a str,
    pub(crate) to: &'a str,
    /// What is put behind the numbers.
    pub(crate) name: Option<&'a str>,
    /// Data migrations may run after files that they ran before.
    pub(crate) functions_last: bool,
}

/// The squashes of a range.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Squash {
    pub(crate) app: String,
    pub(crate) steps: Vec<NewStep>,
    /// SQL steps of the range that stay as they are.
    pub(crate) kept: Vec<StepId>,
    /// Why the range did not become a single step.
    pub(crate) cuts: Vec<String>,
}

/// A step that replaces others.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct NewStep {
    pub(crate) step: StepId,
    pub(crate) replaces: Vec<StepId>,
    /// Data migrations among what it replaces: a new database does not run them.
    pub(crate) dropped: Vec<StepId>,
    /// The file because of which it has no way back.
    pub(crate) one_way: Option<String>,
    pub(crate) files: Vec<NewFile>,
}

/// A file to be written.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct NewFile {
    pub(crate) file: String,
    /// The files whose statements it has.
    pub(crate) of: Vec<String>,
    pub(crate) text: String,
}

/// Plans the squash of a range of files. Its list of steps is empty if there is nothing to join.
///
/// The history comes back with the squash in it: everything that the compiler would refuse is
/// refused here.
pub(crate) fn plan(
    history: &History,
    folder: &Folder,
    wanted: &Wanted<'_>,
) -> Result<(Squash, History), Failure> {
    check_name(wanted.name)?;
    same_files(history, folder, wanted.app)?;
    // What an earlier squash has replaced takes no part any more.
    let live = history.only_squashes()?;
    let range = range(history, &live, wanted)?;
    let mut texts = HashMap::new();
    for step in &range {
        let name = step.id().name.as_str();
        texts.insert(name, StepTexts::read(folder, name)?);
    }
    let traits = |step: &Step| match texts.get(step.id().name.as_str()) {
        Some(texts) => texts.traits(),
        None => cut::Traits::default(),
    };
    let parts = cut(&live, &range, wanted.functions_last, traits);
    let planner = Steps {
        live: &live,
        parts: &parts,
        app: wanted.app,
        texts: &texts,
        names: new_names(&parts, wanted)?,
    };
    let steps = planner.steps()?;
    refuse_overwriting(folder, &steps)?;
    let kept = parts.iter().filter(|part| !part.is_squash());
    let squash = Squash {
        app: wanted.app.to_owned(),
        kept: kept
            .flat_map(Part::files)
            .map(|step| step.id().clone())
            .collect(),
        steps,
        cuts: reasons(&parts),
    };
    let with = history.with_files(&squash.files())?;
    with.only_squashes()?;
    Ok((squash, with))
}

impl Squash {
    /// Its files, each with its app, its name and its text.
    pub(crate) fn files(&self) -> Vec<(String, String, String)> {
        let files = self.steps.iter().flat_map(|step| &step.files);
        files
            .map(|file| (self.app.clone(), file.file.clone(), file.text.clone()))
            .collect()
    }

    /// Why nothing was joined.
    pub(crate) fn nothing_to_join(&self) -> Failure {
        let message = match self.kept.as_slice() {
            [only] => format!("`{only}` is one file; there is nothing to join"),
            _ => "no two of these files can be joined".to_owned(),
        };
        let failure = Failure::usage(message);
        self.cuts.iter().cloned().fold(failure, Failure::help)
    }
}

/// Why parts are parts, each reason once.
fn reasons(parts: &[Part<'_>]) -> Vec<String> {
    let mut reasons: Vec<String> = Vec::new();
    for why in parts.iter().filter_map(|part| part.why.as_ref()) {
        if !reasons.contains(why) {
            reasons.push(why.clone());
        }
    }
    reasons
}

fn refuse_overwriting(folder: &Folder, steps: &[NewStep]) -> Result<(), Failure> {
    for NewFile { file, .. } in steps.iter().flat_map(|step| &step.files) {
        if folder.files.iter().any(|known| known.file_name == *file) {
            return Err(Failure::usage(format!("`{file}` is there already"))
                .help("delete it, or give the new one a `--name`"));
        }
    }
    Ok(())
}

fn check_name(name: Option<&str>) -> Result<(), Failure> {
    let Some(name) = name else { return Ok(()) };
    match FileName::parse(&format!("0001_{name}.sql")) {
        Ok(parsed) if parsed.database.is_none() => Ok(()),
        _ => Err(
            Failure::usage(format!("`{name}` cannot be part of a step's name"))
                .help("use lower-case letters, digits and `_`"),
        ),
    }
}

/// The name of each part that becomes a step of its own.
fn new_names(parts: &[Part<'_>], wanted: &Wanted<'_>) -> Result<Vec<Option<StepId>>, Failure> {
    let behind = wanted
        .name
        .map(|name| format!("_{name}"))
        .unwrap_or_default();
    let name = |part: &Part<'_>| -> Result<Option<StepId>, Failure> {
        if !part.is_squash() {
            return Ok(None);
        }
        let numbers = part.files().map(number);
        let numbers = numbers.collect::<Result<Vec<u32>, Failure>>()?;
        let (first, last) = (numbers.iter().min(), numbers.iter().max());
        let (first, last) = (first.unwrap_or(&0), last.unwrap_or(&0));
        let name = format!("{first:04}_squashed_{last:04}{behind}");
        Ok(Some(StepId::new(wanted.app, name)))
    };
    parts.iter().map(name).collect()
}

fn number(step: &Step) -> Result<u32, Failure> {
    FileName::parse(&format!("{}.sql", step.id().name))
        .map(|name| name.number)
        .map_err(|error| Failure::usage(error.to_string()))
}
