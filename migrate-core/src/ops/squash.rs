//! Proving a squash: the steps as they were written and the squashes run on two databases made for
//! it, and what they leave behind is compared. The database that is meant is not touched.

mod differ;
mod outside;
mod scratch;
mod snapshot;

use migrate_source::Database;

use self::differ::{differences, refuse_unknown_columns};
use self::outside::refuse_outside;
use self::scratch::{Scratch, left_behind};
use self::snapshot::{Snapshot, take};
use crate::context::BoxFuture;
use crate::db_error::database_error;
use crate::domain::{History, Step};
use crate::error::{Error, ErrorCode};
use crate::event::Event;
use crate::exec::split;
use crate::heartbeat::Activity;
use crate::ledger::LedgerName;
use crate::migrator::Migrator;
use crate::report::{SquashReport, StepId};

/// How squashes are proven; see [`Migrator::verify_squashes`].
///
/// ```
/// use migrate_core::SquashCheck;
///
/// let check = SquashCheck::new()
///     .seed("seed.sql", "INSERT INTO users (email) VALUES ('ada@example.org');")
///     .ignore("users.created_at");
/// assert_eq!(format!("{check:?}").matches("created_at").count(), 1);
/// ```
#[derive(Clone, Debug, Default)]
pub struct SquashCheck {
    seed: Option<Seed>,
    seed_after: Option<String>,
    ignored: Vec<String>,
}

#[derive(Clone, Debug)]
struct Seed {
    name: String,
    sql: String,
}

impl SquashCheck {
    /// Without a seed, comparing every column.
    pub fn new() -> Self {
        Self::default()
    }

    /// SQL that fills the tables, and the name of its file for messages. It is executed behind the
    /// last step that both ways have in common before the first squash; where there is none, at
    /// the end, or behind the step that [`seed_after`](Self::seed_after) names.
    pub fn seed(mut self, name: impl Into<String>, sql: impl Into<String>) -> Self {
        self.seed = Some(Seed {
            name: name.into(),
            sql: sql.into(),
        });
        self
    }

    /// The step behind which the seed is executed. Both ways must have it.
    pub fn seed_after(mut self, step: impl Into<String>) -> Self {
        self.seed_after = Some(step.into());
        self
    }

    /// A column, as `table.column`, whose values cannot be equal: a time, a random number.
    pub fn ignore(mut self, column: impl Into<String>) -> Self {
        self.ignored.push(column.into());
        self
    }
}

/// One of the two ways to the same schema.
struct Side {
    /// For messages.
    name: &'static str,
    history: History,
    /// How many steps run before the seed.
    before_seed: usize,
}

