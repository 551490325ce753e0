//! Shorthand for tests that run migrations on a test's database.

use std::sync::{Arc, Mutex};

use migrate_core::report::{RunReport, StepRun};
use migrate_core::{
    Error, Event, Goal, History, HistoryBuilder, Migrator, Observer, Request, Source, Target,
};

use crate::connection::TextRow;
use crate::{Db, TestDatabase};

/// A history of the app `shop` under construction, from file names and texts.
pub fn steps(files: &[(&str, &str)]) -> HistoryBuilder {
    files
        .iter()
        .fold(History::builder(), |builder, (name, text)| {
            builder.sql("shop", name, text)
        })
}

/// A history of the app `shop`.
///
/// # Panics
///
/// When it is none.
pub fn history(files: &[(&str, &str)]) -> History {
    steps(files)
        .build()
        .unwrap_or_else(|error| panic!("{error}"))
}

/// The names of what ran, without their app.
pub fn names(runs: &[StepRun]) -> Vec<&str> {
    runs.iter().map(|run| run.step.name.as_str()).collect()
}

/// What is asked for by the words behind `migrate`; `undo` is the last step's way back.
pub fn request(words: &str) -> Request {
    let mut words = words.split_whitespace();
    Request::to(match (words.next(), words.next()) {
        (Some("undo"), None) => Goal::Undo,
        (app, target) => Goal::typed(app, target),
    })
}

impl TestDatabase {
    /// What connects a migrator to this database, as `--database-url` does.
    ///
    /// # Panics
    ///
    /// When the library does not understand a URL of ours.
    pub fn target(&self) -> Target<'static> {
        Target::from_url(self.url()).unwrap_or_else(|error| panic!("{error}"))
    }

    /// A migrator for this database.
    pub fn migrator(&self, source: impl Into<Source>) -> Migrator<'static> {
        Migrator::new(self.target(), source)
    }

    /// Runs a history and gives the names of what ran.
    ///
    /// # Panics
    ///
    /// When the run fails.
    pub async fn migrate(&self, source: impl Into<Source>) -> Vec<String> {
        match self.migrator(source).run().await {
            Ok(report) => report.steps.iter().map(|r| r.step.name.clone()).collect(),
            Err(error) => panic!("{error}"),
        }
    }

    /// Runs a history that must fail.
    ///
    /// # Panics
    ///
    /// When the run succeeds.
    pub async fn refused(&self, source: impl Into<Source>) -> Error {
        match self.migrator(source).run().await {
            Ok(report) => panic!("the run went well: {report:?}"),
            Err(error) => error,
        }
    }

    /// Migrates to what the words behind `migrate` name, such as `shop zero`.
    ///
    /// # Panics
    ///
    /// When the run fails.
    pub async fn migrate_to(&self, source: impl Into<Source>, words: &str) -> RunReport {
        match self.migrator(source).migrate(&request(words)).await {
            Ok(report) => report,
            Err(error) => panic!("{error}"),
        }
    }

    /// Migrates to what the words behind `migrate` name, which must fail.
    ///
    /// # Panics
    ///
    /// When the run succeeds.
    pub async fn refused_to(&self, source: impl Into<Source>, words: &str) -> Error {
        match self.migrator(source).migrate(&request(words)).await {
            Ok(report) => panic!("the run went well: {report:?}"),
            Err(error) => error,
        }
    }

    /// Columns of the ledger's row of a step, if there is one.
    pub async fn ledger_row(&self, columns: &str, name: &str) -> Option<TextRow> {
        let sql = format!("SELECT {columns} FROM migrate_steps WHERE name = '{name}'");
        self.rows(&sql).await.into_iter().next()
    }

    /// A number that a query gives.
    ///
    /// # Panics
    ///
    /// When it gives anything else.
    pub async fn count(&self, sql: &str) -> i64 {
        self.scalar(sql)
            .await
            .and_then(|text| text.parse().ok())
            .expect("a number")
    }

    /// Whether nobody holds the lock.
    pub async fn is_unlocked(&self) -> bool {
        self.scalar("SELECT expires_at FROM migrate_lease")
            .await
            .is_none()
    }

    /// Whether a table (or view) exists.
    pub async fn has_table(&self, table: &str) -> bool {
        let sql = match self.db() {
            Db::Sqlite => format!("SELECT 1 FROM sqlite_master WHERE name = '{table}'"),
            Db::Postgres => {
                format!("SELECT 1 FROM information_schema.tables WHERE table_name = '{table}'")
            }
            Db::MySql => format!(
                "SELECT 1 FROM information_schema.tables \
                 WHERE table_schema = DATABASE() AND table_name = '{table}'"
            ),
        };
        !self.rows(&sql).await.is_empty()
    }
}

/// Everything a run told, in order. Clone it, give one to the migrator and keep the other.
#[derive(Clone, Debug, Default)]
pub struct Events(Arc<Mutex<Vec<Event>>>);

impl Events {
    /// What was told so far.
    ///
    /// # Panics
    ///
    /// When an observer panicked.
    pub fn all(&self) -> Vec<Event> {
        self.0.lock().expect("nobody panics here").clone()
    }
}

impl Observer for Events {
    fn event(&self, event: &Event) {
        self.0
            .lock()
            .expect("nobody panics here")
            .push(event.clone());
    }
}
