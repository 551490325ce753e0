//! Where a migration is to lead, as typed: an app, and a step of it or `zero`.
//!
//! What is typed is looked up in the binary before anything is connected to, so that a
//! misspelt verb is a usage error and not a failure of the database.

use clap::Args;
use migrate_core::{Fake, Goal, History, Request};
use migrate_source::name::nearest;

use crate::args::verbs;
use crate::failure::Failure;

/// The words that name a goal.
#[derive(Clone, Debug, Default, Args)]
pub(crate) struct GoalArgs {
    /// One app only, with what its steps need of others; or a step, as `app.name`.
    #[arg(value_name = "APP", display_order = 0)]
    pub(crate) app: Option<String>,

    /// The step of that app to migrate to, or its beginning; `zero` undoes the whole app.
    #[arg(value_name = "TARGET|zero", requires = "app", display_order = 0)]
    pub(crate) target: Option<String>,
}

impl GoalArgs {
    /// The goal in the steps of this binary.
    pub(crate) fn goal(&self, history: &History) -> Result<Goal, Failure> {
        let Some(word) = self.app.as_deref() else {
            return Ok(Goal::Latest);
        };
        let is_app = |word: &str| history.apps().iter().any(|app| app == word);
        let (app, target) = match (word.split_once('.'), self.target.as_deref()) {
            (Some((app, name)), None) if is_app(app) => (app, Some(name)),
            (Some((app, _)), Some(target)) if is_app(app) => {
                return Err(Failure::usage(format!(
                    "`{word}` names a step already; `{target}` behind it has no meaning"
                ))
                .help(format!("`migrate {word}`, or `migrate {app} {target}`")));
            }
            (_, target) => (word, target),
        };
        match target {
            _ if !is_app(app) => Err(unknown(word, self.target.as_deref(), history)),
            Some("") => Err(Failure::usage(match self.target {
                // It could not be seen between backticks.
                Some(_) => format!("'' names no step of {app}"),
                None => format!("`{word}` names no step of {app}"),
            })
            .help(format!("`migrate {app}` migrates the whole app"))),
            target => Ok(Goal::typed(Some(app), target)),
        }
    }
}

/// The words that lead to a goal, for commands that are suggested.
pub(crate) fn words(goal: &Goal) -> String {
    match goal {
        Goal::App(app) => format!("migrate {app}"),
        Goal::Step { app, name } => format!("migrate {app} {name}"),
        Goal::Zero(app) => format!("migrate {app} zero"),
        Goal::Undo => "migrate undo".to_owned(),
        _ => "migrate".to_owned(),
    }
}

/// The words that ask for this once more, flags included.
pub(crate) fn typed(request: &Request) -> String {
    let mut words = words(&request.goal);
    words.push_str(match request.fake {
        Fake::All => " --fake",
        Fake::Initial => " --fake-initial",
        _ => "",
    });
    if request.single_transaction {
        words.push_str(" --single-transaction");
    }
    words
}

/// What a verb of Django's or Alembic's is called here.
fn verb_elsewhere(word: &str) -> Option<&'static str> {
    Some(match word {
        "showmigrations" => "migrate status",
        "sqlmigrate" => "migrate sql",
        "makemigrations" | "revision" => "migrate new",
        "squashmigrations" => "migrate squash",
        "upgrade" => "migrate",
        "downgrade" => "migrate undo",
        "heads" => "migrate current",
        "stamp" => "migrate mark",
        _ => return None,
    })
}

/// A word that is neither a verb nor an app: what it may have been meant as.
fn unknown(word: &str, target: Option<&str>, history: &History) -> Failure {
    let shown = word.escape_debug();
    let failure = Failure::usage(format!(
        "`{shown}` is neither a verb nor an app of this binary"
    ));
    if let Some(verb) = verb_elsewhere(word) {
        return failure.help(format!("what other tools call so is `{verb}` here"));
    }
    let verbs = verbs();
    let apps = history.apps().iter().map(String::as_str);
    let app = word.split('.').next().unwrap_or(word);
    if let Some(near) = nearest(word, verbs.iter().map(String::as_str)) {
        return failure.help(format!("did you mean `migrate {near}`?"));
    }
    if let Some(near) = nearest(app, apps) {
        let rest = match (word.split_once('.'), target) {
            (Some((_, name)), _) => format!(" {name}"),
            (None, Some(target)) if !target.is_empty() => format!(" {target}"),
            (None, _) => String::new(),
        };
        return failure.help(format!("did you mean `migrate {near}{rest}`?"));
    }
    if let Ok(step) = history.find(word) {
        return failure
            .help(format!("to run one step by its name: `migrate run {word}`"))
            .help(format!("to migrate to it: `migrate {}`", step.id()));
    }
    failure
        .help(format!("apps: {}", history.apps().join(", ")))
        .help("`migrate --help` lists the verbs")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn goal(words: &[&str]) -> Result<Goal, Failure> {
        let history = History::builder()
            .sql("users", "0001_initial.sql", "SELECT 1;")
            .sql("status", "0001_initial.sql", "SELECT 1;")
            .build()
            .expect("a history");
        let word = |at: usize| words.get(at).map(|word| (*word).to_owned());
        let args = GoalArgs {
            app: word(0),
            target: word(1),
        };
        args.goal(&history)
    }

    #[test]
    fn words_become_goals() {
        let step = Goal::typed(Some("users"), Some("0002"));
        assert_eq!(goal(&[]).ok(), Some(Goal::Latest));
        assert_eq!(goal(&["users"]).ok(), Some(Goal::App("users".into())));
        assert_eq!(goal(&["users", "0002"]).ok(), Some(step.clone()));
        assert_eq!(goal(&["users.0002"]).ok(), Some(step));
        assert_eq!(goal(&["users.zero"]).ok(), Some(Goal::Zero("users".into())));
        assert_eq!(goal(&["status"]).ok(), Some(Goal::App("status".into())));
    }

    #[test]
    fn other_words_say_what_was_meant() {
        for (words, expected) in [
            (&["statsu"][..], "`migrate status`"),
            (&["usres", "0002"], "`migrate users 0002`"),
            (&["usres.0002"], "`migrate users 0002`"),
            (&["users.0001_initial", "0002"], "`migrate users 0002`"),
            (&["users."], "migrates the whole app"),
            (&["elephant"], "apps: users, status"),
            (&["showmigrations"], "`migrate status`"),
            (&["makemigrations", "users"], "`migrate new`"),
            (&["stamp"], "`migrate mark`"),
        ] {
            let failure = goal(words).expect_err("no goal");
            assert_eq!(failure.code, "usage");
            let help = failure.help.join("\n");
            assert!(help.contains(expected), "{words:?}: {help}");
        }
    }

    #[test]
    fn goals_become_words_again() {
        for (goal, expected) in [
            (Goal::Latest, "migrate"),
            (Goal::App("a".into()), "migrate a"),
            (Goal::typed(Some("a"), Some("0002")), "migrate a 0002"),
            (Goal::Zero("a".into()), "migrate a zero"),
            (Goal::Undo, "migrate undo"),
        ] {
            assert_eq!(words(&goal), expected);
        }
    }
}
