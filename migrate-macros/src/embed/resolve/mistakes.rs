//! References that lead nowhere, and what was probably meant.

use migrate_source::name::{Reference, nearest, parse_data_name};

use super::squashes::is_sql;
use super::{Directive, Resolver};
use crate::embed::load::LoadedApp;
use crate::errors::list;

impl<'a> Resolver<'a> {
    /// Whether this crate has the app of a reference, or takes it from another; reports it if not.
    pub(super) fn known_label(&mut self, directive: &Directive<'a>, reference: &Reference) -> bool {
        let label = reference.app.as_deref().unwrap_or(directive.app);
        let own = self.apps.iter().any(|app| app.label == label);
        if own || self.extern_labels.iter().any(|known| known == label) {
            return true;
        }
        let Directive {
            key, place, span, ..
        } = directive;
        let help = self.unknown_app(label);
        self.errors.at(
            *span,
            format!("{place}: `{key}` names `{reference}`, and this crate has no app `{label}`"),
            help,
        );
        false
    }

    pub(super) fn replaced_itself(&mut self, directive: &Directive<'a>, reference: &Reference) {
        let Directive {
            key, place, span, ..
        } = directive;
        self.errors.at(
            *span,
            format!("{place}: `{key}` names `{reference}`, which the step replaces, so it would wait for itself"),
            format!("remove it from `{key}`: a squash has the place of the steps that it replaces"),
        );
    }

    /// Whether a name that is no SQL step of ours can be a step at all.
    pub(super) fn may_exist(
        &mut self,
        directive: &Directive<'a>,
        reference: &Reference,
        own: Option<&LoadedApp>,
    ) -> bool {
        let Directive {
            key, place, span, ..
        } = directive;
        let is_sql = is_sql(&reference.name);
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
