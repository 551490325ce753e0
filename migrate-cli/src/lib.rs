//! The migration command line that lives inside a service.
//!
//! `cargo run -- migrate` works after one of these. A service without a parser of its own
//! calls one function from `main`:
//!
//! ```no_run
//! # mod my_service { pub fn history() -> migrate_core::History { unimplemented!() } }
//! use std::process::ExitCode;
//!
//! fn main() -> ExitCode {
//!     // With `embed_migrations!()` in the crate this is `handle(&MIGRATIONS)`.
//!     if let Some(exit) = migrate_cli::handle(my_service::history()) {
//!         return exit;
//!     }
//!     // The service itself.
//!     ExitCode::SUCCESS
//! }
//! ```
//!
//! A service with a clap parser adds one variant to it: see [`MigrateArgs`]. [`Cli`] is the
//! same with settings: a URL from the service's own configuration, a version, hooks.
//!
//! # Output
//!
//! Data goes to stdout, text for people to stderr. `--format json` (or `--json`) writes one
//! JSON document per command to stdout, with a stable schema (`docs/json.md`). Colour and
//! progress bars appear on a terminal only; `NO_COLOR` is respected.
//!
//! # Exit codes
//!
//! | code | meaning |
//! |---|---|
//! | 0 | done, or nothing to do |
//! | 1 | failed |
//! | 2 | usage: the command line, the URL or a missing `--yes` |
//! | 3 | steps are pending, under `--check` |
//! | 4 | drift: an edited, missing or out-of-order step, an inconsistent history |
//! | 5 | the lock was not had, or was lost |
//! | 130, 143 | stopped by Ctrl-C or SIGTERM; what was running was cancelled and rolled back |
//!
//! # What needs only the sources
//!
//! `new`, `merge`, `index` and `check` work without a database, and without a service that compiles:
//! they are in the binary `cargo-migrate`, installed with `cargo install migrate-cli`.

mod args;
#[doc(hidden)]
pub mod cargo;
mod cli;
mod commands;
mod context;
mod drive;
mod exit;
mod failure;
mod graph;
mod output;
mod program;
mod progress;
mod render;
mod secret;
mod signals;
mod sources;
mod usage;
mod view;

use std::process::ExitCode;

pub use args::MigrateArgs;
pub use cli::{Cli, Migrator, Source};
pub use exit::Exit;
pub use output::{Color, Output};

/// Parses the process's arguments and does what they say. For a binary that only migrates, or
/// after the service has looked at its first argument itself.
///
/// A leading `migrate` is skipped, so `cargo run -- migrate status` and `cargo run -- status`
/// are the same. It builds its own tokio runtime; settings are on [`Cli`].
///
/// ```no_run
/// # fn history() -> migrate_core::History { unimplemented!() }
/// fn main() -> std::process::ExitCode {
///     migrate_cli::main(history())
/// }
/// ```
pub fn main(source: impl Into<Source>) -> ExitCode {
    Cli::new(source).main()
}

/// Like [`main()`] when the process's first argument is `migrate`; otherwise `None`, and the
/// service goes on.
pub fn handle(source: impl Into<Source>) -> Option<ExitCode> {
    Cli::new(source).handle()
}

impl MigrateArgs {
    /// Does what the arguments say, in the runtime of the caller.
    ///
    /// The URL comes from `--database-url` or from the environment variable `DATABASE_URL`;
    /// [`Cli`] has more ways.
    pub async fn run(self, source: impl Into<Source>) -> ExitCode {
        Cli::new(source).run(self).await.into()
    }
}
