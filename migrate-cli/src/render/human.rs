//! Text for people: one file per kind of report.

pub(crate) mod current;
pub(crate) mod dry_run;
pub(crate) mod failure;
pub(crate) mod history;
pub(crate) mod list;
pub(crate) mod lock;
pub(crate) mod plan;
pub(crate) mod run;
pub(crate) mod sql;
pub(crate) mod squash;
pub(crate) mod status;
