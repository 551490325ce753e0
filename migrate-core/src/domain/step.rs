//! One step: a SQL file or a function, with everything that planning needs.

use migrate_source::Database;
use migrate_source::sql_file::SqlFile;

use crate::embedded::FunctionStep;
use crate::report::{Mode, StepId, StepKind};

/// One step of a history.
#[derive(Clone, Debug)]
pub struct Step {
    pub(crate) id: StepId,
    pub(crate) body: Body,
    /// The file; for a function with its line.
    pub(crate) location: String,
    pub(crate) description: Option<String>,
    /// Steps that come before this one; implied ones included once the history is built.
    pub(crate) after: Vec<StepId>,
    /// Steps that come after this one.
    pub(crate) before: Vec<StepId>,
    /// Whether the header of a SQL file names what it comes after within its own app.
    pub(crate) explicit_order: bool,
    pub(crate) atomic: bool,
    pub(crate) manual: bool,
    pub(crate) disable_audit: bool,
    /// Earlier checksums that are accepted.
    pub(crate) formerly: Vec<String>,
    /// The steps that a squash stands for; some may be gone from the binary.
    pub(crate) replaces: Vec<StepId>,
    /// Whether a squash may drop the step.
    pub(crate) elidable: bool,
}

/// What a step executes.
#[derive(Clone, Debug)]
pub(crate) enum Body {
    /// SQL, with one text or one per database.
    Sql {
        /// The number in the file's name.
        number: u32,
        texts: Vec<SqlText>,
    },
    /// A function.
    Function(&'static FunctionStep),
}

/// The text of a SQL step, for every database or for one.
#[derive(Clone, Debug)]
pub(crate) struct SqlText {
    pub(crate) database: Option<Database>,
    /// The file, as `app/file`.
    pub(crate) location: String,
    pub(crate) checksum: String,
    pub(crate) parsed: SqlFile,
    /// The way back: a file of its own, or the `down` part of this one.
    pub(crate) down: Option<DownText>,
    /// Data migrations that the step runs after its statements.
    pub(crate) runs: Vec<StepId>,
}

/// The way back of a SQL step.
#[derive(Clone, Debug)]
pub(crate) struct DownText {
    /// The file, as `app/file`.
    pub(crate) location: String,
    pub(crate) sql: String,
}

impl Step {
    /// The identity, `app.name`.
    pub fn id(&self) -> &StepId {
        &self.id
    }

    /// SQL file or function.
    pub fn kind(&self) -> StepKind {
        match self.body {
            Body::Sql { .. } => StepKind::Sql,
            Body::Function(_) => StepKind::Data,
        }
    }

    /// Whether the author wants effect and ledger row to commit together.
    pub fn atomic(&self) -> bool {
        self.atomic
    }

    /// Whether a bare `migrate` leaves it alone.
    pub fn manual(&self) -> bool {
        self.manual
    }

    /// The first paragraph of a function's doc comment.
    pub fn description(&self) -> Option<&str> {
        self.description.as_deref()
    }

    /// The file; for a function with its line.
    pub fn location(&self) -> &str {
        &self.location
    }

    /// Like [`location`](Self::location), of the file that this database gets.
    pub(crate) fn location_on(&self, database: Database) -> &str {
        self.text_for(database)
            .map_or(&self.location, |text| &text.location)
    }

    /// The steps that come directly before this one, implied ones included.
    pub fn after(&self) -> &[StepId] {
        &self.after
    }

    /// The steps that a squash stands for.
    pub fn replaces(&self) -> &[StepId] {
        &self.replaces
    }

    /// Whether a squash may drop the step.
    pub fn elidable(&self) -> bool {
        self.elidable
    }

    /// The text for a database: its own if there is one, else the common one.
    pub(crate) fn text_for(&self, database: Database) -> Option<&SqlText> {
        let Body::Sql { texts, .. } = &self.body else {
            return None;
        };
        let of = |wanted| texts.iter().find(|text| text.database == wanted);
        of(Some(database)).or_else(|| of(None))
    }

    /// The checksum that the ledger should have on this database; empty where it has no text.
    pub(crate) fn checksum(&self, database: Database) -> &str {
        match &self.body {
            Body::Sql { .. } => self.text_for(database).map_or("", |text| &text.checksum),
            Body::Function(function) => function.checksum,
        }
    }

    /// The text to keep in the ledger.
    pub(crate) fn source(&self, database: Database) -> &str {
        match &self.body {
            Body::Sql { .. } => self.text_for(database).map_or("", |text| &text.parsed.up),
            Body::Function(function) => function.source,
        }
    }

    /// The data migrations that a SQL step runs.
    pub(crate) fn runs(&self, database: Database) -> &[StepId] {
        self.text_for(database).map_or(&[], |text| &text.runs)
    }

    /// A squash, as the ledger stores it: a binary from before the squash must know that the row
    /// is no step that it lost.
    pub(crate) const SQUASH: &'static str = "squash";

    /// `sql`, `data` or `squash`, as the ledger stores it.
    pub(crate) fn kind_text(&self) -> &'static str {
        match self.body {
            Body::Sql { .. } if !self.replaces.is_empty() => Self::SQUASH,
            Body::Sql { .. } => "sql",
            Body::Function(_) => "data",
        }
    }

    /// How the step is executed on a database.
    pub(crate) fn mode(&self, database: Database) -> Mode {
        use migrate_source::classify::{Class, classify};
        use migrate_source::statements::statements;

        if !self.atomic {
            return Mode::NonAtomic;
        }
        let Some(text) = self
            .text_for(database)
            .filter(|_| database == Database::MySql)
        else {
            return Mode::Atomic;
        };
        let statements = statements(&text.parsed.up, database).unwrap_or_default();
        // What does not show what it runs may commit as well.
        let implicit = statements.iter().any(|statement| {
            matches!(
                classify(statement.text, database),
                Class::ImplicitCommit | Class::Opaque { .. }
            )
        });
        if implicit {
            Mode::ImplicitCommit
        } else {
            Mode::Atomic
        }
    }

    /// Whether a ledger's checksum is the step's own or one it formerly had. A step that was
    /// recorded by a squash, from a binary that did not have it, has none and is never edited.
    pub(crate) fn accepts(&self, database: Database, checksum: &str) -> bool {
        checksum.is_empty()
            || self.checksum(database) == checksum
            || self.formerly.iter().any(|f| f == checksum)
    }

    /// Whether SQLite's foreign keys are to be off while the step runs.
    pub(crate) fn foreign_keys_off(&self, database: Database) -> bool {
        database == Database::Sqlite
            && self
                .text_for(database)
                .is_some_and(|text| text.parsed.header.foreign_keys_off)
    }
}
