//! `lock status` and `lock release`.

use super::session::Opened;
use crate::context::BoxFuture;
use crate::error::{Error, ErrorCode};
use crate::exec::ensure_ledger;
use crate::holder::Holder;
use crate::interrupt::Interrupt;
use crate::lease;
use crate::ledger::{Need, ledger_error};
use crate::migrator::Migrator;
use crate::report::LockStatus;

impl Migrator<'_> {
    /// Who holds the lock. Writes nothing.
    ///
    /// # Errors
    ///
    /// That the database cannot be read.
    pub fn lock_status(&self) -> BoxFuture<'_, Result<LockStatus, Error>> {
        Box::pin(self.lock_status_inner())
    }

    async fn lock_status_inner(&self) -> Result<LockStatus, Error> {
        let mut opened = self.look().await?;
        let result = seen(&mut opened).await;
        opened.connection.close().await;
        result
    }

    /// Takes the lock away from whoever has it, ends that holder's session in the server, and
    /// gives back what the lock was like before. A holder that is still alive can then not commit
    /// the transaction of another step. What a function commits that is not atomic, it goes on committing on
    /// SQLite, which has no sessions to end, until the next heartbeat: a quarter of the lease.
    ///
    /// # Errors
    ///
    /// [`ErrorCode::LockHeld`] when the holder may be alive and `force` is not given, when the
    /// lock changed hands meanwhile, and when the former session remains in the server.
    pub fn release_lock(&self, force: bool) -> BoxFuture<'_, Result<LockStatus, Error>> {
        Box::pin(self.release_lock_inner(force))
    }

    async fn release_lock_inner(&self, force: bool) -> Result<LockStatus, Error> {
        let mut opened = self.open().await?;
        let result = self.release(&mut opened, force).await;
        opened.connection.close().await;
        result
    }

    async fn release(&self, opened: &mut Opened<'_, '_>, force: bool) -> Result<LockStatus, Error> {
        if !opened.ledger.is_present() {
            return Ok(nobody());
        }
        let (session, tables) = (opened.connection.session(), &opened.tables);
        let failed = |e| ledger_error(tables, Need::Write, "release the lock", e);
        let seen = match lease::look_whole(session, tables).await {
            // Rows that were lost are put back, for whoever is sure.
            Err(error) if error.code() == ErrorCode::LedgerDamaged && force => {
                ensure_ledger(session, tables, self.options.wait).await?;
                let named = lease::named_session(session, tables).await;
                let (named, interrupt) = (named.map_err(failed)?, self.interrupt());
                lease::end_session(session, &named, self.options.lease, &interrupt).await?;
                lease::repair(session, tables).await.map_err(failed)?;
                return Ok(LockStatus {
                    held: true,
                    ..nobody()
                });
            }
            other => other?,
        };
        let status = seen.status(&Holder::this(""));
        if !status.held {
            return Ok(status);
        }
        if !force {
            refuse_the_living(&status)?;
        }
        // First, so that no row that it has locked keeps us from fencing it.
        lease::end(session, &seen.session).await?;
        let revoked = lease::revoke(session, tables, seen.token).await;
        let token = revoked.map_err(failed)?.ok_or_else(changed_hands)?;
        let (patience, interrupt) = (self.options.lease, self.interrupt());
        lease::end_session(session, &seen.session, patience, &interrupt).await?;
        lease::forget(session, tables, token)
            .await
            .map_err(failed)?;
        Ok(status)
    }

    fn interrupt(&self) -> Interrupt {
        Interrupt::within(&self.options.shutdown)
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

fn changed_hands() -> Error {
    Error::new(
        ErrorCode::LockHeld,
        "the lock changed hands while it was to be released; nothing was done",
    )
    .help("look who holds it now: `migrate lock status`")
}

/// Only a holder that is dead or has let its lease run out is parted from its lock without force.
fn refuse_the_living(status: &LockStatus) -> Result<(), Error> {
    if status.dead || status.expires_in_ms.is_some_and(|left| left <= 0) {
        return Ok(());
    }
    let holder = status.holder.as_deref().unwrap_or("an unknown process");
    Err(Error::new(
        ErrorCode::LockHeld,
        format!("the lock is held by {holder}, which renews it: it seems to be alive"),
    )
    .help("stop that process, or wait for it")
    .help("if it must not go on: `migrate lock release --force`; its step can then not commit, and a function that is not atomic is stopped within a quarter of the lease"))
}
