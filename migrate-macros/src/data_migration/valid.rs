//! The rules for names, references and the arguments together. Builds the checked [`Step`] that
//! the expansion writes; where a value is wrong, the nearest usable one stands in for it.

use migrate_source::checksum::Checksum;
use migrate_source::name::{Reference, check_app_label, parse_data_name, step_ident};
use proc_macro2::Span;
use syn::{Ident, LitStr};

use super::attr::{Attr, Strings};
use super::item::Function;
use super::signature;
use crate::errors::Errors;
use crate::today;

/// A data migration after all checks that need no type.
pub(super) struct Step {
    pub(super) name: String,
    /// The constant's name, at the place where the name was written.
    pub(super) ident: Ident,
    /// The app's type, at the place where the label was written; none means the crate's one app.
    pub(super) app: Option<Ident>,
    pub(super) after: Vec<StepPath>,
    pub(super) before: Vec<StepPath>,
}

/// A step that another refers to, with the place of the reference in both parts; no app means the
/// app of the step that refers.
pub(super) struct StepPath {
    pub(super) app: Option<Ident>,
    pub(super) ident: Ident,
    /// Whether the name is that of a data migration.
    pub(super) is_data: bool,
}

/// Applies all rules.
pub(super) fn check(attr: &Attr, function: &Function, errors: &mut Errors) -> Step {
    signature::check(&function.item.sig, errors);
    let (name, span) = name(attr, function, errors);
    let app = attr.app.as_ref().and_then(|app| label(app, errors));
    let after = references(attr.after.as_ref(), "after", (&name, app.as_ref()), errors);
    let before = references(
        attr.before.as_ref(),
        "before",
        (&name, app.as_ref()),
        errors,
    );
    both_ways(attr, errors);
    checksums(attr, errors);
    if attr.manual == Some(true) && attr.before.is_some() {
        let list = attr.before.as_ref().map_or(span, |list| list.span);
        errors.at(
            list,
            "no step can wait for a manual one, which runs only when somebody asks for it",
            "remove `before`, or remove `manual`",
        );
    }
    Step {
        ident: ident(&name, span),
        name,
        app,
        after,
        before,
    }
}

fn name(attr: &Attr, function: &Function, errors: &mut Errors) -> (String, Span) {
    let (name, span) = match &attr.name {
        Some(name) => (name.value(), name.span()),
        None => (
            unraw(&function.item.sig.ident),
            function.item.sig.ident.span(),
        ),
    };
    let ends_in_digits = name.ends_with(|last: char| last.is_ascii_digit());
    if let Err(error) = parse_data_name(&name) {
        let help = match error.correction() {
            Some(correction) => format!("write `name = \"{correction}\"`"),
            // Digits at the end are a date or version with a mistake that only the author can correct.
            None => match today::dated(&name).filter(|_| !ends_in_digits) {
                Some(dated) => format!("write `name = \"{dated}\"`, with the day on which the step was written"),
                None => "write what it does, perhaps a version, and the day on which it was written: `name = \"lower_emails_v1_2026_11_20\"`".to_owned(),
            },
        };
        errors.at(
            span,
            format!("the name of a data migration cannot be {}", problem(&error)),
            help,
        );
    }
    (name, span)
}

/// The error without its correction, which stands in the help.
fn problem(error: &migrate_source::name::NameError) -> String {
    let text = error.to_string();
    match error.correction() {
        Some(correction) => text
            .strip_suffix(&format!("; write `{correction}`"))
            .unwrap_or(&text)
            .to_owned(),
        None => text,
    }
}

fn unraw(ident: &Ident) -> String {
    syn::ext::IdentExt::unraw(ident).to_string()
}

fn label(label: &LitStr, errors: &mut Errors) -> Option<Ident> {
    match check_app_label(&label.value()) {
        Ok(()) => Some(Ident::new(&label.value(), label.span())),
        Err(error) => {
            let help = match error.correction() {
                Some(correction) => format!("write `app = \"{correction}\"`"),
                None => "write the label that `embed_migrations!` gives the app".to_owned(),
            };
            errors.on(label, format!("not an app: {}", problem(&error)), help);
            None
        }
    }
}

/// An identifier for any text, so that a bad name does not also break the steps that refer to it.
fn ident(name: &str, span: Span) -> Ident {
    let text: String = step_ident(name)
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() { c } else { '_' })
        .collect();
    syn::parse_str::<Ident>(&text).map_or_else(
        |_| Ident::new("__unnamed", span),
        |_| Ident::new(&text, span),
    )
}

fn references(
    list: Option<&Strings>,
    key: &str,
    (own_name, own_app): (&str, Option<&Ident>),
    errors: &mut Errors,
) -> Vec<StepPath> {
    let mut paths = Vec::new();
    let mut seen: Vec<String> = Vec::new();
    for text in list.map(|list| list.items.as_slice()).unwrap_or_default() {
        let value = text.value();
        let Some(reference) = reference(text, key, errors) else {
            continue;
        };
        if seen.contains(&value) {
            errors.on(
                text,
                format!("`{value}` stands in `{key}` twice"),
                "keep one of them",
            );
            continue;
        }
        seen.push(value);
        let place = text.span();
        let app = reference.app.as_ref().map(|app| Ident::new(app, place));
        let same_app = app.is_none() || app.as_ref() == own_app;
        if same_app && reference.name == own_name {
            errors.on(
                text,
                format!("the step stands in its own `{key}`"),
                "remove it",
            );
            continue;
        }
        let app = app.filter(|_| !same_app);
        paths.push(StepPath {
            app,
            ident: ident(&reference.name, place),
            is_data: !reference
                .name
                .starts_with(|first: char| first.is_ascii_digit()),
        });
    }
    paths
}

/// One step as it is named in `after` or `before`.
fn reference(text: &LitStr, key: &str, errors: &mut Errors) -> Option<Reference> {
    let value = text.value();
    let reference = match value.parse::<Reference>() {
        Ok(reference) => reference,
        Err(error) => {
            let help = match error.correction() {
                Some(correction) => format!("write `{correction}`"),
                None => {
                    format!("write `{key} = [\"0002_add_email\"]` or `[\"billing.0001_initial\"]`")
                }
            };
            errors.on(text, format!("not a step: {}", problem(&error)), help);
            return None;
        }
    };
    if reference.name.chars().all(|c| c.is_ascii_digit()) {
        errors.on(
            text,
            format!("`{value}` is only the number of a step, and a step is named in full"),
            format!("write the file's name without `.sql`, as in `\"{value}_initial\"`"),
        );
        return None;
    }
    Some(reference)
}

/// A step that is both before and after another would wait for itself.
fn both_ways(attr: &Attr, errors: &mut Errors) {
    let (Some(after), Some(before)) = (&attr.after, &attr.before) else {
        return;
    };
    for text in &before.items {
        let value = text.value();
        if after.items.iter().any(|other| other.value() == value) {
            errors.on(
                text,
                format!("`{value}` stands in `after` as well, so the step would wait for itself"),
                "keep the one that is meant",
            );
        }
    }
}

fn checksums(attr: &Attr, errors: &mut Errors) {
    for text in attr.formerly.iter().flat_map(|list| &list.items) {
        if let Err(error) = text.value().parse::<Checksum>() {
            errors.on(
                text,
                error,
                "copy the checksum from the message that refused the edited step",
            );
        }
    }
}
