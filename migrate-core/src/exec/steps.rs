//! What the ways of execution share about a step: its statements and what identifies them.

use migrate_source::Database;
use migrate_source::checksum::of_sql;
use migrate_source::statements::statements;

use crate::domain::Step;
use crate::error::{Error, ErrorCode};

/// One statement of a step, owned, with the file and line at which it begins.
#[derive(Clone, Debug)]
pub(crate) struct StepStatement {
    pub(crate) text: String,
    pub(crate) file: String,
    pub(crate) line: u32,
}

/// The statements of a SQL step on a database; none for a function.
pub(crate) fn statement_texts(
    step: &Step,
    database: Database,
) -> Result<Vec<StepStatement>, Error> {
    let Some(text) = step.text_for(database) else {
        return Ok(Vec::new());
    };
    split(&text.location, &text.parsed.up, database)
}

/// The statements of one part of a file.
pub(crate) fn split(
    file: &str,
    sql: &str,
    database: Database,
) -> Result<Vec<StepStatement>, Error> {
    let parsed = statements(sql, database)
        .map_err(|error| Error::new(ErrorCode::InvalidStep, format!("{file}: {error}")))?;
    Ok(parsed
        .iter()
        .map(|statement| StepStatement {
            text: statement.text.to_owned(),
            file: file.to_owned(),
            line: statement.line,
        })
        .collect())
}

/// What identifies the first statements of a step: on resuming they must be the same, while the
/// ones that follow may have been corrected.
pub(crate) fn hash_of(done: &[StepStatement]) -> String {
    done.iter()
        .fold(String::new(), |hash, statement| hash_with(&hash, statement))
}

/// The hash of some statements and one more. A chain, so that a step of many statements does not
/// hash all of them for each.
pub(crate) fn hash_with(before: &str, statement: &StepStatement) -> String {
    hash_with_text(before, &statement.text)
}

/// As [`hash_with`], of a statement that is known by its text only.
pub(crate) fn hash_with_text(before: &str, statement: &str) -> String {
    of_sql(&format!("{before}\n;\n{statement}")).to_string()
}
