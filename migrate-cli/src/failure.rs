//! Why a command failed, in the form in which it is shown and serialised.
//!
//! The runtime's errors come in through `From`; the command line adds the few of its own.
//! Rendering is in [`crate::render`].

use std::error::Error as _;

use migrate_core::Error;
use migrate_core::report::RunProgress;
use serde::Serialize;

use crate::exit::Exit;
use crate::secret::mask;
use crate::signals::Signal;

/// A failed command.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Failure {
    #[serde(skip)]
    pub(crate) exit: Exit,
    pub(crate) code: &'static str,
    pub(crate) message: String,
    pub(crate) help: Vec<String>,
    pub(crate) progress: Option<Box<RunProgress>>,
    /// A line in the command's own words, before the block.
    #[serde(skip)]
    pub(crate) intro: Option<Box<str>>,
    /// What led to it, outermost first, without what the message says already.
    #[serde(skip)]
    pub(crate) causes: Vec<String>,
}

impl Failure {
    /// A failure of the command line's own.
    pub(crate) fn new(exit: Exit, code: &'static str, message: impl Into<String>) -> Self {
        Self {
            exit,
            code,
            message: message.into(),
            help: Vec::new(),
            progress: None,
            intro: None,
            causes: Vec::new(),
        }
    }

    /// The user asked for something that cannot be understood.
    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self::new(Exit::Usage, "usage", message)
    }

    /// The same without anything that may hold a password, as it is shown.
    pub(crate) fn masked(&self) -> Self {
        let all = |texts: &[String]| texts.iter().map(|text| mask(text)).collect();
        Self {
            message: mask(&self.message),
            help: all(&self.help),
            intro: self.intro.as_deref().map(|intro| mask(intro).into()),
            causes: all(&self.causes),
            ..self.clone()
        }
    }

    /// A signal came while a question waited for its answer.
    pub(crate) fn stopped(signal: Signal) -> Self {
        let message = format!(
            "{} came instead of an answer; nothing was changed",
            signal.name()
        );
        Self::new(signal.exit(), "cancelled", message)
    }

    /// Adds one sentence or command that leads out.
    pub(crate) fn help(mut self, help: impl Into<String>) -> Self {
        self.help.push(help.into());
        self
    }

    /// A file could not be read or written.
    pub(crate) fn io(what: &str, path: &std::path::Path, error: &std::io::Error) -> Self {
        Self::new(
            Exit::Failed,
            "io",
            format!("cannot {what} {}: {error}", path.display()),
        )
    }
}

/// A driver's error without what the drivers put in front of the server's own words.
fn without_wrapper(text: &str) -> &str {
    let text = text
        .strip_prefix("error returned from database: ")
        .unwrap_or(text);
    // `(code: 1) no such table: t`, `1146 (42S02): Table 't' doesn't exist`
    match text.split_once(") ").or_else(|| text.split_once("): ")) {
        Some((code, rest)) if code.starts_with("(code: ") => rest,
        Some(_) if text.starts_with(|c: char| c.is_ascii_digit()) => {
            text.split_once("): ").map_or(text, |(_, rest)| rest)
        }
        _ => text,
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        let mut causes = Vec::new();
        let mut next = error.source();
        while let Some(cause) = next {
            let text = cause.to_string();
            let said = error.message().contains(without_wrapper(&text))
                || causes
                    .last()
                    .is_some_and(|last: &String| last.contains(&text));
            if !said {
                causes.push(text);
            }
            next = cause.source();
        }
        Self {
            exit: Exit::of(error.code()),
            code: error.code().as_str(),
            message: error.message().to_owned(),
            help: error.helps().to_vec(),
            progress: error.progress().cloned().map(Box::new),
            intro: None,
            causes,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_drivers_put_in_front_is_no_cause_of_its_own() {
        for (said, core) in [
            (
                "error returned from database: (code: 1) no such table: t",
                "no such table: t",
            ),
            (
                "error returned from database: 1146 (42S02): Table 't' doesn't exist",
                "Table 't' doesn't exist",
            ),
            (
                "error returned from database: syntax error at or near \"x\"",
                "syntax error at or near \"x\"",
            ),
            ("disk (sda): full", "disk (sda): full"),
        ] {
            assert_eq!(without_wrapper(said), core);
        }
    }
}
