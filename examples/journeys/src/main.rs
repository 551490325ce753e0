//! `journeys migrate ..` migrates; `journeys check` goes through the list of what must work.

#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "talking to a terminal is what this program does"
)]

use std::process::ExitCode;

use journeys::{MIGRATIONS, checklist};
use migrate_cli::Cli;

/// Used when DATABASE_URL names no other: a file in the current folder.
const DEFAULT_URL: &str = "sqlite:journeys.sqlite?mode=rwc";

fn main() -> ExitCode {
    let cli = Cli::new(&MIGRATIONS)
        .default_url(DEFAULT_URL)
        .app_version(env!("CARGO_PKG_VERSION"));
    if let Some(exit) = cli.handle() {
        return exit;
    }
    if std::env::args().nth(1).as_deref() != Some("check") {
        eprintln!("usage: journeys migrate .. | journeys check");
        return ExitCode::from(2);
    }
    check()
}

#[tokio::main(flavor = "current_thread")]
async fn check() -> ExitCode {
    let url = std::env::var("DATABASE_URL").unwrap_or_else(|_| DEFAULT_URL.to_owned());
    match checklist::go_through(&url, |item| println!("[x] {item}")).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("journeys: {error}");
            ExitCode::FAILURE
        }
    }
}
