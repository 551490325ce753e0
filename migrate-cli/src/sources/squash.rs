//! Squashing: a range of an app's SQL files as few files, each of which replaces what it joins.
//!
//! [`plan`] only reads; [`write`] writes what it planned and never overwrites. The order in which
//! steps run comes from the history, their texts from the folder. `cut` decides what becomes one
//! step, `texts` reads files, `join` makes new ones out of them.

mod cut;
mod join;
mod texts;
mod write;

use std::collections::HashMap;

use migrate_core::report::StepId;
use migrate_core::{History, Step};
use migrate_source::file_name::FileName;
use migrate_source::file_order::{Numbered, predecessors};
use migrate_source::folder::Folder;
use migrate_source::name::nearest;
use serde::Serialize;

use self::cut::{Part, cut, is_sql};
use self::join::{Head, join};
use self::texts::StepTexts;
pub(crate) use self::write::write;
use crate::failure::Failure;

/// What is to be squashed. Names are as typed: a unique beginning is enough.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wanted<'a> {
    pub(crate) app: &'a str,
    pub(crate) from: &'a str,
    pub(crate) to: &'a str,
    /// What is put behind the numbers.
    pub(crate) name: Option<&'a str>,
}

/// The squashes of a range.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Squash {
    pub(crate) app: String,
    pub(crate) steps: Vec<NewStep>,
    /// SQL steps of the range that stay as they are.
    pub(crate) kept: Vec<StepId>,
    /// Why the range did not become a single step.
    pub(crate) cuts: Vec<String>,
}

/// A step that replaces others.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct NewStep {
    pub(crate) step: StepId,
    pub(crate) replaces: Vec<StepId>,
    /// Data migrations among what it replaces: a new database does not run them.
    pub(crate) dropped: Vec<StepId>,
    /// The file because of which it has no way back.
    pub(crate) one_way: Option<String>,
    pub(crate) files: Vec<NewFile>,
}

/// A file to be written.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct NewFile {
    pub(crate) file: String,
    /// The files whose statements it has.
    pub(crate) of: Vec<String>,
    pub(crate) text: String,
}

/// Plans the squash of a range of files.
pub(crate) fn plan(
    history: &History,
    folder: &Folder,
    wanted: &Wanted<'_>,
) -> Result<Squash, Failure> {
    check_name(wanted.name)?;
    same_files(history, folder, wanted.app)?;
    // What an earlier squash has replaced takes no part any more.
    let live = history.only_squashes()?;
    let range = range(history, &live, wanted)?;
    let mut texts = HashMap::new();
    for step in &range {
        let name = step.id().name.as_str();
        texts.insert(name, StepTexts::read(folder, name)?);
    }
    let traits = |step: &Step| match texts.get(step.id().name.as_str()) {
        Some(texts) => texts.traits(),
        None => cut::Traits::default(),
    };
    let parts = cut(&live, &range, traits);
    let planner = Planner {
        live: &live,
        app: wanted.app,
        texts: &texts,
        names: new_names(&parts, wanted)?,
    };
    let mut steps = Vec::new();
    for (part, name) in parts.iter().zip(&planner.names) {
        if let Some(name) = name {
            steps.push(planner.step(&parts, part, name)?);
        }
    }
    let mut cuts: Vec<String> = Vec::new();
    for why in parts.iter().filter_map(|part| part.why.as_ref()) {
        if !cuts.contains(why) {
            cuts.push(why.clone());
        }
    }
    if steps.is_empty() {
        let message = match range.as_slice() {
            [only] => format!("`{}` is one file; there is nothing to join", only.id()),
            _ => "no two of these files can be joined".to_owned(),
        };
        let failure = Failure::usage(message);
        return Err(cuts.into_iter().fold(failure, Failure::help));
    }
    for file in steps.iter().flat_map(|step| &step.files) {
        if folder
            .files
            .iter()
            .any(|known| known.file_name == file.file)
        {
            return Err(Failure::usage(format!("`{}` is there already", file.file))
                .help("delete it, or give the new one a `--name`"));
        }
    }
    let kept = parts.iter().filter(|part| !part.is_squash());
    Ok(Squash {
        app: wanted.app.to_owned(),
        kept: kept
            .flat_map(Part::files)
            .map(|step| step.id().clone())
            .collect(),
        steps,
        cuts,
    })
}

