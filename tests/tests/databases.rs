//! Everything that needs a database, in one binary: linking is the slow part of these tests.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "a test fails by panicking, and says on stderr what it skips"
)]

mod databases {
    mod concurrency;
    mod conformance;
    mod crash;
    mod example;
    mod fencing;
    mod harness;
    mod journeys;
    mod pgbench;
    mod quickstart;
    mod readme;
    mod runbook;
    mod service;
}
