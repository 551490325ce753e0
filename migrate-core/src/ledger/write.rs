//! Writing the ledger: statements that every path of the executor sends, each with its fence.
//!
//! How a [`Statement`] is sent stands in [`super::statement`].

use migrate_source::Database;

use super::Tables;
use super::statement::Statement;
use crate::dialect::{fence, strict_fence, timestamp};
use crate::domain::RowState;
use crate::session::Value;

/// Who writes, and under which token.
#[derive(Clone, Debug)]
pub(crate) struct Ledger {
    pub(crate) tables: Tables,
    pub(crate) token: i64,
    pub(crate) host: String,
    pub(crate) pid: i64,
    pub(crate) app_version: String,
}

/// What is recorded of a step that is applied.
#[derive(Clone, Debug)]
pub(crate) struct Applied<'a> {
    pub(crate) app: &'a str,
    pub(crate) name: &'a str,
    pub(crate) kind: &'a str,
    pub(crate) checksum: &'a str,
    pub(crate) source: &'a str,
    /// `None`: the time since the transaction began, computed by Postgres itself.
    pub(crate) duration_ms: Option<u64>,
    pub(crate) rows: Option<u64>,
    pub(crate) result: Option<&'a str>,
    pub(crate) faked: bool,
    pub(crate) action: &'a str,
}

/// A statement that is about to run outside a transaction.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Intent<'a> {
    /// Its number in the step, from 0.
    pub(crate) place: usize,
    pub(crate) text: &'a str,
    /// Whether the catalogue already looks as the statement would leave it.
    pub(crate) before: bool,
}

/// One line of the history of runs.
#[derive(Clone, Debug)]
pub(crate) struct RunRow<'a> {
    pub(crate) app: &'a str,
    pub(crate) name: &'a str,
    pub(crate) action: &'a str,
    pub(crate) outcome: &'a str,
    pub(crate) duration_ms: Option<u64>,
    pub(crate) rows: Option<u64>,
    pub(crate) checksum: Option<&'a str>,
    pub(crate) error: Option<&'a str>,
    pub(crate) reason: Option<&'a str>,
}

fn count(value: Option<u64>) -> Value {
    value.and_then(|v| i64::try_from(v).ok()).into()
}

impl Ledger {
    fn database(&self) -> Database {
        self.tables.database()
    }

    /// Records a step as applied: its row and a line of history, both fenced.
    pub(crate) fn applied(&self, step: &Applied<'_>) -> [Statement; 2] {
        let database = self.database();
        let now = timestamp(database);
        // In the one message of a Postgres step nobody but the server knows the time it took;
        // `now()` there is the start of the transaction.
        let duration = match step.duration_ms {
            Some(_) => "?",
            None => "CAST(extract(epoch FROM clock_timestamp() - now()) * 1000 AS bigint)",
        };
        let columns = "app, name, kind, state, checksum, source, total, done, done_hash, intent, \
                       intent_text, intent_before, started_at, applied_at, duration_ms, rows_affected, result, faked, runs, \
                       error, host, pid, app_version, fence, seq";
        let updated = "kind, state, checksum, source, total, done, done_hash, intent, \
                       intent_text, intent_before, applied_at, duration_ms, rows_affected, result, faked, error, host, pid, app_version, \
                       fence, seq";
        // Each applied step also adds a line to the history of runs, so this number grows.
        let seq = format!("(SELECT COALESCE(MAX(id), 0) FROM {})", self.tables.runs());
        let sql = format!(
            "INSERT INTO {steps} ({columns}) VALUES (?, ?, ?, 'applied', ?, ?, NULL, NULL, NULL, \
             NULL, NULL, NULL, {now}, {now}, {duration}, ?, ?, ?, 1, NULL, ?, ?, ?, {fence}, {seq}) {upsert}",
            steps = self.tables.steps(),
            fence = fence(&self.tables),
            upsert = self.upsert(updated),
        );
        let mut values: Vec<Value> = vec![
            step.app.into(),
            step.name.into(),
            step.kind.into(),
            step.checksum.into(),
            step.source.into(),
        ];
        if step.duration_ms.is_some() {
            values.push(count(step.duration_ms));
        }
        values.extend([
            count(step.rows),
            step.result.into(),
            Value::Int(step.faked.into()),
            self.host.as_str().into(),
            self.pid.into(),
            self.app_version.as_str().into(),
            self.token.into(),
        ]);
        let run = RunRow {
            app: step.app,
            name: step.name,
            action: step.action,
            outcome: "applied",
            duration_ms: step.duration_ms,
            rows: step.rows,
            checksum: Some(step.checksum),
            error: None,
            reason: None,
        };
        [Statement::new(&self.tables, sql, values), self.run(&run)]
    }

    /// Takes the named columns from the row that could not be inserted, and counts the run.
    fn upsert(&self, columns: &str) -> String {
        let table = format!("{}_steps", self.tables.prefix);
        let (start, value): (String, fn(&str) -> String) = match self.database() {
            Database::MySql => ("ON DUPLICATE KEY UPDATE runs = runs + 1".into(), |c| {
                format!("{c} = VALUES({c})")
            }),
            // The old row is named by the table's name without its schema.
            Database::Postgres | Database::Sqlite => (
                format!("ON CONFLICT (app, name) DO UPDATE SET runs = \"{table}\".runs + 1"),
                |c| format!("{c} = excluded.{c}"),
            ),
        };
        columns
            .split(", ")
            .map(|column| value(column.trim()))
            .fold(start, |sql, part| sql + ", " + &part)
    }

