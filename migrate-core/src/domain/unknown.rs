//! What was probably meant by a name that nothing has.

use migrate_source::name::nearest;

use super::history::History;
use super::step::Step;
use crate::error::{Error, ErrorCode};

/// Nothing has the name that was typed: a step's, with or without its app.
pub(super) fn unknown(history: &History, typed: &str) -> Error {
    let names_of = |app: &str| -> Vec<&str> {
        let steps = history.iter().filter(|step| step.id.app == app);
        steps.map(|step| step.id.name.as_str()).collect()
    };
    let apps = history.apps();
    let (app, name) = match typed.split_once('.') {
        Some((app, name)) => (Some(app), name),
        // There is only one that can be meant.
        None if apps.len() == 1 => (apps.first().map(String::as_str), typed),
        None => (None, typed),
    };
    if let Some(app) = app.filter(|app| apps.iter().any(|known| known == app)) {
        return unknown_step(app, name, &names_of(app), "");
    }
    let error = Error::new(
        ErrorCode::UnknownStep,
        format!("there is no migration {} in this binary", quoted(typed)),
    );
    let Some(app) = app else {
        return meant_by_name(history, typed, error);
    };
    let near = nearest(app, apps.iter().map(String::as_str));
    let there = |app: &str| history.find(&format!("{app}.{name}")).ok().map(Step::id);
    match (near, history.find(name)) {
        (Some(near), _)
            if !name.is_empty()
                && let Some(id) = there(near) =>
        {
            error.help(format!("there is one of a similar name: `{id}`"))
        }
        (_, Ok(step)) => error.help(format!("there is one in another app: `{}`", step.id)),
        (Some(near), _) => error.help(format!(
            "there is an app of a similar name: `migrate status {near}` shows what it has"
        )),
        (None, _) => error.help(format!("the apps are: {}", apps.join(", "))),
    }
}

/// A name without its app, where there are several.
fn meant_by_name(history: &History, typed: &str, error: Error) -> Error {
    if history.apps().iter().any(|app| app == typed) {
        return error.help(format!(
            "`{typed}` is an app; `migrate status {typed}` shows what it has"
        ));
    }
    let names: Vec<&str> = history.iter().map(|step| step.id.name.as_str()).collect();
    match near(typed, &names) {
        Some(near) if !is_number(typed) => {
            error.help(format!("there is one of a similar name: `{near}`"))
        }
        _ => error.help("`migrate status` shows what there is"),
    }
}

/// The app has no such step. `more` completes the sentence that says where to look.
pub(super) fn unknown_step(app: &str, typed: &str, names: &[&str], more: &str) -> Error {
    let error = Error::new(
        ErrorCode::UnknownStep,
        format!(
            "the app `{app}` has no step {} in this binary",
            quoted(typed)
        ),
    );
    // A number is not misspelt, it is another one: what it looks like says nothing.
    if is_number(typed) {
        let numbered = names.iter().copied();
        let last = numbered
            .filter(|name| name.starts_with(|first: char| first.is_ascii_digit()))
            .max();
        if let Some(last) = last {
            return error.help(format!(
                "its last SQL step is `{last}`; `migrate status {app}` shows what there is"
            ));
        }
    }
    match near(typed, names) {
        Some(near) if !is_number(typed) => {
            error.help(format!("there is one of a similar name: `{near}`"))
        }
        _ => error.help(format!("`migrate status {app}` shows what there is{more}")),
    }
}

/// The binary has no such app.
pub(super) fn unknown_app(history: &History, app: &str) -> Error {
    let apps = history.apps();
    let error = Error::new(
        ErrorCode::UnknownApp,
        format!("there is no app `{}` in this binary", app.escape_debug()),
    );
    match nearest(app, apps.iter().map(String::as_str)) {
        Some(near) => error.help(format!("there is one of a similar name: `{near}`")),
        None if apps.is_empty() => error.help("it has none: embed some migrations first"),
        None => error.help(format!("it has: {}", apps.join(", "))),
    }
}

/// A word as it is shown: an empty one could not be seen between backticks.
fn quoted(typed: &str) -> String {
    match typed {
        "" => "''".to_owned(),
        _ => format!("`{}`", typed.escape_debug()),
    }
}

fn is_number(typed: &str) -> bool {
    !typed.is_empty() && typed.bytes().all(|byte| byte.is_ascii_digit())
}

/// The name nearest to what was typed, as a whole or as far as it was typed: a prefix would do.
fn near<'n>(typed: &str, names: &[&'n str]) -> Option<&'n str> {
    if typed.is_empty() {
        return None;
    }
    let length = typed.chars().count();
    let beginning = |name: &&'n str| name.get(..length).unwrap_or(name);
    let whole = nearest(typed, names.iter().copied());
    whole.or_else(|| {
        let near = nearest(typed, names.iter().map(beginning))?;
        names.iter().copied().find(|name| beginning(name) == near)
    })
}
