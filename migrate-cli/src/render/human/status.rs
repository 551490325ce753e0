//! `status`: every step by app, with a mark, when, how long, and what is odd about it.

use migrate_core::report::{State, Status, StatusEntry, StepKind};

use crate::render::paint::Paint;
use crate::render::table::{Cell, Table};
use crate::render::units;

/// The steps by app, for stdout.
pub(crate) fn render_status(paint: Paint, status: &Status) -> String {
    if status.steps.is_empty() {
        return "(no migrations)\n".to_owned();
    }
    let mut table = Table::new();
    let mut app = None;
    for entry in &status.steps {
        if app != Some(&entry.step.app) {
            if app.is_some() {
                table.text("");
            }
            table.text(paint.strong(&entry.step.app));
            app = Some(&entry.step.app);
        }
        table.row(1, row(entry, entry.step.name.clone()));
    }
    table.render(paint)
}

/// The steps in order of execution, for stdout; with what each comes after, if wanted.
pub(crate) fn render_order(paint: Paint, status: &Status, with_parents: bool) -> String {
    if status.steps.is_empty() {
        return "(no migrations)\n".to_owned();
    }
    let mut entries: Vec<&StatusEntry> = status.steps.iter().collect();
    // What only the database knows has no place in the order, and comes last.
    entries.sort_by_key(|entry| entry.order.unwrap_or(usize::MAX));
    let mut table = Table::new();
    for entry in entries {
        table.row(0, row(entry, entry.step.to_string()));
        if with_parents && !entry.after.is_empty() {
            let parents: Vec<String> = entry.after.iter().map(ToString::to_string).collect();
            table.text(paint.faint(&format!("    after {}", parents.join(", "))));
        }
    }
    table.render(paint)
}

fn row(entry: &StatusEntry, name: String) -> Vec<Cell> {
    let when = match (&entry.applied_at, entry.state) {
        (Some(at), _) => Cell::new(units::time(at)),
        (None, state) => Cell::new(word(state)).with(color(entry)),
    };

    vec![
        Cell::new(mark(entry)).with(color(entry)).close(),
        Cell::new(name),
        when,
        Cell::took(entry.duration_ms.filter(|_| !entry.faked)).with(Paint::faint),
        remarks(entry),
    ]
}

fn mark(entry: &StatusEntry) -> &'static str {
    match entry.state {
        State::Applied => "[X]",
        State::Missing if is_deleted_function(entry) => "[X]",
        State::Pending => "[ ]",
        State::Unrecorded => "[-]",
        State::Manual => "[m]",
        State::Running => "[>]",
        State::Interrupted => "[~]",
        State::HalfReverted => "[<]",
        State::OtherApp => "[o]",
        _ => "[!]",
    }
}

pub(crate) fn word(state: State) -> &'static str {
    match state {
        State::Applied => "applied",
        State::Pending => "pending",
        State::Manual => "manual",
        State::Running => "running",
        State::Interrupted => "interrupted",
        State::HalfReverted => "half undone",
        State::Unrecorded => "unrecorded",
        State::Edited => "edited",
        State::Missing => "missing",
        State::OtherApp => "of other apps",
        State::Failed => "failed",
        _ => "unknown",
    }
}

fn color(entry: &StatusEntry) -> fn(Paint, &str) -> String {
    if is_deleted_function(entry) {
        Paint::faint
    } else {
        color_of(entry.state)
    }
}

pub(super) fn color_of(state: State) -> fn(Paint, &str) -> String {
    match state {
        State::Applied | State::Unrecorded => Paint::good,
        State::Pending => Paint::warn,
        State::Manual | State::OtherApp => Paint::faint,
        State::Running => Paint::lead,
        _ => Paint::bad,
    }
}

/// The code of a data migration may go once it is applied everywhere; a SQL file may not.
fn is_deleted_function(entry: &StatusEntry) -> bool {
    entry.state == State::Missing && entry.kind == Some(StepKind::Data)
}

