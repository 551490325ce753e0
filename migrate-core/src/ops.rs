//! The operations of a [`Migrator`](crate::Migrator): each opens what it needs, decides with
//! `domain`, acts through `exec`, and gives back a report.

mod applied;
mod dry_run;
mod inspect;
mod lock;
mod mark;
mod one;
mod plan;
mod prune;
mod records;
mod refuse;
mod run;
mod session;
mod sql;
mod squash;

pub use mark::Marked;
pub use one::RunStep;
pub use prune::Prune;
pub use sql::{SqlStatement, StepSql};
pub use squash::SquashCheck;
