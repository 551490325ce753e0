//! `sql`: the statements of a step as text that a SQL client accepts.

use migrate_core::StepSql;

use super::plan::mode;
use crate::render::paint::Paint;

/// The statements, for stdout; what surrounds them stands in comments.
pub(crate) fn render_sql(paint: Paint, sql: &StepSql) -> String {
    let mut out = paint.faint(&format!("-- {} ({})", sql.step, mode(sql.mode)));
    out.push('\n');
    for statement in &sql.statements {
        let text = statement.text.trim_end();
        let end = if text.ends_with(';') { "" } else { ";" };
        out.push_str(&format!("{text}{end}\n"));
    }
    for step in &sql.runs {
        out.push_str(&paint.faint(&format!("-- runs {step}")));
        out.push('\n');
    }
    out
}
