//! What can be typed: the bare command, the verbs and the options that all of them share.
//!
//! Each verb's own flags stand with the verb, in [`crate::commands`].

mod host;

use std::time::Duration;

use clap::{Args, Command, Subcommand, ValueEnum};
pub use host::MigrateArgs;
use migrate_core::{Policies, Policy};

use crate::commands::{
    accept, current, graph, history, list, lock, mark, merge, migrate, new, plan, resolve, run,
    sql, squash, status, undo, unmark, verify,
};
use crate::output::Color;
use crate::secret::DatabaseUrl;

/// Migrate the database
#[derive(Clone, Debug, Args)]
#[command(
    after_help = EXAMPLES_AND_EXIT_CODES,
    subcommand_help_heading = "Verbs",
    subcommand_value_name = "VERB",
    subcommand_precedence_over_arg = true,
    disable_help_subcommand = true
)]
pub(crate) struct Typed {
    #[command(flatten)]
    pub(crate) bare: migrate::BareArgs,

    #[command(flatten)]
    pub(crate) global: GlobalArgs,

    #[command(subcommand)]
    pub(crate) verb: Option<Verb>,
}

/// The verbs.
#[derive(Clone, Debug, Subcommand)]
pub(crate) enum Verb {
    Status(status::StatusArgs),
    Current(current::CurrentArgs),
    List(list::ListArgs),
    Plan(plan::PlanArgs),
    Graph(graph::GraphArgs),
    Run(run::RunArgs),
    Undo(undo::UndoArgs),
    Mark(mark::MarkArgs),
    Unmark(unmark::UnmarkArgs),
    Accept(accept::AcceptArgs),
    Resolve(resolve::ResolveArgs),
    History(history::HistoryArgs),
    Verify(verify::VerifyArgs),
    Sql(sql::SqlArgs),
    New(new::NewArgs),
    Merge(merge::MergeArgs),
    Squash(squash::SquashArgs),
    Lock(lock::LockArgs),
}

/// What the verbs are called.
pub(crate) fn verbs() -> Vec<String> {
    let command = Verb::augment_subcommands(Command::new("migrate"));
    let verbs = command.get_subcommands();
    verbs.map(|verb| verb.get_name().to_owned()).collect()
}

const EXAMPLES_AND_EXIT_CODES: &str = "\
Examples:
  migrate                      everything that is pending
  migrate users                one app, with what its steps need of others
  migrate users 0002           to a step, forwards or backwards; also `migrate users.0002`
  migrate users zero --plan    what undoing the whole app would take with it
  migrate --check              for scripts: is anything pending?
  migrate undo --dry-run       the last step's way back, tried and rolled back
  migrate -- status            an app that has the name of a verb

Backwards runs show what they undo and ask; without a terminal they want --yes.

Exit codes:
  0  done, or nothing to do       3  there is something to do (--check)
  1  failed                       4  drift: database and binary disagree
  2  usage                        5  the lock was not had
  130, 143  stopped by Ctrl-C or SIGTERM; what was running was rolled back
--plan alone exits with 0, also if a run would be refused; with --check it judges.";

/// The options that every verb takes.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Global options")]
pub(crate) struct GlobalArgs {
    /// The database [env: DATABASE_URL]; never printed.
    #[arg(long, global = true, value_name = "URL")]
    pub(crate) database_url: Option<DatabaseUrl>,

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
    pub(crate) format: Format,

    /// Short for --format json: one document, described in docs/json.md.
    #[arg(long, global = true)]
    pub(crate) json: bool,

    /// How much is said: errors only, what happens, details, every statement [default: 1; without a number: 2].
    #[arg(
        short = 'v', long, global = true, value_name = "0..3", default_value_t = 1,
        num_args = 0..=1, default_missing_value = "2",
        hide_default_value = true, value_parser = clap::value_parser!(u8).range(0..=3)
    )]
    pub(crate) verbosity: u8,

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
    pub(crate) color: Color,

    /// Do not ask before something that cannot be taken back.
    #[arg(short, long, global = true)]
    pub(crate) yes: bool,

    /// How long the lock outlives its holder's last sign of life [default: 30s].
    #[arg(long, global = true, value_name = "TIME", value_parser = parse_duration)]
    pub(crate) lease: Option<Duration>,

    /// Give up when the lock's holder has shown no progress for this long [default: 10m].
    #[arg(long, global = true, value_name = "TIME", value_parser = parse_duration)]
    pub(crate) wait: Option<Duration>,

    /// The schema of the ledger's tables [default: `public` on Postgres, the URL's database on MySQL].
    #[arg(long, global = true, value_name = "SCHEMA")]
    pub(crate) ledger_schema: Option<String>,

    /// How the names of the ledger's tables begin [default: migrate].
    #[arg(long, global = true, value_name = "PREFIX")]
    pub(crate) ledger_prefix: Option<String>,

    #[command(flatten)]
    pub(crate) policies: PolicyArgs,
}

