//! `current`: how far each app is.

use crate::context::BoxFuture;
use crate::error::Error;
use crate::migrator::Migrator;
use crate::report::{Current, CurrentApp, State, Status, StatusEntry, StepId, StepKind};

impl Migrator<'_> {
    /// The last applied SQL step of each app, and what is not applied yet. Writes nothing.
    ///
    /// ```
    /// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
    /// use migrate_core::{Goal, History, Migrator, Request};
    ///
    /// # #[cfg(feature = "sqlite")] {
    /// let history = History::builder()
    ///     .sql("shop", "0001_initial.sql", "CREATE TABLE items (id INTEGER);")
    ///     .sql("shop", "0002_tags.sql", "-- migrate: up\nCREATE TABLE tags (id INTEGER);\n-- migrate: down\nDROP TABLE tags;")
    ///     .build()?;
    /// let pool = sqlx::SqlitePool::connect("sqlite::memory:").await?;
    /// let migrator = Migrator::new(&pool, history);
    /// migrator.migrate(&Request::to(Goal::typed(Some("shop"), Some("0001")))).await?;
    ///
    /// let current = migrator.current().await?;
    /// assert_eq!(current.apps[0].step.as_ref().unwrap().name, "0001_initial");
    /// assert_eq!(current.apps[0].pending_sql.len(), 1);
    /// # }
    /// # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
    /// ```
    ///
    /// # Errors
    ///
    /// That the database cannot be read, or that the binary's own steps do not fit together.
    pub fn current(&self) -> BoxFuture<'_, Result<Current, Error>> {
        Box::pin(async {
            let apps = self.steps()?.apps();
            Ok(summed_up(&self.status().await?, apps))
        })
    }
}

fn summed_up(status: &Status, apps: &[String]) -> Current {
    let mut current: Vec<CurrentApp> = Vec::new();
    for app in apps {
        let steps = status.steps.iter().filter(|entry| entry.step.app == *app);
        current.push(one_app(app, steps));
    }
    Current {
        database: status.database,
        ledger: status.ledger,
        apps: current,
    }
}

fn one_app<'s>(app: &str, steps: impl Iterator<Item = &'s StatusEntry>) -> CurrentApp {
    let mut current = CurrentApp {
        app: app.to_owned(),
        step: None,
        applied_at: None,
        pending_sql: Vec::new(),
        pending_data: Vec::new(),
    };
    // Steps that only the database knows have no place in the order.
    for entry in steps.filter(|entry| entry.order.is_some()) {
        let is_sql = entry.kind == Some(StepKind::Sql);
        let id: &StepId = &entry.step;
        match entry.state {
            State::Applied | State::Edited | State::Unrecorded => {
                if is_sql {
                    current.step = Some(id.clone());
                    current.applied_at.clone_from(&entry.applied_at);
                }
            }
            State::Manual => {}
            _ if is_sql => current.pending_sql.push(id.clone()),
            _ => current.pending_data.push(id.clone()),
        }
    }
    current
}
