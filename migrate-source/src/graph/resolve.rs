//! Finds what the references in headers mean.
//!
//! The directives of a header become edges of the graph; names that are not here become questions to a
//! compiler. `squashes` reads `replaces` first, `mistakes` words what is wrong.

use std::collections::HashMap;

use super::squashes::is_sql;
use super::{App, Graph, Mention, Node, OldName, Others, Unknown};
use crate::header::Header;
use crate::name::{Reference, step_ident};
use crate::order::{Place, files_before};

/// A directive of a header, for messages.
pub(super) struct Directive {
    pub(super) key: &'static str,
    pub(super) file: String,
    pub(super) line: Option<u32>,
    pub(super) node: usize,
}

impl Directive {
    /// `users/0002_x.sql:1`
    fn place(&self) -> String {
        match self.line {
            Some(line) => format!("{}:{line}", self.file),
            None => self.file.clone(),
        }
    }
}

enum Found {
    Own(usize),
    Unknown(Unknown),
}

pub(super) struct Resolver<'a> {
    pub(super) others: Others,
    pub(super) ids: HashMap<(&'a str, &'a str), usize>,
    pub(super) graph: Graph<'a>,
}

impl<'a> Resolver<'a> {
    /// The graph of some apps, with what is wrong.
    pub(super) fn resolve(apps: Vec<&'a App>, others: Others) -> Graph<'a> {
        let mut resolver = Self::new(apps, others);
        resolver.squashes();
        resolver.follow();
        for node in 0..resolver.graph.nodes.len() {
            let Node { app, step, .. } = resolver.graph.nodes[node];
            let loaded = resolver.graph.apps[app];
            for (file, header) in &loaded.steps[step].headers {
                resolver.header(node, file, header);
            }
        }
        resolver.graph
    }

    fn new(apps: Vec<&'a App>, others: Others) -> Self {
        let mut ids = HashMap::new();
        let mut nodes = Vec::new();
        for (app, loaded) in apps.iter().enumerate() {
            for (step, sql) in loaded.steps.iter().enumerate() {
                ids.insert((loaded.label.as_str(), sql.name.as_str()), nodes.len());
                nodes.push(Node {
                    app,
                    step,
                    ..Node::default()
                });
            }
        }
        Self {
            others,
            ids,
            graph: Graph {
                apps,
                nodes,
                ..Graph::default()
            },
        }
    }

    /// Lets each file come after the one before it, where the rule says so.
    fn follow(&mut self) {
        let graph = &self.graph;
        let places = (0..graph.nodes.len()).map(|node| {
            let (app, step) = (graph.app(node), graph.step(node));
            let own = |reference: &Reference| {
                let named = reference.app.as_ref();
                named.is_none_or(|named| *named == app.label)
            };
            let headers = step.headers.iter();
            let mut after = headers.flat_map(|(_, header)| header.after.iter().flatten());
            Place {
                app: &app.label,
                number: step.number,
                name: &step.name,
                is_squash: step.is_squash(),
                has_own_place: after.any(own),
            }
        });
        let places: Vec<Place<'_>> = places.collect();
        let squashes = &graph.squashes;
        let before = files_before(&places, |one, other| {
            squashes.replaces(one, other) || squashes.replaces(other, one)
        });
        for (node, before) in before.into_iter().enumerate() {
            self.graph.nodes[node].after.extend(before);
        }
    }

    pub(super) fn directive(
        &self,
        node: usize,
        file: &str,
        header: &Header,
        key: &'static str,
    ) -> Directive {
        Directive {
            key,
            file: file.to_owned(),
            line: header.line_of(key),
            node,
        }
    }

    fn header(&mut self, node: usize, file: &str, header: &Header) {
        for reference in header.after.iter().flatten() {
            let directive = self.directive(node, file, header, "after");
            match self.find(&directive, reference) {
                Some(Found::Own(other)) => self.graph.nodes[node].after.push(other),
                Some(Found::Unknown(other)) => self.graph.nodes[node].after_unknown.push(other),
                None => {}
            }
        }
        for reference in &header.before {
            let directive = self.directive(node, file, header, "before");
            if let Some(Found::Own(other)) = self.find(&directive, reference) {
                self.graph.nodes[other].after.push(node);
            }
        }
        for reference in &header.run {
            let directive = self.directive(node, file, header, "run");
            self.run(&directive, header, reference);
        }
    }

    fn run(&mut self, directive: &Directive, header: &Header, reference: &Reference) {
        if is_sql(&reference.name) {
            self.mistake(
                directive,
                "not_a_data_migration",
                format!("`{reference}` is a SQL step, and `run` takes data migrations"),
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
                directive.place(),
            );
            node.runs_in_transaction.push((function, message));
        }
    }

    fn find(&mut self, directive: &Directive, reference: &Reference) -> Option<Found> {
        let own = self.graph.nodes[directive.node].app;
        let label = reference.app.as_deref();
        let label = label.unwrap_or(&self.graph.apps[own].label).to_owned();
        if !self.known_label(directive, reference) {
            return None;
        }
        let own_app = self.graph.apps.iter().position(|app| app.label == label);
        if let Some(&node) = self.ids.get(&(label.as_str(), reference.name.as_str())) {
            return self.own(directive, reference, node);
        }
        let unknown = Unknown {
            app: label,
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
        if !self.may_exist(directive, reference, own_app) {
            return None;
        }
        let message = format!(
            "{}: `{}` names `{reference}`, and the app `{}` has no such step\n\
             help: correct the name, or write the data migration",
            directive.place(),
            directive.key,
            unknown.app,
        );
        self.graph
            .unknown
            .entry(unknown.clone())
            .or_insert(Mention {
                // A replaced function of another crate is the constant of a trait, and beside a
                // second one of ours rustc could not choose.
                message: (own_app.is_some() || is_sql(&reference.name)).then_some(message),
                app: own,
            });
        Some(Found::Unknown(unknown))
    }

    /// A step that is here, unless it is the one that names it, or replaced by that.
    fn own(&mut self, directive: &Directive, reference: &Reference, node: usize) -> Option<Found> {
        if node == directive.node {
            self.mistake(
                directive,
                "unknown_reference",
                format!("the step stands in its own `{}`", directive.key),
                "remove it",
            );
            return None;
        }
        if self.graph.squashes.replaces(directive.node, node) {
            self.replaced_itself(directive, reference);
            return None;
        }
        Some(Found::Own(node))
    }

    /// A replaced name can be written anew in any header, but those of steps that the same squash
    /// replaces will be deleted as well.
    fn note_old_name(
        &mut self,
        directive: &Directive,
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
            file: directive.file.clone(),
            line: directive.line.unwrap_or(1),
            key: directive.key,
            written: reference.to_string(),
            step: step.clone(),
            is_data: !is_sql(&reference.name),
            squash,
        });
    }
}
