//! `list`: the data migrations, pending and applied, newest first.

use std::collections::HashMap;

use clap::Args;
use migrate_core::report::{ListEntry, StepId, StepKind};
use migrate_core::{History, Step};
use serde::Serialize;

use crate::context::Context;
use crate::failure::Failure;
use crate::progress::Narration;
use crate::render::human::list::{Asked, render_list, render_list_summary};
use crate::view::View;

/// List data migrations, newest first: what is pending, then what is applied and when.
#[derive(Clone, Debug, Args)]
#[command(after_help = "\
SQL steps are in `status`, and here with --all. Times are UTC. With -v 2 each
has its description.

Examples:
  migrate list
  migrate list --name user

Exit codes: 0 done, also when the list is empty; 1 failed")]
pub(crate) struct ListArgs {
    /// Only names that contain this text, upper and lower case alike.
    #[arg(long, value_name = "SUB")]
    name: Option<String>,

    /// SQL steps as well.
    #[arg(long)]
    all: bool,
}

#[derive(Serialize)]
struct Listing<'a> {
    entries: &'a [Listed],
}

/// An entry with what the binary knows of the step.
#[derive(Debug, Serialize)]
pub(crate) struct Listed {
    #[serde(flatten)]
    pub(crate) entry: ListEntry,
    /// Whether a bare `migrate` passes it over.
    pub(crate) manual: bool,
}

impl Listed {
    pub(crate) fn is_pending(&self) -> bool {
        self.entry.applied_at.is_none()
    }
}

pub(crate) async fn run(context: &mut Context, args: &ListArgs) -> Result<View, Failure> {
    let connected = context.connect(Narration::Quiet)?;
    let found = connected
        .drive(connected.migrator.list(args.name.as_deref()))
        .await?;
    let of_all = found.len();
    let history = connected.migrator.steps()?;
    let entries = found
        .into_iter()
        .filter(|entry| args.all || entry.kind != Some(StepKind::Sql))
        .map(|entry| Listed {
            manual: history.get(&entry.step).is_some_and(Step::manual),
            entry,
        });
    let mut entries: Vec<Listed> = entries.collect();
    newest_first(&mut entries, history);
    let hidden = of_all - entries.len();
    let asked = Asked {
        name: args.name.as_deref(),
        all: args.all,
        detailed: context.detailed(),
    };
    Ok(View::of(&Listing { entries: &entries })
        .data(render_list(context.paint(), &entries, asked))
        .note(render_list_summary(context.paint_err(), &entries, hidden)))
}

/// What has not run is newer than all that has. Steps of one transaction may have one time:
/// of those, and of what is pending, the later in the history is the newer.
fn newest_first(entries: &mut [Listed], history: &History) {
    let places: HashMap<&StepId, usize> = history
        .iter()
        .enumerate()
        .map(|(place, step)| (step.id(), place))
        .collect();
    let place = |listed: &Listed| places.get(&listed.entry.step).copied();
    entries.sort_by(|a, b| {
        let newer = |listed: &Listed| (listed.is_pending(), listed.entry.applied_at.clone());
        newer(b)
            .cmp(&newer(a))
            .then_with(|| place(b).cmp(&place(a)))
    });
}
