//! The service's own connection, to whichever database the URL names.

use sqlx::{AnyConnection, AssertSqlSafe, Connection as _};

/// A connection, and how its database writes placeholders.
#[derive(Debug)]
pub struct Database {
    pub(crate) connection: AnyConnection,
    numbered: bool,
}

impl Database {
    /// Connects; foreign keys are enforced on all three, on SQLite by sqlx's own setting.
    ///
    /// # Errors
    ///
    /// What the driver says.
    pub async fn connect(url: &str) -> sqlx::Result<Self> {
        sqlx::any::install_default_drivers();
        Ok(Self {
            connection: AnyConnection::connect(url).await?,
            numbered: url.starts_with("postgres"),
        })
    }

    /// A text of ours with `?` for each value, as this database writes it.
    pub(crate) fn sql(&self, text: &'static str) -> AssertSqlSafe<String> {
        if !self.numbered {
            return AssertSqlSafe(text.to_owned());
        }
        let mut parts = text.split('?');
        let first = parts.next().unwrap_or_default().to_owned();
        AssertSqlSafe(
            parts
                .zip(1..)
                .fold(first, |sql, (part, number)| format!("{sql}${number}{part}")),
        )
    }

    /// The number after the highest that a query gives, which is none in an empty table.
    pub(crate) async fn next(&mut self, highest: &'static str) -> sqlx::Result<i64> {
        let highest: Option<i64> = sqlx::query_scalar(highest)
            .fetch_one(&mut self.connection)
            .await?;
        Ok(highest.unwrap_or(0) + 1)
    }

    /// How many rows a table has.
    pub(crate) async fn count(&mut self, table: &str) -> sqlx::Result<i64> {
        let sql = format!("SELECT COUNT(*) FROM {table}");
        sqlx::query_scalar(AssertSqlSafe(sql))
            .fetch_one(&mut self.connection)
            .await
    }
}
