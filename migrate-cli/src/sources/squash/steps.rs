//! The steps that parts of a range become: their headers and their files.

use std::collections::HashMap;

use migrate_core::History;
use migrate_core::report::StepId;
use migrate_source::file_name::FileName;
use migrate_source::order::{Place, files_before};

use super::cut::{Part, is_sql};
use super::join::{Head, join};
use super::texts::StepTexts;
use super::{NewFile, NewStep};
use crate::failure::Failure;

/// The parts of a range as steps to be.
pub(super) struct Steps<'a> {
    pub(super) live: &'a History,
    pub(super) parts: &'a [Part<'a>],
    pub(super) app: &'a str,
    pub(super) texts: &'a HashMap<&'a str, StepTexts>,
    /// One for each part.
    pub(super) names: Vec<Option<StepId>>,
}

impl Steps<'_> {
    /// The steps that replace others.
    pub(super) fn steps(&self) -> Result<Vec<NewStep>, Failure> {
        let named = self.parts.iter().zip(&self.names);
        let squashes = named.filter_map(|(part, name)| Some((part, name.as_ref()?)));
        squashes.map(|(part, name)| self.step(part, name)).collect()
    }

    fn step(&self, part: &Part<'_>, id: &StepId) -> Result<NewStep, Failure> {
        let replaces = replaced(part);
        let head = Head {
            after: self.written(&self.after(part, id)?),
            before: self.before(part),
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
    fn becomes(&self, id: &StepId) -> StepId {
        let mut named = self.parts.iter().zip(&self.names);
        let found = named.find(|(part, name)| {
            name.is_some() && part.members.iter().any(|member| member.id() == id)
        });
        found
            .and_then(|(_, name)| name.clone())
            .unwrap_or_else(|| id.clone())
    }

    /// What a squash comes after, without what goes without saying.
    fn after(&self, part: &Part<'_>, id: &StepId) -> Result<Vec<StepId>, Failure> {
        let mut after: Vec<StepId> = Vec::new();
        let needed = part.members.iter().flat_map(|member| member.after());
        for needed in needed.chain(part.behind.iter().copied()) {
            let needed = self.becomes(needed);
            if needed != *id && !after.contains(&needed) {
                after.push(needed);
            }
        }
        let implied = self.implied(id)?;
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

    /// The file that a squash follows unless its header says otherwise: the one before it by
    /// number, of those that are there once the replaced ones are gone.
    fn implied(&self, id: &StepId) -> Result<Option<StepId>, Failure> {
        let files = self
            .live
            .iter()
            .filter(|step| is_sql(step) && step.id().app == self.app);
        let mut numbered: Vec<(u32, StepId)> = Vec::new();
        for file in files {
            let id = self.becomes(file.id());
            let parsed = FileName::parse(&format!("{}.sql", id.name));
            let name = parsed.map_err(|error| Failure::usage(error.to_string()))?;
            numbered.push((name.number, id));
        }
        let places = numbered.iter().map(|(number, id)| Place {
            app: &id.app,
            number: *number,
            name: &id.name,
            is_squash: false,
            has_own_place: false,
        });
        let places: Vec<Place<'_>> = places.collect();
        let before = files_before(&places, |_, _| false);
        let place = numbered.iter().position(|(_, known)| known == id);
        let before = place.and_then(|place| before[place]);
        Ok(before.map(|place| numbered.swap_remove(place).1))
    }

    /// What comes after the squash because a file of it says so.
    fn before(&self, part: &Part<'_>) -> Vec<String> {
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
            let in_range = self.parts.iter().flat_map(|part| &part.members);
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
