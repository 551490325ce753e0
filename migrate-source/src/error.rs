//! The one error for a mistake inside a SQL file: a code, a place, what is wrong, what to write.

use std::fmt;

/// A mistake in a SQL text.
///
/// The code is stable; the texts are for people and may change.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct SourceError {
    /// A stable code in snake_case such as `unterminated_string`.
    pub code: &'static str,
    /// The line, from 1.
    pub line: u32,
    /// The column in characters, from 1.
    pub column: u32,
    /// What is wrong, and why.
    pub message: String,
    /// What to write instead.
    pub help: String,
}

impl SourceError {
    /// An error at a byte offset of `text`.
    pub(crate) fn at(
        text: &str,
        offset: usize,
        code: &'static str,
        message: impl Into<String>,
        help: impl Into<String>,
    ) -> Self {
        let (line, column) = position(text, offset);
        Self {
            code,
            line,
            column,
            message: message.into(),
            help: help.into(),
        }
    }
}

impl fmt::Display for SourceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "line {}, column {}: {}",
            self.line, self.column, self.message
        )?;
        if self.help.is_empty() {
            return Ok(());
        }
        write!(f, "; {}", self.help)
    }
}

impl std::error::Error for SourceError {}

/// Line and column, from 1, of a byte offset. The column counts characters.
pub(crate) fn position(text: &str, offset: usize) -> (u32, u32) {
    let before = text.get(..offset).unwrap_or(text);
    let line_start = before.rfind('\n').map_or(0, |at| at + 1);
    let line = line_ends(before) + 1;
    let column = before[line_start..].chars().count() + 1;
    (saturate(line), saturate(column))
}

/// How many line ends a text has. A plain loop: macros run it in debug builds.
pub(crate) fn line_ends(text: &str) -> usize {
    let bytes = text.as_bytes();
    let (mut at, mut count) = (0, 0);
    while at < bytes.len() {
        if bytes[at] == b'\n' {
            count += 1;
        }
        at += 1;
    }
    count
}

/// A text longer than 4 billion lines keeps the last number that can be told.
fn saturate(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn position_counts_lines_and_characters() {
        let text = "ab\nçd\n";
        assert_eq!(position(text, 0), (1, 1));
        assert_eq!(position(text, 2), (1, 3));
        assert_eq!(position(text, 3), (2, 1));
        assert_eq!(position(text, 5), (2, 2));
        assert_eq!(position(text, 7), (3, 1));
    }

    #[test]
    fn display_has_place_message_and_help() {
        let error = SourceError::at("a\nb", 2, "x", "it is wrong", "write `c`");
        assert_eq!(
            error.to_string(),
            "line 2, column 1: it is wrong; write `c`"
        );
    }
}
