//! How the user calls this program, so that the commands we suggest can be pasted.

use std::env;
use std::ffi::OsStr;
use std::path::Path;

/// The words before a verb, such as `quickstart migrate` or `cargo run -p quickstart -- migrate`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Program(String);

impl Program {
    pub(crate) fn new(words: impl Into<String>) -> Self {
        Self(words.into())
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
                Self(format!("cargo run -p {package} -- migrate"))
            }
            Some(package) if built => {
                Self(format!("cargo run -p {package} --bin {name} -- migrate"))
            }
            _ => Self(format!("{name} migrate")),
        }
    }

    /// The words themselves.
    pub(crate) fn words(&self) -> &str {
        &self.0
    }

    /// Puts the real words in place of `migrate` where a text quotes a command of ours.
    pub(crate) fn localize(&self, text: &str) -> String {
        text.replace("`migrate ", &format!("`{} ", self.0))
            .replace("`migrate`", &format!("`{}`", self.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_spelled_as_the_user_starts_us() {
        let program = |path: &str, package| Program::from_call(Path::new(path), package).0;
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
}
