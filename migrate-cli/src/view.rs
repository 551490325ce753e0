//! What a command hands back: its result for programs, its text for people, its verdict.

use serde::Serialize;

use crate::exit::Exit;
use crate::failure::Failure;

/// The outcome of a command that came to an end.
#[derive(Clone, Debug)]
pub(crate) struct View {
    /// The result as JSON.
    pub(crate) result: String,
    /// For stdout, in human form.
    pub(crate) data: String,
    /// For stderr, after the data.
    pub(crate) notes: String,
    /// Why the exit code is not 0 although there is a result (`--check`, `verify`).
    pub(crate) verdict: Option<Failure>,
}

impl View {
    /// A view of a result, without any text yet.
    pub(crate) fn of(result: &impl Serialize) -> Self {
        Self {
            // Plain structs with string keys always serialise.
            result: serde_json::to_string(result).unwrap_or_else(|_| "null".to_owned()),
            data: String::new(),
            notes: String::new(),
            verdict: None,
        }
    }

    pub(crate) fn data(mut self, text: impl Into<String>) -> Self {
        self.data = text.into();
        self
    }

    /// Adds a line or lines for people.
    pub(crate) fn note(mut self, text: impl AsRef<str>) -> Self {
        let text = text.as_ref();
        self.notes.push_str(text);
        if !text.is_empty() && !text.ends_with('\n') {
            self.notes.push('\n');
        }
        self
    }

    pub(crate) fn verdict(mut self, verdict: Option<Failure>) -> Self {
        self.verdict = verdict;
        self
    }

    pub(crate) fn exit(&self) -> Exit {
        self.verdict
            .as_ref()
            .map_or(Exit::Done, |failure| failure.exit)
    }
}
