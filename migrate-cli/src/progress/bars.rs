//! The bars on a terminal: one per step that is under way, a spinner while waiting.

use std::collections::HashMap;
use std::fmt::Write;
use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressState, ProgressStyle};

use super::{Place, Unit};
use crate::render::units;

/// How often a spinner turns.
const TICK: Duration = Duration::from_millis(100);

const WAITING: &str = "{spinner:.yellow} {prefix} {msg:.dim}";
const SPINNER: &str = "{spinner:.cyan} {prefix} {elapsed:.dim}";
const COUNTED: &str = "{spinner:.cyan} {prefix} {human_pos} {msg} {rate:.dim} {elapsed:.dim}";
const BAR: &str =
    "{spinner:.cyan} {prefix} {wide_bar:.cyan/dim} {human_pos}/{human_len} {rate:.dim} {left:.dim}";
const STATEMENTS: &str =
    "{spinner:.cyan} {prefix} {wide_bar:.cyan/dim} {human_pos}/{human_len} {msg} {elapsed:.dim}";

/// Draws what is under way.
pub(super) struct Bars {
    all: MultiProgress,
    waiting: Option<ProgressBar>,
    steps: HashMap<String, ProgressBar>,
}

impl Bars {
    pub(super) fn new(all: MultiProgress) -> Self {
        Self {
            all,
            waiting: None,
            steps: HashMap::new(),
        }
    }

    pub(super) fn waiting(&mut self, holder: &str, waited_ms: u64) {
        let bar = self.waiting.get_or_insert_with(|| spinner(&self.all));
        bar.set_prefix(format!("Waiting for the lock held by {holder}"));
        bar.set_message(format!("({})", units::about(waited_ms)));
        bar.set_style(style(WAITING));
    }

    pub(super) fn stop_waiting(&mut self) {
        if let Some(bar) = self.waiting.take() {
            bar.finish_and_clear();
        }
    }

    pub(super) fn start(&mut self, name: &str, index: usize, of: usize) {
        self.stop_waiting();
        let bar = spinner(&self.all);
        bar.set_prefix(format!("[{index}/{of}] {name}"));
        self.steps.insert(name.to_owned(), bar);
    }

    pub(super) fn place(&mut self, name: &str, place: Place, unit: Unit) {
        let Some(bar) = self.steps.get(name) else {
            return;
        };
        if bar.length() != place.total || bar.message() != unit.word() {
            bar.set_message(unit.word());
            match place.total {
                Some(total) => bar.set_length(total),
                None => bar.unset_length(),
            }
            bar.set_style(style(match (place.total, unit) {
                (None, _) => COUNTED,
                (Some(_), Unit::Own) => BAR,
                (Some(_), Unit::Statements) => STATEMENTS,
            }));
        }
        bar.set_position(place.done);
    }

    pub(super) fn stop(&mut self, name: &str) {
        if let Some(bar) = self.steps.remove(name) {
            bar.finish_and_clear();
        }
    }
}

fn spinner(all: &MultiProgress) -> ProgressBar {
    let bar = all.add(ProgressBar::new_spinner());
    bar.set_style(style(SPINNER));
    bar.enable_steady_tick(TICK);
    bar
}

fn style(template: &str) -> ProgressStyle {
    // The templates are constants, tested below; a wrong one would only look plain.
    ProgressStyle::with_template(template)
        .unwrap_or_else(|_| ProgressStyle::default_spinner())
        .with_key("rate", |state: &ProgressState, out: &mut dyn Write| {
            // A rate is a guess; its fraction means nothing.
            let rate = state.per_sec() as u64;
            if rate > 0 {
                let _ = write!(out, "{}/s", units::count(rate));
            }
        })
        .with_key("left", |state: &ProgressState, out: &mut dyn Write| {
            let left = u64::try_from(state.eta().as_millis()).unwrap_or(u64::MAX);
            if left >= 1_000 {
                let _ = write!(out, "{} left", units::about(left));
            }
        })
        .progress_chars("━╸─")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_template_is_valid() {
        for template in [WAITING, SPINNER, COUNTED, BAR, STATEMENTS] {
            assert!(ProgressStyle::with_template(template).is_ok(), "{template}");
        }
    }
}
