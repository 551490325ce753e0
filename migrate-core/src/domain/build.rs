//! Builds a history: from what the macros embedded, or from a hand-made list.
//!
//! The macros have checked most of this; it is checked again because a history by hand has not
//! been, and because references across crates are only complete here.

mod downs;
mod link;
mod squashes;

use std::collections::HashMap;
use std::fmt::Display;

use migrate_source::checksum::of_sql;
use migrate_source::file_name::{Direction, FileName};
use migrate_source::name::{Reference, check_app_label};
use migrate_source::sql_file::parse_sql_file;

use self::downs::Down;
use self::link::{Names, link};
use self::squashes::squashes;
use super::graph::{Graph, Squashes, Traits};
use super::history::{History, HistoryBuilder};
use super::order;
use super::step::{Body, DownText, SqlText, Step};
use crate::embedded::{FunctionStep, Migrations};
use crate::error::{Error, ErrorCode};
use crate::report::StepId;

pub(super) fn embedded(migrations: &'static Migrations) -> Result<History, Error> {
    let mut draft = Draft::default();
    for app in migrations.reachable_apps() {
        draft.app(app.label, app.crate_name)?;
        for file in app.files() {
            draft.file(app.label, file.name, file.text, Some(file.checksum))?;
        }
    }
    for function in inventory::iter::<FunctionStep> {
        if draft.owns(function.app, function.crate_name) {
            draft.function(function)?;
        }
    }
    draft.finish()
}

pub(super) fn by_hand(builder: HistoryBuilder) -> Result<History, Error> {
    let mut draft = Draft::default();
    for (app, file_name, text) in &builder.files {
        draft.app(app, "")?;
        draft.file(app, file_name, text, None)?;
    }
    for function in builder.functions {
        draft.app(function.app, "")?;
        draft.function(function)?;
    }
    draft.finish()
}

/// A history of steps that were in one before, and of more SQL files.
pub(super) fn again(
    apps: &[String],
    mut steps: Vec<Step>,
    files: &[(String, String, String)],
) -> Result<History, Error> {
    for step in &mut steps {
        // It stands in the `after` of those steps, which may not all be here.
        step.before.clear();
    }
    let places = steps.iter().enumerate();
    let mut draft = Draft {
        places: places.map(|(i, step)| (step.id.clone(), i)).collect(),
        steps,
        ..Draft::default()
    };
    for app in apps {
        draft.app(app, "")?;
    }
    for (app, file_name, text) in files {
        draft.app(app, "")?;
        draft.file(app, file_name, text, None)?;
    }
    draft.finish()
}

#[derive(Default)]
struct Draft {
    steps: Vec<Step>,
    places: HashMap<StepId, usize>,
    /// The labels, in the order in which they were named.
    apps: Vec<String>,
    /// The crate of each app.
    crates: HashMap<String, String>,
    /// `.down.sql` files, whose steps may come later in the list.
    downs: Vec<Down>,
}

pub(super) fn invalid(location: &str, what: impl Display) -> Error {
    Error::new(ErrorCode::InvalidStep, format!("{location}: {what}"))
}

impl Draft {
    fn app(&mut self, label: &str, crate_name: &str) -> Result<(), Error> {
        if let Some(other) = self.crates.get(label) {
            if other == crate_name {
                return Ok(());
            }
            return Err(Error::new(
                ErrorCode::DuplicateStep,
                format!("the crates `{other}` and `{crate_name}` both have an app `{label}`"),
            )
            .help("give one of them another label in its `embed_migrations!`"));
        }
        check_app_label(label).map_err(|e| invalid(label, e))?;
        self.apps.push(label.to_owned());
        self.crates.insert(label.to_owned(), crate_name.to_owned());
        Ok(())
    }

    fn owns(&self, label: &str, crate_name: &str) -> bool {
        self.crates
            .get(label)
            .is_some_and(|name| name == crate_name)
    }