impl Migrator<'_> {
    /// Runs the steps that squashes replace on one new database and the squashes on another, and
    /// compares schemas and rows.
    ///
    /// On SQLite these are temporary files, on a server databases with names of their own, which are
    /// dropped afterwards; the user needs the right to create them. [`Event::ScratchStarted`] names
    /// each before it is made. What a run that was killed has left is named in the report, where
    /// that can be told, and not touched. Functions run for real there: one
    /// that opens a connection of its own reaches whatever it names.
    ///
    /// ```
    /// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
    /// use migrate_core::{History, Migrator, SquashCheck};
    ///
    /// # #[cfg(feature = "sqlite")] {
    /// let history = History::builder()
    ///     .sql("shop", "0001_initial.sql", "CREATE TABLE items (id INTEGER);")
    ///     .sql("shop", "0002_name.sql", "ALTER TABLE items ADD COLUMN name TEXT;")
    ///     .sql("shop", "0001_squashed_0002.sql",
    ///         "-- migrate: replaces = [\"0001_initial\", \"0002_name\"]\nCREATE TABLE items (id INTEGER, title TEXT);")
    ///     .build()?;
    /// let pool = sqlx::SqlitePool::connect("sqlite::memory:").await?;
    /// let report = Migrator::new(&pool, history).verify_squashes(&SquashCheck::new()).await?;
    /// assert!(report.differences.iter().any(|difference| difference.what == "column items.name"));
    /// # }
    /// # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
    /// ```
    ///
    /// # Errors
    ///
    /// [`ErrorCode::NotPossible`] if no squash stands beside all that it replaces, a statement names
    /// another database, or the target is a single connection to a server;
    /// [`ErrorCode::PermissionDenied`] without the right to create databases; what fails on the way.
    /// Differences are in the report.
    pub fn verify_squashes<'a>(
        &'a self,
        check: &'a SquashCheck,
    ) -> BoxFuture<'a, Result<SquashReport, Error>> {
        Box::pin(self.verify_squashes_inner(check))
    }

    async fn verify_squashes_inner(&self, check: &SquashCheck) -> Result<SquashReport, Error> {
        let history = self.checked_history()?;
        let squashes = squashes(history)?;
        let (one, other) = self.sides(history, check)?;
        let (beside, database) = (self.target.beside(), self.target.database());
        refuse_outside(beside.as_ref(), database, [&one, &other], check).await?;
        let mut warnings = left_behind(beside.as_ref(), database).await;
        let replaced = self.try_side(&one, check, &mut warnings).await?;
        let squashed = self.try_side(&other, check, &mut warnings).await?;
        refuse_unknown_columns(&check.ignored, &[&replaced, &squashed])?;
        Ok(SquashReport {
            database: self.target.database(),
            squashes,
            facts: squashed.facts.len(),
            tables: squashed.tables.len(),
            rows: squashed.tables.values().map(|table| table.rows.len()).sum(),
            differences: differences(&replaced, &squashed, &check.ignored),
            warnings,
        })
    }

    fn sides(&self, history: &History, check: &SquashCheck) -> Result<(Side, Side), Error> {
        let replaced = history.without_squashes()?;
        let squashed = history.only_squashes()?;
        let side = |name, history: History, before_seed| Side {
            name,
            history,
            before_seed,
        };
        let (mut one, mut other) = match &check.seed_after {
            None => {
                let same = replaced.iter().zip(squashed.iter());
                let common = same.take_while(|(a, b)| a.id() == b.id()).count();
                (common, common)
            }
            Some(step) => (place(&replaced, step)? + 1, place(&squashed, step)? + 1),
        };
        if one == 0 {
            (one, other) = (replaced.iter().len(), squashed.iter().len());
        }
        Ok((
            side("the replaced steps", replaced, one),
            side("the squashes", squashed, other),
        ))
    }

    /// Runs one side on a database made for it, and says what is in it then.
    async fn try_side(
        &self,
        side: &Side,
        check: &SquashCheck,
        warnings: &mut Vec<String>,
    ) -> Result<Snapshot, Error> {
        let scratch = Scratch::plan(self.target.beside(), self.target.database())?;
        let reporter = self.reporter(Activity::default());
        let (name, remove) = (scratch.name.clone(), scratch.removal());
        // Said first: a process that is killed does not say anything any more.
        reporter.send(&Event::ScratchStarted {
            name: name.clone(),
            remove,
        });
        if let Err(error) = scratch.create().await {
            reporter.send(&Event::ScratchRemoved { name });
            return Err(error);
        }
        let result = self.fill(&scratch, side, check).await;
        let left = scratch.remove().await;
        if left.is_none() {
            reporter.send(&Event::ScratchRemoved { name });
        }
        warnings.extend(left);
        result.map_err(|error| told_of(side.name, &error))
    }

    async fn fill(
        &self,
        scratch: &Scratch,
        side: &Side,
        check: &SquashCheck,
    ) -> Result<Snapshot, Error> {
        if let Some(seed) = &check.seed {
            self.run_on(scratch, side.history.first(side.before_seed)?)
                .await?;
            sow(scratch, seed).await?;
        }
        self.run_on(scratch, side.history.clone()).await?;
        let mut session = scratch.options.open().await?;
        let ledger = self.scratch_ledger()?;
        let snapshot = take(&mut *session, &scratch.name, &ledger).await;
        session.close().await;
        snapshot
    }

    /// The ledger's name as steps may know it, for triggers read its audit table. A schema of MySQL
    /// is another database, and that one's ledger is not ours to write.
    fn scratch_ledger(&self) -> Result<LedgerName, Error> {
        let configured = &self.options.ledger;
        let is_mysql = self.target.database() == Database::MySql;
        let schema = configured.schema().filter(|_| !is_mysql);
        LedgerName::new(schema, configured.prefix())
    }

    async fn run_on(&self, scratch: &Scratch, history: History) -> Result<(), Error> {
        if history.iter().len() == 0 {
            return Ok(());
        }
        let migrator = Migrator::new(scratch.options.target(), history)
            .ledger(self.scratch_ledger()?)
            .app_version(&self.options.app_version)
            .shutdown(self.options.shutdown.clone());
        migrator.run().await.map(drop)
    }
}

/// The squashes that stand beside what they replace.
fn squashes(history: &History) -> Result<Vec<StepId>, Error> {
    let mut found = Vec::new();
    for step in history.iter() {
        let (there, gone): (Vec<&StepId>, Vec<&StepId>) = step
            .replaces()
            .iter()
            .partition(|id| history.get(id).is_some());
        if let (Some(there), Some(gone)) = (there.first(), gone.first()) {
            return Err(Error::new(
                ErrorCode::NotPossible,
                format!(
                    "`{}` replaces `{there}`, which is there, and `{gone}`, which is not: its steps can only be run together",
                    step.id()
                ),
            )
            .help("compare before any replaced step is deleted; put the missing one back"));
        }
        if !there.is_empty() {
            found.push(step.id().clone());
        }
    }
    if found.is_empty() {
        return Err(Error::new(
            ErrorCode::NotPossible,
            "no squash of this binary stands beside the steps that it replaces",
        )
        .help("`migrate squash APP FROM TO` writes one; build again behind it"));
    }
    Ok(found)
}

fn place(history: &History, name: &str) -> Result<usize, Error> {
    let found = history.find(name)?;
    let mut ids = history.iter().map(Step::id);
    Ok(ids.position(|id| id == found.id()).unwrap_or_default())
}

/// Executes the seed, statement by statement.
async fn sow(scratch: &Scratch, seed: &Seed) -> Result<(), Error> {
    let database = scratch.database;
    let statements = split(&seed.name, &seed.sql, database)?;
    let mut session = scratch.options.open().await?;
    let mut result = Ok(());
    for statement in statements {
        if let Err(failed) = session.script(statement.text).await {
            let doing = format!("execute the seed, {}:{}", seed.name, statement.line);
            result = Err(database_error(database, &doing, failed.error));
            break;
        }
    }
    session.close().await;
    result
}

/// An error with the side on which it came up.
fn told_of(side: &str, error: &Error) -> Error {
    let told = Error::new(error.code(), format!("running {side}: {}", error.message()));
    let told = error.helps().iter().cloned().fold(told, Error::help);
    match error.progress() {
        Some(progress) => told.with_progress(progress.clone()),
        None => told,
    }
}
