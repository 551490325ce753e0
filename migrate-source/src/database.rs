//! The databases a SQL text can be written for.

use std::fmt;
use std::str::FromStr;

/// A database, as far as its SQL is concerned. Another one will be looked at in every `match`, so this
/// is exhaustive.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "lowercase"))]
pub enum Database {
    /// SQLite.
    Sqlite,
    /// PostgreSQL.
    Postgres,
    /// MySQL and MariaDB.
    MySql,
}

impl Database {
    /// Every database, in the order of their declaration.
    pub const ALL: [Self; 3] = [Self::Sqlite, Self::Postgres, Self::MySql];

    /// The lower-case name used in file names, settings and JSON.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Sqlite => "sqlite",
            Self::Postgres => "postgres",
            Self::MySql => "mysql",
        }
    }
}

impl fmt::Display for Database {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A name that is not one of `sqlite`, `postgres` and `mysql`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnknownDatabase(String);

impl fmt::Display for UnknownDatabase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "`{}` is not a database; known are `sqlite`, `postgres` and `mysql`",
            self.0
        )
    }
}

impl std::error::Error for UnknownDatabase {}

impl FromStr for Database {
    type Err = UnknownDatabase;

    fn from_str(text: &str) -> Result<Self, UnknownDatabase> {
        Self::ALL
            .into_iter()
            .find(|database| database.as_str() == text)
            .ok_or_else(|| UnknownDatabase(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_parses_back() {
        for database in Database::ALL {
            assert_eq!(database.to_string().parse(), Ok(database));
        }
    }

    #[test]
    fn other_names_are_refused() {
        for name in ["", "SQLite", "mariadb", "postgresql"] {
            assert!(name.parse::<Database>().is_err(), "{name}");
        }
    }
}
