//! `merge`: two branches of an app become one line again.

mod report;
mod resolve;
mod show;

use std::collections::HashSet;
use std::path::Path;

use clap::Args;
use migrate_core::report::StepId;
use migrate_source::name::nearest;

use crate::args::Format;
use crate::context::Context;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::{Answer, Output};
use crate::progress::Narration;
use crate::sources::branches::{conflicts, read_steps};
use crate::sources::discover::{MigrationFolder, discover_for};
use crate::view::View;
pub(crate) use resolve::merge;

/// Join the branches of an app that two people have worked on.
#[derive(Clone, Debug, Args)]
#[command(after_help = "\
Two SQL files with one number: one of them gets the next free number, with
its line in the index and wherever a header names it. Two steps that nothing
comes after: an empty step is written that comes after both. Shows both
branches and asks first; whether the order between them matters is for you to
judge.

A file that is applied somewhere keeps its name. Where a database is named,
it is asked what it has.

Examples:
  migrate merge
  migrate merge users --renumber 0003_add_phone.sql
  cargo migrate merge --yes        while the service does not compile

Exit codes: 0 merged, or there was nothing to merge, 1 failed, 2 usage or not confirmed")]
pub(crate) struct MergeArgs {
    /// This app only.
    #[arg(value_name = "APP")]
    pub(crate) app: Option<String>,

    /// The file that gets the next free number. Repeatable.
    #[arg(long, value_name = "FILE")]
    pub(crate) renumber: Vec<String>,

    /// Do not ask the database what is applied.
    #[arg(long)]
    pub(crate) no_db: bool,
}

/// What answers the questions, and what is known.
pub(crate) struct Dialog<'a> {
    pub(crate) output: &'a Output,
    pub(crate) format: Format,
    pub(crate) yes: bool,
    /// The steps that a database has; `None` when none was asked.
    pub(crate) applied: Option<&'a HashSet<StepId>>,
    /// The words of this program before `merge`.
    pub(crate) program: &'a str,
}

impl Dialog<'_> {
    /// Shows text to people, before a question about it.
    fn show(&self, text: &str) {
        if self.format == Format::Human {
            self.output.note(text);
        }
    }

    fn agrees(&self, question: &str, command: &str) -> Result<bool, Failure> {
        if self.yes {
            return Ok(true);
        }
        match self.output.ask(question) {
            Answer::Yes => Ok(true),
            Answer::No => Ok(false),
            Answer::Stopped(signal) => Err(Failure::stopped(signal)),
            Answer::Nobody => Err(Failure::new(
                Exit::Usage,
                "confirmation_needed",
                "this wants a confirmation, and there is no terminal to ask on",
            )
            .help(format!("if you are sure: `{} {command}`", self.program))),
        }
    }

    /// Whether a database has the step; `None` when that is not known.
    fn has(&self, folder: &MigrationFolder, step: &str) -> Option<bool> {
        let id = StepId::new(folder.app.as_deref()?, step);
        self.applied.map(|applied| applied.contains(&id))
    }
}

pub(crate) async fn run(context: &mut Context, args: &MergeArgs) -> Result<View, Failure> {
    let project = context.project();
    let mut applied = None;
    if !args.no_db && context.names_a_database() && needed(&project, args)? {
        let connected = context.connect(Narration::Quiet)?;
        let entries = connected
            .drive(connected.migrator.history(None))
            .await
            .map_err(|failure| failure.help("without the database: `migrate merge --no-db`"))?;
        applied = Some(applied_by(&entries));
    }
    let dialog = Dialog {
        output: context.output(),
        format: context.global.format(),
        yes: context.global.yes,
        applied: applied.as_ref(),
        program: "migrate",
    };
    merge(&project, args, &dialog)
}

/// What is applied, by the history of runs, newest first: it can be read whatever is wrong with the
/// steps of the binary.
pub(crate) fn applied_by(entries: &[migrate_core::report::HistoryEntry]) -> HashSet<StepId> {
    let mut seen = HashSet::new();
    let mut applied = HashSet::new();
    for entry in entries {
        let is_applied = match entry.outcome.as_str() {
            "applied" | "recorded" => true,
            "reverted" | "removed" => false,
            _ => continue,
        };
        if seen.insert(&entry.step) && is_applied {
            applied.insert(entry.step.clone());
        }
    }
    applied
}

/// Whether there is anything to merge.
pub(crate) fn needed(project: &Path, args: &MergeArgs) -> Result<bool, Failure> {
    let (_, folders) = discover_for(project, args.app.as_deref())?;
    for folder in chosen(&folders, args)? {
        let steps = read_steps(&folder.path, folder.app.as_deref())?;
        if !conflicts(&steps).is_empty() {
            return Ok(true);
        }
    }
    Ok(false)
}

/// The folders to look at.
fn chosen<'f>(
    folders: &'f [MigrationFolder],
    args: &MergeArgs,
) -> Result<Vec<&'f MigrationFolder>, Failure> {
    let Some(app) = &args.app else {
        return Ok(folders.iter().collect());
    };
    let of: Vec<&MigrationFolder> = folders
        .iter()
        .filter(|folder| folder.app.as_ref() == Some(app))
        .collect();
    if !of.is_empty() {
        return Ok(of);
    }
    let labels: Vec<&str> = folders
        .iter()
        .filter_map(|folder| folder.app.as_deref())
        .collect();
    let failure = Failure::usage(format!(
        "no `embed_migrations!` names an app `{}`",
        app.escape_debug()
    ));
    Err(match nearest(app, labels.iter().copied()) {
        Some(near) => failure.help(format!("did you mean `{near}`?")),
        None if labels.is_empty() => failure,
        None => failure.help(format!("there are: {}", labels.join(", "))),
    })
}