    fn file(
        &mut self,
        app: &str,
        file: &str,
        text: &str,
        checksum: Option<&str>,
    ) -> Result<(), Error> {
        let name = FileName::parse(file).map_err(|e| invalid(file, e))?;
        let location = format!("{app}/{file}");
        let parsed = parse_sql_file(text, name.database).map_err(|errors| {
            let lines: Vec<String> = errors.iter().map(ToString::to_string).collect();
            invalid(&location, lines.join("; "))
        })?;
        let id = StepId::new(app, &name.step);
        if name.direction == Direction::Down {
            self.downs
                .push(Down::new(id, name.database, location, parsed));
            return Ok(());
        }
        if let Some(error) = parsed.empty_error(name.database, Some(app)) {
            return Err(invalid(&location, error.message).help(error.help));
        }
        let header = &parsed.header;
        let own = |references: &[Reference]| -> Vec<StepId> {
            references.iter().map(|r| resolve(app, r)).collect()
        };
        let after = header.after.as_deref().map(own).unwrap_or_default();
        let step = Step {
            explicit_order: after.iter().any(|id| id.app == app),
            before: own(&header.before),
            replaces: own(&header.replaces),
            elidable: false,
            after,
            atomic: header.atomic.unwrap_or(true),
            manual: false,
            disable_audit: false,
            formerly: Vec::new(),
            description: None,
            location: location.clone(),
            body: Body::Sql {
                number: name.number,
                texts: vec![SqlText {
                    database: name.database,
                    checksum: checksum.map_or_else(|| of_sql(text).to_string(), str::to_owned),
                    runs: own(&header.run),
                    down: parsed.down.as_ref().map(|sql| DownText {
                        location: location.clone(),
                        sql: sql.clone(),
                    }),
                    location,
                    parsed,
                }],
            },
            id,
        };
        self.merge_variant(step)
    }

    /// Adds a SQL step, or its text to the step of that name that has one for another database.
    fn merge_variant(&mut self, step: Step) -> Result<(), Error> {
        let Some(&place) = self.places.get(&step.id) else {
            return self.add(step);
        };
        let known = &mut self.steps[place];
        let (Body::Sql { texts, .. }, Body::Sql { texts: more, .. }) = (&mut known.body, step.body)
        else {
            return Err(duplicate(&step.id, &known.location, &step.location));
        };
        if more
            .iter()
            .any(|new| texts.iter().any(|old| old.database == new.database))
        {
            return Err(duplicate(&step.id, &known.location, &step.location));
        }
        texts.extend(more);
        for (have, new) in [
            (&mut known.after, step.after),
            (&mut known.before, step.before),
            (&mut known.replaces, step.replaces),
        ] {
            have.extend(
                new.into_iter()
                    .filter(|id| !have.contains(id))
                    .collect::<Vec<_>>(),
            );
        }
        known.explicit_order |= step.explicit_order;
        // A step is as atomic as its least atomic text.
        known.atomic &= step.atomic;
        Ok(())
    }

    fn function(&mut self, function: &'static FunctionStep) -> Result<(), Error> {
        let references = |texts: &[&str]| -> Result<Vec<StepId>, Error> {
            texts
                .iter()
                .map(|text| {
                    let reference: Reference =
                        text.parse().map_err(|e| invalid(function.file, e))?;
                    Ok(resolve(function.app, &reference))
                })
                .collect()
        };
        let description = function.description.trim();
        self.add(Step {
            id: StepId::new(function.app, function.name),
            location: format!("{}:{}", function.file, function.line),
            description: (!description.is_empty()).then(|| description.to_owned()),
            after: references(function.after)?,
            before: references(function.before)?,
            explicit_order: true,
            atomic: function.atomic,
            manual: function.manual,
            disable_audit: function.disable_audit,
            replaces: Vec::new(),
            elidable: function.elidable,
            formerly: function
                .formerly
                .iter()
                .map(|&text| text.to_owned())
                .collect(),
            body: Body::Function(function),
        })
    }

    fn add(&mut self, step: Step) -> Result<(), Error> {
        if let Some(&place) = self.places.get(&step.id) {
            return Err(duplicate(
                &step.id,
                &self.steps[place].location,
                &step.location,
            ));
        }
        self.places.insert(step.id.clone(), self.steps.len());
        self.steps.push(step);
        Ok(())
    }

