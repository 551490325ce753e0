//! Turning what stands in the way into an error, with the difference of an edited step.

use similar::TextDiff;

use super::session::Opened;
use crate::domain::{History, LedgerRow, RowState};
use crate::error::{Error, ErrorCode};
use crate::ledger::Tables;
use crate::report::{Problem, StepId};
use crate::session::Session;

/// The error for what stands in the way of a run: the first problem, and the number of others.
pub(super) async fn refuse(
    session: &mut dyn Session,
    tables: &Tables,
    history: &History,
    problems: &[Problem],
) -> Result<(), Error> {
    let Some(first) = problems.first() else {
        return Ok(());
    };
    let mut message = first.message.clone();
    if let (ErrorCode::StepEdited, Some(id)) = (first.code, &first.step)
        && let Some(difference) = difference(session, tables, history, id).await
    {
        message.push_str(&difference);
    }
    let others: Vec<&str> = problems[1..]
        .iter()
        .map(|problem| problem.message.as_str())
        .collect();
    if !others.is_empty() {
        message.push_str("\nand also: ");
        message.push_str(&others.join("\nand also: "));
    }
    let error = Error::new(first.code, message);
    Err(first
        .help
        .iter()
        .fold(error, |error, help| error.help(help.clone())))
}

/// The error for what cannot be done to a step whose way back has begun.
pub(super) fn refuse_half_reverted(row: Option<&LedgerRow>) -> Result<(), Error> {
    let Some(row) = row.filter(|row| row.state == RowState::Reverting) else {
        return Ok(());
    };
    let id = StepId::new(&row.app, &row.name);
    let far = match row.total {
        0 => String::new(),
        total => format!(", after {} of {total} statements of its way back", row.done),
    };
    Err(Error::new(
        ErrorCode::HalfReverted,
        format!("`{id}` is half undone{far}: it is neither applied nor undone"),
    )
    .help("finish its way back: `migrate undo`")
    .help(format!(
        "or put back by hand what was undone, then record it: `migrate mark {id} --why \"..\"`"
    ))
    .help(format!(
        "or undo the rest by hand, then forget it: `migrate unmark {id} --why \"..\"`"
    )))
}

/// Adds the difference to the message of each edited step.
pub(super) async fn explain(
    opened: &mut Opened<'_, '_>,
    history: &History,
    problems: &mut [Problem],
) {
    for problem in problems {
        if let (ErrorCode::StepEdited, Some(id)) = (problem.code, &problem.step) {
            let session = opened.connection.session();
            if let Some(text) = difference(session, &opened.tables, history, id).await {
                problem.message.push_str(&text);
            }
        }
    }
}

/// What changed between the text that was applied and the one in this binary.
async fn difference(
    session: &mut dyn Session,
    tables: &Tables,
    history: &History,
    id: &StepId,
) -> Option<String> {
    const CONTEXT: usize = 2;
    const LINES: usize = 60;
    let sql = format!(
        "SELECT source FROM {} WHERE app = ? AND name = ?",
        tables.steps()
    );
    let sql = crate::session::placeholders(&sql, tables.database());
    let values = [id.app.as_str().into(), id.name.as_str().into()];
    let rows = session.query(&sql, &values).await.ok()?;
    let applied = rows.first()?.text(0)?.to_owned();
    let now = history.get(id)?.source(tables.database());
    let difference = TextDiff::from_lines(applied.as_str(), now)
        .unified_diff()
        .context_radius(CONTEXT)
        .missing_newline_hint(false)
        .header("as applied", "in this binary")
        .to_string();
    if difference.is_empty() {
        return Some(
            "\n  (the texts are equal; only the header or the part for the way back differs)"
                .to_owned(),
        );
    }
    let mut shown: String = difference
        .lines()
        .take(LINES)
        .map(|line| format!("\n  {line}"))
        .collect();
    if difference.lines().count() > LINES {
        shown.push_str("\n  ..");
    }
    Some(shown)
}
