//! Resolves the references in the headers of SQL files.
//!
//! Steps of the crate's own SQL files are known here and become edges of a graph. Functions
//! and the steps of other crates are known to rustc only: they become constants that it looks up.

use std::collections::{BTreeMap, HashMap};

use migrate_source::header::Header;
use migrate_source::name::{Reference, nearest, parse_data_name, step_ident};
use proc_macro2::Span;

use super::input::ExternInput;
use super::load::LoadedApp;
use crate::errors::{Errors, list};

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
}

/// Where a step that only rustc can look up is named first.
pub(super) struct Mention {
    pub(super) message: String,
    pub(super) span: Span,
}

/// The SQL steps of the crate and how they depend on each other.
#[derive(Default)]
pub(super) struct Graph {
    pub(super) nodes: Vec<Node>,
    /// What rustc must look up.
    pub(super) unknown: BTreeMap<Unknown, Mention>,
}

/// Builds the graph; references that lead nowhere go to `errors`.
pub(super) fn resolve(apps: &[LoadedApp], externs: &[ExternInput], errors: &mut Errors) -> Graph {
    let mut resolver = Resolver::new(apps, externs, errors);
    for (app, loaded) in apps.iter().enumerate() {
        for step in 0..loaded.steps.len() {
            resolver.step(app, step);
        }
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

    fn step(&mut self, app: usize, step: usize) {
        let loaded = &self.apps[app];
        let sql = &loaded.steps[step];
        let Some(&node) = self.ids.get(&(loaded.label.as_str(), sql.name.as_str())) else {
            return;
        };
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
        if follows && step > 0 {
            self.graph.nodes[node].after.push(node - 1);
        }
        for (place, header) in &sql.headers {
            let directive = |key| Directive {
                key,
                place: match header.line_of(key) {
                    Some(line) => format!("{place}:{line}"),
                    None => place.clone(),
                },
                span: loaded.span,
                app: &loaded.label,
                node,
            };
            self.header(header, directive);
        }
    }

    fn header(&mut self, header: &Header, directive: impl Fn(&'static str) -> Directive<'a>) {
        for reference in header.after.iter().flatten() {
            let directive = directive("after");
            match self.find(&directive, reference) {
                Some(Found::Own(other)) => self.graph.nodes[directive.node].after.push(other),
                Some(Found::Unknown(other)) => {
                    self.graph.nodes[directive.node].after_unknown.push(other);
                }
                None => {}
            }
        }
        for reference in &header.before {
            let directive = directive("before");
            if let Some(Found::Own(other)) = self.find(&directive, reference) {
                self.graph.nodes[other].after.push(directive.node);
            }
        }
        for reference in &header.run {
            self.run(&directive("run"), header, reference);
        }
    }

    fn run(&mut self, directive: &Directive<'a>, header: &Header, reference: &Reference) {
        if reference
            .name
            .starts_with(|first: char| first.is_ascii_digit())
        {
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
        let own = self.apps.iter().find(|app| app.label == label);
        if own.is_none() && !self.extern_labels.iter().any(|known| known == label) {
            let help = self.unknown_app(label);
            self.errors.at(
                *span,
                format!(
                    "{place}: `{key}` names `{reference}`, and this crate has no app `{label}`"
                ),
                help,
            );
            return None;
        }
        if let Some(&node) = self.ids.get(&(label, reference.name.as_str())) {
            if node == directive.node {
                self.errors.at(
                    *span,
                    format!("{place}: the step stands in its own `{key}`"),
                    "remove it",
                );
                return None;
            }
            return Some(Found::Own(node));
        }
        if !self.may_exist(directive, reference, own) {
            return None;
        }
        let unknown = Unknown {
            app: label.to_owned(),
            ident: step_ident(&reference.name),
        };
        let message = format!(
            "{place}: `{key}` names `{reference}`, and the app `{label}` has no such step\n\
             help: correct the name, or write the data migration"
        );
        self.graph
            .unknown
            .entry(unknown.clone())
            .or_insert(Mention {
                message,
                span: span.resolved_at(Span::call_site()),
            });
        Some(Found::Unknown(unknown))
    }

    /// Whether a name that is no SQL step of ours can be a step at all.
    fn may_exist(
        &mut self,
        directive: &Directive<'a>,
        reference: &Reference,
        own: Option<&LoadedApp>,
    ) -> bool {
        let Directive {
            key, place, span, ..
        } = directive;
        let is_sql = reference
            .name
            .starts_with(|first: char| first.is_ascii_digit());
        let problem = match own {
            Some(app) if is_sql => {
                format!("the app `{}` has no such SQL file", app.label)
            }
            _ if is_sql => return true,
            _ => match parse_data_name(&reference.name) {
                Ok(_) => return true,
                Err(_) => "it is neither a SQL step nor the name of a data migration, which ends in a date".to_owned(),
            },
        };
        let known = own
            .iter()
            .flat_map(|app| &app.steps)
            .map(|step| step.name.as_str());
        let known: Vec<&str> = known.collect();
        let near = nearest(&reference.name, known.iter().copied()).or_else(|| {
            known
                .iter()
                .copied()
                .find(|name| name.ends_with(&format!("_{}", reference.name)))
        });
        let help = match near {
            Some(near) => format!("write `{key} = \"{near}\"`"),
            None => "write the name of a step: a SQL file's without `.sql`, or a data migration's"
                .to_owned(),
        };
        self.errors.at(
            *span,
            format!("{place}: `{key}` names `{reference}`, and {problem}"),
            help,
        );
        false
    }

    fn unknown_app(&self, label: &str) -> String {
        let own = self.apps.iter().map(|app| app.label.as_str());
        let known: Vec<&str> = own
            .chain(self.extern_labels.iter().map(String::as_str))
            .collect();
        match nearest(label, known.iter().copied()) {
            Some(near) => format!("write `{near}`"),
            None => format!(
                "its apps are {}; another crate's app is added with `extern {label}`",
                list(known)
            ),
        }
    }
}
