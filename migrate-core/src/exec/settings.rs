//! The settings that a step finds and must leave as they were, where no statement resets them all
//! (for that see [`super::reset`]). Asked for only around steps that may change one.

use migrate_source::Database;
use migrate_source::classify::{Class, SessionEffect, classify, session_effect};

use super::run::Runner;
use super::task::Task;
use crate::db_error::database_error;
use crate::dialect::{Setting, parse_settings, read_settings, restore_settings};
use crate::error::Error;
use crate::session::Session;

/// The settings before a step; none where it cannot change any.
#[derive(Debug)]
pub(super) struct Kept(Option<Vec<Setting>>);

impl Runner<'_> {
    /// Remembers the session's settings before a step that may change them.
    pub(super) async fn keep_settings(
        &self,
        session: &mut dyn Session,
        task: Task<'_>,
    ) -> Result<Kept, Error> {
        if !may_change_settings(task, self.database())? {
            return Ok(Kept(None));
        }
        settings(session).await.map(Kept)
    }

    /// Sets back what the step changed, so that neither our rows about it nor later steps are
    /// written under its settings.
    pub(super) async fn give_back(
        &self,
        session: &mut dyn Session,
        kept: &Kept,
    ) -> Result<(), Error> {
        let Kept(Some(before)) = kept else {
            return Ok(());
        };
        let database = session.database();
        let now = settings(session).await?.unwrap_or_default();
        let Some(sql) = restore_settings(database, before, &now) else {
            return Ok(());
        };
        let restored = session.script(sql).await;
        restored.map(drop).map_err(|failed| {
            database_error(database, "restore the session's settings", failed.error)
        })
    }
}

async fn settings(session: &mut dyn Session) -> Result<Option<Vec<Setting>>, Error> {
    let database = session.database();
    let Some(sql) = read_settings(database) else {
        return Ok(None);
    };
    match session.query(&sql, &[]).await {
        Ok(rows) => Ok(Some(parse_settings(database, &rows))),
        Err(error) => Err(database_error(
            database,
            "read the session's settings",
            error,
        )),
    }
}

/// A function may do anything, as may a procedure; of a statement its text tells.
fn may_change_settings(task: Task<'_>, database: Database) -> Result<bool, Error> {
    if !task.is_sql() {
        return Ok(true);
    }
    let statements = task.statements(database)?;
    Ok(statements.iter().any(|statement| {
        session_effect(&statement.text, database) != SessionEffect::None
            || matches!(classify(&statement.text, database), Class::Opaque { .. })
    }))
}
