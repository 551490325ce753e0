//! A dry run: what each step would have changed, table by table.

use migrate_core::report::{Action, DryRunReport, DryRunStep, TableChange};

use crate::render::paint::Paint;
use crate::render::table::{Cell, Table};
use crate::render::units;

/// The report, for stdout.
pub(crate) fn render_dry_run(paint: Paint, report: &DryRunReport) -> String {
    let mut table = Table::new();
    for step in &report.steps {
        let name = paint.strong(&step.run.step.to_string());
        let took = units::duration(step.run.duration_ms);
        match step.action {
            Action::Record => {
                let recorded = paint.faint("would only be recorded");
                table.text(format!("{name} {recorded}"));
                continue;
            }
            Action::Revert => {
                let took = paint.faint(&format!("({took})"));
                table.text(format!("Undoing {name} {took}"));
            }
            _ => table.text(format!("{name} {}", paint.faint(&format!("({took})")))),
        }
        push_changes(&mut table, step);
        push_along(&mut table, paint, step);
    }
    for not_tried in &report.not_tried {
        table.text(format!(
            "{} {}",
            paint.strong(&not_tried.step.to_string()),
            paint.warn(&format!("not tried: {}", units::plain(&not_tried.reason)))
        ));
    }
    table.render(paint)
}

fn push_changes(table: &mut Table, step: &DryRunStep) {
    for change in &step.tables {
        table.row(4, row(change));
    }
    match step.rows_total {
        // Whole tables may be emptied without a word of which.
        Some(rows) if !step.tables.is_empty() => {
            table.text(format!("    {} changed in all", units::of(rows, "row")));
        }
        _ if !step.tables.is_empty() => {}
        None | Some(0) => table.text("    no rows changed"),
        Some(rows) => table.text(format!("    {} changed", units::of(rows, "row"))),
    }
    if let Some(result) = &step.run.result {
        table.text(format!("    Result: {}", units::plain(result)));
    }
}

/// The data migrations that went along, with what they returned.
fn push_along(table: &mut Table, paint: Paint, step: &DryRunStep) {
    let did = match step.action {
        Action::Revert => "undid",
        _ => "ran",
    };
    for run in &step.runs {
        let result = match &run.result {
            Some(result) => format!(": {}", units::plain(result)),
            None => String::new(),
        };
        let name = paint.strong(&run.step.to_string());
        table.text(format!("    {did} {name}{result}"));
    }
}

/// The table, then what happened to it; what did not happen leaves no gap.
fn row(change: &TableChange) -> Vec<Cell> {
    let happened = [
        (
            change.inserted,
            "inserted",
            Paint::good as fn(Paint, &str) -> String,
        ),
        (change.updated, "updated", Paint::warn),
        (change.deleted, "deleted", Paint::bad),
    ];
    let cells = happened
        .into_iter()
        .filter(|(rows, ..)| *rows > 0)
        .map(|(rows, word, color)| {
            Cell::new(format!("{} {word}", units::count(rows)))
                .right()
                .with(color)
        });
    std::iter::once(Cell::new(&change.table))
        .chain(cells)
        .collect()
}