impl GlobalArgs {
    pub(crate) fn format(&self) -> Format {
        if self.json { Format::Json } else { self.format }
    }
}

/// What is written to stdout.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// For people.
    #[default]
    Human,
    /// For programs.
    Json,
}

/// What becomes of a disagreement between database and binary.
#[derive(Clone, Copy, Debug, Args)]
#[command(next_help_heading = "Policies (deny, warn or allow)")]
pub(crate) struct PolicyArgs {
    /// An applied step that was edited since [default: deny].
    #[arg(
        long,
        global = true,
        value_enum,
        value_name = "POLICY",
        hide_possible_values = true
    )]
    edited: Option<PolicyArg>,

    /// An applied SQL step that this binary lacks [default: deny].
    #[arg(
        long,
        global = true,
        value_enum,
        value_name = "POLICY",
        hide_possible_values = true
    )]
    missing: Option<PolicyArg>,

    /// Applied steps of a newer binary [default: warn].
    #[arg(
        long,
        global = true,
        value_enum,
        value_name = "POLICY",
        hide_possible_values = true
    )]
    newer: Option<PolicyArg>,

    /// A pending SQL step that comes before an applied one of its app [default: deny].
    #[arg(
        long,
        global = true,
        value_enum,
        value_name = "POLICY",
        hide_possible_values = true
    )]
    out_of_order: Option<PolicyArg>,
}

impl PolicyArgs {
    /// Puts what was typed over the service's own policies; `None` when nothing was typed.
    pub(crate) fn over(self, base: Policies) -> Option<Policies> {
        let Self {
            edited,
            missing,
            newer,
            out_of_order,
        } = self;
        [edited, missing, newer, out_of_order]
            .iter()
            .any(Option::is_some)
            .then(|| {
                let mut policies = base;
                policies.edited = edited.map_or(policies.edited, Policy::from);
                policies.missing = missing.map_or(policies.missing, Policy::from);
                policies.newer = newer.map_or(policies.newer, Policy::from);
                policies.out_of_order = out_of_order.map_or(policies.out_of_order, Policy::from);
                policies
            })
    }
}

/// A policy as typed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum PolicyArg {
    /// The run stops before anything happens.
    Deny,
    /// The run goes on and says so.
    Warn,
    /// The run goes on.
    Allow,
}

impl From<PolicyArg> for Policy {
    fn from(policy: PolicyArg) -> Self {
        match policy {
            PolicyArg::Deny => Self::Deny,
            PolicyArg::Warn => Self::Warn,
            PolicyArg::Allow => Self::Allow,
        }
    }
}

/// `500ms`, `30s`, `10m`, `1h`, or seconds without a unit.
fn parse_duration(text: &str) -> Result<Duration, String> {
    let wrong = || format!("`{text}` is no duration; write for example 30s, 10m or 1h");
    let digits = text
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let number: u64 = number.parse().map_err(|_| wrong())?;
    let milliseconds = match unit {
        "ms" => 1,
        "" | "s" => 1_000,
        "m" | "min" => 60_000,
        "h" => 3_600_000,
        _ => return Err(wrong()),
    };
    match number.checked_mul(milliseconds).ok_or_else(wrong)? {
        0 => Err(format!(
            "`{text}` is too short; write for example 30s, 10m or 1h"
        )),
        total => Ok(Duration::from_millis(total)),
    }
}

/// A reason that says something: what is kept in the history is for those who read it later.
pub(crate) fn parse_reason(text: &str) -> Result<String, &'static str> {
    match text.trim().is_empty() {
        true => Err("the history keeps it, so it must say something"),
        false => Ok(text.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_take_the_usual_units() {
        assert_eq!(parse_duration("500ms"), Ok(Duration::from_millis(500)));
        assert_eq!(parse_duration("30"), Ok(Duration::from_secs(30)));
        assert_eq!(parse_duration("10m"), Ok(Duration::from_secs(600)));
        assert_eq!(parse_duration("1h"), Ok(Duration::from_secs(3600)));
        for wrong in [
            "",
            "s",
            "10 m",
            "-1s",
            "0s",
            "1d",
            "99999999999999999999h",
            "18446744073709551615h",
        ] {
            assert!(parse_duration(wrong).is_err(), "{wrong}");
        }
        for nothing in ["0", "0ms", "00h"] {
            let told = parse_duration(nothing).expect_err("no time at all");
            assert!(told.contains("is too short"), "{told}");
        }
    }

    #[test]
    fn typed_policies_change_only_themselves() {
        let none = PolicyArgs {
            edited: None,
            missing: None,
            newer: None,
            out_of_order: None,
        };
        assert_eq!(none.over(Policies::default()), None);
        let mut base = Policies::default();
        base.newer = Policy::Warn;
        base.edited = Policy::Warn;
        let typed = PolicyArgs {
            edited: Some(PolicyArg::Allow),
            ..none
        };
        let mut expected = base;
        expected.edited = Policy::Allow;
        assert_eq!(typed.over(base), Some(expected));
    }
}
