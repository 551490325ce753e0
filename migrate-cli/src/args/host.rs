//! The arguments as a service's own clap parser sees them: verbs with short help.

use clap::{Arg, ArgMatches, Args, Command, FromArgMatches};

use super::Typed;

/// The arguments of `migrate`, for a variant of the service's own clap enum.
///
/// ```no_run
/// # use std::process::ExitCode;
/// # mod my_service { pub fn history() -> migrate_core::History { unimplemented!() } }
/// use clap::Parser;
///
/// #[derive(Parser)]
/// enum Command {
///     /// Serve requests.
///     Serve,
///     /// Migrate the database.
///     Migrate(migrate_cli::MigrateArgs),
/// }
///
/// #[tokio::main]
/// async fn main() -> ExitCode {
///     match Command::parse() {
///         Command::Serve => ExitCode::SUCCESS,
///         // With `embed_migrations!()` in the crate this is `args.run(&MIGRATIONS)`.
///         Command::Migrate(args) => args.run(my_service::history()).await,
///     }
/// }
/// ```
///
/// `-v`, `-y` and a few long names are global options of `migrate`. A service that uses one of
/// them for a global option of its own hands the words over instead, with
/// [`Cli::run_from`](crate::Cli::run_from). There, a URL that was typed in the wrong place is masked
/// in what is said about it; a parser of the service's own prints such a word as it is.
#[derive(Clone, Debug)]
pub struct MigrateArgs(pub(crate) Box<Typed>);

/// The global options that the help of a verb repeats; the others are in `migrate --help`.
const SHOWN_WITH_VERBS: [&str; 3] = ["database_url", "json", "yes"];

impl Args for MigrateArgs {
    fn augment_args(command: Command) -> Command {
        shorten(Typed::augment_args(command))
    }

    fn augment_args_for_update(command: Command) -> Command {
        shorten(Typed::augment_args_for_update(command))
    }
}

impl FromArgMatches for MigrateArgs {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        Typed::from_arg_matches(matches).map(|typed| Self(Box::new(typed)))
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        self.0.update_from_arg_matches(matches)
    }
}

/// Hides most global options from the verbs' help.
///
/// Clap gives a verb each global option that it does not have yet; so it is given them here,
/// hidden.
fn shorten(command: Command) -> Command {
    let hidden: Vec<Arg> = command
        .get_arguments()
        .filter(|arg| arg.is_global_set() && !SHOWN_WITH_VERBS.contains(&arg.get_id().as_str()))
        .map(|arg| arg.clone().hide(true))
        .collect();
    let name = command.get_name().to_owned();
    command.mut_subcommands(|verb| hide_in(verb, &hidden, &name))
}

fn hide_in(verb: Command, hidden: &[Arg], parent: &str) -> Command {
    let mut help = verb
        .get_after_help()
        .map(ToString::to_string)
        .unwrap_or_default();
    if !help.is_empty() {
        help.push_str("\n\n");
    }
    help.push_str(&format!("More options: {parent} --help"));
    verb.args(hidden)
        .after_help(help)
        .mut_subcommands(|verb| hide_in(verb, hidden, parent))
}
