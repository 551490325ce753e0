//! Migrations that rustc checks.
pub mod context;
