//! Resolves the references in the headers of SQL files.
//!
//! Steps of the crate's own SQL files are known here and become edges of a graph. Functions
//! and the steps of other crates are known to rustc only: they become constants that it looks up.

use std::collections::{BTreeMap, HashMap};

use migrate_source::header::Header;
use migrate_source::name::{Reference, step_ident};
use proc_macro2::Span;

use super::input::ExternInput;
use super::load::LoadedApp;
use crate::errors::Errors;

mod mistakes;
mod squashes;

pub(super) use squashes::Alias;
use squashes::{Squashes, is_sql};

/// A step that only rustc can look up.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Unknown {
    pub(super) app: String,
    pub(super) ident: String,
}

/// What a SQL step waits for.
#[derive(Default)]
pub(super) struct Node {
    /// The app and step, as places in the list of loaded apps.
    pub(super) app: usize,
    pub(super) step: usize,
    /// Other nodes.
    pub(super) after: Vec<usize>,
    /// Steps that rustc looks up.
    pub(super) after_unknown: Vec<Unknown>,
    /// Functions that the step runs within its transaction, each with the message for one that
    /// is not atomic.
    pub(super) runs_in_transaction: Vec<(Unknown, String)>,
}

impl Node {
    /// Every step that rustc looks up and that comes before this one.
    pub(super) fn waits(&self) -> impl Iterator<Item = &Unknown> {
        let runs = self
            .runs_in_transaction
            .iter()
            .map(|(function, _)| function);
        self.after_unknown.iter().chain(runs)
    }

    /// `users.0001_initial`
    pub(super) fn name(&self, apps: &[LoadedApp]) -> String {
        let app = &apps[self.app];
        format!("{}.{}", app.label, app.steps[self.step].name)
    }
}

/// Where a step that only rustc can look up is named first.
pub(super) struct Mention {
    /// What to say if there is no such step; without it rustc says so in its own words.
    pub(super) message: Option<String>,
    pub(super) span: Span,
}

/// A header that names a replaced step of this crate whose file is gone.
pub(super) struct OldName {
    /// The node whose header it is.
    pub(super) node: usize,
    /// The file and line, with the directive.
    pub(super) place: String,
    pub(super) key: &'static str,
    /// The name as a constant, and whether it is that of a data migration, whose function may be there.
    pub(super) step: Unknown,
    pub(super) is_data: bool,
    /// What the name means.
    pub(super) squash: usize,
}

/// The SQL steps of the crate and how they depend on each other.
#[derive(Default)]
pub(super) struct Graph {
    pub(super) nodes: Vec<Node>,
    /// What rustc must look up.
    pub(super) unknown: BTreeMap<Unknown, Mention>,
    /// What rustc reports as deprecated.
    pub(super) old_names: Vec<OldName>,
    /// What stands for what.
    pub(super) squashes: Squashes,
}

/// Builds the graph; references that lead nowhere go to `errors`.
pub(super) fn resolve(apps: &[LoadedApp], externs: &[ExternInput], errors: &mut Errors) -> Graph {
    let mut resolver = Resolver::new(apps, externs, errors);
    resolver.squashes();
    for node in 0..resolver.graph.nodes.len() {
        resolver.step(node);
    }
    resolver.graph
}

/// A directive of a header, for messages.
struct Directive<'a> {
    key: &'static str,
    place: String,
    span: Span,
    app: &'a str,
    node: usize,
}

enum Found {
    Own(usize),
    Unknown(Unknown),
}

struct Resolver<'a> {
    apps: &'a [LoadedApp],
    extern_labels: Vec<String>,
    ids: HashMap<(&'a str, &'a str), usize>,
    graph: Graph,
    errors: &'a mut Errors,
}

impl<'a> Resolver<'a> {
    fn new(apps: &'a [LoadedApp], externs: &[ExternInput], errors: &'a mut Errors) -> Self {
        let extern_labels = externs
            .iter()
            .flat_map(|krate| &krate.apps)
            .map(ToString::to_string)
            .collect();
        let mut ids = HashMap::new();
        let mut graph = Graph::default();
        for (app, loaded) in apps.iter().enumerate() {
            for (step, sql) in loaded.steps.iter().enumerate() {
                ids.insert(
                    (loaded.label.as_str(), sql.name.as_str()),
                    graph.nodes.len(),
                );
                graph.nodes.push(Node {
                    app,
                    step,
                    ..Node::default()
                });
            }
        }
        Self {
            apps,
            extern_labels,
            ids,
            graph,
            errors,
        }
    }

    fn step(&mut self, node: usize) {
        let Node { app, step, .. } = self.graph.nodes[node];
        let loaded = &self.apps[app];
        let sql = &loaded.steps[step];
        // A step of its own app that the header names takes the place of the file before.
        let own = |reference: &Reference| {
            reference
                .app
                .as_ref()
                .is_none_or(|app| *app == loaded.label)
        };
        let mut after = sql
            .headers
            .iter()
            .flat_map(|(_, header)| header.after.iter().flatten());
        let follows = !after.any(own);
        if follows && let Some(before) = self.file_before(node, step) {
            self.graph.nodes[node].after.push(before);
        }
        for (place, header) in &sql.headers {
            self.header(node, place, header);
        }
    }

