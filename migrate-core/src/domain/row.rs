//! What the database says of one step.

use std::ops::Deref;

use crate::report::StepId;

/// The state of a row. A step without a row is pending.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RowState {
    /// Done and recorded.
    Applied,
    /// A non-atomic step that has begun; without a live holder it was interrupted.
    Running,
    /// A non-atomic step that stopped with an error.
    Failed,
    /// A step whose way back has begun, statement by statement: no longer applied, not yet undone.
    Reverting,
}

impl RowState {
    /// As the ledger stores it.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Applied => "applied",
            Self::Running => "running",
            Self::Failed => "failed",
            Self::Reverting => "reverting",
        }
    }

    pub(crate) fn parse(text: &str) -> Option<Self> {
        match text {
            "applied" => Some(Self::Applied),
            "running" => Some(Self::Running),
            "failed" => Some(Self::Failed),
            "reverting" => Some(Self::Reverting),
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
    /// The text of that statement: the file may have changed since.
    pub(crate) intent_text: Option<String>,
    /// Whether the catalogue already looked as the statement leaves it, before it began.
    pub(crate) intent_before: bool,
    /// Grows from one applied step to the next: the order in which the ledger's steps were applied.
    pub(crate) seq: i64,
    pub(crate) applied_at: Option<String>,
    pub(crate) duration_ms: Option<u64>,
    pub(crate) rows: Option<u64>,
    pub(crate) faked: bool,
    pub(crate) error: Option<String>,
}

impl LedgerRow {
    /// A row that says nothing but the state of a step, and when it came among others.
    pub(crate) fn bare(id: &StepId, kind: &str, state: RowState, seq: i64) -> Self {
        Self {
            app: id.app.clone(),
            name: id.name.clone(),
            kind: kind.to_owned(),
            state,
            checksum: String::new(),
            total: 0,
            done: 0,
            done_hash: None,
            intent: None,
            intent_text: None,
            intent_before: false,
            seq,
            applied_at: None,
            duration_ms: None,
            rows: None,
            faked: false,
            error: None,
        }
    }

    /// The step that it is of.
    pub(crate) fn id(&self) -> StepId {
        StepId::new(&self.app, &self.name)
    }

    pub(crate) fn is_applied(&self) -> bool {
        self.state == RowState::Applied
    }

    /// Whether anything of the step is there that a way back would have to take away: it is applied,
    /// or half undone.
    pub(crate) fn can_go(&self) -> bool {
        matches!(self.state, RowState::Applied | RowState::Reverting)
    }

    /// Whether an attempt stopped on its way forwards after something was done, or may have been.
    pub(crate) fn has_begun(&self) -> bool {
        self.has_stopped() && (self.done > 0 || self.intent.is_some())
    }

    /// Whether an attempt stopped at the first of its statements, which had no effect.
    pub(crate) fn did_nothing(&self) -> bool {
        // Without statements there may be functions, of which the ledger does not tell.
        self.has_stopped() && self.total > 0 && self.done == 0 && self.intent.is_none()
    }

    fn has_stopped(&self) -> bool {
        matches!(self.state, RowState::Running | RowState::Failed)
    }
}

/// The rows of a ledger, sorted by app and name: each step of a long history is looked up.
#[derive(Clone, Debug, Default)]
pub(crate) struct LedgerRows(Vec<LedgerRow>);

impl LedgerRows {
    /// Of a ledger that is not there.
    pub(crate) const NONE: &'static Self = &Self(Vec::new());

    pub(crate) fn new(mut rows: Vec<LedgerRow>) -> Self {
        rows.sort_by(|a, b| (&a.app, &a.name).cmp(&(&b.app, &b.name)));
        Self(rows)
    }

    /// The row of a step, if the ledger has one.
    pub(crate) fn find(&self, id: &StepId) -> Option<&LedgerRow> {
        let wanted = (id.app.as_str(), id.name.as_str());
        let found = self
            .0
            .binary_search_by(|row| (row.app.as_str(), row.name.as_str()).cmp(&wanted));
        found.ok().map(|place| &self.0[place])
    }
}

impl Deref for LedgerRows {
    type Target = [LedgerRow];

    fn deref(&self) -> &[LedgerRow] {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(app: &str, name: &str) -> LedgerRow {
        LedgerRow::bare(&StepId::new(app, name), "sql", RowState::Applied, 0)
    }

    #[test]
    fn finds_each_row_whatever_the_order_they_came_in() {
        // With the names joined, `a` + `b_0002` and `a_b` + `0002` would be neighbours.
        let names = [
            ("users", "0002_b"),
            ("a_b", "0002"),
            ("users", "0001_a"),
            ("a", "b_0002"),
        ];
        let rows = LedgerRows::new(names.map(|(app, name)| row(app, name)).into());
        for (app, name) in names {
            let found = rows.find(&StepId::new(app, name)).unwrap();
            assert_eq!((found.app.as_str(), found.name.as_str()), (app, name));
        }
        assert!(rows.find(&StepId::new("users", "0003_c")).is_none());
        assert!(
            LedgerRows::NONE
                .find(&StepId::new("users", "0001_a"))
                .is_none()
        );
    }
}
