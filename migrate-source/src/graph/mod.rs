//! How the SQL steps of a crate, or of a folder alone, depend on each other, by what their headers say; and
//! what is wrong with that.
//!
//! The SQL files are known here and become nodes. Functions and the steps of other crates are not: a
//! compiler has to look those up. The references are resolved first ([`Graph::new`]), then ordered
//! ([`Graph::ranks`]), and then the ends are counted ([`Graph::refuse_several_leaves`]).

use std::collections::BTreeMap;

use crate::header::Header;

mod leaves;
mod mistakes;
mod rank;
mod resolve;
mod squashes;

pub use mistakes::Mistake;
pub use rank::Rank;
use resolve::Resolver;
pub use squashes::Alias;
use squashes::Squashes;

/// The SQL steps of an app.
#[derive(Debug, Clone, Default)]
pub struct App {
    /// Its label; empty where it is not known.
    pub label: String,
    /// By number and name.
    pub steps: Vec<SqlStep>,
}

/// A step made of one or several SQL files.
#[derive(Debug, Clone)]
pub struct SqlStep {
    /// Its name.
    pub name: String,
    /// Its number.
    pub number: u32,
    /// The headers of the files that go forward, each with the file as messages name it.
    pub headers: Vec<(String, Header)>,
}

impl SqlStep {
    /// Whether the step stands for others.
    #[must_use]
    pub fn is_squash(&self) -> bool {
        self.headers
            .iter()
            .any(|(_, header)| !header.replaces.is_empty())
    }
}

/// The apps that are not here and yet may be named.
#[derive(Debug, Clone)]
pub enum Others {
    /// These.
    Named(Vec<String>),
    /// Whatever app it is: nobody here knows.
    Any,
}

/// A step that only a compiler can look up.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub struct Unknown {
    /// The label of its app.
    pub app: String,
    /// The name of its constant.
    pub ident: String,
}

/// What a SQL step waits for.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct Node {
    /// The app, as a place in the list of apps.
    pub app: usize,
    /// The step, as a place in the app's list.
    pub step: usize,
    /// Other nodes.
    pub after: Vec<usize>,
    /// Steps that a compiler looks up.
    pub after_unknown: Vec<Unknown>,
    /// Functions that the step runs within its transaction, each with the message for one that
    /// is not atomic.
    pub runs_in_transaction: Vec<(Unknown, String)>,
}

impl Node {
    /// Every step that a compiler looks up and that comes before this one.
    pub fn waits(&self) -> impl Iterator<Item = &Unknown> {
        let runs = self
            .runs_in_transaction
            .iter()
            .map(|(function, _)| function);
        self.after_unknown.iter().chain(runs)
    }
}

/// Where a step that only a compiler can look up is named first.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Mention {
    /// What to say if there is no such step; without it rustc says so in its own words.
    pub message: Option<String>,
    /// The app that names it, as a place in the list.
    pub app: usize,
}

/// A header that names a replaced step whose file is gone.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct OldName {
    /// The node whose header it is.
    pub node: usize,
    /// The file, as messages name it.
    pub file: String,
    /// The line of the directive.
    pub line: u32,
    /// The directive.
    pub key: &'static str,
    /// The name as it is written.
    pub written: String,
    /// The name as a constant.
    pub step: Unknown,
    /// Whether it is that of a data migration, whose function may be there.
    pub is_data: bool,
    /// The node that the name means.
    pub squash: usize,
}

/// The SQL steps and how they depend on each other.
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct Graph<'a> {
    /// The apps.
    pub apps: Vec<&'a App>,
    /// One for each step, app by app.
    pub nodes: Vec<Node>,
    /// What a compiler must look up.
    pub unknown: BTreeMap<Unknown, Mention>,
    /// What can be written anew.
    pub old_names: Vec<OldName>,
    /// What is wrong.
    pub mistakes: Vec<Mistake>,
    squashes: Squashes,
}

impl<'a> Graph<'a> {
    /// Resolves every reference; those that lead nowhere are mistakes.
    #[must_use]
    pub fn new(apps: impl IntoIterator<Item = &'a App>, others: Others) -> Self {
        Resolver::resolve(apps.into_iter().collect(), others)
    }

    /// The app of a node.
    #[must_use]
    pub fn app(&self, node: usize) -> &'a App {
        self.apps[self.nodes[node].app]
    }

    /// The step of a node.
    #[must_use]
    pub fn step(&self, node: usize) -> &'a SqlStep {
        &self.app(node).steps[self.nodes[node].step]
    }

    /// `users.0001_initial`
    #[must_use]
    pub fn name(&self, node: usize) -> String {
        let (label, name) = (&self.app(node).label, &self.step(node).name);
        match label.is_empty() {
            true => name.clone(),
            false => format!("{label}.{name}"),
        }
    }

    /// The name of a step as a header of another writes it.
    #[must_use]
    pub fn written(&self, node: usize, by: usize) -> String {
        match self.nodes[node].app == self.nodes[by].app {
            true => self.step(node).name.clone(),
            false => self.name(node),
        }
    }

    /// Every replaced name without a file.
    pub fn aliases(&self) -> impl Iterator<Item = Alias<'_>> {
        self.squashes.aliases()
    }
}
