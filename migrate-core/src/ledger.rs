//! The ledger: names of our tables, what is read from them, what is written to them.
//!
//! The SQL that differs between databases stands in [`crate::dialect`]; the meaning of rows in
//! [`crate::domain`].

mod error;
mod name;
mod read;
mod statement;
mod write;

pub(crate) use error::{Need, ledger_error, mysql_account};
pub use name::LedgerName;
pub(crate) use name::Tables;
pub(crate) use read::{LedgerRead, read_ledger};
pub(crate) use statement::Statement;
pub(crate) use write::{Applied, Intent, Ledger, RunRow};
