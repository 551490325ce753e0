//! `list`: the data migrations with when each was applied, newest first.
//!
//! The form is the one that operators of Django's `custom_migrations list` know: a name
//! column of 50, a time column of 25. What it could not show stands in the same columns:
//! `pending` in place of the time, on top, since a migration that has not run is newer than
//! any that has.

use migrate_core::report::State;

use super::status::{color_of, word};
use crate::commands::list::Listed;
use crate::render::paint::Paint;
use crate::render::units;
use crate::secret::mask;

const NAME: usize = 50;
const APPLIED_AT: usize = 25;

/// How the list was asked for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Asked<'a> {
    pub(crate) name: Option<&'a str>,
    pub(crate) all: bool,
    pub(crate) detailed: bool,
}

/// The table, for stdout; the sentence that there is nothing to show, else.
pub(crate) fn render_list(paint: Paint, entries: &[Listed], asked: Asked<'_>) -> String {
    if entries.is_empty() {
        return match asked.name {
            Some(name) => format!("No migrations found matching '{}'\n", mask(name)),
            None => "No custom migrations have been applied\n".to_owned(),
        };
    }
    let names: Vec<String> = entries
        .iter()
        .map(|listed| listed.entry.step.to_string())
        .collect();
    let longest = names
        .iter()
        .map(|name| name.chars().count())
        .max()
        .unwrap_or_default();
    let narrow = paint.width().filter(|whole| *whole < NAME + APPLIED_AT);
    let width = match narrow {
        Some(_) => longest + 2,
        None => NAME.max(longest + 2),
    };
    let rule = narrow.unwrap_or(width + APPLIED_AT).min(width + APPLIED_AT);
    let what = if asked.all {
        "migration(s)"
    } else {
        "custom migration(s)"
    };
    let mut out = format!("Found {} {what}:\n", entries.len());
    out.push_str(&paint.strong(&format!("{:<width$}{}", "Name", "Applied At")));
    out.push_str(&format!("\n{}\n", "-".repeat(rule)));
    for (listed, name) in entries.iter().zip(&names) {
        let when = match &listed.entry.applied_at {
            Some(at) => units::time(at),
            None => waiting(paint, listed),
        };
        out.push_str(&format!("{name:<width$}{when}\n"));
        let description = listed
            .entry
            .description
            .as_deref()
            .filter(|_| asked.detailed);
        for line in description.into_iter().flat_map(str::lines) {
            out.push_str(&format!("    {}\n", paint.faint(line)));
        }
    }
    out
}

/// What stands in place of the time.
fn waiting(paint: Paint, listed: &Listed) -> String {
    match listed.entry.state {
        State::Pending | State::Manual if listed.manual => paint.faint("manual"),
        State::Pending | State::Manual => paint.warn("pending"),
        state => color_of(state)(paint, word(state)),
    }
}

/// How many are pending, and what the table leaves out, for stderr.
pub(crate) fn render_list_summary(paint: Paint, entries: &[Listed], hidden: usize) -> String {
    let mut out = String::new();
    let next = paint.lead("next");
    let waiting: Vec<&Listed> = entries
        .iter()
        .filter(|listed| listed.is_pending())
        .collect();
    let pending = waiting.iter().filter(|listed| !listed.manual).count();
    if pending > 0 {
        out.push_str(&format!(
            "{pending} pending.\n{next}: `migrate` applies what is pending\n"
        ));
    } else if let Some(listed) = waiting.last() {
        let step = &listed.entry.step;
        out.push_str(&format!(
            "{next}: `migrate run {step}` runs one that is manual\n"
        ));
    }
    if hidden > 0 {
        let verb = if hidden == 1 { "is" } else { "are" };
        out.push_str(&format!(
            "{} {verb} not shown; `migrate list --all` shows them\n",
            units::len(hidden, "SQL step")
        ));
    }
    out
}
