//! `lock status` and `lock release`.

use super::session::Opened;
use crate::db_error::database_error;
use crate::error::{Error, ErrorCode};
use crate::exec::ensure_ledger;
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
        let result = release(&mut opened, force, self.options.wait).await;
        opened.connection.close().await;
        result
    }
}

async fn seen(opened: &mut Opened<'_, '_>) -> Result<LockStatus, Error> {
    if !opened.ledger.is_present() {
        return Ok(nobody());
    }
    let tables = &opened.tables;
    let seen = lease::look_whole(opened.connection.session(), tables).await?;
    Ok(seen.status(&Holder::this("")))
}

fn nobody() -> LockStatus {
    LockStatus {
        held: false,
        token: 0,
        holder: None,
        expires_in_ms: None,
        progress_ms_ago: None,
        activity: None,
        dead: false,
    }
}

async fn release(
    opened: &mut Opened<'_, '_>,
    force: bool,
    wait: std::time::Duration,
) -> Result<LockStatus, Error> {
    let status = match seen(opened).await {
        // Rows that were lost are put back by the same means, for whoever is sure.
        Err(error) if error.code() == ErrorCode::LedgerDamaged && force => {
            ensure_ledger(opened.connection.session(), &opened.tables, wait).await?;
            LockStatus {
                held: true,
                ..nobody()
            }
        }
        other => other?,
    };
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
