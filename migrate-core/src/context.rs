//! What a data migration is given: the connection of its transaction, and how it was asked to run.
//!
//! [`Context`] is generic over the database so that the compiler checks a function's SQL types;
//! [`Portable`] is for functions that serve every database with one text. The executor
//! knows neither: it calls [`ErasedStepFn`], which finds the typed connection again.

use std::fmt;
use std::future::Future;
use std::pin::Pin;

use migrate_source::Database;

use crate::error::StepError;
use crate::event::StepReporter;
use crate::session::{Row, Session, Value};

/// What a data migration returns: `Ok` with anything that implements [`IntoStepOutput`].
pub type Result<T, E = StepError> = std::result::Result<T, E>;

/// A boxed future that may move between threads.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// A database that a data migration can be written for.
///
/// Implemented for `sqlx::Sqlite`, `sqlx::Postgres` and `sqlx::MySql` (each with the feature of
/// that name) and for [`Portable`].
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a database this build of migrate-core can migrate",
    label = "not an enabled database",
    note = "enable the feature of that name on migrate-core: `sqlite` (the default), `postgres` or `mysql`",
    note = "for one function that serves every database, write `Context<'_, migrate_core::Portable>`"
)]
pub trait StepDatabase: Send + Sync + 'static {
    /// What [`Context::conn`] hands out.
    type Connection: ?Sized + Send + Sync + 'static;

    /// The database, or `None` where any will do.
    #[doc(hidden)]
    const DATABASE: Option<Database>;

    /// Finds the typed connection in the executor's session.
    #[doc(hidden)]
    fn connection(session: &mut dyn Session) -> Option<&mut Self::Connection>;
}

macro_rules! step_database {
    ($feature:literal, $database:ident, $connection:ident) => {
        #[cfg(feature = $feature)]
        impl StepDatabase for sqlx::$database {
            type Connection = sqlx::$connection;
            const DATABASE: Option<Database> = Some(Database::$database);

            fn connection(session: &mut dyn Session) -> Option<&mut Self::Connection> {
                session.as_any().downcast_mut()
            }
        }
    };
}

step_database!("sqlite", Sqlite, SqliteConnection);
step_database!("postgres", Postgres, PgConnection);
step_database!("mysql", MySql, MySqlConnection);

/// The marker of a data migration that serves every database with one text.
///
/// Its [`Context`] has [`execute`](Context::execute) and [`query`](Context::query), which take
/// `?` placeholders everywhere and the plain values of [`Value`].
#[derive(Clone, Copy, Debug)]
pub struct Portable;

impl StepDatabase for Portable {
    type Connection = dyn Session;
    const DATABASE: Option<Database> = None;

    fn connection(session: &mut dyn Session) -> Option<&mut Self::Connection> {
        Some(session)
    }
}

/// How a step was asked to run, and where its messages go.
#[derive(Clone, Copy, Debug)]
pub(crate) struct StepRequest<'c> {
    pub(crate) dry_run: bool,
    pub(crate) verbosity: u8,
    pub(crate) step: &'c str,
    pub(crate) reporter: &'c dyn StepReporter,
}

/// What a data migration is given: the connection of its transaction, and how it was asked to run.
///
/// `DB` is `sqlx::Sqlite`, `sqlx::Postgres`, `sqlx::MySql` or [`Portable`].
pub struct Context<'c, DB: StepDatabase> {
    connection: &'c mut DB::Connection,
    request: StepRequest<'c>,
}

impl<DB: StepDatabase> Context<'_, DB> {
    /// The connection of the step's transaction.
    ///
    /// In an atomic step everything done through it commits together with the ledger row, or not
    /// at all. In a non-atomic step there is no transaction: each statement commits by itself
    /// unless the function begins one.
    pub fn conn(&mut self) -> &mut DB::Connection {
        self.connection
    }

    /// Whether the run is a dry run.
    ///
    /// The engine rolls an atomic step back by itself, so most functions need not look. Ask
    /// before any effect outside the database, such as sending mail.
    pub fn dry_run(&self) -> bool {
        self.request.dry_run
    }

    /// How much the user wants to read, 0 to 3; 1 is the default.
    pub fn verbosity(&self) -> u8 {
        self.request.verbosity
    }

    /// The step that is running, as `app.name`.
    pub fn step(&self) -> &str {
        self.request.step
    }

    /// Reports how far the step is, in rows or whatever unit the function counts.
    ///
    /// It is shown as a bar on a terminal, and it is the sign of life that other processes
    /// waiting for the lock look at: a holder that reports progress is not given up on.
    pub fn progress(&self, done: u64, total: Option<u64>) {
        self.request
            .reporter
            .progress(self.request.step, done, total);
    }

    /// Tells the user something; shown at verbosity 1 and above.
    pub fn log(&self, message: impl fmt::Display) {
        self.request
            .reporter
            .log(self.request.step, 1, &message.to_string());
    }

    /// Tells the user a detail; shown at verbosity 2 and above.
    pub fn detail(&self, message: impl fmt::Display) {
        self.request
            .reporter
            .log(self.request.step, 2, &message.to_string());
    }
}