    /// One line of history, fenced.
    pub(crate) fn run(&self, run: &RunRow<'_>) -> Statement {
        let sql = format!(
            "INSERT INTO {} (app, name, action, outcome, at, duration_ms, rows_affected, \
             checksum, error, reason, host, pid, app_version, fence) \
             VALUES (?, ?, ?, ?, {}, ?, ?, ?, ?, ?, ?, ?, ?, {})",
            self.tables.runs(),
            timestamp(self.database()),
            fence(&self.tables),
        );
        Statement::new(
            &self.tables,
            sql,
            vec![
                run.app.into(),
                run.name.into(),
                run.action.into(),
                run.outcome.into(),
                count(run.duration_ms),
                count(run.rows),
                run.checksum.into(),
                run.error.into(),
                run.reason.into(),
                self.host.as_str().into(),
                self.pid.into(),
                self.app_version.as_str().into(),
                self.token.into(),
            ],
        )
    }

    /// Says that a non-atomic step has begun (or goes on) with this text.
    pub(crate) fn running(&self, step: &Applied<'_>, total: usize) -> Statement {
        let now = timestamp(self.database());
        let sql = format!(
            "INSERT INTO {steps} (app, name, kind, state, checksum, source, total, done, \
             started_at, faked, runs, host, pid, app_version, fence) \
             VALUES (?, ?, ?, 'running', ?, ?, ?, 0, {now}, 0, 0, ?, ?, ?, {fence}) {upsert}",
            steps = self.tables.steps(),
            fence = fence(&self.tables),
            upsert = self.upsert("state, checksum, source, total, host, pid, app_version, fence"),
        );
        Statement::new(
            &self.tables,
            sql,
            vec![
                step.app.into(),
                step.name.into(),
                step.kind.into(),
                step.checksum.into(),
                step.source.into(),
                i64::try_from(total).unwrap_or(i64::MAX).into(),
                self.host.as_str().into(),
                self.pid.into(),
                self.app_version.as_str().into(),
                self.token.into(),
            ],
        )
    }

    /// Says that the way back of a step has begun, or goes on: it is not applied any more. Who
    /// applied it stays told, see [`still_applied`](Self::still_applied).
    pub(crate) fn reverting(&self, app: &str, name: &str, total: usize) -> Statement {
        let total = Value::Int(i64::try_from(total).unwrap_or(i64::MAX));
        let set = "state = 'reverting', total = ?, error = NULL";
        self.update(set, vec![total], app, name)
    }

    /// Says that `done` statements, with this hash, are finished and nothing is in flight.
    /// `state`: whether they are those of the step or those of its way back.
    pub(crate) fn progress(
        &self,
        app: &str,
        name: &str,
        done: usize,
        hash: &str,
        state: RowState,
    ) -> Statement {
        self.update(
            "state = ?, done = ?, done_hash = ?, intent = NULL, \
             intent_text = NULL, intent_before = NULL",
            vec![
                state.as_str().into(),
                Value::Int(i64::try_from(done).unwrap_or(i64::MAX)),
                hash.into(),
            ],
            app,
            name,
        )
    }

    /// Says that a statement is about to run outside a transaction; `None` takes that back.
    pub(crate) fn intent(&self, app: &str, name: &str, intent: Option<&Intent<'_>>) -> Statement {
        let place = intent.and_then(|intent| i64::try_from(intent.place).ok());
        self.update(
            "intent = ?, intent_text = ?, intent_before = ?",
            vec![
                place.into(),
                intent.map(|intent| intent.text).into(),
                intent.map(|intent| i64::from(intent.before)).into(),
            ],
            app,
            name,
        )
    }

    /// Marks a non-atomic step as failed, with the redacted error, if it has a row: it may have
    /// failed before that. The line of history beside it has the fence for both.
    pub(crate) fn failed(&self, app: &str, name: &str, error: &str) -> Statement {
        self.update("state = 'failed', error = ?", vec![error.into()], app, name)
            .if_there()
    }

    /// Keeps the redacted error of a way back that has begun.
    pub(crate) fn failed_back(&self, app: &str, name: &str, error: &str) -> Statement {
        let set = "error = CASE state WHEN 'reverting' THEN ? ELSE error END";
        self.update(set, vec![error.into()], app, name).if_there()
    }

    /// Says that a step whose way back has begun is applied as before, if none of the statements
    /// of that is done or may be.
    pub(crate) fn still_applied(&self, app: &str, name: &str) -> Statement {
        let set = "state = 'applied', total = NULL, done = NULL, done_hash = NULL, error = NULL";
        self.update(set, Vec::new(), app, name)
            .only_where("state = 'reverting' AND done = 0 AND intent IS NULL")
    }

    /// Replaces the checksum and the kept text of an applied step.
    pub(crate) fn accepted(
        &self,
        app: &str,
        name: &str,
        checksum: &str,
        source: &str,
    ) -> Statement {
        self.update(
            "checksum = ?, source = ?",
            vec![checksum.into(), source.into()],
            app,
            name,
        )
    }

    fn update(&self, set: &str, mut values: Vec<Value>, app: &str, name: &str) -> Statement {
        let sql = format!(
            "UPDATE {} SET {set}, fence = {} WHERE app = ? AND name = ?",
            self.tables.steps(),
            strict_fence(&self.tables),
        );
        values.extend([self.token.into(), app.into(), name.into()]);
        Statement::new(&self.tables, sql, values).of_row(app, name)
    }

    /// Removes a step's row.
    pub(crate) fn remove(&self, app: &str, name: &str) -> Statement {
        Statement::new(
            &self.tables,
            format!(
                "DELETE FROM {} WHERE app = ? AND name = ?",
                self.tables.steps()
            ),
            vec![app.into(), name.into()],
        )
        .of_row(app, name)
    }
}
