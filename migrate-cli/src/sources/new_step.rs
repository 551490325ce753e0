//! Starts a new step: its number or date, its name, its text.

use std::path::{Path, PathBuf};
use std::{fs, io};

use migrate_source::Database;
use migrate_source::file_name::{Direction, FileName};
use migrate_source::name::{Reference, parse_data_name};

use super::discover::MigrationFolder;
use super::quoted;
use crate::failure::Failure;

/// The SQL files of a folder as far as their names can be read; the rest is `check`'s business.
pub(crate) fn known_files(folder: &Path) -> Result<Vec<FileName>, Failure> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(Failure::io("read", folder, &error)),
    };
    let mut files: Vec<FileName> = entries
        .filter_map(|entry| FileName::parse(entry.ok()?.file_name().to_str()?).ok())
        .filter(|name| name.direction != Direction::Down)
        .collect();
    files.sort_by(|a, b| (a.number, &a.step).cmp(&(b.number, &b.step)));
    Ok(files)
}

/// A SQL step to be written.
#[derive(Clone, Debug)]
pub(crate) struct SqlStep<'a> {
    pub(crate) description: &'a str,
    pub(crate) after: &'a [String],
    pub(crate) database: Option<Database>,
    pub(crate) reversible: bool,
    pub(crate) non_atomic: bool,
    pub(crate) run: Option<&'a str>,
}

impl SqlStep<'_> {
    /// The step's name: the next number, or the last one when this is the same step for
    /// another database.
    pub(crate) fn name(&self, files: &[FileName]) -> Result<String, Failure> {
        let description = description(self.description)?;
        let last = files.last();
        let variant = last.filter(|last| {
            let same = last
                .step
                .split_once('_')
                .is_some_and(|(_, rest)| rest == description);
            let taken =
                |file: &FileName| file.number == last.number && file.database == self.database;
            same && self.database.is_some() && !files.iter().any(taken)
        });
        let number = match (variant, last) {
            (Some(last), _) => last.number,
            (None, Some(last)) => last
                .number
                .checked_add(1)
                .ok_or_else(|| Failure::usage(format!("no number comes after {}", last.number)))?,
            (None, None) => 1,
        };
        Ok(format!("{number:04}_{description}"))
    }

    /// The file's text. Naming one predecessor replaces the implied one, so that one is named too.
    pub(crate) fn text(&self, name: &str, files: &[FileName]) -> Result<String, Failure> {
        let mut text = String::new();
        if !self.after.is_empty() {
            let mut after = Vec::new();
            let before_us = files.iter().rev().find(|file| file.step != name);
            after.extend(before_us.map(|file| file.step.clone()));
            for wanted in self.after {
                let wanted = resolve(wanted, files)?;
                if !after.contains(&wanted) {
                    after.push(wanted);
                }
            }
            // One name is the implied predecessor, which needs no directive.
            if after.len() > 1 || before_us.is_none() {
                text.push_str(&format!("-- migrate: after = [{}]\n", quoted(&after)));
            }
        }
        if self.non_atomic {
            text.push_str("-- migrate: atomic = false\n");
        }
        if let Some(run) = self.run {
            text.push_str(&format!("-- migrate: run = \"{}\"\n", reference(run)?));
        }
        match self.reversible {
            true => text.push_str("-- migrate: up\n\n\n-- migrate: down\n\n"),
            false => text.push('\n'),
        }
        Ok(text)
    }

    /// Where the file goes.
    pub(crate) fn path(&self, folder: &Path, name: &str) -> PathBuf {
        let database = self
            .database
            .map(|database| format!(".{database}"))
            .unwrap_or_default();
        folder.join(format!("{name}{database}.sql"))
    }
}

/// A data migration to be written.
#[derive(Clone, Debug)]
pub(crate) struct RustStep<'a> {
    pub(crate) description: &'a str,
    pub(crate) date: &'a str,
    pub(crate) after: &'a [String],
    pub(crate) database: Option<Database>,
    pub(crate) non_atomic: bool,
    pub(crate) manual: bool,
}

