//! Where a migration is to lead, and how: what is asked of [`Migrator::migrate`](crate::Migrator::migrate).

use crate::report::{Action, Plan, StepId};

/// Where a migration is to lead. Apps and names are as typed: a name may be its unique beginning.
/// The name of a step that is gone, because a squash has replaced it, means the squash.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
/// use migrate_core::report::Direction;
/// use migrate_core::{ErrorCode, Goal, History, Migrator, Request};
///
/// # #[cfg(feature = "sqlite")] {
/// let history = History::builder()
///     .sql("shop", "0001_initial.sql", "CREATE TABLE items (id INTEGER);")
///     .sql("shop", "0002_tags.sql", "-- migrate: up\nCREATE TABLE tags (id INTEGER);\n-- migrate: down\nDROP TABLE tags;")
///     .build()?;
/// let pool = sqlx::SqlitePool::connect("sqlite::memory:").await?;
/// let migrator = Migrator::new(&pool, history);
/// migrator.run().await?;
///
/// let plan = migrator.plan_to(&Request::to(Goal::Zero("shop".into()))).await?;
/// assert_eq!(plan.direction, Direction::Backwards);
/// assert_eq!(plan.steps.len(), 2);
/// // The first file has no way back, so a run would undo nothing at all.
/// assert_eq!(plan.problems[0].code, ErrorCode::Irreversible);
/// # }
/// # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Goal {
    /// Every step applied, but for manual ones.
    #[default]
    Latest,
    /// Every step of one app applied, with what those need of other apps.
    App(String),
    /// One step applied and nothing of its app after it: forwards, or backwards where later ones
    /// are applied.
    Step {
        /// The app's label.
        app: String,
        /// The step's name, or its unique beginning.
        name: String,
    },
    /// No step of one app applied, nor anything that depends on it.
    Zero(String),
    /// The step that was applied last, undone.
    Undo,
}

impl Goal {
    /// The goal that the words behind `migrate` name: an app, and a step of it or `zero`.
    ///
    /// ```
    /// use migrate_core::Goal;
    ///
    /// assert_eq!(Goal::typed(None, None), Goal::Latest);
    /// assert_eq!(Goal::typed(Some("users"), Some("zero")), Goal::Zero("users".into()));
    /// ```
    pub fn typed(app: Option<&str>, target: Option<&str>) -> Self {
        match (app, target) {
            (None, _) => Self::Latest,
            (Some(app), None) => Self::App(app.to_owned()),
            (Some(app), Some("zero")) => Self::Zero(app.to_owned()),
            (Some(app), Some(name)) => Self::Step {
                app: app.to_owned(),
                name: name.to_owned(),
            },
        }
    }
}

/// Whether steps are recorded without being executed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fake {
    /// No.
    #[default]
    No,
    /// All of them; backwards, their records are removed.
    All,
    /// The first steps of an app, where all the tables and columns that they create exist.
    Initial,
}

/// What is asked of a run.
///
/// ```
/// use migrate_core::{Fake, Goal, Request};
///
/// let request = Request::to(Goal::typed(Some("users"), Some("0002"))).fake(Fake::All);
/// assert_eq!(request.goal, Goal::Step { app: "users".into(), name: "0002".into() });
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Request {
    /// Where it leads.
    pub goal: Goal,
    /// Whether steps are only recorded.
    pub fake: Fake,
    /// Whether all steps run in one transaction, or none does.
    pub single_transaction: bool,
    /// The steps that may be undone, where somebody was asked, with the data migrations that go
    /// back with them; a run that would undo any other one is refused. `None`: what the run itself plans.
    pub agreed: Option<Vec<StepId>>,
}

impl Request {
    /// A run to a goal, in the ordinary way.
    pub fn to(goal: Goal) -> Self {
        Self {
            goal,
            ..Self::default()
        }
    }

    /// Records steps without executing them.
    pub fn fake(mut self, fake: Fake) -> Self {
        self.fake = fake;
        self
    }

    /// Undoes nothing but what this plan undoes, whatever other processes do meanwhile: a run that
    /// would undo more is refused with [`ErrorCode::NotPossible`](crate::ErrorCode::NotPossible).
    pub fn agreed(mut self, plan: &Plan) -> Self {
        let undone = plan.steps.iter();
        let undone = undone.filter(|step| step.action == Action::Revert);
        let with_runs = undone.flat_map(|step| step.runs.iter().chain([&step.step]));
        self.agreed = Some(with_runs.cloned().collect());
        self
    }

    /// All steps in one transaction, or none. Refused with
    /// [`ErrorCode::NotOneTransaction`](crate::ErrorCode::NotOneTransaction) where a step cannot
    /// take part: one that is not atomic, has DDL on MySQL, or switches foreign keys off on SQLite.
    pub fn single_transaction(mut self, single: bool) -> Self {
        self.single_transaction = single;
        self
    }
}
