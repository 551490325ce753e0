//! The least that a service needs to migrate its database. The README shows this file.

mod serve;

use std::process::ExitCode;

use clap::Parser;
use migrate_core::{Context, Result, data_migration};
use sqlx::Sqlite;

migrate_core::embed_migrations!();

/// Lower-cases every address.
#[data_migration(after = ["0001_initial"])]
async fn lower_emails_v1_2026_11_20(cx: &mut Context<'_, Sqlite>) -> Result<u64> {
    let done = sqlx::query("UPDATE users SET email = lower(email)")
        .execute(cx.conn())
        .await?;
    Ok(done.rows_affected())
}

/// A service with users.
#[derive(Parser)]
enum Command {
    /// Serve requests.
    Serve,
    /// Migrate the database.
    Migrate(migrate_cli::MigrateArgs),
}

#[tokio::main]
async fn main() -> ExitCode {
    match Command::parse() {
        Command::Serve => serve::serve().await,
        Command::Migrate(args) => args.run(&MIGRATIONS).await,
    }
}
