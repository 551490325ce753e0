//! A statement that was cut off outside a transaction: has it happened?

use migrate_source::Database;
use migrate_source::classify::probe_target;

use super::steps::StepStatement;
use crate::db_error::database_error;
use crate::dialect::probe_sql;
use crate::domain::Step;
use crate::error::{Error, ErrorCode};
use crate::session::Session;

/// What is known of a statement that was cut off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It took effect; go on after it.
    Done,
    /// It did not, or it can be repeated without harm.
    Repeat,
}

/// Looks in the catalogue, removes what a broken build left behind, and says how to go on.
///
/// # Errors
///
/// [`ErrorCode::NeedsReview`] where only a person can tell. A statement is never repeated blindly.
pub(super) async fn cut_off(
    session: &mut dyn Session,
    step: &Step,
    place: usize,
    statement: &StepStatement,
) -> Result<Verdict, Error> {
    let database = session.database();
    let probe =
        probe_target(&statement.text, database).and_then(|target| probe_sql(&target, database));
    let Some(probe) = probe else {
        return if repeatable(&statement.text) {
            Ok(Verdict::Repeat)
        } else {
            Err(review(step, place, statement))
        };
    };
    let doing = "look whether the interrupted statement took effect";
    let rows = session
        .query(&probe.sql, &probe.values)
        .await
        .map_err(|error| database_error(database, doing, error))?;
    let usable = rows.first().map(|row| row.int(0) == Some(1));
    match (usable, probe.done_when_present, probe.clean_up) {
        (Some(true), true, _) | (None, false, _) => Ok(Verdict::Done),
        (Some(false), true, Some(clean_up)) => {
            session.script(clean_up).await.map_err(|failed| {
                database_error(
                    database,
                    "remove an index whose build was cut off",
                    failed.error,
                )
            })?;
            Ok(Verdict::Repeat)
        }
        (Some(false), true, None) => Err(review(step, place, statement)),
        (None, true, _) | (Some(_), false, _) => Ok(Verdict::Repeat),
    }
}

/// Statements that can run twice with the result of once.
fn repeatable(statement: &str) -> bool {
    let words: Vec<String> = statement
        .split_whitespace()
        .take(8)
        .map(str::to_ascii_uppercase)
        .collect();
    let first = words.first().map(String::as_str).unwrap_or_default();
    let has = |pair: [&str; 2]| {
        words
            .windows(2)
            .any(|two| two[0] == pair[0] && two[1] == pair[1])
    };
    matches!(
        first,
        "VACUUM" | "ANALYZE" | "REINDEX" | "OPTIMIZE" | "CHECKPOINT" | "GRANT" | "REVOKE"
    ) || has(["OR", "REPLACE"])
        || has(["IF", "EXISTS"])
        || has(["IF", "NOT"])
}

fn review(step: &Step, place: usize, statement: &StepStatement) -> Error {
    let shown: String = statement.text.chars().take(300).collect();
    Error::new(
        ErrorCode::NeedsReview,
        format!(
            "`{}` was interrupted during statement {} ({}:{}), and the database cannot tell whether it took effect:\n    {}",
            step.id,
            place + 1,
            statement.file,
            statement.line,
            shown.replace('\n', "\n    ")
        ),
    )
    .help(format!("look at the database; if the statement took effect: `migrate resolve {} --done --why \"..\"`", step.id))
    .help(format!("if it did not: `migrate resolve {} --not-done --why \"..\"`; then run `migrate` again", step.id))
}

/// Whether a statement's own error says that nothing of it happened.
pub(super) fn failed_without_effect(statement: &str, database: Database) -> bool {
    match database {
        // A failed DDL statement of InnoDB is rolled back by the server itself.
        Database::MySql | Database::Sqlite => true,
        // A failed CREATE INDEX CONCURRENTLY leaves an invalid index.
        Database::Postgres => !statement.to_ascii_uppercase().contains("CONCURRENTLY"),
    }
}
