//! The names of the ledger's tables: validated once, quoted, always with their schema.

use std::fmt;

use migrate_source::Database;

use crate::error::{Error, ErrorCode};

/// Where the ledger stands: a schema (on MySQL: a database) and the prefix of its tables.
///
/// ```
/// use migrate_core::LedgerName;
///
/// let name = LedgerName::new(Some("ops"), "billing_migrate")?;
/// assert_eq!(name.prefix(), "billing_migrate");
/// assert!(LedgerName::new(None, "drop table;").is_err());
/// # Ok::<(), migrate_core::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LedgerName {
    schema: Option<String>,
    prefix: String,
}

/// Postgres truncates identifiers after 63 bytes; our longest suffix is `_steps`.
const MAX_PREFIX: usize = 48;
const MAX_SCHEMA: usize = 63;

impl LedgerName {
    /// Checks and keeps a name.
    ///
    /// `schema` defaults to `public` on Postgres, to the URL's database on MySQL, and is `main`
    /// on SQLite.
    ///
    /// # Errors
    ///
    /// [`ErrorCode::BadLedgerName`] unless both are letters, digits and underscores (a schema may
    /// also hold `-` and `$`), begin with a letter or underscore, and are short enough.
    pub fn new(schema: Option<&str>, prefix: &str) -> Result<Self, Error> {
        check("prefix", prefix, MAX_PREFIX, "")?;
        if let Some(schema) = schema {
            check("schema", schema, MAX_SCHEMA, "-$")?;
        }
        Ok(Self {
            schema: schema.map(str::to_owned),
            prefix: prefix.to_owned(),
        })
    }

    /// The prefix of the tables' names.
    pub fn prefix(&self) -> &str {
        &self.prefix
    }

    /// The schema, if one was given.
    pub fn schema(&self) -> Option<&str> {
        self.schema.as_deref()
    }

    /// Whether a table, by its name without a schema, is one of the ledger's, or a sequence of one.
    pub(crate) fn owns(&self, table: &str) -> bool {
        let suffixes = [
            "meta",
            "steps",
            "runs",
            "lock",
            "lease",
            "audit",
            "audit_state",
        ];
        let Some(rest) = table
            .strip_prefix(&self.prefix)
            .and_then(|r| r.strip_prefix('_'))
        else {
            return false;
        };
        let sequence = |suffix: &str| rest.ends_with("_seq") && rest.starts_with(suffix);
        suffixes
            .iter()
            .any(|suffix| rest == *suffix || sequence(suffix))
    }

    /// Fixes the names for one database.
    pub(crate) fn tables(
        &self,
        database: Database,
        default_schema: Option<&str>,
    ) -> Result<Tables, Error> {
        let schema = match database {
            Database::Sqlite => "main",
            Database::Postgres => self.schema().unwrap_or("public"),
            Database::MySql => self.schema().or(default_schema).ok_or_else(|| {
                Error::new(
                    ErrorCode::BadUrl,
                    "the URL names no database to put the ledger into",
                )
                .help("end the URL with the database's name, as in `mysql://user@host/shop`")
            })?,
        };
        Ok(Tables {
            database,
            schema: schema.to_owned(),
            prefix: self.prefix.clone(),
            explicit: self.schema.is_some(),
            user: None,
        })
    }
}

impl Default for LedgerName {
    fn default() -> Self {
        Self {
            schema: None,
            prefix: "migrate".to_owned(),
        }
    }
}

fn check(what: &str, text: &str, max: usize, also: &str) -> Result<(), Error> {
    let starts = text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
    let holds = text
        .chars()
        .all(|c| c.is_ascii_alphanumeric() || c == '_' || also.contains(c));
    if starts && holds && text.len() <= max {
        return Ok(());
    }
    Err(Error::new(
        ErrorCode::BadLedgerName,
        format!("`{}` cannot be the ledger's {what}", text.escape_debug()),
    )
    .help(format!(
        "use 1 to {max} ASCII letters, digits and underscores that begin with a letter"
    )))
}

/// The tables of one ledger on one database, with their names ready for SQL.
#[derive(Clone, Debug)]
pub(crate) struct Tables {
    database: Database,
    pub(crate) schema: String,
    pub(crate) prefix: String,
    /// Whether the user named the schema.
    pub(crate) explicit: bool,
    /// Who connects, where that is known; for messages about rights.
    pub(crate) user: Option<String>,
}

impl Tables {
    pub(crate) fn database(&self) -> Database {
        self.database
    }

    fn quote(&self) -> char {
        match self.database {
            Database::MySql => '`',
            Database::Sqlite | Database::Postgres => '"',
        }
    }

    /// The schema, ready for SQL.
    pub(crate) fn quoted_schema(&self) -> String {
        let quote = self.quote();
        // The prefix is validated; a database named in a URL may hold anything, quotes too.
        let schema = self.schema.replace(quote, &format!("{quote}{quote}"));
        format!("{quote}{schema}{quote}")
    }

    fn quoted(&self, suffix: &str) -> String {
        let (schema, quote) = (self.quoted_schema(), self.quote());
        format!("{schema}.{quote}{}_{suffix}{quote}", self.prefix)
    }

    /// Every table of a ledger on a server.
    pub(crate) fn all(&self) -> [String; 5] {
        ["meta", "steps", "runs", "lock", "lease"].map(|suffix| self.quoted(suffix))
    }

    /// The version of the ledger's own tables.
    pub(crate) fn meta(&self) -> String {
        self.quoted("meta")
    }

    /// One row per step.
    pub(crate) fn steps(&self) -> String {
        self.quoted("steps")
    }

    /// One row per thing that was ever done.
    pub(crate) fn runs(&self) -> String {
        self.quoted("runs")
    }

    /// The token, which changes only at a take-over.
    pub(crate) fn lock(&self) -> String {
        self.quoted("lock")
    }

    /// The expiry, which the heartbeat renews.
    pub(crate) fn lease(&self) -> String {
        self.quoted("lease")
    }

    /// SQLite's published audit state: the view that triggers read.
    pub(crate) fn audit(&self) -> String {
        self.quoted("audit")
    }

    /// The row behind [`audit`](Self::audit).
    pub(crate) fn audit_state(&self) -> String {
        self.quoted("audit_state")
    }
}

impl fmt::Display for Tables {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}_*", self.schema, self.prefix)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refuses_names_that_would_need_escaping() {
        for bad in [
            "",
            "1st",
            "a b",
            "a\"b",
            "a`b",
            "a;b",
            "ä",
            "a.b",
            &"x".repeat(49),
        ] {
            let error = LedgerName::new(None, bad).unwrap_err();
            assert_eq!(error.code(), ErrorCode::BadLedgerName, "{bad}");
        }
        assert!(LedgerName::new(Some("we-1$"), "a_1").is_ok());
    }

    #[test]
    fn names_are_quoted_and_have_their_schema() {
        let name = LedgerName::default();
        let tables = name.tables(Database::Postgres, None).unwrap();
        assert_eq!(tables.steps(), r#""public"."migrate_steps""#);
        let tables = name.tables(Database::MySql, Some("shop")).unwrap();
        assert_eq!(tables.lock(), "`shop`.`migrate_lock`");
        assert!(name.tables(Database::MySql, None).is_err());
    }
}
