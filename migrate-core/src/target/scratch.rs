//! Other databases beside the one that is meant: a file, or one of the same server.

use super::{Options, Target};

impl Options {
    /// The same server, user and settings, and another database; on SQLite another file, which is
    /// created.
    pub(crate) fn named(&self, name: &str) -> Self {
        match *self {
            #[cfg(feature = "sqlite")]
            Self::Sqlite(ref options) => {
                let options = options.clone().filename(name).create_if_missing(true);
                Self::Sqlite(options.read_only(false))
            }
            #[cfg(feature = "postgres")]
            Self::Postgres(ref options) => Self::Postgres(options.clone().database(name)),
            #[cfg(feature = "mysql")]
            Self::MySql(ref options) => Self::MySql(options.clone().database(name)),
        }
    }

    /// A SQLite file by itself.
    #[cfg(feature = "sqlite")]
    pub(crate) fn sqlite() -> Self {
        let options = sqlx::sqlite::SqliteConnectOptions::new();
        Self::Sqlite(sqlx::ConnectOptions::disable_statement_logging(options))
    }

    /// Somewhere to migrate.
    pub(crate) fn target(&self) -> Target<'static> {
        Target::of(self.clone())
    }
}
