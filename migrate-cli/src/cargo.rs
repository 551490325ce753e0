//! `cargo migrate`: what needs only the sources, for the binary of that name.

mod check;
mod index;
mod merge;

use std::env;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, CommandFactory, FromArgMatches, Parser, Subcommand};

use crate::args::Format;
use crate::commands::new::{NewArgs, write_new};
use crate::commands::squash::{SquashArgs, refuse_without_service};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::{Color, Output};
use crate::program::Program;
use crate::render;
use crate::sources::discover::{MigrationFolder, discover, project_root, shown};
use crate::usage::{refuse, suggest};
use crate::view::View;

const NAME: &str = "cargo migrate";

/// Migrations at their sources: no database, and no service that compiles, is needed.
#[derive(Debug, Parser)]
#[command(
    name = "cargo-migrate",
    version,
    disable_help_subcommand = true,
    subcommand_value_name = "VERB",
    subcommand_help_heading = "Verbs",
    after_help = "What needs the database is in your service: cargo run -- migrate --help"
)]
struct CargoMigrate {
    #[command(subcommand)]
    verb: Verb,

    #[command(flatten)]
    global: GlobalArgs,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "Global options")]
struct GlobalArgs {
    /// What is written to stdout [default: human].
    #[arg(
        long,
        global = true,
        value_enum,
        value_name = "human|json",
        hide_possible_values = true,
        default_value_t,
        hide_default_value = true
    )]
    format: Format,

    /// Short for --format json.
    #[arg(long, global = true)]
    json: bool,

    /// When to use colour; auto looks at the terminal and NO_COLOR.
    #[arg(
        long,
        global = true,
        value_enum,
        value_name = "auto|always|never",
        hide_possible_values = true,
        default_value_t,
        hide_default_value = true
    )]
    color: Color,
}

#[derive(Debug, Subcommand)]
enum Verb {
    New(NewArgs),
    Merge(merge::CargoMergeArgs),
    /// Not here, but in your service, which knows its functions: cargo run -- migrate squash.
    Squash(SquashArgs),
    Index(index::IndexArgs),
    Check(check::CheckArgs),
}

impl Verb {
    fn name(&self) -> &'static str {
        match self {
            Self::New(_) => "new",
            Self::Merge(_) => "merge",
            Self::Squash(_) => "squash",
            Self::Index(_) => "index",
            Self::Check(_) => "check",
        }
    }
}

/// Runs `cargo migrate` with the process's arguments, in the current folder.
pub fn main() -> ExitCode {
    let mut words: Vec<OsString> = env::args_os().skip(1).collect();
    // Cargo passes the subcommand's own name on.
    if words.first().is_some_and(|word| word == "migrate") {
        words.remove(0);
    }
    let project = env::current_dir().unwrap_or_else(|_| PathBuf::from("."));
    run_from(&project, &Output::process(), words).into()
}

/// Runs `cargo migrate` with words, as if called in `project`.
pub fn run_from<W>(project: &Path, output: &Output, words: impl IntoIterator<Item = W>) -> Exit
where
    W: Into<OsString>,
{
    let words: Vec<OsString> = words.into_iter().map(Into::into).collect();
    let mut command = CargoMigrate::command().bin_name(NAME);
    let CargoMigrate { verb, global } = match parse(&mut command, &words) {
        Ok(parsed) => parsed,
        Err(error) => return refuse(output, &Program::new(NAME), &command, &words, &error),
    };
    output.set_color(global.color);
    let format = if global.json {
        Format::Json
    } else {
        global.format
    };
    let program = Program::new("cargo run -- migrate");
    let result: Result<View, Failure> = match &verb {
        Verb::New(args) => write_new(project, args, output.paint_err()),
        Verb::Merge(args) => merge::run(project, args, output, format),
        Verb::Squash(_) => Err(refuse_without_service()),
        Verb::Index(args) => index::run(project, args),
        Verb::Check(args) => check::run(project, args, output.paint()),
    };
    render::conclude(output, format, &program, verb.name(), &result)
}

/// The named folder, or all that there are.
fn folders(project: &Path, named: Option<&Path>) -> Result<Vec<MigrationFolder>, Failure> {
    let root = project_root(project);
    if let Some(named) = named {
        let path = project.join(named);
        let known = discover(&root).unwrap_or_default().into_iter();
        let same = |known: &MigrationFolder| match (known.path.canonicalize(), path.canonicalize())
        {
            (Ok(known), Ok(named)) => known == named,
            _ => false,
        };
        let app = known.filter(same).find_map(|known| known.app);
        return Ok(vec![MigrationFolder {
            path,
            app,
            one_of_several: false,
        }]);
    }
    let found = discover(&root)?;
    if found.is_empty() {
        let message = format!("there is no migration folder below {}", shown(&root));
        return Err(Failure::usage(message)
            .help("name one with `--folder`, or start one with `cargo migrate new`"));
    }
    Ok(found)
}

fn parse(command: &mut clap::Command, words: &[OsString]) -> Result<CargoMigrate, clap::Error> {
    let words = std::iter::once(OsString::from(NAME)).chain(words.iter().cloned());
    let matches = command
        .try_get_matches_from_mut(words)
        .map_err(|error| suggest(error, command))?;
    CargoMigrate::from_arg_matches(&matches).map_err(|error| error.format(command))
}
