//! Shows a run while it goes on: bars on a terminal, plain lines elsewhere, nothing for JSON.
//!
//! It listens to the runtime's events. Results are never derived from them: what happened is
//! told by the reports, in [`crate::render`].

mod bars;
mod signs;

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use migrate_core::report::{Action, StepId, StepRun};
use migrate_core::{Event, Observer};

use crate::output::Output;
use crate::progress::bars::Bars;
use crate::progress::signs::{LATER_SIGN_EVERY_MS, sign_is_due, still_running};
use crate::render::human::run;
use crate::render::units;

/// In whose words a run is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Narration {
    /// A bare `migrate`: one line per step.
    Run,
    /// A bare `migrate --dry-run`: the report at the end tells it.
    DryRun,
    /// `run NAME`: the words of the single data migration.
    Step,
    /// `run NAME --dry-run`.
    StepDryRun,
    /// Commands that run nothing; only waiting for the lock is told.
    Quiet,
}

/// Shows events. Clones share one display.
#[derive(Clone)]
pub(crate) struct Reporter {
    inner: Arc<Inner>,
}

struct Inner {
    output: Output,
    narration: Narration,
    verbosity: u8,
    silent: bool,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    bars: Option<Bars>,
    started_bars: bool,
    announced: bool,
    /// A SQL step may run a data migration inside itself: innermost last.
    running: Vec<Running>,
    /// Whether steps are undone.
    backwards: bool,
    /// When the last line about waiting was written, in milliseconds of waiting.
    waiting: Option<u64>,
    /// The database that was made to compare on and is not yet removed, and how to remove it.
    scratch: Option<(String, String)>,
}

/// A step that is under way.
struct Running {
    name: String,
    since: Instant,
    place: Place,
    told_at_ms: Option<u64>,
}

/// How far a step is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) done: u64,
    pub(crate) total: Option<u64>,
}

/// What a step counts: its own units, mostly rows, or the statements of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unit {
    Own,
    Statements,
}

impl Unit {
    const fn word(self) -> &'static str {
        match self {
            Self::Own => "done",
            Self::Statements => "statements",
        }
    }
}

impl Reporter {
    pub(crate) fn new(output: Output, narration: Narration, verbosity: u8, silent: bool) -> Self {
        let inner = Inner {
            output,
            narration,
            verbosity,
            silent,
            state: Mutex::default(),
        };
        Self {
            inner: Arc::new(inner),
        }
    }

    /// Tells what follows as a run that undoes steps.
    pub(crate) fn go_backwards(&self) {
        self.state().backwards = true;
    }

    /// Removes the bars; what was said stays.
    pub(crate) fn finish(&self) {
        let mut state = self.state();
        state.bars = None;
        state.running.clear();
        drop(state);
        self.inner.output.stop_bars();
    }

    /// Says that a signal came and what happens now.
    pub(crate) fn stopping(&self, signal: &str) {
        if !self.inner.silent {
            self.warn(&format!(
                "{signal}: stopping the running statement, rolling back and releasing the lock; once more to stop at once"
            ));
        }
    }

    /// Called about once a second: without bars, a long step gives a sign of life.
    pub(crate) fn tick(&self) {
        if self.inner.silent || self.inner.verbosity == 0 {
            return;
        }
        let mut state = self.state();
        if state.bars.is_some() {
            return;
        }
        let verb = run::verb(state.backwards);
        let Some(running) = state.running.last_mut() else {
            return;
        };
        let elapsed = u64::try_from(running.since.elapsed().as_millis()).unwrap_or(u64::MAX);
        if sign_is_due(elapsed, running.told_at_ms) {
            running.told_at_ms = Some(elapsed);
            let line = still_running(verb, &running.name, elapsed, running.place);
            drop(state);
            self.say(&line);
        }
    }

    /// What is left when the process ends now, and how to remove it.
    pub(crate) fn left_behind(&self) -> Option<String> {
        let state = self.state();
        let (name, remove) = state.scratch.as_ref()?;
        Some(format!("`{name}` is left behind; to remove it: {remove}"))
    }

