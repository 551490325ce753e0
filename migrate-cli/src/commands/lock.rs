//! `lock status` and `lock release`.

use clap::{Args, Subcommand};

use crate::context::Context;
use crate::failure::Failure;
use crate::progress::Narration;
use crate::render::human::lock::sentence;
use crate::view::View;

/// Show who holds the lock, or take it away from them.
#[derive(Clone, Debug, Args)]
#[command(
    disable_help_subcommand = true,
    subcommand_value_name = "VERB",
    subcommand_help_heading = "Verbs"
)]
pub(crate) struct LockArgs {
    #[command(subcommand)]
    action: Action,
}

#[derive(Clone, Debug, Subcommand)]
enum Action {
    /// Show who holds the lock, what they do, and when they last showed progress.
    #[command(after_help = "Exit codes: 0 done, whether it is held or not; 1 failed")]
    Status,

    /// Release the lock of a holder that is dead.
    #[command(after_help = "\
The lock of a live holder is released with --force only: what it has under way
cannot commit then, except for statements outside a transaction. Its session in
the server is ended. SQLite has none: there a function that is not atomic goes
on to commit until it notices, within a quarter of the lease. Asks first.

Examples:
  migrate lock release
  migrate lock release --force --yes

Exit codes: 0 released or free, 1 failed, 2 not confirmed, 5 the holder is alive")]
    Release {
        /// Even if the holder is alive.
        #[arg(long)]
        force: bool,
    },
}

impl LockArgs {
    pub(crate) fn name(&self) -> &'static str {
        match self.action {
            Action::Status => "lock status",
            Action::Release { .. } => "lock release",
        }
    }
}

pub(crate) async fn run(context: &mut Context, args: &LockArgs) -> Result<View, Failure> {
    match args.action {
        Action::Status => {
            let connected = context.connect(Narration::Quiet)?;
            let lock = connected.drive(connected.migrator.lock_status()).await?;
            Ok(View::of(&lock).data(sentence(&lock)))
        }
        Action::Release { force } => release(context, force).await,
    }
}

async fn release(context: &mut Context, force: bool) -> Result<View, Failure> {
    if force {
        context.confirm(
            "Release the lock even if its holder is alive?",
            "lock release --force",
        )?;
    }
    let connected = context.connect(Narration::Quiet)?;
    let before = connected
        .drive(connected.migrator.release_lock(force))
        .await?;
    let paint = context.paint_err();
    let text = match (before.held, before.holder.as_deref()) {
        (true, Some(holder)) => paint.good(&format!("Released the lock of {holder}")),
        (true, None) => paint.good("Released the lock"),
        (false, _) => "The lock is free.".to_owned(),
    };
    Ok(View::of(&before).note(text))
}
