//! What happens during a run, told as it happens: events for whoever watches.
//!
//! The command line draws its bars from these; a service can log them. Results are never
//! derived from events: see [`crate::report`].

use std::fmt;

use serde::Serialize;

use crate::report::{Action, StepId, StepRun};

/// Something that happened during a run.
#[derive(Clone, Debug, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Event {
    /// Another process holds the lock; repeated about once a second while waiting.
    WaitingForLock {
        /// Who holds it, as shown to people.
        holder: String,
        /// How long this process has waited, in milliseconds.
        waited_ms: u64,
    },
    /// The lock is ours.
    LockTaken {
        /// The fencing token of this run.
        token: i64,
        /// The holder it was taken over from, when that one had died or lost its lease.
        taken_over_from: Option<String>,
    },
    /// The plan is fixed and steps will run now.
    RunStarted {
        /// How many steps will run.
        steps: usize,
    },
    /// A step begins.
    StepStarted {
        /// The step.
        step: StepId,
        /// What is done with it.
        action: Action,
        /// Its place in this run, from 1.
        index: usize,
        /// How many steps this run has.
        of: usize,
        /// Whether effect and ledger row commit together.
        atomic: bool,
    },
    /// A statement of a SQL step was executed.
    Statement {
        /// The step.
        step: StepId,
        /// Its place in the step, from 1.
        index: usize,
        /// How many statements the step has.
        of: usize,
        /// The line of the file at which the statement begins.
        line: u32,
    },
    /// A data migration reported how far it is.
    Progress {
        /// The step, as `app.name`.
        step: String,
        /// Units done.
        done: u64,
        /// Units in all, if known.
        total: Option<u64>,
    },
    /// A data migration said something.
    Log {
        /// The step, as `app.name`.
        step: String,
        /// The verbosity from which it is shown, 1 or 2.
        level: u8,
        /// What it said.
        message: String,
    },
    /// A step's effect and its ledger row are committed (or rolled back, in a dry run).
    StepFinished(StepRun),
    /// A step failed; the error comes back from the call that runs.
    StepFailed {
        /// The step.
        step: StepId,
        /// What happened, redacted.
        message: String,
    },
    /// A database is about to be made to compare squashes on. A process that is killed leaves it.
    ScratchStarted {
        /// Its name, or the path of its file.
        name: String,
        /// What removes it, for people: SQL, or a command of the shell.
        remove: String,
    },
    /// A database that was made to compare on is gone again.
    ScratchRemoved {
        /// Its name, or the path of its file.
        name: String,
    },
    /// A policy lets something pass that one should know of.
    Warning {
        /// What it is.
        message: String,
    },
}

/// Receives events. Implemented for every `Fn(&Event)`.
///
/// An observer is called between statements, on the task that runs the steps: it must not block.
pub trait Observer: Send + Sync {
    /// Called for each event, in order.
    fn event(&self, event: &Event);
}

impl<F: Fn(&Event) + Send + Sync> Observer for F {
    fn event(&self, event: &Event) {
        self(event);
    }
}

/// Where a [`Context`](crate::Context) sends what the function reports.
#[doc(hidden)]
pub trait StepReporter: Send + Sync {
    /// See [`Context::progress`](crate::Context::progress).
    fn progress(&self, step: &str, done: u64, total: Option<u64>);
    /// See [`Context::log`](crate::Context::log).
    fn log(&self, step: &str, level: u8, message: &str);
}

impl fmt::Debug for dyn StepReporter + '_ {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("StepReporter")
    }
}

impl fmt::Debug for dyn Observer + '_ {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Observer")
    }
}
