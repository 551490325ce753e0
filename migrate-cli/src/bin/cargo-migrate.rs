//! `cargo migrate new`, `index` and `check`: what needs only the sources.
//!
//! It works when the service does not compile. What needs the database is in the service
//! itself: `cargo run -- migrate`.

use std::process::ExitCode;

fn main() -> ExitCode {
    migrate_cli::cargo::main()
}
