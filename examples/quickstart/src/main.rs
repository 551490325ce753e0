//! `quickstart migrate ..` migrates; `quickstart` alone shows the teams, if the database is up to
//! date.

#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "talking to a terminal is what this program does"
)]

use std::error::Error;
use std::process::ExitCode;

use migrate_cli::Cli;
use migrate_core::{Migrator, Target};
use quickstart::MIGRATIONS;
use sqlx::Connection as _;

/// Used when DATABASE_URL names no other: a file in the current folder.
const DEFAULT_URL: &str = "sqlite:quickstart.sqlite?mode=rwc";

const USAGE: &str = "\
quickstart            shows the teams, if the database is up to date
quickstart migrate    migrates it; `quickstart migrate --help` says more

The database is DATABASE_URL, or quickstart.sqlite in the current folder.";

fn main() -> ExitCode {
    let cli = Cli::new(&MIGRATIONS)
        .default_url(DEFAULT_URL)
        .app_version(env!("CARGO_PKG_VERSION"));
    if let Some(exit) = cli.handle() {
        return exit;
    }
    match std::env::args().nth(1).as_deref() {
        None => {}
        Some("-h" | "--help") => {
            println!("{USAGE}");
            return ExitCode::SUCCESS;
        }
        Some(_) => {
            eprintln!("{USAGE}");
            return ExitCode::from(2);
        }
    }
    match show_teams() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("quickstart: {error}");
            ExitCode::FAILURE
        }
    }
}

#[tokio::main(flavor = "current_thread")]
async fn show_teams() -> Result<(), Box<dyn Error>> {
    let named = std::env::var("DATABASE_URL").ok();
    let url = named
        .filter(|url| !url.is_empty())
        .unwrap_or_else(|| DEFAULT_URL.to_owned());
    refuse_pending(&url).await?;

    sqlx::any::install_default_drivers();
    let mut database = sqlx::AnyConnection::connect(&url).await?;
    let teams: Vec<(String, i64)> = sqlx::query_as(
        "SELECT t.name, COUNT(u.id) FROM teams t LEFT JOIN users u ON u.team_id = t.id
         GROUP BY t.id, t.name ORDER BY t.name",
    )
    .fetch_all(&mut database)
    .await?;
    for (name, members) in teams {
        println!("{name:<12} {members:>4} members");
    }
    Ok(())
}

/// A service that starts on a database it does not know fails later, and less clearly.
async fn refuse_pending(url: &str) -> Result<(), Box<dyn Error>> {
    let status = Migrator::new(Target::from_url(url)?, &MIGRATIONS)
        .status()
        .await?;
    if status.pending == 0 {
        return Ok(());
    }
    Err(format!(
        "{} migrations are pending on this {} database\n  \
         help: apply them with `cargo run -p quickstart -- migrate`",
        status.pending, status.database
    )
    .into())
}
