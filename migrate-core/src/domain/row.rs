//! What the database says of one step.

/// The state of a row. A step without a row is pending.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RowState {
    /// Done and recorded.
    Applied,
    /// A non-atomic step that has begun; without a live holder it was interrupted.
    Running,
    /// A non-atomic step that stopped with an error.
    Failed,
}

impl RowState {
    pub(crate) fn parse(text: &str) -> Option<Self> {
        match text {
            "applied" => Some(Self::Applied),
            "running" => Some(Self::Running),
            "failed" => Some(Self::Failed),
            _ => None,
        }
    }
}

/// One row of the ledger.
#[derive(Clone, Debug)]
pub(crate) struct LedgerRow {
    pub(crate) app: String,
    pub(crate) name: String,
    /// `sql` or `data`.
    pub(crate) kind: String,
    pub(crate) state: RowState,
    pub(crate) checksum: String,
    /// Statements in all and done, of a non-atomic SQL step.
    pub(crate) total: usize,
    pub(crate) done: usize,
    /// The hash of the statements that are done.
    pub(crate) done_hash: Option<String>,
    /// The statement, from 0, that was about to run outside a transaction.
    pub(crate) intent: Option<usize>,
    pub(crate) applied_at: Option<String>,
    pub(crate) duration_ms: Option<u64>,
    pub(crate) rows: Option<u64>,
    pub(crate) faked: bool,
    pub(crate) error: Option<String>,
}

impl LedgerRow {
    pub(crate) fn is_applied(&self) -> bool {
        self.state == RowState::Applied
    }
}

/// The row of a step, if the ledger has one.
pub(crate) fn find_row<'r>(rows: &'r [LedgerRow], app: &str, name: &str) -> Option<&'r LedgerRow> {
    rows.iter().find(|row| row.app == app && row.name == name)
}
