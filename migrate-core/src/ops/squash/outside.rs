//! Whatever names another database reaches the real one also from a database made for a trial.

use migrate_source::Database;
use migrate_source::classify::outside;

use super::{Side, SquashCheck};
use crate::db_error::database_error;
use crate::error::{Error, ErrorCode};
use crate::exec::{split, statement_texts};
use crate::target::Options;

/// Refuses, before anything is made, a trial that would not stay in its databases.
pub(super) async fn refuse_outside(
    beside: Option<&Options>,
    database: Database,
    sides: [&Side; 2],
    check: &SquashCheck,
) -> Result<(), Error> {
    let others = others(beside, database).await?;
    let mut statements = match &check.seed {
        Some(seed) => split(&seed.name, &seed.sql, database)?,
        None => Vec::new(),
    };
    for step in sides.iter().flat_map(|side| side.history.iter()) {
        statements.extend(statement_texts(step, database)?);
    }
    for statement in &statements {
        if let Some(what) = outside(&statement.text, database, &others) {
            return Err(Error::new(
                ErrorCode::NotPossible,
                format!(
                    "a statement reaches {what}, so trying it would not leave that alone ({}:{})",
                    statement.file, statement.line
                ),
            )
            .help("compare on a server of its own, without anything to lose: `migrate squash --verify --database-url URL`")
            .help("or take the name of the database out of the statement"));
        }
    }
    Ok(())
}

/// The databases of a MySQL server that have anything to lose.
async fn others(beside: Option<&Options>, database: Database) -> Result<Vec<String>, Error> {
    let Some(beside) = beside.filter(|_| database == Database::MySql) else {
        return Ok(Vec::new());
    };
    let mut session = beside.open().await?;
    let query = "SELECT schema_name FROM information_schema.schemata \
                 WHERE schema_name NOT IN ('information_schema', 'performance_schema')";
    let rows = session.query(query, &[]).await;
    session.close().await;
    let rows = rows.map_err(|error| database_error(database, "list the databases", error))?;
    let names = rows.iter().filter_map(|row| row.text(0));
    Ok(names.map(str::to_owned).collect())
}
