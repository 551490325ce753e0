//! How the user calls this program, so that the commands we suggest can be pasted.

use std::env;
use std::ffi::OsStr;
use std::path::Path;

use crate::args::GlobalArgs;
use crate::secret::mask;

/// The words before a verb, such as `quickstart migrate` or `cargo run -p quickstart -- migrate`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Program {
    words: String,
    /// The options that say which database and ledger are meant, as they were typed.
    options: String,
}

impl Program {
    pub(crate) fn new(words: impl Into<String>) -> Self {
        Self {
            words: words.into(),
            options: String::new(),
        }
    }

    /// Suggested commands are for the same database and ledger as this one. The URL is not
    /// repeated, because it may hold a password.
    pub(crate) fn on_the_same(mut self, global: &GlobalArgs) -> Self {
        let named = [
            ("--database-url", global.database_url.as_ref().map(|_| "..")),
            ("--ledger-schema", global.ledger_schema.as_deref()),
            ("--ledger-prefix", global.ledger_prefix.as_deref()),
        ];
        for (option, value) in named {
            if let Some(value) = value {
                self.options.push_str(&format!(" {option} {}", mask(value)));
            }
        }
        self
    }

    /// What this process was started as.
    pub(crate) fn detect() -> Self {
        let argument = env::args_os().next().unwrap_or_default();
        let package = env::var("CARGO_PKG_NAME").ok();
        Self::from_call(Path::new(&argument), package.as_deref())
    }

    /// `cargo run` starts `target/debug/name` and says which package it is.
    fn from_call(executable: &Path, package: Option<&str>) -> Self {
        let name = executable
            .file_stem()
            .and_then(OsStr::to_str)
            .unwrap_or("app");
        let built = executable
            .components()
            .any(|part| part.as_os_str() == "target");
        match package {
            Some(package) if built && package == name => {
                Self::new(format!("cargo run -p {package} -- migrate"))
            }
            Some(package) if built => {
                Self::new(format!("cargo run -p {package} --bin {name} -- migrate"))
            }
            _ => Self::new(format!("{name} migrate")),
        }
    }

    /// The words themselves.
    pub(crate) fn words(&self) -> &str {
        &self.words
    }

    /// Puts the real words in place of `migrate` where a text quotes a command of ours, and the
    /// options behind it.
    pub(crate) fn localize(&self, text: &str) -> String {
        let mut out = String::with_capacity(text.len());
        let mut rest = text;
        while let Some(at) = rest.find("`migrate") {
            let (before, quoted) = rest.split_at(at);
            let command = &quoted["`migrate".len()..];
            out.push_str(before);
            let end = match command.chars().next() {
                Some(' ' | '`') => command.find('`'),
                _ => None,
            };
            let Some(end) = end else {
                out.push_str("`migrate");
                rest = command;
                continue;
            };
            let words = &command[..end];
            let options = match words.ends_with("--help") {
                true => "",
                false => self.options.as_str(),
            };
            out.push_str(&format!("`{}{words}{options}`", self.words));
            rest = &command[end + 1..];
        }
        out.push_str(rest);
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_spelled_as_the_user_starts_us() {
        let program = |path: &str, package| Program::from_call(Path::new(path), package).words;
        assert_eq!(program("/usr/bin/shop", None), "shop migrate");
        assert_eq!(program("target/debug/shop", None), "shop migrate");
        assert_eq!(
            program("target/debug/shop", Some("shop")),
            "cargo run -p shop -- migrate"
        );
        assert_eq!(
            program("target/debug/worker", Some("shop")),
            "cargo run -p shop --bin worker -- migrate"
        );
        assert_eq!(program("/usr/bin/shop", Some("shop")), "shop migrate");
    }

    #[test]
    fn quoted_commands_get_the_real_words() {
        let program = Program::new("shop migrate");
        assert_eq!(
            program.localize("run `migrate accept x --why \"..\"` or `migrate`; migrate often"),
            "run `shop migrate accept x --why \"..\"` or `shop migrate`; migrate often"
        );
    }

    #[test]
    fn suggestions_are_for_the_same_database() {
        let program = Program {
            options: " --database-url .. --ledger-prefix p".to_owned(),
            ..Program::new("shop migrate")
        };
        assert_eq!(
            program.localize("`migrate unmark x --yes`, `migrate`, `migrate --help`, `migrated`"),
            "`shop migrate unmark x --yes --database-url .. --ledger-prefix p`, \
             `shop migrate --database-url .. --ledger-prefix p`, `shop migrate --help`, `migrated`"
        );
    }
}
