//! What is wrong with references, and what was probably meant.

use std::fmt::Display;

use super::Others;
use super::resolve::{Directive, Resolver};
use super::squashes::is_sql;
use crate::name::{Reference, nearest, parse_data_name};

/// What is wrong with the headers of a crate or a folder.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Mistake {
    /// The app, as a place in the list of apps.
    pub app: usize,
    /// The file, as messages name it, and the line of its directive; none where it is about several.
    pub place: Option<(String, Option<u32>)>,
    /// A stable code in snake_case.
    pub code: &'static str,
    /// What is wrong.
    pub message: String,
    /// What to do.
    pub help: String,
}

/// `a`, `b` and `c`
pub(super) fn list<T: Display>(names: impl IntoIterator<Item = T>) -> String {
    let mut names: Vec<String> = names.into_iter().map(|name| format!("`{name}`")).collect();
    match names.pop() {
        None => String::new(),
        Some(last) if names.is_empty() => last,
        Some(last) => format!("{} and {last}", names.join(", ")),
    }
}

impl Resolver<'_> {
    pub(super) fn mistake(
        &mut self,
        directive: &Directive,
        code: &'static str,
        message: impl Display,
        help: impl Display,
    ) {
        self.graph.mistakes.push(Mistake {
            app: self.graph.nodes[directive.node].app,
            place: Some((directive.file.clone(), directive.line)),
            code,
            message: message.to_string(),
            help: help.to_string(),
        });
    }

    /// Whether the app of a reference is here, or may be taken from elsewhere; reports it if not.
    pub(super) fn known_label(&mut self, directive: &Directive, reference: &Reference) -> bool {
        let Some(label) = reference.app.as_deref() else {
            return true;
        };
        let own = self.graph.apps.iter().any(|app| app.label == label);
        let elsewhere = match &self.others {
            Others::Named(labels) => labels.iter().any(|known| known == label),
            Others::Any => true,
        };
        if own || elsewhere {
            return true;
        }
        let help = self.unknown_app(label);
        let message = format!(
            "`{}` names `{reference}`, and this crate has no app `{label}`",
            directive.key
        );
        self.mistake(directive, "unknown_app", message, help);
        false
    }

    pub(super) fn replaced_itself(&mut self, directive: &Directive, reference: &Reference) {
        let key = directive.key;
        self.mistake(
            directive,
            "squash_waits_for_itself",
            format!(
                "`{key}` names `{reference}`, which the step replaces, so it would wait for itself"
            ),
            format!("remove it from `{key}`: a squash has the place of the steps that it replaces"),
        );
    }

    /// Whether a name that is no SQL step of ours can be a step at all.
    pub(super) fn may_exist(
        &mut self,
        directive: &Directive,
        reference: &Reference,
        own: Option<usize>,
    ) -> bool {
        let key = directive.key;
        let own = own.map(|app| self.graph.apps[app]);
        let is_sql = is_sql(&reference.name);
        let problem = match own {
            Some(app) if is_sql && app.label.is_empty() => {
                "the folder has no such file".to_owned()
            }
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
        let message = format!("`{key}` names `{reference}`, and {problem}");
        self.mistake(directive, "unknown_reference", message, help);
        false
    }

    fn unknown_app(&self, label: &str) -> String {
        let own = self.graph.apps.iter().map(|app| app.label.as_str());
        let others = match &self.others {
            Others::Named(labels) => labels.as_slice(),
            Others::Any => &[],
        };
        let known: Vec<&str> = own.chain(others.iter().map(String::as_str)).collect();
        match nearest(label, known.iter().copied()) {
            Some(near) => format!("write `{near}`"),
            None => format!(
                "its apps are {}; another crate's app is added with `extern {label}`",
                list(known)
            ),
        }
    }
}