    fn finish(mut self) -> Result<History, Error> {
        self.attach_downs()?;
        let squashes = squashes(&self.steps, &self.places)?;
        self.refuse_equal_numbers(&squashes)?;
        let names = Names {
            steps: &self.steps,
            places: &self.places,
            apps: &self.crates,
            squashes: &squashes,
        };
        let after = link(&names)?;
        let ranks = order::ranks(&self.steps, &self.apps);
        let order = order::sort(&self.steps, &after, &ranks, &squashes)?;
        Ok(self.arranged(&order, after, &ranks, squashes))
    }

    /// The history, with its steps in the order of execution.
    fn arranged(
        self,
        order: &[usize],
        mut after: Vec<Vec<usize>>,
        ranks: &[usize],
        squashes: Squashes,
    ) -> History {
        let mut place = vec![0; order.len()];
        for (new, &old) in order.iter().enumerate() {
            place[old] = new;
        }
        let mut placed: Vec<(usize, Step)> = place.iter().copied().zip(self.steps).collect();
        placed.sort_unstable_by_key(|(position, _)| *position);
        let mut steps: Vec<Step> = placed.into_iter().map(|(_, step)| step).collect();
        let mut parents = Vec::with_capacity(order.len());
        for &old in order {
            let earlier = std::mem::take(&mut after[old]);
            parents.push(earlier.into_iter().map(|old| place[old]).collect());
        }
        for (step, parents) in parents.iter().enumerate() {
            let parents: &Vec<usize> = parents;
            steps[step].after = parents.iter().map(|&p| steps[p].id.clone()).collect();
        }
        let mut by_name: Vec<usize> = (0..steps.len()).collect();
        by_name.sort_unstable_by(|&a, &b| steps[a].id.cmp(&steps[b].id));
        let traits = traits(&steps, &self.apps);
        History {
            apps: self.apps,
            index: steps
                .iter()
                .enumerate()
                .map(|(i, step)| (step.id.clone(), i))
                .collect(),
            graph: Graph {
                parents,
                ranks: order.iter().map(|&old| ranks[old]).collect(),
                traits,
                by_name,
                squashes: squashes.moved(order, &place),
            },
            steps,
        }
    }

    /// A squash may have the number of a step that it replaces; nobody else has another's.
    fn refuse_equal_numbers(&self, squashes: &Squashes) -> Result<(), Error> {
        let mut seen: HashMap<(&str, u32), Vec<usize>> = HashMap::new();
        for (i, step) in self.steps.iter().enumerate() {
            let Body::Sql { number, .. } = step.body else {
                continue;
            };
            let same = seen.entry((&step.id.app, number)).or_default();
            let other = same
                .iter()
                .find(|&&other| !squashes.contains(other, i) && !squashes.contains(i, other));
            if let Some(&other) = other {
                return Err(Error::new(
                    ErrorCode::DuplicateStep,
                    format!(
                        "`{}` and `{}` have the same number",
                        self.steps[other].id, step.id
                    ),
                )
                .help("give the later one the next free number"));
            }
            same.push(i);
        }
        Ok(())
    }
}

fn traits(steps: &[Step], apps: &[String]) -> Vec<Traits> {
    let apps: HashMap<&str, usize> = apps.iter().map(String::as_str).zip(0..).collect();
    let of = |step: &Step| Traits {
        app: apps
            .get(step.id.app.as_str())
            .copied()
            .unwrap_or(usize::MAX),
        sql: matches!(step.body, Body::Sql { .. }),
        manual: step.manual,
        runs: match &step.body {
            Body::Sql { texts, .. } => texts.iter().any(|text| !text.runs.is_empty()),
            Body::Function(_) => false,
        },
    };
    steps.iter().map(of).collect()
}

fn resolve(app: &str, reference: &Reference) -> StepId {
    StepId::new(reference.app.as_deref().unwrap_or(app), &reference.name)
}

fn duplicate(id: &StepId, one: &str, other: &str) -> Error {
    Error::new(
        ErrorCode::DuplicateStep,
        format!("`{id}` exists twice: {one} and {other}"),
    )
    .help("rename one of them")
}
