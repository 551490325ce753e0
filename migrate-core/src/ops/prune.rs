//! `prune`: the rows of steps that the binary does not have any more are forgotten.

use migrate_source::name::nearest;

use super::session::Opened;
use crate::context::BoxFuture;
use crate::domain::{History, LedgerRows};
use crate::error::{Error, ErrorCode};
use crate::exec::commit;
use crate::ledger::{Ledger, RunRow, Statement};
use crate::migrator::Migrator;
use crate::report::StepId;

impl Migrator<'_> {
    /// What [`prune`](Self::prune) would forget now. Writes nothing.
    ///
    /// # Errors
    ///
    /// As [`prune`](Self::prune), but for the lock, which it does not take.
    pub fn prunable<'a>(&'a self, app: &'a str) -> BoxFuture<'a, Result<Vec<StepId>, Error>> {
        Box::pin(self.prunable_inner(app))
    }

    async fn prunable_inner(&self, app: &str) -> Result<Vec<StepId>, Error> {
        let history = self.checked_history()?;
        check_app(history, app)?;
        let opened = self.look().await?;
        let result = gone(history, opened.ledger.rows(), app);
        opened.connection.close().await;
        result
    }

    /// Deletes the rows of an app whose steps the binary does not have any more, such as those
    /// that a squash replaced and that were then deleted. The history of runs stays, and says so,
    /// with the reason that is given.
    ///
    /// ```
    /// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
    /// use migrate_core::{History, Migrator};
    ///
    /// # #[cfg(feature = "sqlite")] {
    /// let initial = ("0001_initial.sql", "CREATE TABLE items (id INTEGER);");
    /// let old = History::builder()
    ///     .sql("shop", initial.0, initial.1)
    ///     .sql("shop", "0002_tags.sql", "CREATE TABLE tags (id INTEGER);")
    ///     .build()?;
    /// let new = History::builder().sql("shop", initial.0, initial.1).build()?;
    /// let pool = sqlx::SqlitePool::connect("sqlite::memory:").await?;
    /// Migrator::new(&pool, old).run().await?;
    ///
    /// let pruned = Migrator::new(&pool, new).prune("shop", Some("tags moved")).await?;
    /// assert_eq!(pruned[0].to_string(), "shop.0002_tags");
    /// # }
    /// # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
    /// ```
    ///
    /// # Errors
    ///
    /// [`ErrorCode::UnknownApp`]; [`ErrorCode::NotPossible`] while a squash of the binary still
    /// names such a step: its row may be all that tells that the squash is applied;
    /// [`ErrorCode::LockHeld`] while a run is under way.
    pub fn prune<'a>(
        &'a self,
        app: &'a str,
        reason: Option<&'a str>,
    ) -> BoxFuture<'a, Result<Vec<StepId>, Error>> {
        Box::pin(self.prune_inner(app, reason))
    }

    async fn prune_inner(&self, app: &str, reason: Option<&str>) -> Result<Vec<StepId>, Error> {
        let history = self.checked_history()?;
        check_app(history, app)?;
        let mut opened = self.open().await?;
        let result = self.prune_opened(&mut opened, history, app, reason).await;
        opened.connection.close().await;
        result
    }

    async fn prune_opened(
        &self,
        opened: &mut Opened<'_, '_>,
        history: &History,
        app: &str,
        reason: Option<&str>,
    ) -> Result<Vec<StepId>, Error> {
        let Opened {
            connection,
            tables,
            ledger,
        } = opened;
        if gone(history, ledger.rows(), app)?.is_empty() {
            return Ok(Vec::new());
        }
        let session = connection.session();
        let (locked, ledger) = self.enter(session, tables, history).await?;
        let rows = ledger.rows();
        let result = match gone(history, rows, app) {
            Ok(ids) => {
                let writer = &locked.runner.parts.ledger;
                let statements: Vec<Statement> = ids
                    .iter()
                    .flat_map(|id| forget(writer, rows, id, reason))
                    .collect();
                let written = match statements.is_empty() {
                    true => Ok(()),
                    false => commit(session, &statements).await,
                };
                written.map(|()| ids)
            }
            Err(error) => Err(error),
        };
        self.leave(session, tables, locked).await;
        result
    }
}

fn forget(ledger: &Ledger, rows: &LedgerRows, id: &StepId, reason: Option<&str>) -> [Statement; 2] {
    let line = RunRow {
        app: &id.app,
        name: &id.name,
        action: "prune",
        outcome: "removed",
        duration_ms: None,
        rows: None,
        checksum: rows.find(id).map(|row| row.checksum.as_str()),
        error: None,
        reason,
    };
    [ledger.remove(&id.app, &id.name), ledger.run(&line)]
}

/// The rows of an app that have no step, in the order of their names.
fn gone(history: &History, rows: &LedgerRows, app: &str) -> Result<Vec<StepId>, Error> {
    let ids: Vec<StepId> = rows
        .iter()
        .filter(|row| row.app == app)
        .map(|row| StepId::new(&row.app, &row.name))
        .filter(|id| history.get(id).is_none())
        .collect();
    let needed = ids.iter().find_map(|id| {
        let squash = history.iter().find(|step| step.replaces().contains(id))?;
        Some((id, squash))
    });
    let Some((id, squash)) = needed else {
        return Ok(ids);
    };
    Err(Error::new(
        ErrorCode::NotPossible,
        format!(
            "`{id}` cannot be pruned: the squash `{}` ({}) still names it, and its row may be all that tells that the squash is applied",
            squash.id(),
            squash.location()
        ),
    )
    .help("first bring every database up to date with this binary: `migrate`")
    .help(format!(
        "then delete `replaces` from {} and deploy; after that prune",
        squash.location()
    )))
}

fn check_app(history: &History, app: &str) -> Result<(), Error> {
    if history.apps().iter().any(|known| known == app) {
        return Ok(());
    }
    let error = Error::new(
        ErrorCode::UnknownApp,
        format!(
            "this binary has no app `{}`; its apps are {}",
            app.escape_debug(),
            history.apps().join(", ")
        ),
    );
    Err(
        match nearest(app, history.apps().iter().map(String::as_str)) {
            Some(near) => error.help(format!("there is one of a similar name: `{near}`")),
            None => error.help("rows of other apps belong to other services and are left alone"),
        },
    )
}
