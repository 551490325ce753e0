//! What a step leaves in its session is taken away, where the database can do that.

use super::run::Runner;
use crate::db_error::database_error;
use crate::dialect::LEFTOVERS;
use crate::error::Error;
use crate::session::Session;

impl Runner<'_> {
    /// Between two steps: settings, temporary tables and locks of the one before are gone.
    pub(super) async fn start_afresh(&self, session: &mut dyn Session) -> Result<(), Error> {
        self.restore(session, LEFTOVERS).await
    }

    /// Restores the settings that a step before may have changed, where that can be done.
    pub(super) async fn reset(&self, session: &mut dyn Session) -> Result<(), Error> {
        self.restore(session, "").await
    }

    async fn restore(&self, session: &mut dyn Session, more: &str) -> Result<(), Error> {
        let Some(reset) = &self.parts.reset else {
            return Ok(());
        };
        match session.script(format!("{reset};{more}")).await {
            Ok(_) => Ok(()),
            Err(failed) => Err(database_error(
                self.database(),
                "restore the session's settings",
                failed.error,
            )),
        }
    }
}
