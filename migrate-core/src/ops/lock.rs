//! `lock status` and `lock release`.

use super::session::Opened;
use crate::db_error::database_error;
use crate::error::{Error, ErrorCode};
use crate::holder::Holder;
use crate::lease;
use crate::migrator::Migrator;
use crate::report::LockStatus;

impl Migrator<'_> {
    /// Who holds the lock. Writes nothing.
    ///
    /// # Errors
    ///
    /// That the database cannot be read.
    pub async fn lock_status(&self) -> Result<LockStatus, Error> {
        let mut opened = self.open().await?;
        let result = seen(&mut opened).await;
        opened.connection.close().await;
        result
    }

    /// Takes the lock away from whoever has it, and gives back what it was like before. A holder
    /// that is still alive can then not commit another transaction.
    ///
    /// # Errors
    ///
    /// [`ErrorCode::LockHeld`] when the holder may be alive and `force` is not given.
    pub async fn release_lock(&self, force: bool) -> Result<LockStatus, Error> {
        let mut opened = self.open().await?;
        let result = release(&mut opened, force).await;
        opened.connection.close().await;
        result
    }
}

async fn seen(opened: &mut Opened<'_, '_>) -> Result<LockStatus, Error> {
    let nobody = LockStatus {
        held: false,
        token: 0,
        holder: None,
        expires_in_ms: None,
        progress_ms_ago: None,
        activity: None,
        dead: false,
    };
    if !opened.ledger.is_present() {
        return Ok(nobody);
    }
    let tables = &opened.tables;
    let seen = lease::look(opened.connection.session(), tables)
        .await
        .map_err(|e| database_error(tables.database(), "look at the lock", e))?;
    Ok(seen.map_or(nobody, |seen| seen.status(&Holder::this(""))))
}

async fn release(opened: &mut Opened<'_, '_>, force: bool) -> Result<LockStatus, Error> {
    let status = seen(opened).await?;
    if !status.held {
        return Ok(status);
    }
    let expired = status.expires_in_ms.is_some_and(|left| left <= 0);
    if !force && !status.dead && !expired {
        let holder = status.holder.as_deref().unwrap_or("an unknown process");
        return Err(Error::new(
            ErrorCode::LockHeld,
            format!("the lock is held by {holder}, which renews it: it seems to be alive"),
        )
        .help("stop that process, or wait for it")
        .help(
            "if it must not go on: `migrate lock release --force`; it can then not commit any more",
        ));
    }
    lease::revoke(opened.connection.session(), &opened.tables)
        .await
        .map_err(|e| database_error(opened.tables.database(), "release the lock", e))?;
    Ok(status)
}
