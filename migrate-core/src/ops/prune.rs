//! `prune`: the rows of steps that the binary does not have any more are forgotten.

use super::records::line;
use crate::context::BoxFuture;
use crate::domain::{History, LedgerRows, known_app};
use crate::error::{Error, ErrorCode};
use crate::ledger::Ledger;
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
        let opened = self.open().await?;
        match gone(history, opened.ledger.rows(), app) {
            Ok(ids) if !ids.is_empty() => {}
            nothing => {
                opened.connection.close().await;
                return nothing;
            }
        }
        let mut pruned = Vec::new();
        let statements = |ledger: &Ledger, rows: &LedgerRows| {
            // Once more: another process may have pruned while this one waited for the lock.
            pruned = gone(history, rows, app)?;
            let forget = |id: &StepId| {
                let checksum = rows.find(id).map(|row| row.checksum.as_str());
                [
                    ledger.remove(&id.app, &id.name),
                    line(ledger, id, "prune", "removed", checksum, reason),
                ]
            };
            Ok(pruned.iter().flat_map(forget).collect())
        };
        self.write(opened, history, statements).await?;
        Ok(pruned)
    }
}

/// The rows of an app that have no step, in the order of their names.
fn gone(history: &History, rows: &LedgerRows, app: &str) -> Result<Vec<StepId>, Error> {
    known_app(history, rows, app)?;
    let ids: Vec<StepId> = rows
        .iter()
        .filter(|row| row.app == app)
        .map(|row| StepId::new(&row.app, &row.name))
        .filter(|id| history.get(id).is_none())
        .collect();
    let needed = ids
        .iter()
        .find_map(|id| Some((id, history.stands_for(id)?)));
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
