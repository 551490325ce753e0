//! `prune`: the rows of steps that the binary does not have any more are forgotten.

use super::records::line;
use crate::context::BoxFuture;
use crate::domain::{History, LedgerRow, LedgerRows, Step, known_app};
use crate::error::{Error, ErrorCode};
use crate::ledger::Ledger;
use crate::migrator::Migrator;
use crate::report::StepId;

/// Which rows without a step [`Migrator::prune`] forgets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Prune {
    /// Those that were applied before a SQL step of the app that this binary has. Others look like
    /// those of a newer binary, and are refused.
    #[default]
    Older,
    /// All of them: the steps were deleted, and no newer binary has them.
    All,
}

impl Migrator<'_> {
    /// What [`prune`](Self::prune) would forget now. Writes nothing.
    ///
    /// # Errors
    ///
    /// As [`prune`](Self::prune), but for the lock, which it does not take.
    pub fn prunable<'a>(
        &'a self,
        app: &'a str,
        which: Prune,
    ) -> BoxFuture<'a, Result<Vec<StepId>, Error>> {
        Box::pin(self.prunable_inner(app, which))
    }

    async fn prunable_inner(&self, app: &str, which: Prune) -> Result<Vec<StepId>, Error> {
        let history = self.checked_history()?;
        let opened = self.look().await?;
        let result = gone(history, opened.ledger.rows(), app, which);
        opened.connection.close().await;
        result
    }

    /// Deletes the rows of an app whose steps the binary does not have any more, such as those
    /// that a squash replaced and that were then deleted. The history of runs stays, and says so,
    /// with the reason that is given.
    ///
    /// ```
    /// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
    /// use migrate_core::{History, Migrator, Prune};
    ///
    /// # #[cfg(feature = "sqlite")] {
    /// let tags = ("0002_tags.sql", "CREATE TABLE tags (id INTEGER);");
    /// let old = History::builder()
    ///     .sql("shop", "0001_initial.sql", "CREATE TABLE items (id INTEGER);")
    ///     .sql("shop", tags.0, tags.1)
    ///     .build()?;
    /// let new = History::builder().sql("shop", tags.0, tags.1).build()?;
    /// let pool = sqlx::SqlitePool::connect("sqlite::memory:").await?;
    /// Migrator::new(&pool, old).run().await?;
    ///
    /// let migrator = Migrator::new(&pool, new);
    /// let pruned = migrator.prune("shop", Prune::Older, Some("items moved")).await?;
    /// assert_eq!(pruned[0].to_string(), "shop.0001_initial");
    /// # }
    /// # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
    /// ```
    ///
    /// # Errors
    ///
    /// [`ErrorCode::UnknownApp`]; [`ErrorCode::NotPossible`] while a squash of the binary still
    /// names such a step: its row may be all that tells that the squash is applied;
    /// [`ErrorCode::StepMissing`] for rows that look like those of a newer binary, unless
    /// [`Prune::All`] is asked for; [`ErrorCode::LockHeld`] while a run is under way.
    pub fn prune<'a>(
        &'a self,
        app: &'a str,
        which: Prune,
        reason: Option<&'a str>,
    ) -> BoxFuture<'a, Result<Vec<StepId>, Error>> {
        Box::pin(self.prune_inner(app, which, None, reason))
    }

    /// As [`prune`](Self::prune), but nothing is forgotten unless all of it was agreed to, such as
    /// what [`prunable`](Self::prunable) gave and somebody has looked at.
    ///
    /// # Errors
    ///
    /// As [`prune`](Self::prune), and [`ErrorCode::NotPossible`] where more would go by now.
    pub fn prune_agreed<'a>(
        &'a self,
        app: &'a str,
        which: Prune,
        agreed: &'a [StepId],
        reason: Option<&'a str>,
    ) -> BoxFuture<'a, Result<Vec<StepId>, Error>> {
        Box::pin(self.prune_inner(app, which, Some(agreed), reason))
    }

    async fn prune_inner(
        &self,
        app: &str,
        which: Prune,
        agreed: Option<&[StepId]>,
        reason: Option<&str>,
    ) -> Result<Vec<StepId>, Error> {
        let history = self.checked_history()?;
        let opened = self.open().await?;
        let now = |rows: &LedgerRows| {
            let ids = gone(history, rows, app, which)?;
            refuse_more(agreed, &ids)?;
            Ok(ids)
        };
        match now(opened.ledger.rows()) {
            Ok(ids) if !ids.is_empty() => {}
            nothing => {
                opened.connection.close().await;
                return nothing;
            }
        }
        let mut pruned = Vec::new();
        let statements = |ledger: &Ledger, rows: &LedgerRows| {
            // Once more: another process may have pruned, or applied something, while this one
            // waited for the lock.
            pruned = now(rows)?;
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
fn gone(
    history: &History,
    rows: &LedgerRows,
    app: &str,
    which: Prune,
) -> Result<Vec<StepId>, Error> {
    known_app(history, rows, app)?;
    let (known, gone): (Vec<&LedgerRow>, Vec<&LedgerRow>) = rows
        .iter()
        .filter(|row| row.app == app)
        .partition(|row| history.get(&row.id()).is_some());
    let ids: Vec<StepId> = gone.iter().map(|row| row.id()).collect();
    let needed = ids
        .iter()
        .find_map(|id| Some((id, history.stands_for(id)?)));
    if let Some((id, squash)) = needed {
        return Err(still_named(id, squash));
    }
    // What a newer binary applied came after all that this one has. A squash is recorded after what
    // it replaces, so what it leaves behind is older than the squash itself. A data migration tells
    // nothing: it may run by name, or once more, whenever somebody asks for it.
    let last = known.iter().filter(|row| row.is_applied());
    let last = last.filter(|row| row.kind != "data");
    let last = last.map(|row| row.seq).max();
    let is_newer = |row: &&LedgerRow| !row.is_applied() || last.is_none_or(|last| row.seq > last);
    let newer: Vec<String> = gone
        .into_iter()
        .filter(is_newer)
        .map(|row| format!("`{}`", row.id()))
        .collect();
    match which {
        Prune::Older if !newer.is_empty() => Err(of_a_newer_binary(app, &newer, last.is_some())),
        _ => Ok(ids),
    }
}

/// Nothing goes that nobody has agreed to: another process may have recorded more since.
fn refuse_more(agreed: Option<&[StepId]>, ids: &[StepId]) -> Result<(), Error> {
    let is_more = |id: &&StepId| agreed.is_some_and(|agreed| !agreed.contains(id));
    let Some(more) = ids.iter().find(is_more) else {
        return Ok(());
    };
    Err(Error::new(
        ErrorCode::NotPossible,
        format!(
            "meanwhile another process recorded `{more}`, which this binary does not have either and which would be forgotten too: nothing was pruned, because nobody agreed to that"
        ),
    )
    .help("look at what the other one did: `migrate history`")
    .help("then the same command again, which shows what would go by then"))
}

fn still_named(id: &StepId, squash: &Step) -> Error {
    Error::new(
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
    ))
}

/// `compared`: whether the app has an applied SQL step of this binary, which they came after.
fn of_a_newer_binary(app: &str, steps: &[String], compared: bool) -> Error {
    let (look, may, were, they, them) = match steps {
        [_] => ("looks like a step", "may be a step", "was", "it", "it"),
        _ => ("look like steps", "may be steps", "were", "they", "them"),
    };
    let names = steps.join(", ");
    let message = match compared {
        true => format!(
            "{names} {look} of a newer binary: {they} {were} begun or applied after every SQL step of `{app}` that this binary has, and without a record {they} would run again"
        ),
        false => format!(
            "{names} {may} of a newer binary: no SQL step of `{app}` that this binary has is applied, so nothing tells, and without a record {they} would run again there"
        ),
    };
    Error::new(ErrorCode::StepMissing, message)
        .help(format!(
            "prune with the newest binary, which knows what is gone: `migrate {app} --prune`"
        ))
        .help(format!(
            "or, if {they} {were} deleted from the newest one as well, or a squash of another app stood for {them}: `migrate {app} --prune --force`"
        ))
}
