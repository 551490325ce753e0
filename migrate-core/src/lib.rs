//! Migrations that rustc checks: SQL files and async functions as steps of one history, run
//! once, in order, resumable, on SQLite, Postgres, MySQL and MariaDB.
//!
//! A service writes [`embed_migrations!`] at its crate root, puts [`#[data_migration]`](data_migration)
//! on functions, and hands its `MIGRATIONS` to a [`Migrator`] or to `migrate_cli`.
//!
//! ```
//! # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
//! use migrate_core::{History, Migrator};
//!
//! # #[cfg(feature = "sqlite")] {
//! let pool = sqlx::SqlitePool::connect("sqlite::memory:").await?;
//! let history = History::builder()
//!     .sql("users", "0001_initial.sql", "CREATE TABLE users (id INTEGER PRIMARY KEY, email TEXT);")
//!     .build()?;
//! let report = Migrator::new(&pool, history.clone()).run().await?;
//! assert_eq!(report.steps.len(), 1);
//! assert_eq!(Migrator::new(&pool, history).run().await?.steps.len(), 0);
//! # }
//! # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
//! ```
//!
//! # Features
//!
//! `sqlite` (default), `postgres`, `mysql` (MySQL and MariaDB). Only what is enabled is compiled.
//! A library that only has SQL files and [`Portable`] functions needs none of them; the service
//! that runs it enables what it uses.
//!
//! # Layers
//!
//! From the bottom up: errors and reports; `context` and `session`; `embedded`; `domain` (pure);
//! `dialect` and `ledger`; `lease`; `exec`; [`Migrator`] and its `ops`.

// Without a database there are no drivers, and what serves them is idle.
#![cfg_attr(
    not(any(feature = "sqlite", feature = "postgres", feature = "mysql")),
    allow(unused, unreachable_code)
)]

mod audit;
mod cancel;
mod context;
mod db_error;
mod dialect;
mod domain;
mod embedded;
mod error;
mod event;
mod exec;
mod goal;
mod heartbeat;
mod holder;
mod interrupt;
mod lease;
mod ledger;
mod migrator;
mod ops;
mod policy;
mod redact;
pub mod report;
mod session;
mod stale;
mod target;

pub use audit::AuditEvent;
pub use context::{BoxFuture, Context, IntoStepOutput, Portable, Result, StepDatabase};
pub use domain::{History, HistoryBuilder, Source, Step};
pub use embedded::{App, AppFolder, Migrations};
pub use error::{Error, ErrorCode, StepError};
pub use event::{Event, Observer};
pub use goal::{Fake, Goal, Request};
pub use interrupt::Shutdown;
pub use ledger::LedgerName;
pub use migrate_macros::{data_migration, embed_migrations};
pub use migrate_source::Database;
pub use migrator::Migrator;
pub use ops::{Marked, Prune, RunStep, SqlStatement, SquashCheck, StepSql};
pub use policy::{Policies, Policy};
pub use session::{Row, Value};
pub use target::Target;

#[doc(hidden)]
pub use embedded::__private;