    fn scratch_started(&self, name: &str, remove: &str) {
        self.state().scratch = Some((name.to_owned(), remove.to_owned()));
        if !self.inner.silent && self.inner.verbosity > 0 {
            let line = format!("Comparing on `{name}`, which is made for that and removed");
            self.say(&self.inner.output.paint_err().faint(&line));
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.inner
            .state
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    fn say(&self, line: &str) {
        self.inner.output.note(line);
    }

    fn warn(&self, message: &str) {
        let paint = self.inner.output.paint_err();
        self.say(&format!(
            "{}: {}",
            paint.warn("warning"),
            units::plain(message)
        ));
    }

    fn is(&self, narration: Narration) -> bool {
        self.inner.narration == narration
    }

    /// The bars, begun at the first event that wants them.
    fn with_bars(&self, draw: impl FnOnce(&mut Bars)) {
        if self.inner.verbosity == 0 {
            return;
        }
        let mut state = self.state();
        if !state.started_bars {
            state.started_bars = true;
            state.bars = self.inner.output.start_bars().map(Bars::new);
        }
        if let Some(bars) = &mut state.bars {
            draw(bars);
        }
    }

    fn waiting(&self, holder: &str, waited_ms: u64) {
        self.with_bars(|bars| bars.waiting(holder, waited_ms));
        let mut state = self.state();
        let due = state
            .waiting
            .is_none_or(|told| waited_ms >= told + LATER_SIGN_EVERY_MS);
        if state.bars.is_some() || !due || self.inner.verbosity == 0 {
            return;
        }
        let first = state.waiting.replace(waited_ms).is_none();
        drop(state);
        let paint = self.inner.output.paint_err();
        let how_long = if first {
            String::new()
        } else {
            format!(", {}", units::about(waited_ms))
        };
        self.say(&paint.lead(&format!("Waiting for the lock held by {holder}{how_long}")));
    }

    fn lock_taken(&self, from: Option<&str>) {
        self.with_bars(Bars::stop_waiting);
        if let Some(from) = from {
            self.warn(&format!(
                "took the lock over from {from}, which died or lost its lease"
            ));
        }
    }

    fn run_started(&self, steps: usize) {
        if self.is(Narration::Run) && self.inner.verbosity > 0 && steps > 0 {
            let paint = self.inner.output.paint_err();
            let heading = match self.state().backwards {
                false => "Running migrations:",
                true => "Undoing migrations:",
            };
            self.say(&paint.strong(heading));
        }
    }

    fn step_started(&self, step: &StepId, index: usize, of: usize) {
        let name = step.to_string();
        let first = !std::mem::replace(&mut self.state().announced, true);
        let paint = self.inner.output.paint_err();
        if first && self.is(Narration::StepDryRun) {
            self.say(&paint.lead(run::DRY_RUN_BEGINS));
        }
        if self.is(Narration::Step) && self.inner.verbosity > 0 {
            self.say(&run::starting(&step.name));
        }
        self.with_bars(|bars| bars.start(&name, index, of));
        self.state().running.push(Running {
            name,
            since: Instant::now(),
            place: Place::default(),
            told_at_ms: None,
        });
    }

    fn place(&self, step: &str, place: Place, unit: Unit) {
        self.with_bars(|bars| bars.place(step, place, unit));
        if let Some(running) = self.state().running.iter_mut().find(|r| r.name == step) {
            running.place = place;
        }
    }

    fn ended(&self, step: &StepId) {
        let name = step.to_string();
        self.with_bars(|bars| bars.stop(&name));
        self.state().running.retain(|running| running.name != name);
    }

    fn finished(&self, step: &StepRun) {
        self.ended(&step.step);
        if self.is(Narration::Run) && self.inner.verbosity > 0 {
            self.say(&run::step_line(self.inner.output.paint_err(), step));
        }
    }

    fn failed(&self, step: &StepId) {
        self.ended(step);
        // A single run tells it at its end, with the error.
        if self.is(Narration::Run) {
            let verb = run::verb(self.state().backwards);
            self.say(&run::failed_line(self.inner.output.paint_err(), verb, step));
        }
    }

    fn log(&self, step: &str, level: u8, message: &str) {
        if self.inner.verbosity < level {
            return;
        }
        // Steps that share a transaction are announced after its commit, later than what they
        // said; so each line of a longer run names its step.
        let paint = self.inner.output.paint_err();
        let speaker = match self.inner.narration {
            Narration::Run | Narration::DryRun => paint.faint(&format!("{step}: ")),
            _ => String::new(),
        };
        for line in units::plain(message).lines() {
            self.say(&format!("      {speaker}{line}"));
        }
    }

    fn statement(&self, step: &StepId, index: usize, of: usize, line: u32) {
        let count = |n: usize| u64::try_from(n).unwrap_or(u64::MAX);
        let place = Place {
            done: count(index),
            total: Some(count(of)),
        };
        self.place(&step.to_string(), place, Unit::Statements);
        if self.inner.verbosity >= 3 {
            let paint = self.inner.output.paint_err();
            self.say(&paint.faint(&format!(
                "      {step}: statement {index} of {of}, line {line}"
            )));
        }
    }
}

impl Observer for Reporter {
    fn event(&self, event: &Event) {
        // What is left behind is told whatever else is.
        match event {
            Event::ScratchStarted { name, remove } => self.scratch_started(name, remove),
            Event::ScratchRemoved { .. } => self.state().scratch = None,
            _ => {}
        }
        if self.inner.silent {
            return;
        }
        match event {
            Event::WaitingForLock { holder, waited_ms } => self.waiting(holder, *waited_ms),
            Event::LockTaken {
                taken_over_from, ..
            } => self.lock_taken(taken_over_from.as_deref()),
            Event::RunStarted { steps } => self.run_started(*steps),
            Event::StepStarted {
                step,
                action,
                index,
                of,
                ..
            } => {
                self.state().backwards = *action == Action::Revert;
                self.step_started(step, *index, *of);
            }
            Event::Statement {
                step,
                index,
                of,
                line,
            } => {
                self.statement(step, *index, *of, *line);
            }
            Event::Progress { step, done, total } => {
                self.place(
                    step,
                    Place {
                        done: *done,
                        total: *total,
                    },
                    Unit::Own,
                );
            }
            Event::Log {
                step,
                level,
                message,
            } => self.log(step, *level, message),
            Event::StepFinished(step) => self.finished(step),
            Event::StepFailed { step, .. } => self.failed(step),
            Event::Warning { message } => self.warn(message),
            // A newer runtime may tell more; what is unknown is not shown.
            _ => {}
        }
    }
}

impl fmt::Debug for Reporter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reporter").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
