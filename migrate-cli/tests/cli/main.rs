//! The command line end to end, through the output in memory, on SQLite files.

#[path = "../support/mod.rs"]
mod support;

mod drift;
mod embedding;
mod help;
mod lock;
mod look;
mod records;
mod run;
mod sources;
mod step;
