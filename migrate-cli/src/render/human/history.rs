//! `history`: everything that was done, or tried, to a step, newest first.

use migrate_core::report::HistoryEntry;

use crate::render::paint::Paint;
use crate::render::table::{Cell, Table};
use crate::render::units;

/// The table, for stdout.
pub(crate) fn render_history(paint: Paint, entries: &[HistoryEntry], detailed: bool) -> String {
    if entries.is_empty() {
        return "(no history)\n".to_owned();
    }
    let mut table = Table::new();
    for entry in entries {
        table.row(0, row(entry));
        if let Some(reason) = &entry.reason {
            table.text(format!("    why: {reason}"));
        }
        for line in entry.error.iter().flat_map(|error| error.lines()) {
            table.text(format!("    {}", paint.bad(line)));
        }
        if let Some(checksum) = entry.checksum.as_deref().filter(|_| detailed) {
            table.text(paint.faint(&format!("    {checksum}")));
        }
    }
    table.render(paint)
}

fn row(entry: &HistoryEntry) -> Vec<Cell> {
    let color = match entry.outcome.as_str() {
        "failed" => Paint::bad,
        "removed" => Paint::warn,
        _ => Paint::good,
    };
    let version = match entry.app_version.as_str() {
        "" => String::new(),
        version => format!(", {version}"),
    };
    vec![
        Cell::new(format!("#{}", entry.id))
            .right()
            .with(Paint::faint),
        Cell::new(units::time(&entry.at)),
        Cell::new(entry.step.to_string()).with(Paint::strong),
        Cell::new(&entry.action),
        Cell::new(&entry.outcome).with(color),
        Cell::took(entry.duration_ms),
        Cell::new(
            entry
                .rows
                .map(|rows| units::of(rows, "row"))
                .unwrap_or_default(),
        )
        .right(),
        Cell::new(format!("{}, pid {}{version}", entry.host, entry.pid)).with(Paint::faint),
    ]
}
