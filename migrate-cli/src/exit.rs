//! The exit codes: which there are, and which one each error gives.
//!
//! Scripts depend on these numbers; a new meaning gets a new number. The errors themselves
//! are in [`crate::failure`].

use std::process::ExitCode;

use migrate_core::ErrorCode;

/// How a command ended, as the exit code of the process.
///
/// | code | variant | meaning |
/// |---|---|---|
/// | 0 | [`Done`](Self::Done) | everything asked for was done, or there was nothing to do |
/// | 1 | [`Failed`](Self::Failed) | something failed; the error says what and what to do |
/// | 2 | [`Usage`](Self::Usage) | the command line, the URL or a missing `--yes` |
/// | 3 | [`Pending`](Self::Pending) | `--check`: steps are pending |
/// | 4 | [`Drift`](Self::Drift) | the database and the binary disagree: an edited, missing or out-of-order step, an inconsistent history |
/// | 5 | [`LockNotHad`](Self::LockNotHad) | another process holds the lock, or took it over during the run |
/// | 130 | [`Interrupted`](Self::Interrupted) | Ctrl-C; what was running was cancelled and rolled back |
/// | 143 | [`Terminated`](Self::Terminated) | SIGTERM; the same |
///
/// A reader that goes away early (`migrate status | head -1`) is no failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Exit {
    /// 0: done, or nothing to do.
    Done,
    /// 1: something failed.
    Failed,
    /// 2: the command line was wrong, or a confirmation was missing.
    Usage,
    /// 3: steps are pending, under `--check`.
    Pending,
    /// 4: database and binary disagree.
    Drift,
    /// 5: the lock was not had, or was lost.
    LockNotHad,
    /// 130: stopped by Ctrl-C.
    Interrupted,
    /// 143: stopped by SIGTERM.
    Terminated,
}

impl Exit {
    /// The number that the shell sees.
    ///
    /// ```
    /// assert_eq!(migrate_cli::Exit::Drift.code(), 4);
    /// ```
    pub const fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Failed => 1,
            Self::Usage => 2,
            Self::Pending => 3,
            Self::Drift => 4,
            Self::LockNotHad => 5,
            Self::Interrupted => 130,
            Self::Terminated => 143,
        }
    }

    /// The exit code for an error of the runtime.
    pub(crate) const fn of(code: ErrorCode) -> Self {
        match code {
            ErrorCode::BadUrl | ErrorCode::BadLedgerName => Self::Usage,
            ErrorCode::Pending => Self::Pending,
            ErrorCode::StepEdited
            | ErrorCode::StepMissing
            | ErrorCode::OutOfOrder
            | ErrorCode::InconsistentHistory
            | ErrorCode::SquashIncomplete => Self::Drift,
            ErrorCode::LockHeld | ErrorCode::LockLost => Self::LockNotHad,
            _ => Self::Failed,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every code of the runtime has a decided exit code; a new one must be looked at.
    #[test]
    fn only_drift_lock_usage_and_pending_have_codes_of_their_own() {
        let special: Vec<_> = ErrorCode::ALL
            .iter()
            .filter(|code| Exit::of(**code) != Exit::Failed)
            .map(|code| (code.as_str(), Exit::of(*code).code()))
            .collect();
        assert_eq!(
            special,
            [
                ("bad_url", 2),
                ("bad_ledger_name", 2),
                ("step_edited", 4),
                ("step_missing", 4),
                ("out_of_order", 4),
                ("inconsistent_history", 4),
                ("squash_incomplete", 4),
                ("lock_held", 5),
                ("lock_lost", 5),
                ("pending", 3),
            ]
        );
    }
}
