//! Builds a history: from what the macros embedded, or from a hand-made list.
//!
//! The macros have checked most of this; it is checked again because a history by hand has not
//! been, and because references across crates are only complete here.

use std::collections::{HashMap, HashSet};
use std::fmt::Display;

use migrate_source::Database;
use migrate_source::checksum::of_sql;
use migrate_source::file_name::{Direction, FileName};
use migrate_source::name::{Reference, check_app_label, nearest};
use migrate_source::sql_file::parse_sql_file;

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
        for file in app.files {
            draft.file(app.label, file.f, file.t, Some(file.c))?;
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

#[derive(Default)]
struct Draft {
    steps: Vec<Step>,
    places: HashMap<StepId, usize>,
    /// Label and crate, in the order in which they were named.
    apps: Vec<(String, String)>,
    /// `.down.sql` files, whose steps may come later in the list.
    downs: Vec<Down>,
}

struct Down {
    id: StepId,
    database: Option<Database>,
    text: DownText,
}

pub(super) fn invalid(location: &str, what: impl Display) -> Error {
    Error::new(ErrorCode::InvalidStep, format!("{location}: {what}"))
}

impl Draft {
    fn app(&mut self, label: &str, crate_name: &str) -> Result<(), Error> {
        if let Some((_, other)) = self.apps.iter().find(|(known, _)| known == label) {
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
        self.apps.push((label.to_owned(), crate_name.to_owned()));
        Ok(())
    }

    fn owns(&self, label: &str, crate_name: &str) -> bool {
        self.apps.iter().any(|(l, c)| l == label && c == crate_name)
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
            self.downs.push(Down {
                id,
                database: name.database,
                text: DownText {
                    location,
                    sql: parsed.up,
                },
            });
            return Ok(());
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
        self.refuse_equal_numbers()?;
        self.follow_predecessors();
        self.turn_before_into_after()?;
        self.place_what_steps_run()?;
        self.refuse_unknown_references()?;
        let apps: Vec<String> = self.apps.into_iter().map(|(label, _)| label).collect();
        let steps = order::sort(self.steps, &apps)?;
        let index = steps
            .iter()
            .enumerate()
            .map(|(i, step)| (step.id.clone(), i))
            .collect();
        Ok(History { steps, apps, index })
    }

    /// Gives each step the ways back that stand in files of their own.
    fn attach_downs(&mut self) -> Result<(), Error> {
        for Down { id, database, text } in std::mem::take(&mut self.downs) {
            let step = self.places.get(&id).map(|&place| &mut self.steps[place]);
            let Some(Body::Sql { texts, .. }) = step.map(|step| &mut step.body) else {
                return Err(invalid(
                    &text.location,
                    format!("there is no way forward for `{id}`"),
                )
                .help("write its `.up.sql` file, or remove this one"));
            };
            // A way back without a database serves every text that has none of its own.
            for up in texts
                .iter_mut()
                .filter(|up| database.is_none() || up.database == database)
            {
                if database.is_some() || up.down.is_none() {
                    up.down = Some(text.clone());
                }
            }
        }
        Ok(())
    }

    fn refuse_equal_numbers(&self) -> Result<(), Error> {
        let mut seen: HashMap<(&str, u32), &Step> = HashMap::new();
        for step in &self.steps {
            if let Body::Sql { number, .. } = step.body
                && let Some(other) = seen.insert((&step.id.app, number), step)
            {
                return Err(Error::new(
                    ErrorCode::DuplicateStep,
                    format!("`{}` and `{}` have the same number", other.id, step.id),
                )
                .help("give the later one the next free number"));
            }
        }
        Ok(())
    }

    /// Each SQL file follows the one before, unless its header names a step of its own app.
    fn follow_predecessors(&mut self) {
        let mut files: Vec<(String, u32, usize)> = Vec::new();
        for (i, step) in self.steps.iter().enumerate() {
            if let Body::Sql { number, .. } = step.body {
                files.push((step.id.app.clone(), number, i));
            }
        }
        files.sort();
        for pair in files.windows(2) {
            let [(app, _, earlier), (same, _, later)] = pair else {
                continue;
            };
            if app == same && !self.steps[*later].explicit_order {
                let earlier = self.steps[*earlier].id.clone();
                self.steps[*later].after.push(earlier);
            }
        }
    }

    fn turn_before_into_after(&mut self) -> Result<(), Error> {
        for i in 0..self.steps.len() {
            let id = self.steps[i].id.clone();
            for later in self.steps[i].before.clone() {
                match self.places.get(&later) {
                    Some(&place) if !self.steps[place].after.contains(&id) => {
                        self.steps[place].after.push(id.clone());
                    }
                    Some(_) => {}
                    None => return Err(self.unknown(&self.steps[i], &later)),
                }
            }
        }
        Ok(())
    }

    /// A SQL step that runs a data migration comes after all that the data migration needs, and
    /// what comes after the data migration comes after that step, which is what executes it.
    fn place_what_steps_run(&mut self) -> Result<(), Error> {
        for i in 0..self.steps.len() {
            let Body::Sql { texts, .. } = &self.steps[i].body else {
                continue;
            };
            let runs: HashSet<StepId> = texts
                .iter()
                .flat_map(|text| text.runs.iter().cloned())
                .collect();
            for run in runs {
                let place = self.runnable(&self.steps[i], &run)?;
                let id = self.steps[i].id.clone();
                let known = &self.steps[i].after;
                let needs: Vec<StepId> = self.steps[place]
                    .after
                    .iter()
                    .filter(|needed| **needed != id && !known.contains(needed))
                    .cloned()
                    .collect();
                self.steps[i].after.extend(needs);
                for (other, step) in self.steps.iter_mut().enumerate() {
                    if other != i && step.after.contains(&run) && !step.after.contains(&id) {
                        step.after.push(id.clone());
                    }
                }
            }
        }
        Ok(())
    }

    /// The place of a data migration that a SQL step may run.
    fn runnable(&self, step: &Step, run: &StepId) -> Result<usize, Error> {
        let Some(&place) = self.places.get(run) else {
            return Err(self.unknown(step, run));
        };
        let function = &self.steps[place];
        if !matches!(function.body, Body::Function(_)) {
            return Err(invalid(
                &step.location,
                format!("`run` names `{run}`, which is a SQL file and not a data migration"),
            ));
        }
        if function.manual {
            return Ok(place);
        }
        Err(invalid(
            &step.location,
            format!("`run` names `{run}`, which is not `manual`"),
        )
        .help(format!(
            "write `manual` into its attribute ({}), or drop the `run` and let it run by itself",
            function.location
        )))
    }

    fn refuse_unknown_references(&self) -> Result<(), Error> {
        for step in &self.steps {
            if let Some(missing) = step.after.iter().find(|id| !self.places.contains_key(id)) {
                return Err(self.unknown(step, missing));
            }
        }
        Ok(())
    }

    fn unknown(&self, step: &Step, missing: &StepId) -> Error {
        let error = Error::new(
            ErrorCode::UnknownReference,
            format!(
                "{}: `{}` refers to `{missing}`, which does not exist",
                step.location, step.id
            ),
        );
        let wanted = missing.to_string();
        let known: Vec<String> = self.steps.iter().map(|step| step.id.to_string()).collect();
        if !self.apps.iter().any(|(label, _)| *label == missing.app) {
            return error.help(format!(
                "name the crate that has the app: `embed_migrations! {{ .. extern {}, }}`",
                missing.app
            ));
        }
        match nearest(&wanted, known.iter().map(String::as_str)) {
            Some(near) => error.help(format!("there is one of a similar name: `{near}`")),
            None => error,
        }
    }
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
