//! Turning what stands in the way into an error, with the difference of an edited step.

use std::borrow::Cow;

use migrate_source::Database;
use migrate_source::checksum::without_order;
use similar::TextDiff;

use super::session::Opened;
use crate::domain::{History, LedgerRow, LedgerRows, Route, RowState, route};
use crate::error::{Error, ErrorCode};
use crate::exec::{Task, interrupted_problems};
use crate::goal::Request;
use crate::holder::Holder;
use crate::lease;
use crate::ledger::{Need, Tables, ledger_error};
use crate::policy::Policies;
use crate::report::{Problem, StepId};
use crate::session::Session;

/// How many problems are shown with their difference: it takes a statement and a screen each.
const SHOWN_IN_FULL: usize = 10;

/// The way to a goal and what stands in it, with the steps on it that were interrupted and changed
/// since. `held`: somebody who is alive holds the lock, so that what is under way is theirs.
pub(super) fn whole_route<'h>(
    history: &'h History,
    rows: &LedgerRows,
    request: &Request,
    policies: Policies,
    database: Database,
    held: bool,
) -> Result<Route<'h>, Error> {
    let mut route = route(history, rows, request, policies, database)?;
    if !held {
        let moves = route.moves.iter();
        let tasks = moves.map(|planned| Task::of(planned, request.fake));
        let interrupted = interrupted_problems(tasks, rows, database);
        route.problems.extend(interrupted);
    }
    Ok(route)
}

/// Whether a process that is not known to be dead holds the lock. Asked only where the ledger has
/// a step that is under way.
pub(super) async fn is_held(opened: &mut Opened<'_, '_>) -> Result<bool, Error> {
    let under_way = |row: &LedgerRow| matches!(row.state, RowState::Running | RowState::Reverting);
    if !opened.ledger.rows().iter().any(under_way) {
        return Ok(false);
    }
    let seen = lease::look(opened.connection.session(), &opened.tables)
        .await
        .map_err(|e| ledger_error(&opened.tables, Need::Look, "look at the lock", e))?;
    Ok(seen
        .map(|seen| seen.status(&Holder::this("")))
        .is_some_and(|lock| lock.held && !lock.dead))
}

/// The error for what stands in the way of a run: every problem, with the helps of the first.
pub(super) async fn refuse(
    session: &mut dyn Session,
    tables: &Tables,
    history: &History,
    problems: &[Problem],
) -> Result<(), Error> {
    let Some(first) = problems.first() else {
        return Ok(());
    };
    let mut message = String::new();
    for (place, problem) in problems.iter().enumerate() {
        if place > 0 {
            message.push_str("\nand also: ");
        }
        message.push_str(&problem.message);
        if let (ErrorCode::StepEdited, Some(id), true) =
            (problem.code, &problem.step, place < SHOWN_IN_FULL)
            && let Some(difference) = difference(session, tables, history, id).await
        {
            message.push_str(&difference);
        }
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
    let id = row.id();
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

/// Adds the difference to the message of each edited step, up to a bound.
pub(super) async fn explain(
    opened: &mut Opened<'_, '_>,
    history: &History,
    problems: &mut [Problem],
) {
    for problem in problems.iter_mut().take(SHOWN_IN_FULL) {
        if let (ErrorCode::StepEdited, Some(id)) = (problem.code, &problem.step) {
            let session = opened.connection.session();
            if let Some(text) = difference(session, &opened.tables, history, id).await {
                problem.message.push_str(&text);
            }
        }
    }
}

/// Two texts of a SQL step without what does not count: the lines that say nothing but the order, and the
/// empty lines that stand for a header above `-- migrate: up`.
fn what_counts<'t>(applied: &'t str, now: &'t str) -> [Cow<'t, str>; 2] {
    let [applied, now] = [applied, now].map(without_order);
    let rest = |text: &str| text.trim_start_matches('\n').len();
    if applied.len() - rest(&applied) == now.len() - rest(&now) {
        return [applied, now];
    }
    [applied, now].map(|text| text.trim_start_matches('\n').to_owned().into())
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
    let step = history.get(id)?;
    let now = step.source(tables.database());
    let [applied, now] = match step.text_for(tables.database()) {
        Some(_) => what_counts(&applied, now),
        None => [applied.as_str().into(), now.into()],
    };
    let difference = TextDiff::from_lines(applied.as_ref(), now.as_ref())
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
