//! The facade: what a service holds, with one method per operation.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::domain::History;
use crate::embedded::Migrations;
use crate::error::Error;
use crate::event::Observer;
use crate::ledger::LedgerName;
use crate::policy::Policies;
use crate::report::*;
use crate::target::Target;

/// Runs a history on a database.
pub struct Migrator<'c> {
    pub(crate) target: Target<'c>,
    pub(crate) history: Result<Arc<History>, Error>,
    pub(crate) options: Options,
}

/// How a migrator works; see the builder methods of [`Migrator`] for each.
#[derive(Clone)]
pub(crate) struct Options {
    pub(crate) ledger: LedgerName,
    pub(crate) lease: Duration,
    pub(crate) wait: Duration,
    pub(crate) policies: Policies,
    pub(crate) verbosity: u8,
    pub(crate) app_version: String,
    pub(crate) observer: Option<Arc<dyn Observer>>,
}
