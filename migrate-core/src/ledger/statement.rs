//! One statement of ours: text and values apart, and the row that it must change.
//!
//! It is bound everywhere except inside the one message of an atomic Postgres step, where
//! [`Statement::inline`] quotes the values. What is written stands in [`super::write`].

use super::Tables;
use crate::dialect::quote_literal;
use crate::session::{Session, Value, placeholders};

/// SQL with `?` placeholders, and their values.
#[derive(Clone, Debug)]
pub(crate) struct Statement {
    /// The ledger that it writes to; whoever may not needs to know its tables.
    tables: Tables,
    sql: String,
    values: Vec<Value>,
    /// The step whose row it must change: without that row it must fail, since it has then
    /// evaluated no fence either.
    row: Option<String>,
}

impl Statement {
    /// Texts lose their NULs, which Postgres cannot store.
    pub(super) fn new(tables: &Tables, sql: impl Into<String>, mut values: Vec<Value>) -> Self {
        for value in &mut values {
            if let Value::Text(text) = value
                && text.contains('\0')
            {
                *text = text.replace('\0', "");
            }
        }
        Self {
            tables: tables.clone(),
            sql: sql.into(),
            values,
            row: None,
        }
    }

    /// Makes it one that must change the row of a step.
    pub(super) fn of_row(mut self, app: &str, name: &str) -> Self {
        self.row = Some(format!("{app}.{name}"));
        self
    }

    /// Makes it one that may find no row, beside another one with a fence.
    pub(super) fn if_there(mut self) -> Self {
        self.row = None;
        self
    }

    /// Makes it one that changes its row only where this holds too.
    pub(super) fn only_where(mut self, condition: &str) -> Self {
        self.sql = format!("{} AND {condition}", self.sql);
        self.if_there()
    }

    /// The ledger that it writes to.
    pub(crate) fn tables(&self) -> &Tables {
        &self.tables
    }

    /// The step whose row it must change, if it must.
    pub(crate) fn row(&self) -> Option<&str> {
        self.row.as_deref()
    }

    /// Executes it with its values bound and returns the rows affected.
    pub(crate) async fn execute(&self, session: &mut dyn Session) -> sqlx::Result<u64> {
        session
            .execute(&placeholders(&self.sql, session.database()), &self.values)
            .await
    }

    /// The text with its values written in, for a simple query of Postgres. There nobody looks at
    /// the rows affected before COMMIT, so a row that must be there and is not divides by zero.
    pub(crate) fn inline(&self) -> String {
        let text = self.with_values();
        match &self.row {
            None => text,
            Some(_) => {
                format!("WITH changed AS ({text} RETURNING 1) SELECT 1 / count(*) FROM changed")
            }
        }
    }

    fn with_values(&self) -> String {
        let mut out = String::with_capacity(self.sql.len() + 256);
        let mut values = self.values.iter();
        // The SQL is ours and holds no `?` but placeholders.
        for part in self.sql.split_inclusive('?') {
            match part.strip_suffix('?') {
                None => out.push_str(part),
                Some(text) => {
                    out.push_str(text);
                    out.push_str(&values.next().map_or_else(|| "NULL".to_owned(), literal));
                }
            }
        }
        out
    }
}

fn literal(value: &Value) -> String {
    match value {
        Value::Null | Value::Bytes(_) => "NULL".to_owned(),
        Value::Bool(value) => value.to_string(),
        Value::Int(value) => value.to_string(),
        Value::Float(value) => value.to_string(),
        Value::Text(value) => quote_literal(value),
    }
}

#[cfg(test)]
mod tests {
    use migrate_source::Database;

    use super::*;

    fn statement(sql: &str, values: Vec<Value>) -> Statement {
        let name = crate::ledger::LedgerName::default();
        Statement::new(&name.tables(Database::Postgres, None).unwrap(), sql, values)
    }

    #[test]
    fn inline_writes_values_in_order_and_quotes_them() {
        let statement = statement(
            "INSERT INTO t VALUES (?, ?, ?)",
            vec!["a?'b".into(), Value::Null, Value::Int(3)],
        );
        assert_eq!(
            statement.inline(),
            "INSERT INTO t VALUES ('a?''b', NULL, 3)"
        );
    }

    #[test]
    fn inline_demands_its_row() {
        let statement = statement("DELETE FROM t WHERE name = ?", vec!["b".into()]);
        assert_eq!(
            statement.of_row("a", "b").inline(),
            "WITH changed AS (DELETE FROM t WHERE name = 'b' RETURNING 1) \
             SELECT 1 / count(*) FROM changed"
        );
    }
}
