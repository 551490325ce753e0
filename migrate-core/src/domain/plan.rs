//! Planning without a database: from steps that are said to be applied to a plan.

use migrate_source::Database;

use super::history::History;
use super::route::{Move, Route, route};
use super::row::{LedgerRow, LedgerRows, RowState};
use super::way_back::irreversible;
use crate::error::Error;
use crate::goal::{Fake, Request};
use crate::policy::Policies;
use crate::report::{Action, Plan, PlannedStep, StepId};

impl History {
    /// What a run would do on a database on which some steps are applied, named in the order of
    /// their application. Looks at nothing but its arguments, with the default policies.
    ///
    /// ```
    /// use migrate_core::report::{Direction, StepId};
    /// use migrate_core::{Database, Goal, History, Request};
    ///
    /// let history = History::builder()
    ///     .sql("users", "0001_initial.sql", "CREATE TABLE users (id INTEGER PRIMARY KEY);")
    ///     .sql("users", "0002_log.sql", "-- migrate: up\nCREATE TABLE log (at TEXT);\n-- migrate: down\nDROP TABLE log;")
    ///     .build()?;
    /// let applied = ["0001_initial", "0002_log"].map(|name| StepId::new("users", name));
    /// let back = Request::to(Goal::typed(Some("users"), Some("0001")));
    /// let plan = history.plan(&applied, &back, Database::Sqlite)?;
    /// assert_eq!(plan.direction, Direction::Backwards);
    /// assert_eq!(plan.steps.len(), 1);
    /// assert!(plan.problems.is_empty());
    /// # Ok::<(), migrate_core::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// A goal that names no app or step, or several.
    pub fn plan(
        &self,
        applied: &[StepId],
        request: &Request,
        database: Database,
    ) -> Result<Plan, Error> {
        let rows = applied.iter().zip(1..).map(|(id, seq)| {
            let kind = self.get(id).map_or("sql", |step| step.kind_text());
            LedgerRow::bare(id, kind, RowState::Applied, seq)
        });
        let rows = LedgerRows::new(rows.collect());
        let route = route(self, &rows, request, Policies::default(), database)?;
        Ok(route.plan(self, &rows, request.fake, database))
    }
}

impl Route<'_> {
    /// The route as people and programs see it.
    pub(crate) fn plan(
        self,
        history: &History,
        rows: &LedgerRows,
        fake: Fake,
        database: Database,
    ) -> Plan {
        let planned = |planned @ &Move { step, action }: &Move<'_>| PlannedStep {
            runs: planned.runs(rows, database),
            step: step.id.clone(),
            action,
            kind: step.kind(),
            mode: step.mode(database),
            location: step.location_on(database).to_owned(),
            description: step.description.clone(),
            resumes_after: rows
                .find(&step.id)
                .filter(|row| !row.is_applied() && row.done > 0)
                .map(|row| (row.done, row.total)),
            irreversible: match action {
                Action::Revert => irreversible(history, rows, step, database),
                Action::Apply | Action::Record => None,
            },
            faked: fake == Fake::All && action != Action::Record,
        };
        Plan {
            database,
            direction: self.direction,
            steps: self.moves.iter().map(planned).collect(),
            dependents: self.dependents,
            problems: self.problems,
            warnings: self.warnings,
        }
    }
}
