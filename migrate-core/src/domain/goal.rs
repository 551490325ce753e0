//! What a goal names: an app, one of its steps, or nothing, and then what comes near it.

use migrate_source::name::nearest;

use super::history::{History, near};
use super::row::LedgerRows;
use crate::error::{Error, ErrorCode};
use crate::goal::Goal;
use crate::report::StepId;

/// A goal, understood.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Aim<'g> {
    Latest,
    App(&'g str),
    Step(usize),
    Zero(&'g str),
    Undo,
}

/// Looks up what was typed.
pub(super) fn aim<'g>(
    history: &History,
    rows: &LedgerRows,
    goal: &'g Goal,
) -> Result<Aim<'g>, Error> {
    match goal {
        Goal::Latest => Ok(Aim::Latest),
        Goal::Undo => Ok(Aim::Undo),
        Goal::App(app) => known_app(history, rows, app).map(|()| Aim::App(app)),
        Goal::Zero(app) => known_app(history, rows, app).map(|()| Aim::Zero(app)),
        Goal::Step { app, name } => {
            known_app(history, rows, app)?;
            let step = step(history, app, name)?;
            refuse_manual(history, step)?;
            Ok(Aim::Step(step))
        }
    }
}

/// Refuses an app that this binary does not have.
pub(crate) fn known_app(history: &History, rows: &LedgerRows, app: &str) -> Result<(), Error> {
    if history.apps.iter().any(|known| known == app) {
        return Ok(());
    }
    let shown = app.escape_debug();
    let error = Error::new(
        ErrorCode::UnknownApp,
        format!("there is no app `{shown}` in this binary"),
    );
    let error = match nearest(app, history.apps.iter().map(String::as_str)) {
        Some(near) => error.help(format!("there is one of a similar name: `{near}`")),
        None if history.apps.is_empty() => error.help("it has none: embed some migrations first"),
        None => error.help(format!("it has: {}", history.apps.join(", "))),
    };
    let recorded = rows.iter().filter(|row| row.app == app).count();
    Err(match recorded {
        0 => error,
        count => error.help(format!(
            "the database has {count} steps of that app: run the service that they belong to, or add the crate to `embed_migrations!`"
        )),
    })
}

/// The step of an app by its name or by a beginning that no other step of it has. The names of
/// replaced steps that are gone count, and mean their squash.
fn step(history: &History, app: &str, typed: &str) -> Result<usize, Error> {
    let id = StepId::new(app, typed);
    let aliases = &history.graph.squashes.aliases;
    if let Some(&step) = history.index.get(&id).or_else(|| aliases.get(&id)) {
        return Ok(step);
    }
    let mut names: Vec<(&str, usize)> = history
        .steps
        .iter()
        .enumerate()
        .filter(|(_, step)| step.id.app == app)
        .map(|(place, step)| (step.id.name.as_str(), place))
        .collect();
    let mut gone: Vec<(&str, usize)> = aliases
        .iter()
        .filter(|(id, _)| id.app == app)
        .map(|(id, &squash)| (id.name.as_str(), squash))
        .collect();
    gone.sort_unstable();
    names.extend(gone);
    let found: Vec<(&str, usize)> = names
        .iter()
        .filter(|(name, _)| !typed.is_empty() && name.starts_with(typed))
        .copied()
        .collect();
    match found.as_slice() {
        [(_, step)] => Ok(*step),
        [] => Err(unknown(app, typed, &names)),
        several => Err(ambiguous(app, typed, several)),
    }
}

fn unknown(app: &str, typed: &str, names: &[(&str, usize)]) -> Error {
    let error = Error::new(
        ErrorCode::UnknownStep,
        format!(
            "the app `{app}` has no step `{}` in this binary",
            typed.escape_debug()
        ),
    );
    // A number is not misspelt, it is another one: what it looks like says nothing.
    if !typed.is_empty() && typed.bytes().all(|byte| byte.is_ascii_digit()) {
        let numbered = names.iter().map(|(name, _)| *name);
        let last = numbered
            .filter(|name| name.starts_with(|first: char| first.is_ascii_digit()))
            .max();
        if let Some(last) = last {
            return error.help(format!(
                "its last SQL step is `{last}`; `migrate status {app}` shows what there is"
            ));
        }
    }
    let names: Vec<String> = names.iter().map(|(name, _)| (*name).to_owned()).collect();
    match near(typed, &names) {
        Some(near) => error.help(format!("there is one of a similar name: `{near}`")),
        None => error.help(format!(
            "`migrate status {app}` shows what there is; `zero` means none of it"
        )),
    }
}

fn ambiguous(app: &str, typed: &str, several: &[(&str, usize)]) -> Error {
    const SHOWN: usize = 6;
    let mut names: Vec<String> = several
        .iter()
        .take(SHOWN)
        .map(|(name, _)| format!("`{name}`"))
        .collect();
    if several.len() > SHOWN {
        names.push(format!("{} more", several.len() - SHOWN));
    }
    let first = several.first().map_or(typed, |(name, _)| *name);
    Error::new(
        ErrorCode::AmbiguousStep,
        format!(
            "`{}` could be any of these steps of `{app}`: {}",
            typed.escape_debug(),
            names.join(", ")
        ),
    )
    .help(format!("type more of the name: `migrate {app} {first}`"))
}

fn refuse_manual(history: &History, step: usize) -> Result<(), Error> {
    let step = &history.steps[step];
    if !step.manual {
        return Ok(());
    }
    let id = &step.id;
    Err(Error::new(
        ErrorCode::NotPossible,
        format!(
            "`{id}` is manual: `migrate` neither runs nor undoes it by itself, so it is no goal"
        ),
    )
    .help(format!("`migrate run {id}` runs it"))
    .help(format!(
        "`migrate {}` applies all that it comes after",
        id.app
    )))
}
