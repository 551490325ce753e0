//! `sql`: what a step would execute, without a database.

use migrate_source::Database;
use serde::Serialize;

use crate::domain::Step;
use crate::error::{Error, ErrorCode};
use crate::exec::{StepStatement, split, statement_texts};
use crate::migrator::Migrator;
use crate::report::{Mode, StepId, StepKind};

/// What a SQL step executes.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct StepSql {
    /// The step.
    pub step: StepId,
    /// How it is executed on this database.
    pub mode: Mode,
    /// The file.
    pub location: String,
    /// Its statements, in order.
    pub statements: Vec<SqlStatement>,
    /// The data migrations that it runs after them.
    pub runs: Vec<StepId>,
}

/// One statement of a SQL step.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct SqlStatement {
    /// The line of the file at which it begins.
    pub line: u32,
    /// Its text, without the terminator.
    pub text: String,
}

impl Migrator<'_> {
    /// The statements of a SQL step for this database. Opens nothing.
    ///
    /// # Errors
    ///
    /// An unknown name; [`ErrorCode::NotPossible`] for a function, whose statements only its
    /// execution shows, and `backwards` for a step without a way back in its file.
    pub fn sql(&self, name: &str, backwards: bool) -> Result<StepSql, Error> {
        let history = self.checked_history()?;
        let step = history.find(name)?;
        if step.kind() == StepKind::Data {
            let error = Error::new(
                ErrorCode::NotPossible,
                format!(
                    "`{}` is a function ({}); it has no SQL to show",
                    step.id, step.location
                ),
            );
            return Err(match step.atomic {
                true => error.help(format!(
                    "`migrate run {} --dry-run` executes it and rolls back; with `--force` where it is applied",
                    step.id
                )),
                false => error.help("read it there: it is not atomic, so a dry run cannot try it"),
            });
        }
        let database = self.target.database();
        let texts = if backwards {
            way_back(step, database)?
        } else {
            statement_texts(step, database)?
        };
        let statements = texts
            .into_iter()
            .map(|statement| SqlStatement {
                line: statement.line,
                text: statement.text,
            })
            .collect();
        Ok(StepSql {
            step: step.id.clone(),
            mode: step.mode(database),
            location: step.location_on(database).to_owned(),
            statements,
            runs: step.runs(database).to_vec(),
        })
    }
}

/// The statements of the way back.
fn way_back(step: &Step, database: Database) -> Result<Vec<StepStatement>, Error> {
    let down = step.text_for(database).and_then(|text| text.down.as_ref());
    match down {
        Some(down) => split(&down.location, &down.sql, database),
        None => Err(Error::new(
            ErrorCode::NotPossible,
            format!("`{}` ({}) has no way back", step.id, step.location),
        )
        .help("write one below `-- migrate: down`, or in a `.down.sql` file beside it")),
    }
}
