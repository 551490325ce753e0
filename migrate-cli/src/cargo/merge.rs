//! `cargo migrate merge`: [`crate::commands::merge`] without a service, which two branches with one
//! number keep from compiling.

use std::collections::HashSet;
use std::path::Path;

use clap::Args;
use migrate_core::report::{HistoryEntry, StepId};
use migrate_core::{History, Migrator, Target};

use crate::args::Format;
use crate::commands::merge::{Dialog, MergeArgs, applied_by, merge, needed};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::Output;
use crate::secret::DatabaseUrl;
use crate::view::View;

/// Join the branches of an app that two people have worked on.
#[derive(Clone, Debug, Args)]
pub(crate) struct CargoMergeArgs {
    #[command(flatten)]
    merge: MergeArgs,

    /// The database that is asked what is applied; none is by default. Never printed.
    #[arg(long, value_name = "URL", conflicts_with = "no_db")]
    database_url: Option<DatabaseUrl>,

    /// Do not ask.
    #[arg(short, long)]
    yes: bool,
}

pub(super) fn run(
    project: &Path,
    args: &CargoMergeArgs,
    output: &Output,
    format: Format,
) -> Result<View, Failure> {
    let applied = match &args.database_url {
        Some(url) if needed(project, &args.merge)? => Some(applied_in(url)?),
        _ => None,
    };
    let dialog = Dialog {
        output,
        format,
        yes: args.yes,
        applied: applied.as_ref(),
        program: "cargo migrate",
    };
    merge(project, &args.merge, &dialog)
}

/// The steps that a database has.
fn applied_in(url: &DatabaseUrl) -> Result<HashSet<StepId>, Failure> {
    let read = || -> Result<Vec<HistoryEntry>, Failure> {
        let target = Target::from_url(url.reveal())?;
        let nothing = History::builder().build()?;
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|error| {
                let message = format!("cannot start the tokio runtime: {error}");
                Failure::new(Exit::Failed, "runtime", message)
            })?;
        Ok(runtime.block_on(Migrator::new(target, nothing).history(None))?)
    };
    // A thread of its own, because a runtime cannot be started inside another.
    let entries = std::thread::scope(|scope| scope.spawn(read).join())
        .unwrap_or_else(|panic| std::panic::resume_unwind(panic))?;
    Ok(applied_by(&entries))
}