fn check_name(name: Option<&str>) -> Result<(), Failure> {
    let Some(name) = name else { return Ok(()) };
    match FileName::parse(&format!("0001_{name}.sql")) {
        Ok(parsed) if parsed.database.is_none() => Ok(()),
        _ => Err(
            Failure::usage(format!("`{name}` cannot be part of a step's name"))
                .help("use lower-case letters, digits and `_`"),
        ),
    }
}

/// The app must be one of this binary's.
pub(crate) fn check_app(history: &History, app: &str) -> Result<(), Failure> {
    let apps = history.apps();
    if apps.iter().any(|known| known == app) {
        return Ok(());
    }
    let failure = Failure::usage(format!("this binary has no app `{app}`"));
    Err(match nearest(app, apps.iter().map(String::as_str)) {
        Some(near) => failure.help(format!("did you mean `{near}`?")),
        None => failure.help(format!("there are: {}", apps.join(", "))),
    })
}

/// The binary and the folder must have the same steps, or the order would be that of other files.
fn same_files(history: &History, folder: &Folder, app: &str) -> Result<(), Failure> {
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
fn range<'h>(
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

/// The name of each part that becomes a step of its own.
fn new_names(parts: &[Part<'_>], wanted: &Wanted<'_>) -> Result<Vec<Option<StepId>>, Failure> {
    let behind = wanted
        .name
        .map(|name| format!("_{name}"))
        .unwrap_or_default();
    let name = |part: &Part<'_>| -> Result<Option<StepId>, Failure> {
        if !part.is_squash() {
            return Ok(None);
        }
        let numbers = part.files().map(|step| number(step));
        let numbers = numbers.collect::<Result<Vec<u32>, Failure>>()?;
        let (first, last) = (numbers.iter().min(), numbers.iter().max());
        let (first, last) = (first.unwrap_or(&0), last.unwrap_or(&0));
        let name = format!("{first:04}_squashed_{last:04}{behind}");
        Ok(Some(StepId::new(wanted.app, name)))
    };
    parts.iter().map(name).collect()
}

fn number(step: &Step) -> Result<u32, Failure> {
    FileName::parse(&format!("{}.sql", step.id().name))
        .map(|name| name.number)
        .map_err(|error| Failure::usage(error.to_string()))
}

struct Planner<'a> {
    live: &'a History,
    app: &'a str,
    texts: &'a HashMap<&'a str, StepTexts>,
    /// One for each part.
    names: Vec<Option<StepId>>,
}

