//! Which steps are to be squashed, and whether binary, folder and words fit together.

use migrate_core::report::StepId;
use migrate_core::{History, Step};
use migrate_source::folder::Folder;
use migrate_source::name::nearest;

use super::Wanted;
use super::cut::is_sql;
use crate::failure::Failure;

/// The app must be one of this binary's.
pub(crate) fn check_app(history: &History, app: &str) -> Result<(), Failure> {
    let apps = history.apps();
    if apps.iter().any(|known| known == app) {
        return Ok(());
    }
    let failure = Failure::usage(format!("this binary has no app `{}`", app.escape_debug()));
    Err(match nearest(app, apps.iter().map(String::as_str)) {
        Some(near) => failure.help(format!("did you mean `{near}`?")),
        None => failure.help(format!("there are: {}", apps.join(", "))),
    })
}

/// The binary and the folder must have the same steps, or the order would be that of other files.
pub(super) fn same_files(history: &History, folder: &Folder, app: &str) -> Result<(), Failure> {
    let stale = |message: String| {
        Err(Failure::usage(message).help("`cargo migrate index`, then build again"))
    };
    for file in &folder.files {
        if history.get(&StepId::new(app, &file.name.step)).is_none() {
            return stale(format!("`{}` is not in this binary", file.file_name));
        }
    }
    for step in history
        .iter()
        .filter(|step| is_sql(step) && step.id().app == app)
    {
        let name = &step.id().name;
        if !folder.files.iter().any(|file| file.name.step == *name) {
            return stale(format!(
                "`{}` is in this binary, and its file is gone",
                step.id()
            ));
        }
    }
    Ok(())
}

/// The SQL steps from one to another, in order of execution.
pub(super) fn range<'h>(
    history: &History,
    live: &'h History,
    wanted: &Wanted<'_>,
) -> Result<Vec<&'h Step>, Failure> {
    let app = wanted.app;
    let files: Vec<&Step> = live
        .iter()
        .filter(|step| is_sql(step) && step.id().app == app)
        .collect();
    let place = |typed: &str| -> Result<usize, Failure> {
        let typed = typed.strip_prefix(&format!("{app}.")).unwrap_or(typed);
        let name = format!("{app}.{typed}");
        let found = live.find(&name).map_err(|error| {
            let replaced = history.find(&name).ok();
            replaced.map_or_else(|| error.into(), |step| is_replaced(history, step.id()))
        })?;
        let place = files.iter().position(|step| step.id() == found.id());
        place.ok_or_else(|| {
            Failure::usage(format!("`{}` is a data migration", found.id())).help(
                "name the first and the last SQL file; data migrations between them are seen to",
            )
        })
    };
    let (from, to) = (place(wanted.from)?, place(wanted.to)?);
    let Some(range) = files.get(from..=to).filter(|range| !range.is_empty()) else {
        return Err(Failure::usage(format!(
            "`{}` does not come before `{}`",
            wanted.from, wanted.to
        )));
    };
    for step in range {
        let mut replaced = step.replaces().iter();
        if let Some(there) = replaced.find(|id| history.get(id).is_some()) {
            return Err(Failure::usage(format!(
                "`{}` still stands beside `{there}`, which it replaces",
                step.id()
            ))
            .help("once every database has it, delete the files it replaces; then it can be squashed again")
            .help("or name a range behind it"));
        }
    }
    Ok(range.to_vec())
}

fn is_replaced(history: &History, id: &StepId) -> Failure {
    let mut squashes = history.iter().filter(|step| step.replaces().contains(id));
    let by = squashes
        .next()
        .map(|step| step.id().to_string())
        .unwrap_or_default();
    Failure::usage(format!("`{id}` is replaced by `{by}` already"))
        .help("name a range of files that no squash replaces")
}
