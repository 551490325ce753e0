//! Steps whose tables a database has already, from before it had a ledger: recorded, not executed.

use std::fmt::Write as _;

use migrate_source::classify::{Created, created};

use super::task::{Task, Work};
use crate::db_error::database_error;
use crate::dialect::exists_sql;
use crate::domain::{LedgerRow, LedgerRows};
use crate::error::{Error, ErrorCode};
use crate::report::Problem;
use crate::session::Session;

/// Turns the first steps of each app into fakes where all that they create exists; gives those of
/// which a part exists, which a run refuses. Names are compared, not shapes. What an earlier
/// attempt of this binary began is finished, for the tables that are there are its own.
///
/// # Errors
///
/// That the catalogue cannot be read.
pub(crate) async fn fake_initial(
    session: &mut dyn Session,
    tasks: &mut [Task<'_>],
    rows: &LedgerRows,
) -> Result<Vec<Problem>, Error> {
    let database = session.database();
    let mut problems = Vec::new();
    for task in tasks {
        let first = task.step.after.iter().all(|id| id.app != task.step.id.app);
        let begun = rows.find(&task.step.id).is_some_and(LedgerRow::has_begun);
        if task.work != Work::Run || !first || begun {
            continue;
        }
        let made = created(task.sql(database), database);
        let (mut there, mut missing) = (Vec::new(), Vec::new());
        for made in made {
            if exists(session, &made).await? {
                there.push(made);
            } else {
                missing.push(made);
            }
        }
        match (there.is_empty(), missing.is_empty()) {
            (true, _) => {}
            (false, true) => task.work = Work::Fake,
            (false, false) => problems.push(partly(*task, &there, &missing)),
        }
    }
    Ok(problems)
}

async fn exists(session: &mut dyn Session, created: &Created) -> Result<bool, Error> {
    let database = session.database();
    let (sql, values) = exists_sql(created, database);
    let rows = session.query(&sql, &values).await;
    rows.map(|rows| !rows.is_empty())
        .map_err(|error| database_error(database, "look whether a table exists", error))
}

fn partly(task: Task<'_>, there: &[Created], missing: &[Created]) -> Problem {
    let id = &task.step.id;
    Problem {
        code: ErrorCode::NotPossible,
        step: Some(id.clone()),
        message: format!(
            "`{id}` cannot be taken for done: the database has {}, but not {}",
            listed(there),
            listed(missing)
        ),
        help: vec![
            "create what is missing by hand, then run the command again".to_owned(),
            format!("or, if it is right as it is, record the step: `migrate mark {id}`"),
        ],
    }
}

fn listed(all: &[Created]) -> String {
    let mut text = String::new();
    for created in all {
        if !text.is_empty() {
            text.push_str(", ");
        }
        let _ = match created {
            Created::Table { schema, name } => {
                write!(text, "table `{}`", qualified(schema.as_deref(), name))
            }
            Created::Column {
                schema,
                table,
                column,
            } => write!(
                text,
                "column `{}.{column}`",
                qualified(schema.as_deref(), table)
            ),
        };
    }
    text
}

fn qualified(schema: Option<&str>, name: &str) -> String {
    match schema {
        Some(schema) => format!("{schema}.{name}"),
        None => name.to_owned(),
    }
}