impl Planner<'_> {
    fn step(&self, parts: &[Part<'_>], part: &Part<'_>, id: &StepId) -> Result<NewStep, Failure> {
        let replaces = replaced(part);
        let head = Head {
            after: self.written(&self.after(parts, part, id)?),
            before: self.before(parts, part),
            replaces: self.written(&replaces),
        };
        let texts = part.files().filter_map(|step| {
            let name = step.id().name.as_str();
            self.texts.get(name).cloned()
        });
        let joined = join(&texts.collect::<Vec<_>>(), &head)?;
        let one_way = joined.iter().find_map(|file| file.one_way.clone());
        let files = joined.into_iter().map(|file| NewFile {
            file: match file.database {
                Some(database) => format!("{}.{database}.sql", id.name),
                None => format!("{}.sql", id.name),
            },
            of: file.files,
            text: file.text,
        });
        Ok(NewStep {
            files: files.collect(),
            step: id.clone(),
            dropped: part.dropped().map(|step| step.id().clone()).collect(),
            replaces,
            one_way,
        })
    }

    /// The step that a step of the range becomes; any other is itself.
    fn becomes(&self, parts: &[Part<'_>], id: &StepId) -> StepId {
        let mut named = parts.iter().zip(&self.names);
        let found = named.find(|(part, name)| {
            name.is_some() && part.members.iter().any(|member| member.id() == id)
        });
        found
            .and_then(|(_, name)| name.clone())
            .unwrap_or_else(|| id.clone())
    }

    /// What a squash comes after, without what goes without saying.
    fn after(
        &self,
        parts: &[Part<'_>],
        part: &Part<'_>,
        id: &StepId,
    ) -> Result<Vec<StepId>, Failure> {
        let mut after: Vec<StepId> = Vec::new();
        let needed = part.members.iter().flat_map(|member| member.after());
        for needed in needed.chain(part.behind.iter().copied()) {
            let needed = self.becomes(parts, needed);
            if needed != *id && !after.contains(&needed) {
                after.push(needed);
            }
        }
        let implied = self.implied(parts, id)?;
        let own: Vec<&StepId> = after
            .iter()
            .filter(|needed| needed.app == self.app)
            .collect();
        if own.len() == 1 && own.first().copied() == implied.as_ref() {
            after.retain(|needed| needed.app != self.app);
        } else if let Some(implied) = implied.filter(|_| !own.is_empty())
            && !after.contains(&implied)
            && !part.behind.is_empty()
        {
            // Naming one step of the app replaces the implied one.
            after.insert(0, implied);
        }
        Ok(after)
    }

    /// The file that a squash follows unless its header says otherwise.
    fn implied(&self, parts: &[Part<'_>], id: &StepId) -> Result<Option<StepId>, Failure> {
        let mut ids: Vec<StepId> = Vec::new();
        let files = self
            .live
            .iter()
            .filter(|step| is_sql(step) && step.id().app == self.app);
        for file in files {
            let id = self.becomes(parts, file.id());
            if !ids.contains(&id) {
                ids.push(id);
            }
        }
        let mut numbered = Vec::new();
        for id in &ids {
            let parsed = FileName::parse(&format!("{}.sql", id.name));
            let name = parsed.map_err(|error| Failure::usage(error.to_string()))?;
            let part = parts.iter().zip(&self.names);
            let part = part.filter(|(_, name)| name.as_ref() == Some(id));
            let known = self.live.get(id).into_iter().flat_map(Step::replaces);
            let new = part.flat_map(|(part, _)| part.files().map(Step::id));
            let replaces = known.chain(new).filter(|id| id.app == self.app);
            numbered.push(Numbered {
                number: name.number,
                name: &id.name,
                replaces: replaces.map(|id| id.name.as_str()).collect(),
            });
        }
        let place = ids.iter().position(|known| known == id);
        let before = place.and_then(|place| predecessors(&numbered).get(place).copied().flatten());
        Ok(before.and_then(|place| ids.get(place).cloned()))
    }

    /// What comes after the squash because a file of it says so.
    fn before(&self, parts: &[Part<'_>], part: &Part<'_>) -> Vec<String> {
        let texts = part
            .files()
            .filter_map(|step| self.texts.get(step.id().name.as_str()));
        let mut before: Vec<String> = Vec::new();
        for reference in texts
            .flat_map(StepTexts::headers)
            .flat_map(|header| &header.before)
        {
            let app = reference.app.as_deref().unwrap_or(self.app);
            let id = StepId::new(app, &reference.name);
            let in_range = parts.iter().flat_map(|part| &part.members);
            let in_range = in_range.into_iter().any(|member| *member.id() == id);
            let name = reference.to_string();
            // Within the range the steps themselves say what they come after.
            if !in_range && !before.contains(&name) {
                before.push(name);
            }
        }
        before
    }

    /// Names as a header writes them: without the app where it is the same.
    fn written(&self, ids: &[StepId]) -> Vec<String> {
        let name = |id: &StepId| match id.app == self.app {
            true => id.name.clone(),
            false => id.to_string(),
        };
        ids.iter().map(name).collect()
    }
}

/// What a part replaces: its members, and what those had replaced.
fn replaced(part: &Part<'_>) -> Vec<StepId> {
    let mut replaced: Vec<StepId> = Vec::new();
    for member in &part.members {
        for id in member.replaces().iter().chain([member.id()]) {
            if !replaced.contains(id) {
                replaced.push(id.clone());
            }
        }
    }
    replaced
}
