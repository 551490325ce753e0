//! What the integration tests stand on: databases made for one test each, processes that are
//! stopped and killed at chosen points, and a proxy that understands the wire protocols.
//!
//! The servers come from `tests/run`. Start with [`TestDatabase`]; tests ask a [`Db`] for its
//! [`Capabilities`] and never for its name.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "a test fails by panicking, and says on stderr what it skips"
)]

mod admin;
mod connection;
mod database;
mod dump;
mod each;
mod function;
mod migrating;
mod process;
mod proxy;
mod server_log;

pub use connection::{Connection, TextRow};
pub use database::{Capabilities, Db, TestDatabase};
pub use dump::Scope;
pub use function::{Function, done};
pub use migrating::{Events, history, names, request, steps};
pub use process::{Exit, Running, Starter, together};
pub use proxy::{Act, Fault, Kind, Message, Proxy, When};
pub use server_log::{LoggedStatement, ServerLog};
