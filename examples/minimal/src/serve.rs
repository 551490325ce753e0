//! Migrating at start-up: what a service does before it serves.

#![allow(
    clippy::print_stderr,
    reason = "a real service would log; this one has only a terminal"
)]

use std::error::Error;
use std::process::ExitCode;

use migrate_core::Migrator;
use sqlx::SqlitePool;

use crate::MIGRATIONS;

pub(crate) async fn serve() -> ExitCode {
    match start().await {
        // Requests would be served here.
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

async fn start() -> Result<(), Box<dyn Error>> {
    let url = std::env::var("DATABASE_URL")?;
    let pool = SqlitePool::connect(&url).await?;
    let migrator = Migrator::new(&pool, &MIGRATIONS).app_version(env!("CARGO_PKG_VERSION"));

    // Where a deploy runs `migrate` as a step of its own, the service only checks.
    if std::env::var("MIGRATE_ON_START").as_deref() == Ok("off") {
        let pending = migrator.status().await?.pending;
        eprintln!("MIGRATE_ON_START=off: not migrating, {pending} steps are pending");
    } else {
        let report = migrator.run().await?;
        eprintln!("{} migrations applied", report.steps.len());
    }
    Ok(())
}
