//! The graph of a history, ready to be drawn: which steps there are, what comes after what, and
//! in which state each is. The languages are in the files beside; none of them knows a database.

pub(crate) mod dot;
pub(crate) mod mermaid;
mod reduce;
pub(crate) mod svg;

use std::collections::{HashMap, HashSet};

use migrate_core::History;
use migrate_core::report::{State, Status, StepId, StepKind};
use serde::Serialize;

/// Steps and edges between them.
#[derive(Clone, Debug, Default, Serialize)]
pub(crate) struct Graph {
    /// The apps that have steps here, in the order of the history.
    pub(crate) apps: Vec<String>,
    /// In order of execution; what only the database knows comes last.
    pub(crate) nodes: Vec<Node>,
    /// Without those that follow from others.
    pub(crate) edges: Vec<Edge>,
}

/// One step.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Node {
    pub(crate) step: StepId,
    pub(crate) kind: Option<StepKind>,
    pub(crate) manual: bool,
    /// `None` without a database.
    pub(crate) state: Option<State>,
    /// How many steps it stands for, of a squash.
    pub(crate) replaces: usize,
}

/// One step comes before another; both are places in [`Graph::nodes`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
pub(crate) struct Edge {
    pub(crate) from: usize,
    pub(crate) to: usize,
}

/// How a step is drawn, by its state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Look {
    Plain,
    Applied,
    Pending,
    UnderWay,
    Wrong,
}

impl Look {
    /// All of them that say something, for legends.
    pub(crate) const SPEAKING: [Self; 4] =
        [Self::Applied, Self::Pending, Self::UnderWay, Self::Wrong];

    /// The name, as a class of styles and in legends.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Plain => "plain",
            Self::Applied => "applied",
            Self::Pending => "pending",
            Self::UnderWay => "unfinished",
            Self::Wrong => "wrong",
        }
    }

    /// Fill and border.
    pub(crate) fn colors(self) -> (&'static str, &'static str) {
        match self {
            Self::Plain => ("#f6f8fa", "#57606a"),
            Self::Applied => ("#dafbe1", "#1a7f37"),
            Self::Pending => ("#ffffff", "#57606a"),
            Self::UnderWay => ("#fff8c5", "#9a6700"),
            Self::Wrong => ("#ffebe9", "#cf222e"),
        }
    }
}

impl Node {
    pub(crate) fn look(&self) -> Look {
        match self.state {
            None | Some(State::OtherApp) => Look::Plain,
            Some(State::Applied | State::Unrecorded) => Look::Applied,
            // The code of a data migration may go once it is applied everywhere.
            Some(State::Missing) if self.is_data() => Look::Applied,
            Some(State::Pending | State::Manual) => Look::Pending,
            Some(State::Running | State::Interrupted | State::HalfReverted) => Look::UnderWay,
            Some(_) => Look::Wrong,
        }
    }

    pub(crate) fn is_data(&self) -> bool {
        self.kind == Some(StepKind::Data)
    }

    /// The name, and what a squash stands for.
    pub(crate) fn lines(&self) -> Vec<String> {
        let mut lines = vec![self.step.name.clone()];
        match self.replaces {
            0 => {}
            1 => lines.push("stands for 1 step".to_owned()),
            n => lines.push(format!("stands for {n} steps")),
        }
        lines
    }
}

impl Graph {
    /// The steps of a binary, as a new database gets them: without what a squash replaces.
    pub(crate) fn of(history: &History) -> Self {
        let replaced: HashSet<&StepId> = history.iter().flat_map(|step| step.replaces()).collect();
        Self::build(history, |id| !replaced.contains(id), |_| None)
    }

    /// The steps of a binary and of a database, with their states.
    pub(crate) fn with_states(history: &History, status: &Status) -> Self {
        let states: HashMap<&StepId, State> = status
            .steps
            .iter()
            .map(|entry| (&entry.step, entry.state))
            .collect();
        let mut graph = Self::build(
            history,
            |id| states.contains_key(id),
            |id| states.get(id).copied(),
        );
        for entry in status.steps.iter().filter(|entry| entry.order.is_none()) {
            graph.nodes.push(Node {
                step: entry.step.clone(),
                kind: entry.kind,
                manual: false,
                state: Some(entry.state),
                replaces: 0,
            });
            if !graph.apps.contains(&entry.step.app) {
                graph.apps.push(entry.step.app.clone());
            }
        }
        graph
    }

    fn build(
        history: &History,
        shown: impl Fn(&StepId) -> bool,
        state: impl Fn(&StepId) -> Option<State>,
    ) -> Self {
        let steps: Vec<_> = history.iter().filter(|step| shown(step.id())).collect();
        let places: HashMap<&StepId, usize> = steps
            .iter()
            .enumerate()
            .map(|(at, step)| (step.id(), at))
            .collect();
        let mut stands_for: HashMap<&StepId, &StepId> = HashMap::new();
        for squash in history.iter() {
            stands_for.extend(squash.replaces().iter().map(|step| (step, squash.id())));
        }
        // A step that is not drawn is replaced by a squash, which may itself be.
        let drawn = |id: &StepId| {
            let mut id = id;
            for _ in 0..=stands_for.len() {
                match (places.get(id), stands_for.get(id)) {
                    (Some(at), _) => return Some(*at),
                    (None, Some(squash)) => id = squash,
                    (None, None) => return None,
                }
            }
            None
        };
        let mut edges = Vec::new();
        for (to, step) in steps.iter().enumerate() {
            let from = step.after().iter().filter_map(drawn);
            edges.extend(
                from.filter(|from| *from != to)
                    .map(|from| Edge { from, to }),
            );
        }
        let nodes: Vec<Node> = steps
            .iter()
            .map(|step| Node {
                step: step.id().clone(),
                kind: Some(step.kind()),
                manual: step.manual(),
                state: state(step.id()),
                replaces: step.replaces().len(),
            })
            .collect();
        Self {
            apps: history.apps().to_vec(),
            edges: reduce::reduced(nodes.len(), edges),
            nodes,
        }
    }

    /// Leaves only these apps.
    pub(crate) fn keep(&mut self, apps: &[String]) {
        self.apps.retain(|app| apps.contains(app));
        let mut places = HashMap::new();
        let mut kept = Vec::new();
        for (at, node) in std::mem::take(&mut self.nodes).into_iter().enumerate() {
            if apps.contains(&node.step.app) {
                places.insert(at, kept.len());
                kept.push(node);
            }
        }
        self.nodes = kept;
        let moved = |edge: &Edge| {
            let from = *places.get(&edge.from)?;
            let to = *places.get(&edge.to)?;
            Some(Edge { from, to })
        };
        self.edges = self.edges.iter().filter_map(moved).collect();
    }

    /// The nodes of an app with their places.
    pub(crate) fn of_app<'g>(&'g self, app: &'g str) -> impl Iterator<Item = (usize, &'g Node)> {
        let nodes = self.nodes.iter().enumerate();
        nodes.filter(move |(_, node)| node.step.app == app)
    }

    /// Whether the states of a database are shown.
    pub(crate) fn has_states(&self) -> bool {
        self.nodes.iter().any(|node| node.state.is_some())
    }
}
