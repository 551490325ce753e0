//! The command line end to end, through the output in memory, on SQLite files.

// What stands beside the test functions is test code too, which clippy does not see.
#![allow(clippy::expect_used, clippy::panic)]

#[path = "../support/mod.rs"]
mod support;

mod drift;
mod embedding;
mod goals;
mod graph;
mod help;
mod lock;
mod look;
mod merge;
mod records;
mod run;
mod sources;
mod squash;
mod step;