impl RustStep<'_> {
    /// The name by the convention: what was typed, with the date unless it has one.
    pub(crate) fn name(&self) -> Result<String, Failure> {
        if parse_data_name(self.description).is_ok() {
            return Ok(self.description.to_owned());
        }
        let name = format!("{}_{}", description(self.description)?, self.date);
        match parse_data_name(&name) {
            Ok(_) => Ok(name),
            Err(error) => Err(Failure::usage(error.to_string())),
        }
    }

    /// The function.
    pub(crate) fn text(
        &self,
        name: &str,
        folder: &MigrationFolder,
        files: &[FileName],
    ) -> Result<String, Failure> {
        let attribute = self.attribute(folder, files)?;
        let (marker, body) = match self.database {
            None => (
                "Portable",
                "    let rows = cx.execute(\"UPDATE ..\", &[]).await?;\n    Ok(rows)\n",
            ),
            Some(database) => (
                type_name(database),
                "    let done = sqlx::query(\"UPDATE ..\").execute(cx.conn()).await?;\n    \
                 Ok(done.rows_affected())\n",
            ),
        };
        Ok(format!(
            "/// Says in one sentence what it does; `migrate list -v 2` and `status` show it.\n\
             {attribute}\n\
             async fn {name}(cx: &mut Context<'_, {marker}>) -> Result<u64> {{\n{body}}}\n"
        ))
    }

    /// The line that brings the names of the function into scope.
    pub(crate) fn imports(&self) -> String {
        match self.database {
            None => "use migrate_core::{Context, Portable, Result, data_migration};\n".to_owned(),
            Some(database) => format!(
                "use migrate_core::{{Context, Result, data_migration}};\nuse sqlx::{};\n",
                type_name(database)
            ),
        }
    }

    fn attribute(&self, folder: &MigrationFolder, files: &[FileName]) -> Result<String, Failure> {
        let mut arguments = Vec::new();
        if let Some(app) = folder.app.as_ref().filter(|_| folder.one_of_several) {
            arguments.push(format!("app = \"{app}\""));
        }
        let after: Vec<String> = match self.after {
            [] if self.manual => Vec::new(),
            [] => files
                .last()
                .map(|file| file.step.clone())
                .into_iter()
                .collect(),
            wanted => wanted
                .iter()
                .map(|name| resolve(name, files))
                .collect::<Result<_, _>>()?,
        };
        if !after.is_empty() {
            arguments.push(format!("after = [{}]", quoted(&after)));
        }
        if self.non_atomic {
            arguments.push("atomic = false".to_owned());
        }
        if self.manual {
            arguments.push("manual".to_owned());
        }
        Ok(match arguments.is_empty() {
            true => "#[data_migration]".to_owned(),
            false => format!("#[data_migration({})]", arguments.join(", ")),
        })
    }
}

fn type_name(database: Database) -> &'static str {
    match database {
        Database::Sqlite => "Sqlite",
        Database::Postgres => "Postgres",
        Database::MySql => "MySql",
    }
}

/// With its number, date and the endings of a file, a name of this length still fits everywhere.
const LONGEST_DESCRIPTION: usize = 100;

/// `Add e-mail` as `add_e_mail`: the words in lower case.
fn description(typed: &str) -> Result<String, Failure> {
    let typed = typed.strip_suffix(".sql").unwrap_or(typed);
    if let Some(letter) = typed.chars().find(|c| !c.is_ascii() && c.is_alphanumeric()) {
        let failure = Failure::usage(format!(
            "`{}`: a step's name has no `{letter}`",
            typed.escape_debug()
        ));
        return Err(failure.help("say it with the letters a to z, digits and `_`"));
    }
    let words: Vec<String> = typed
        .split(|c: char| !c.is_ascii_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(str::to_ascii_lowercase)
        .collect();
    let joined = words.join("_");
    if joined.len() > LONGEST_DESCRIPTION {
        return Err(Failure::usage(format!(
            "the name has {} characters; {LONGEST_DESCRIPTION} are the most",
            joined.len()
        )));
    }
    match joined.chars().next() {
        Some('a'..='z') => Ok(joined),
        Some(_) => {
            let rest = joined.trim_start_matches(|c: char| c.is_ascii_digit() || c == '_');
            let failure = Failure::usage(format!("`{typed}`: the number is chosen for you"));
            Err(if rest.is_empty() {
                failure
            } else {
                failure.help(format!("write `{rest}`"))
            })
        }
        None => Err(Failure::usage(format!("`{typed}` says nothing"))
            .help("say in a few words what the step does, such as `add_email`")),
    }
}

/// A reference as typed: `0002` stands for the one SQL file that begins so.
fn resolve(typed: &str, files: &[FileName]) -> Result<String, Failure> {
    let reference = reference(typed)?;
    let mut steps: Vec<&str> = files.iter().map(|file| file.step.as_str()).collect();
    steps.dedup();
    if reference.app.is_some() || !reference.name.starts_with(|c: char| c.is_ascii_digit()) {
        return Ok(reference.to_string());
    }
    let begins: Vec<&&str> = steps
        .iter()
        .filter(|step| step.starts_with(&reference.name))
        .collect();
    if let [only] = begins.as_slice() {
        return Ok((**only).to_owned());
    }
    if !begins.is_empty() && !reference.name.is_empty() {
        let names: Vec<String> = begins.iter().map(|name| format!("`{name}`")).collect();
        return Err(Failure::usage(format!(
            "`{typed}` could be any of {}",
            names.join(", ")
        )));
    }
    let failure = Failure::usage(format!("no SQL file of this app is called `{typed}`"));
    Err(
        match migrate_source::name::nearest(typed, steps.iter().copied()) {
            Some(near) => failure.help(format!("did you mean `{near}`?")),
            None => failure,
        },
    )
}

fn reference(typed: &str) -> Result<Reference, Failure> {
    typed
        .parse::<Reference>()
        .map_err(|error| Failure::usage(error.to_string()))
}
