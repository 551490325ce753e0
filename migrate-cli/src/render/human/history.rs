//! `history`: everything that was done, or tried, to a step, newest first.

use migrate_core::report::HistoryEntry;

use crate::render::paint::Paint;
use crate::render::table::{Cell, Table};
use crate::render::units;

/// The entries, for stdout: one line each, or a block of everything that is known.
pub(crate) fn render_history(
    paint: Paint,
    entries: &[HistoryEntry],
    detailed: bool,
    verbose: bool,
) -> String {
    if entries.is_empty() {
        return "(no history)\n".to_owned();
    }
    if verbose {
        let blocks: Vec<String> = entries.iter().map(|entry| block(paint, entry)).collect();
        return blocks.join("\n");
    }
    let mut table = Table::new();
    for entry in entries {
        table.row(0, row(entry));
        if let Some(reason) = &entry.reason {
            table.text(format!("    why: {}", units::plain(reason)));
        }
        for line in entry.error.iter().flat_map(|error| error.lines()) {
            table.text(format!("    {}", paint.bad(&units::plain(line))));
        }
        if let Some(checksum) = entry.checksum.as_deref().filter(|_| detailed) {
            table.text(paint.faint(&format!("    {checksum}")));
        }
    }
    table.render(paint)
}

fn color(entry: &HistoryEntry) -> fn(Paint, &str) -> String {
    match entry.outcome.as_str() {
        "failed" | "cancelled" => Paint::bad,
        "removed" | "reverted" => Paint::warn,
        _ => Paint::good,
    }
}

fn row(entry: &HistoryEntry) -> Vec<Cell> {
    let rows = entry.rows.map(|rows| units::of(rows, "row"));
    vec![
        Cell::new(format!("#{}", entry.id))
            .right()
            .with(Paint::faint),
        Cell::new(units::time(&entry.at)),
        Cell::new(entry.step.to_string()).with(Paint::strong),
        Cell::new(&entry.action),
        Cell::new(&entry.outcome).with(color(entry)),
        Cell::took(entry.duration_ms),
        Cell::new(rows.unwrap_or_default()).right(),
    ]
}

/// A heading, and below it a line for each thing that is known.
fn block(paint: Paint, entry: &HistoryEntry) -> String {
    let mut table = Table::new();
    table.text(format!(
        "{} {}  {} {}",
        paint.faint(&format!("#{}", entry.id)),
        paint.strong(&entry.step.to_string()),
        entry.action,
        color(entry)(paint, &entry.outcome)
    ));
    let mut line = |label: &str, text: Option<String>| {
        for (at, part) in text.iter().flat_map(|text| text.lines()).enumerate() {
            let label = if at == 0 { label } else { "" };
            table.row(
                4,
                vec![
                    Cell::new(label).with(Paint::faint).at_least(10),
                    Cell::new(part),
                ],
            );
        }
    };
    line("ended", Some(format!("{} UTC", units::time(&entry.at))));
    line("took", entry.duration_ms.map(units::duration));
    line("rows", entry.rows.map(units::count));
    line("why", entry.reason.clone());
    line("error", entry.error.clone());
    line("by", Some(format!("{}, pid {}", entry.host, entry.pid)));
    let version = Some(entry.app_version.clone());
    line("version", version.filter(|version| !version.is_empty()));
    // Without a label it fits into 80 columns.
    if let Some(checksum) = &entry.checksum {
        table.text(format!("    {}", paint.faint(checksum)));
    }
    table.render(paint)
}
