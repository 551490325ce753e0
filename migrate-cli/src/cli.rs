//! The builder that a service configures, and the ways into it: parsed arguments, words, or
//! the process's own arguments.

use std::ffi::OsString;
use std::fmt;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use clap::{Command, CommandFactory, FromArgMatches, Parser};
use migrate_core::{BoxFuture, Observer, Policies, Target};
pub use migrate_core::{Migrator, Source};

use crate::args::{MigrateArgs, Typed};
use crate::commands;
use crate::context::Context;
use crate::exit::Exit;
use crate::output::Output;
use crate::program::Program;
use crate::render;
use crate::secret::DatabaseUrl;
use crate::usage::{refuse, suggest};

pub(crate) type Configure = Box<dyn FnOnce(Migrator<'static>) -> Migrator<'static> + Send>;

/// The command line with the service's own settings.
///
/// ```no_run
/// # fn history() -> migrate_core::History { unimplemented!() }
/// use std::time::Duration;
///
/// fn main() -> std::process::ExitCode {
///     migrate_cli::Cli::new(history()) // or Cli::new(&MIGRATIONS)
///         .default_url("sqlite:quickstart.sqlite?mode=rwc")
///         .app_version(env!("CARGO_PKG_VERSION"))
///         .configure(|migrator| migrator.lease(Duration::from_secs(60)))
///         .main()
/// }
/// ```
pub struct Cli {
    source: Source,
    pub(crate) settings: Settings,
}

/// What the service decided.
#[derive(Default)]
pub(crate) struct Settings {
    pub(crate) target: Option<Target<'static>>,
    pub(crate) url: Option<DatabaseUrl>,
    pub(crate) default_url: Option<DatabaseUrl>,
    pub(crate) configure: Option<Configure>,
    pub(crate) policies: Option<Policies>,
    pub(crate) observer: Option<Arc<dyn Observer>>,
    pub(crate) app_version: Option<String>,
    pub(crate) program: Option<Program>,
    pub(crate) project: Option<PathBuf>,
    pub(crate) output: Output,
}

impl Cli {
    /// A command line for `&MIGRATIONS`, or for a history built by hand.
    pub fn new(source: impl Into<Source>) -> Self {
        Self {
            source: source.into(),
            settings: Settings::default(),
        }
    }

    /// The service's database. Only `--database-url` goes before it; the environment does not.
    pub fn url(mut self, url: impl Into<String>) -> Self {
        self.settings.url = Some(DatabaseUrl::new(url));
        self
    }

    /// The database when neither `--database-url` nor `DATABASE_URL` names one.
    pub fn default_url(mut self, url: impl Into<String>) -> Self {
        self.settings.default_url = Some(DatabaseUrl::new(url));
        self
    }

    /// The service's pool or connect options. Only `--database-url` goes before it.
    pub fn target(mut self, target: impl Into<Target<'static>>) -> Self {
        self.settings.target = Some(target.into());
        self
    }

    /// Changes the migrator before the command's own flags are put on it: audit hooks, other
    /// defaults. What watches the run is set with [`observer`](Self::observer).
    pub fn configure(
        mut self,
        configure: impl FnOnce(Migrator<'static>) -> Migrator<'static> + Send + 'static,
    ) -> Self {
        self.settings.configure = Some(Box::new(configure));
        self
    }

    /// Who is told what happens, besides the command line itself.
    pub fn observer(mut self, observer: impl Observer + 'static) -> Self {
        self.settings.observer = Some(Arc::new(observer));
        self
    }

    /// The policies where no flag says otherwise. Set here rather than in
    /// [`configure`](Self::configure), because one flag keeps the other policies as they are.
    pub fn policies(mut self, policies: Policies) -> Self {
        self.settings.policies = Some(policies);
        self
    }

    /// The service's version, written into the ledger's history.
    pub fn app_version(mut self, version: impl Into<String>) -> Self {
        self.settings.app_version = Some(version.into());
        self
    }

    /// The words before a verb, used in the commands that messages suggest. By default they
    /// are taken from how the process was started, such as `shop migrate`.
    pub fn program(mut self, words: impl Into<String>) -> Self {
        self.settings.program = Some(Program::new(words));
        self
    }

    /// Where `new` looks for the package. By default `CARGO_MANIFEST_DIR` as set by
    /// `cargo run`, else the current directory.
    pub fn project(mut self, folder: impl Into<PathBuf>) -> Self {
        self.settings.project = Some(folder.into());
        self
    }

    /// Where to write.
    pub fn output(mut self, output: Output) -> Self {
        self.settings.output = output;
        self
    }

    /// Does what parsed arguments say, in the runtime of the caller.
    ///
    /// The future is boxed: what it does is compiled once, with this crate.
    pub fn run(self, args: MigrateArgs) -> BoxFuture<'static, Exit> {
        Box::pin(self.run_inner(args))
    }

    async fn run_inner(self, args: MigrateArgs) -> Exit {
        let Typed { bare, global, verb } = *args.0;
        let output = self.settings.output.clone();
        output.set_color(global.color);
        let format = global.format();
        let program = self
            .settings
            .program
            .clone()
            .unwrap_or_else(Program::detect)
            .on_the_same(&global);
        let command = commands::name(verb.as_ref());
        let mut context = Context::new(self.source, self.settings, global, program.clone());
        let result = commands::dispatch(&mut context, bare, verb).await;
        render::conclude(&output, format, &program, command, &result)
    }

    /// Does what words say, as typed after `migrate`, in the runtime of the caller.
    ///
    /// For a service whose parser hands over what it does not know, and for tests. Wrong words
    /// are refused as every other error is, with exit code 2.
    pub fn run_from<W>(self, words: impl IntoIterator<Item = W>) -> BoxFuture<'static, Exit>
    where
        W: Into<OsString>,
    {
        self.run_words(words.into_iter().map(Into::into).collect())
    }

    fn run_words(self, words: Vec<OsString>) -> BoxFuture<'static, Exit> {
        Box::pin(self.run_words_inner(words))
    }

    async fn run_words_inner(self, words: Vec<OsString>) -> Exit {
        let name = self
            .settings
            .program
            .clone()
            .unwrap_or_else(Program::detect);
        let mut command = standalone(name.words());
        match parse(&mut command, &words) {
            Ok(args) => self.run(args).await,
            Err(error) => refuse(&self.settings.output, &name, &command, &words, &error),
        }
    }

    /// See [`main()`](crate::main()).
    pub fn main(self) -> ExitCode {
        let mut words: Vec<OsString> = std::env::args_os().skip(1).collect();
        if words.first().is_some_and(|word| word == "migrate") {
            words.remove(0);
        }
        self.block_on(words)
    }

    /// See [`handle`](crate::handle()).
    pub fn handle(self) -> Option<ExitCode> {
        let mut words: Vec<OsString> = std::env::args_os().skip(1).collect();
        if words.first().is_none_or(|word| word != "migrate") {
            return None;
        }
        words.remove(0);
        Some(self.block_on(words))
    }

    fn block_on(self, words: Vec<OsString>) -> ExitCode {
        let output = self.settings.output.clone();
        let run = move || -> std::io::Result<Exit> {
            let runtime = tokio::runtime::Builder::new_multi_thread()
                .enable_all()
                .build()?;
            Ok(runtime.block_on(self.run_from(words)))
        };
        // A runtime cannot be started inside another; `main` may be async already.
        let result = if tokio::runtime::Handle::try_current().is_ok() {
            std::thread::scope(|scope| scope.spawn(run).join())
                .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        } else {
            run()
        };
        let exit = result.unwrap_or_else(|error| {
            output.note(&format!(
                "error[runtime]: cannot start the tokio runtime: {error}"
            ));
            Exit::Failed
        });
        exit.into()
    }
}

