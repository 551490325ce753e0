//! `plan`: what a run would do, for every goal.

use migrate_source::Database;

use super::refuse::{explain, is_held, whole_route};
use super::run::tasks;
use super::session::Opened;
use crate::context::BoxFuture;
use crate::domain::{History, LedgerRows, Move, irreversible};
use crate::error::Error;
use crate::exec::{Task, Work, check_single_transaction, fake_initial, task_problems};
use crate::goal::{Fake, Request};
use crate::migrator::Migrator;
use crate::report::{Action, Plan, PlannedStep, Problem};

impl Migrator<'_> {
    /// What a run would do now, and what stands in its way. Writes nothing.
    ///
    /// # Errors
    ///
    /// That the database cannot be read, or that the binary's own steps do not fit together.
    pub fn plan(&self) -> BoxFuture<'_, Result<Plan, Error>> {
        Box::pin(async { self.plan_inner(&Request::default()).await })
    }

    /// What [`migrate`](Self::migrate) would do now, and what stands in its way, in
    /// [`Plan::problems`]. Writes nothing. [`Goal`](crate::Goal) has an example.
    ///
    /// # Errors
    ///
    /// As [`plan`](Self::plan), and a goal that names nothing, several steps or a manual one.
    pub fn plan_to<'r>(&'r self, request: &'r Request) -> BoxFuture<'r, Result<Plan, Error>> {
        Box::pin(self.plan_inner(request))
    }

    async fn plan_inner(&self, request: &Request) -> Result<Plan, Error> {
        let history = self.checked_history()?;
        let mut opened = self.look().await?;
        let result = self.plan_opened(&mut opened, history, request).await;
        opened.connection.close().await;
        result
    }

    async fn plan_opened(
        &self,
        opened: &mut Opened<'_, '_>,
        history: &History,
        request: &Request,
    ) -> Result<Plan, Error> {
        let database = opened.tables.database();
        let policies = self.options.policies;
        let held = is_held(opened).await?;
        let Opened {
            connection, ledger, ..
        } = opened;
        let rows = ledger.rows();
        let mut route = whole_route(history, rows, request, policies, database, held)?;
        let mut tasks = tasks(&route, request);
        if request.fake == Fake::Initial {
            let partly = fake_initial(connection.session(), &mut tasks, rows).await?;
            route.problems.extend(partly);
        }
        let unfit = task_problems(tasks.iter().copied(), database);
        route.problems.extend(unfit);
        if request.single_transaction {
            let refused = check_single_transaction(&tasks, rows, database).err();
            let refused = refused.map(|error| Problem::of(&error, None));
            route.problems.extend(refused);
        }
        let moves = route.moves.iter().zip(&tasks);
        let steps = moves
            .map(|(step, task)| planned(history, step, *task, rows, database))
            .collect();
        explain(opened, history, &mut route.problems).await;
        Ok(Plan {
            database,
            direction: route.direction,
            steps,
            dependents: route.dependents,
            problems: route.problems,
            warnings: route.warnings,
        })
    }
}

/// A step of the plan; `task` is what a run would do with it.
fn planned(
    history: &History,
    planned: &Move<'_>,
    task: Task<'_>,
    rows: &LedgerRows,
    database: Database,
) -> PlannedStep {
    let Move { step, action } = planned;
    let faked = matches!(task.work, Work::Fake | Work::FakeUndo);
    let executed = Task::of(planned, Fake::No);
    let row = rows.find(&step.id).filter(|row| !row.is_applied());
    PlannedStep {
        step: step.id.clone(),
        action: *action,
        irreversible: irreversible(history, rows, step, database)
            .filter(|_| *action == Action::Revert),
        kind: step.kind(),
        mode: executed.mode(database),
        location: executed.location(database).to_owned(),
        description: step.description.clone(),
        runs: planned.runs(rows, database),
        resumes_after: row
            .filter(|row| row.done > 0)
            .map(|row| (row.done, row.total)),
        faked,
    }
}
