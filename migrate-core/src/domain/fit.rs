//! Checks of a history that depend on the database it is to run on.

use migrate_source::Database;

use super::build::invalid;
use super::history::History;
use super::step::{Body, Step};
use crate::error::{Error, ErrorCode};

/// See [`History::check_for`].
pub(super) fn check_for(history: &History, database: Database) -> Result<(), Error> {
    for step in history.iter() {
        match &step.body {
            Body::Function(function) => {
                let written_for = function.run.database();
                if written_for.is_some_and(|other| other != database) {
                    return Err(wrong_database(step, database));
                }
                let checked_on = function.verify.and_then(|verify| verify.database());
                if checked_on.is_some_and(|other| other != database) {
                    return Err(wrong_check(step, database));
                }
            }
            Body::Sql { .. } => {
                let Some(text) = step.text_for(database) else {
                    return Err(wrong_database(step, database));
                };
                let non_atomic = text
                    .runs
                    .iter()
                    .find(|id| history.get(id).is_some_and(|step| !step.atomic));
                if let (true, Some(run)) = (step.atomic, non_atomic) {
                    return Err(invalid(
                        &step.location,
                        format!("`{}` is atomic but runs `{run}`, which is not: its commits would escape", step.id),
                    )
                    .help("write `-- migrate: atomic = false` at the top of the file"));
                }
            }
        }
    }
    Ok(())
}

fn wrong_check(step: &Step, database: Database) -> Error {
    Error::new(
        ErrorCode::WrongDatabase,
        format!(
            "the `verify` function of `{}` ({}) is not written for {database}",
            step.id, step.location
        ),
    )
    .help("write it for the database of the step, or for every one: `async fn ..(cx: &mut Context<'_, migrate_core::Portable>)`")
}

fn wrong_database(step: &Step, database: Database) -> Error {
    let error = Error::new(
        ErrorCode::WrongDatabase,
        format!(
            "`{}` ({}) has nothing to run on {database}",
            step.id, step.location
        ),
    );
    match &step.body {
        Body::Sql { .. } => error.help(format!(
            "add a file for this database beside it: `{}.{database}.sql`",
            step.id.name
        )),
        Body::Function(_) => error.help(
            "write it for every database: `async fn ..(cx: &mut Context<'_, migrate_core::Portable>)`",
        ),
    }
}