    /// The SQL file that a step follows when its header names none. A squash and what it replaces are
    /// alternatives: neither follows the other.
    fn file_before(&self, node: usize, step: usize) -> Option<usize> {
        let squashes = &self.graph.squashes;
        let mut earlier = (node - step..node).rev();
        earlier.find(|&file| !squashes.replaces(file, node) && !squashes.replaces(node, file))
    }

    fn directive(
        &self,
        node: usize,
        place: &str,
        header: &Header,
        key: &'static str,
    ) -> Directive<'a> {
        let loaded = &self.apps[self.graph.nodes[node].app];
        Directive {
            key,
            place: match header.line_of(key) {
                Some(line) => format!("{place}:{line}"),
                None => place.to_owned(),
            },
            span: loaded.span,
            app: &loaded.label,
            node,
        }
    }

    fn header(&mut self, node: usize, place: &str, header: &Header) {
        for reference in header.after.iter().flatten() {
            let directive = self.directive(node, place, header, "after");
            match self.find(&directive, reference) {
                Some(Found::Own(other)) => self.graph.nodes[directive.node].after.push(other),
                Some(Found::Unknown(other)) => {
                    self.graph.nodes[directive.node].after_unknown.push(other);
                }
                None => {}
            }
        }
        for reference in &header.before {
            let directive = self.directive(node, place, header, "before");
            if let Some(Found::Own(other)) = self.find(&directive, reference) {
                self.graph.nodes[other].after.push(directive.node);
            }
        }
        for reference in &header.run {
            let directive = self.directive(node, place, header, "run");
            self.run(&directive, header, reference);
        }
    }

    fn run(&mut self, directive: &Directive<'a>, header: &Header, reference: &Reference) {
        if is_sql(&reference.name) {
            self.errors.at(
                directive.span,
                format!(
                    "{}: `{reference}` is a SQL step, and `run` takes data migrations",
                    directive.place
                ),
                format!("write `after = \"{reference}\"` if this step must wait for it"),
            );
            return;
        }
        let Some(Found::Unknown(function)) = self.find(directive, reference) else {
            return;
        };
        let node = &mut self.graph.nodes[directive.node];
        if header.atomic == Some(false) {
            node.after_unknown.push(function);
        } else {
            let message = format!(
                "{}: the step runs in one transaction, and the data migration `{reference}` that it runs does not\n\
                 help: write `-- migrate: atomic = false` in the file, or `atomic = true` on the function",
                directive.place,
            );
            node.runs_in_transaction.push((function, message));
        }
    }

    fn find(&mut self, directive: &Directive<'a>, reference: &Reference) -> Option<Found> {
        let Directive {
            key, place, span, ..
        } = directive;
        let label = reference.app.as_deref().unwrap_or(directive.app);
        if !self.known_label(directive, reference) {
            return None;
        }
        let own_app = self.apps.iter().position(|app| app.label == label);
        if let Some(&node) = self.ids.get(&(label, reference.name.as_str())) {
            if node == directive.node {
                self.errors.at(
                    *span,
                    format!("{place}: the step stands in its own `{key}`"),
                    "remove it",
                );
                return None;
            }
            if self.graph.squashes.replaces(directive.node, node) {
                self.replaced_itself(directive, reference);
                return None;
            }
            return Some(Found::Own(node));
        }
        let unknown = Unknown {
            app: label.to_owned(),
            ident: step_ident(&reference.name),
        };
        if let Some(squash) =
            own_app.and_then(|app| self.graph.squashes.alias(app, &reference.name))
        {
            if squash == directive.node {
                self.replaced_itself(directive, reference);
                return None;
            }
            self.note_old_name(directive, reference, &unknown, squash);
            return Some(match is_sql(&reference.name) {
                true => Found::Own(squash),
                false => Found::Unknown(unknown),
            });
        }
        if !self.may_exist(directive, reference, own_app.map(|app| &self.apps[app])) {
            return None;
        }
        let message = format!(
            "{place}: `{key}` names `{reference}`, and the app `{label}` has no such step\n\
             help: correct the name, or write the data migration"
        );
        self.graph
            .unknown
            .entry(unknown.clone())
            .or_insert(Mention {
                // A replaced function of another crate is the constant of a trait, and beside a
                // second one of ours rustc could not choose.
                message: (own_app.is_some() || is_sql(&reference.name)).then_some(message),
                span: span.resolved_at(Span::call_site()),
            });
        Some(Found::Unknown(unknown))
    }

    /// A replaced name can be written anew in any header, but those of steps that the same squash
    /// replaces will be deleted as well.
    fn note_old_name(
        &mut self,
        directive: &Directive<'a>,
        reference: &Reference,
        step: &Unknown,
        squash: usize,
    ) {
        // What a step runs is a function, and no squash.
        if directive.key == "run" || self.graph.squashes.replaces(squash, directive.node) {
            return;
        }
        self.graph.old_names.push(OldName {
            node: directive.node,
            place: directive.place.clone(),
            key: directive.key,
            step: step.clone(),
            is_data: !is_sql(&reference.name),
            squash,
        });
    }
}
