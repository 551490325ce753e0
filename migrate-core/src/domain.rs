//! The pure part: steps, their order, what the ledger's rows mean, what a run would do.
//!
//! No async, no I/O and no sqlx in here, so everything can be tested with plain values. The
//! executor asks this module what to do and never decides by itself.

mod backwards;
mod build;
mod check;
mod compare;
mod fit;
mod forwards;
mod goal;
mod graph;
mod history;
mod order;
mod places;
mod plan;
mod replace;
mod route;
mod row;
mod sides;
mod step;
mod unknown;
mod way_back;

pub(crate) use check::listed;
pub(crate) use goal::known_app;
pub use history::{History, HistoryBuilder, Source};
pub(crate) use replace::Effective;
pub(crate) use route::{Move, Route, route};
pub(crate) use row::{LedgerRow, LedgerRows, RowState};
pub(crate) use step::Body;
pub use step::Step;
pub(crate) use way_back::irreversible;

#[cfg(test)]
mod tests;