impl Context<'_, Portable> {
    /// The database behind this context.
    pub fn database(&self) -> Database {
        self.connection.database()
    }

    /// Executes one statement with `?` placeholders and returns the rows it affected.
    ///
    /// # Errors
    ///
    /// What the database says, or that the number of values differs from the placeholders.
    pub async fn execute(&mut self, sql: &str, values: &[Value]) -> sqlx::Result<u64> {
        let sql = crate::session::placeholders(sql, self.connection.database());
        self.connection.execute(&sql, values).await
    }

    /// Executes one query with `?` placeholders and returns all its rows.
    ///
    /// # Errors
    ///
    /// What the database says, or that a column's type has no [`Value`] (cast it to text).
    pub async fn query(&mut self, sql: &str, values: &[Value]) -> sqlx::Result<Vec<Row>> {
        let sql = crate::session::placeholders(sql, self.connection.database());
        self.connection.query(&sql, values).await
    }
}

impl<DB: StepDatabase> fmt::Debug for Context<'_, DB> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Context")
            .field("step", &self.request.step)
            .field("dry_run", &self.request.dry_run)
            .field("verbosity", &self.request.verbosity)
            .finish_non_exhaustive()
    }
}

/// What a step reported when it succeeded.
#[doc(hidden)]
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StepOutput {
    /// The `Result:` line, if the function returned something.
    pub text: Option<String>,
    /// The rows changed, if the function returned a count.
    pub rows: Option<u64>,
}

/// What a data migration may return inside `Ok`: nothing, a count of rows, or a text.
#[diagnostic::on_unimplemented(
    message = "a data migration cannot return `{Self}`",
    label = "not a result that can be shown",
    note = "return `migrate_core::Result<()>`, `Result<u64>` (rows changed), `Result<String>`, or an `Option` of these"
)]
pub trait IntoStepOutput {
    /// Turns the value into what is stored and shown.
    #[doc(hidden)]
    fn into_step_output(self) -> StepOutput;
}

impl IntoStepOutput for () {
    fn into_step_output(self) -> StepOutput {
        StepOutput::default()
    }
}

macro_rules! count_output {
    ($($integer:ty),*) => {$(
        impl IntoStepOutput for $integer {
            fn into_step_output(self) -> StepOutput {
                StepOutput { text: Some(self.to_string()), rows: u64::try_from(self).ok() }
            }
        }
    )*};
}

count_output!(u64, u32, usize, i64, i32);

impl IntoStepOutput for String {
    fn into_step_output(self) -> StepOutput {
        StepOutput {
            text: Some(self),
            rows: None,
        }
    }
}

impl IntoStepOutput for &'static str {
    fn into_step_output(self) -> StepOutput {
        self.to_owned().into_step_output()
    }
}

impl<T: IntoStepOutput> IntoStepOutput for Option<T> {
    fn into_step_output(self) -> StepOutput {
        self.map(T::into_step_output).unwrap_or_default()
    }
}

/// The signature of a data migration once its future is boxed.
#[doc(hidden)]
pub type StepFnPointer<DB> =
    for<'a, 'c> fn(&'a mut Context<'c, DB>) -> BoxFuture<'a, Result<StepOutput>>;

/// Carries a function pointer whose `DB` rustc inferred from the user's signature.
#[doc(hidden)]
#[derive(Debug)]
pub struct StepFn<DB: StepDatabase>(StepFnPointer<DB>);

impl<DB: StepDatabase> StepFn<DB> {
    /// Used by the expansion of `#[data_migration]`.
    pub const fn new(function: StepFnPointer<DB>) -> Self {
        Self(function)
    }
}

/// A [`StepFn`] whose database is only known at run time.
#[doc(hidden)]
pub trait ErasedStepFn: Send + Sync {
    /// The database the function is written for; `None` where any will do.
    fn database(&self) -> Option<Database>;

    /// Calls the function; `None` when the session is of another database.
    fn call<'a>(
        &self,
        session: &'a mut dyn Session,
        request: StepRequestHandle<'a>,
    ) -> Option<BoxFuture<'a, Result<StepOutput>>>;
}

/// Keeps [`StepRequest`] out of the public API of [`ErasedStepFn`].
#[doc(hidden)]
#[derive(Clone, Copy, Debug)]
pub struct StepRequestHandle<'c>(pub(crate) StepRequest<'c>);

impl<DB: StepDatabase> ErasedStepFn for StepFn<DB> {
    fn database(&self) -> Option<Database> {
        DB::DATABASE
    }

    fn call<'a>(
        &self,
        session: &'a mut dyn Session,
        request: StepRequestHandle<'a>,
    ) -> Option<BoxFuture<'a, Result<StepOutput>>> {
        let function = self.0;
        let connection = DB::connection(session)?;
        Some(Box::pin(async move {
            let mut context = Context {
                connection,
                request: request.0,
            };
            function(&mut context).await
        }))
    }
}
