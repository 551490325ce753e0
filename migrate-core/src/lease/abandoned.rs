//! A run whose future was dropped: nobody is left to give its lock back.

use crate::interrupt::{Interrupt, Reason};
use crate::ledger::Tables;
use crate::target::Options;

/// Ends the lease when dropped before [`disarm`](Self::disarm), if there is a runtime to do it in.
pub(crate) struct Abandoned {
    server: Option<Options>,
    tables: Tables,
    token: i64,
    interrupt: Interrupt,
}

impl Abandoned {
    pub(crate) fn new(
        server: Option<Options>,
        tables: &Tables,
        token: i64,
        interrupt: &Interrupt,
    ) -> Self {
        Self {
            server,
            tables: tables.clone(),
            token,
            interrupt: interrupt.clone(),
        }
    }

    /// The lock was given back.
    pub(crate) fn disarm(mut self) {
        self.server = None;
    }
}

impl Drop for Abandoned {
    fn drop(&mut self) {
        let Some(server) = self.server.take() else {
            return;
        };
        // A SQLite statement that still runs in its own thread sees this and stops.
        self.interrupt.raise(Reason::Shutdown);
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(expire_abandoned(server, self.tables.clone(), self.token));
        }
    }
}

/// The lease ends, but the lock is not free: whoever takes it over first ends our session, where
/// a statement may still run.
async fn expire_abandoned(server: Options, tables: Tables, token: i64) {
    let Ok(mut session) = server.open().await else {
        return;
    };
    if let Err(error) = super::expire(&mut *session, &tables, token).await {
        tracing::warn!(%error, "an abandoned lock could not be given back; it ends with its lease");
    }
    session.close().await;
}
