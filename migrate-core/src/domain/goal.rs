//! What a goal names: an app, one of its steps, or nothing, and then what comes near it.

use super::history::History;
use super::row::LedgerRows;
use super::unknown::{unknown_app, unknown_step};
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
    let error = unknown_app(history, app);
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
        // The names that a squash replaced all mean the squash.
        [(_, step), others @ ..] if others.iter().all(|(_, other)| other == step) => Ok(*step),
        [] => {
            let names: Vec<&str> = names.iter().map(|(name, _)| *name).collect();
            Err(unknown_step(
                app,
                typed,
                &names,
                "; `zero` means none of it",
            ))
        }
        several => Err(ambiguous(app, typed, several)),
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