/// What is odd comes first and in colour; else the description, faint.
fn remarks(entry: &StatusEntry) -> Cell {
    let odd = match (entry.state, entry.statements) {
        (State::Edited, _) => Some("edited since it was applied".to_owned()),
        (State::Missing, _) => Some("not in this binary".to_owned()),
        (State::OtherApp, _) => Some("of an app that this binary does not have".to_owned()),
        (State::Interrupted | State::Running, Some((done, of))) => {
            Some(format!("{done} of {of} statements done"))
        }
        (State::HalfReverted, Some((done, of))) => {
            Some(format!("{done} of {of} statements of its way back done"))
        }
        _ => None,
    };
    let mut parts: Vec<String> = odd.into_iter().collect();
    if let Some(error) = &entry.error {
        parts.push(first_line(error).to_owned());
    }
    let odd = !parts.is_empty();
    if !entry.replaces.is_empty() {
        let squashed = units::len(entry.replaces.len(), "squashed migration");
        let end = if entry.split {
            ", which run instead"
        } else {
            ""
        };
        parts.push(format!("({squashed}{end})"));
    }
    if entry.faked {
        parts.push("faked".to_owned());
    }
    if let Some(rows) = entry.rows {
        parts.push(units::of(rows, "row"));
    }
    if let Some(description) = &entry.description {
        parts.push(first_line(description).to_owned());
    }
    Cell::new(parts.join("; ")).with(if odd { color(entry) } else { Paint::faint })
}

fn first_line(text: &str) -> &str {
    text.lines().next().unwrap_or_default()
}

/// What it comes to and what to do next, for stderr.
pub(crate) fn render_status_summary(paint: Paint, status: &Status) -> String {
    let count = |state| {
        status
            .steps
            .iter()
            .filter(|entry| entry.state == state)
            .count()
    };
    let mut parts = vec![format!("{} applied", count(State::Applied))];
    let others = [
        State::Pending,
        State::Manual,
        State::Running,
        State::Interrupted,
        State::HalfReverted,
        State::Failed,
        State::Unrecorded,
        State::Edited,
        State::Missing,
        State::OtherApp,
    ];
    for state in others {
        match count(state) {
            0 => {}
            n => parts.push((color_of(state))(paint, &format!("{n} {}", word(state)))),
        }
    }
    let mut out = format!("{} ({})\n", parts.join(", "), status.database);
    if let Some(lock) = status.lock.as_ref().filter(|lock| lock.held) {
        out.push_str(&format!("{}\n", super::lock::sentence(lock)));
    }
    if !status.ledger {
        out.push_str("This database has no ledger yet; the first run makes one.\n");
    }
    out.push_str(&next(paint, status));
    out
}

fn next(paint: Paint, status: &Status) -> String {
    let has = |state| status.steps.iter().any(|entry| entry.state == state);
    let is_lost =
        |entry: &StatusEntry| entry.state == State::Missing && !is_deleted_function(entry);
    let advice = if has(State::Edited) || status.steps.iter().any(is_lost) {
        "`migrate verify` shows what differs and what to do".to_owned()
    } else if has(State::Running) {
        return String::new();
    } else if has(State::HalfReverted) {
        "`migrate undo` goes on with the way back where it stopped".to_owned()
    } else if !status.problems.is_empty() {
        "`migrate plan` shows what a run would refuse and what to do".to_owned()
    } else if has(State::Interrupted) {
        "`migrate` resumes where it stopped".to_owned()
    } else if has(State::Failed) {
        "correct what failed, then `migrate`; `migrate history` has every attempt".to_owned()
    } else if status.pending > 0 {
        format!("`migrate` applies {}", units::len(status.pending, "step"))
    } else if has(State::Unrecorded) {
        "`migrate` records the squash; nothing is executed".to_owned()
    } else {
        return "Nothing is pending.\n".to_owned();
    };
    format!("{}: {advice}\n", paint.lead("next"))
}