impl fmt::Debug for Cli {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cli").finish_non_exhaustive()
    }
}

/// The command line when it stands alone.
#[derive(Debug, Parser)]
#[command(
    name = "migrate",
    about = "Migrate the database",
    disable_help_subcommand = true
)]
struct Standalone {
    #[command(flatten)]
    args: MigrateArgs,
}

fn standalone(name: &str) -> Command {
    // Clap would put the verb behind the app.
    let usage = format!("{name} [OPTIONS] [APP [TARGET|zero]]\n       {name} VERB ..");
    Standalone::command().bin_name(name).override_usage(usage)
}

fn parse(command: &mut Command, words: &[OsString]) -> Result<MigrateArgs, clap::Error> {
    let name = command.get_bin_name().unwrap_or("migrate").to_owned();
    let words = std::iter::once(OsString::from(name)).chain(words.iter().cloned());
    let matches = command
        .try_get_matches_from_mut(words)
        .map_err(|error| suggest(error, command))?;
    let parsed = Standalone::from_arg_matches(&matches).map_err(|error| error.format(command))?;
    Ok(parsed.args)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRETS: [&str; 5] = [
        "postgres://u:S3crEt@h/d",
        "mysql://h/d?password=S3crEt",
        "host=h,password=S3crEt",
        "x=postgres://u:S3crEt",
        "postgres:u:S3crEt@h/d",
    ];

    /// What can be typed with a secret in one place of it.
    fn words(command: &Command, verb: &[&str], secret: &str, all: &mut Vec<Vec<String>>) {
        let typed = |more: &[&str]| -> Vec<String> {
            let words = verb.iter().chain(more);
            words.map(|word| (*word).to_owned()).collect()
        };
        all.push(typed(&[secret]));
        all.push(typed(&["shop", secret]));
        all.push(typed(&[secret, secret, secret]));
        all.push([vec![secret.to_owned()], typed(&[])].concat());
        all.push(typed(&[&format!("--{secret}")]));
        all.push(typed(&[&format!("-{secret}")]));
        for arg in command.get_arguments() {
            if let Some(long) = arg.get_long().filter(|long| *long != "database-url") {
                let option = format!("--{long}");
                all.push(typed(&[&format!("{option}={secret}")]));
                all.push(typed(&[&option, secret]));
                all.push(typed(&["shop", &option, secret]));
            }
            if let Some(short) = arg.get_short() {
                all.push(typed(&[&format!("-{short}={secret}")]));
                all.push(typed(&[&format!("-{short}"), secret]));
            }
        }
        for inner in command.get_subcommands() {
            let verb = [verb, &[inner.get_name()]].concat();
            words(inner, &verb, secret, all);
        }
    }

    #[tokio::test]
    async fn a_secret_in_the_wrong_place_never_comes_back() {
        let folder = std::env::temp_dir().join(format!("migrate-secret-{}", std::process::id()));
        std::fs::create_dir_all(&folder).expect("a folder");
        let command = standalone("migrate");
        let mut all = Vec::new();
        words(&command, &[], "SECRET", &mut all);
        assert!(all.len() > 500);
        let mut leaks = Vec::new();
        for (at, words) in all.iter().enumerate() {
            // These write to the path that they are given, and name it.
            let writes = ["--out", "--into", "--folder"];
            if words
                .iter()
                .any(|word| writes.iter().any(|option| word.starts_with(option)))
            {
                continue;
            }
            // Neither goes in step with the places of a verb.
            let secret = SECRETS[at % SECRETS.len()];
            let json = (at % 7 == 0).then(|| "--json".to_owned());
            let history = migrate_core::History::builder()
                .sql("shop", "0001_initial.sql", "SELECT 1;")
                .build()
                .expect("a history");
            let output = Output::memory();
            let typed: Vec<String> = words
                .iter()
                .map(|word| word.replace("SECRET", secret))
                .chain(json)
                .collect();
            Cli::new(history)
                .url("sqlite::memory:")
                .project(&folder)
                .output(output.clone())
                .run_from(&typed)
                .await;
            let said = output.stdout() + &output.stderr();
            if said.contains("S3crEt") {
                leaks.push(format!("{typed:?}: {said}"));
            }
        }
        std::fs::remove_dir_all(&folder).expect("it is there");
        assert!(leaks.is_empty(), "{}", leaks.join("\n"));
    }
}
