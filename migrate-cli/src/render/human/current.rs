//! `current`: one line per app.

use migrate_core::report::{Current, CurrentApp, StepId};

use crate::render::paint::Paint;
use crate::render::table::{Cell, Table};
use crate::render::units;

/// The table, for stdout.
pub(crate) fn render_current(paint: Paint, current: &Current) -> String {
    let mut table = Table::new();
    for app in &current.apps {
        table.row(0, row(app));
        if !app.pending_data.is_empty() {
            let names: Vec<&str> = app.pending_data.iter().map(name).collect();
            let what = units::len(names.len(), "data migration");
            table.text(paint.warn(&format!("    {what} pending: {}", names.join(", "))));
        }
    }
    table.render(paint)
}

fn row(app: &CurrentApp) -> Vec<Cell> {
    let step = match &app.step {
        Some(step) => Cell::new(name(step)),
        None => Cell::new("(nothing applied)").with(Paint::faint),
    };
    let when = app.applied_at.as_deref().map(units::time);
    let left = match app.pending_sql.len() {
        0 => Cell::new("latest").with(Paint::good),
        n => Cell::new(format!("{} behind", units::len(n, "step"))).with(Paint::warn),
    };
    vec![
        Cell::new(&app.app).with(Paint::strong),
        step,
        Cell::new(when.unwrap_or_default()).with(Paint::faint),
        left,
    ]
}

fn name(step: &StepId) -> &str {
    &step.name
}
