//! What a run does when binary and database disagree.

use serde::Serialize;

/// What to do about one kind of disagreement.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Policy {
    /// Refuse to run.
    Deny,
    /// Run, and say so.
    Warn,
    /// Run.
    Allow,
}

/// The policies of a run. Nothing is ever skipped silently: what is allowed is still in `status`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Policies {
    /// An applied step whose text differs in the binary. Default: deny.
    pub edited: Policy,
    /// An applied step that the binary lacks although it has later ones of that app. Default: deny.
    pub missing: Policy,
    /// An applied step that is later than all the binary has of that app: the binary is older
    /// than the database, as every old replica is during a rolling deploy. Default: warn.
    pub newer: Policy,
    /// A pending SQL file that stands before an applied one of its app. Default: deny.
    pub out_of_order: Policy,
}

impl Default for Policies {
    fn default() -> Self {
        Self {
            edited: Policy::Deny,
            missing: Policy::Deny,
            newer: Policy::Warn,
            out_of_order: Policy::Deny,
        }
    }
}
