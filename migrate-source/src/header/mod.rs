//! Header directives, `-- migrate: key = value`, in the comments at the top of a SQL file. This file
//! owns which keys there are and what they take; `value` reads the text of one directive, `order` finds
//! the lines that say nothing but the order.

use crate::error::SourceError;
use crate::name::{Reference, nearest};

mod order;
mod value;

pub(crate) use order::order_lines;
use value::{Directive, Value, read_directives};

/// The keys, as suggestions and in messages.
const KEYS: [&str; 7] = [
    "atomic",
    "after",
    "before",
    "replaces",
    "run",
    "foreign_keys",
    "allow",
];

/// What the header of a SQL file says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Header {
    /// Whether the step runs in a transaction; none leaves it to the default, which is true.
    pub atomic: Option<bool>,
    /// The steps it comes after; none means the file before it.
    pub after: Option<Vec<Reference>>,
    /// The steps it comes before.
    pub before: Vec<Reference>,
    /// The steps it stands for.
    pub replaces: Vec<Reference>,
    /// The data migrations it runs at its end.
    pub run: Vec<Reference>,
    /// `foreign_keys = off`: SQLite runs the step with foreign keys off and checks them before the commit.
    pub foreign_keys_off: bool,
    /// Lints that are allowed, each with its reason.
    pub allow: Vec<Allow>,
    /// The keys given and their lines.
    lines: Vec<(&'static str, u32)>,
}

/// A lint that the header allows.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Allow {
    /// The lint.
    pub lint: String,
    /// Why it is allowed here; never empty.
    pub reason: String,
}

impl Header {
    /// The line, from 1, at which a directive such as `after` is given.
    #[must_use]
    pub fn line_of(&self, key: &str) -> Option<u32> {
        self.lines
            .iter()
            .find(|(known, _)| *known == key)
            .map(|(_, line)| *line)
    }

    /// The lines, from 1, that hold a directive.
    pub fn directive_lines(&self) -> impl Iterator<Item = u32> {
        self.lines.iter().map(|(_, line)| *line)
    }
}

/// A comment of a SQL file: its text without `--`, and where that text starts.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Comment<'a> {
    pub(crate) text: &'a str,
    pub(crate) line: u32,
    pub(crate) column: u32,
}

/// What a comment is to us.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Meaning {
    /// An ordinary comment.
    Prose,
    /// `migrate: up`
    Up,
    /// `migrate: down`
    Down,
    /// `migrate: key = value`, or what is meant to be one.
    Directive,
    /// sqlx's `no-transaction`
    NoTransaction,
}

/// The text of a comment that is a whole line, without its `--` or `#`.
pub(crate) fn comment_text(comment: &str) -> &str {
    comment.trim_start_matches(['-', '#'])
}

impl<'a> Comment<'a> {
    /// A comment whose place nobody asks for.
    pub(crate) const fn somewhere(text: &'a str) -> Self {
        Self {
            text,
            line: 0,
            column: 0,
        }
    }

    /// What the comment is to us. A misspelt `migrate` before a known key counts.
    pub(crate) fn meaning(&self) -> Meaning {
        if self.text.trim() == "no-transaction" {
            return Meaning::NoTransaction;
        }
        let Some(body) = self.body() else {
            return if self.is_nearly_directive() {
                Meaning::Directive
            } else {
                Meaning::Prose
            };
        };
        match body.trim() {
            "up" => Meaning::Up,
            "down" => Meaning::Down,
            _ => Meaning::Directive,
        }
    }

    /// The text after `migrate:`.
    fn body(&self) -> Option<&'a str> {
        let (word, body) = self.text.split_once(':')?;
        word.trim().eq_ignore_ascii_case("migrate").then_some(body)
    }

    /// `migrate atomic = false`, `migration: atomic = false`, `migrates: up`
    fn is_nearly_directive(&self) -> bool {
        let text = self.text.trim();
        let end = text
            .find(|c: char| !c.is_ascii_alphanumeric())
            .unwrap_or(text.len());
        let (word, rest) = text.split_at(end);
        if nearest(word, ["migrate", "migration"]).is_none() {
            return false;
        }
        let rest = rest.trim_start();
        let (colon, rest) = match rest.strip_prefix(':') {
            Some(rest) => (true, rest.trim()),
            None => (false, rest.trim()),
        };
        let key_end = rest
            .find(|c: char| !c.is_ascii_alphanumeric() && c != '_')
            .unwrap_or(rest.len());
        let (key, value) = rest.split_at(key_end);
        let assigned = value.trim_start().starts_with('=') && nearest(key, KEYS).is_some();
        assigned || colon && matches!(rest, "up" | "down")
    }

    fn error(
        &self,
        offset: usize,
        code: &'static str,
        message: String,
        help: String,
    ) -> SourceError {
        let before = self.text.get(..offset).unwrap_or("");
        let column = u32::try_from(before.chars().count())
            .unwrap_or(0)
            .saturating_add(self.column);
        SourceError {
            code,
            line: self.line,
            column,
            message,
            help,
        }
    }

    /// The error for a directive that stands behind the first statement.
    pub(crate) fn too_late(&self) -> SourceError {
        self.error(
            0,
            "directive_after_statement",
            "a directive stands behind the first statement, where it has no effect".to_owned(),
            "move it to the top of the file, above the first statement".to_owned(),
        )
    }

    fn not_a_directive(&self) -> SourceError {
        self.error(
            0,
            "bad_directive",
            "this comment looks like a directive, but is not written as one".to_owned(),
            "write `-- migrate: key = value`".to_owned(),
        )
    }
}

/// Reads the directives of the comments at the top of a file.
pub(crate) fn read_header(comments: &[Comment<'_>]) -> (Header, Vec<SourceError>) {
    let mut reader = Reader::default();
    for comment in comments {
        match comment.meaning() {
            Meaning::Prose | Meaning::Up | Meaning::Down => {}
            Meaning::NoTransaction => reader.no_transaction(comment),
            Meaning::Directive => reader.directives(comment),
        }
    }
    (reader.header, reader.errors)
}

#[derive(Default)]
struct Reader {
    header: Header,
    no_transaction: bool,
    errors: Vec<SourceError>,
}

impl Reader {
    /// sqlx's directive may stand beside ours, so that both tools can run the file.
    fn no_transaction(&mut self, comment: &Comment<'_>) {
        self.no_transaction = true;
        if self.header.atomic == Some(true) {
            self.errors.push(contradiction(comment, 0));
        }
        self.header.atomic = Some(false);
    }

    fn directives(&mut self, comment: &Comment<'_>) {
        let Some(body) = comment.body() else {
            self.errors.push(comment.not_a_directive());
            return;
        };
        let offset = comment.text.len() - body.len();
        match read_directives(body) {
            Ok(directives) => {
                for directive in directives {
                    self.directive(comment, offset, &directive);
                }
            }
            Err((at, problem)) => self.errors.push(
                comment.error(
                    offset + at,
                    "bad_directive",
                    problem,
                    "write `-- migrate: key = value`, for example `-- migrate: atomic = false`"
                        .to_owned(),
                ),
            ),
        }
    }

    fn directive(&mut self, comment: &Comment<'_>, offset: usize, directive: &Directive<'_>) {
        let Some(key) = KEYS.into_iter().find(|key| *key == directive.key) else {
            self.errors.push(unknown_key(comment, offset, directive));
            return;
        };
        if let Some(line) = self.header.line_of(key) {
            self.errors.push(comment.error(
                offset + directive.at,
                "duplicate_directive",
                format!("`{key}` is given twice; line {line} has it already"),
                "keep one of them; several values go into a list, `[\"a\", \"b\"]`".to_owned(),
            ));
            return;
        }
        self.header.lines.push((key, comment.line));
        if let Err((problem, help)) = self.set(key, &directive.value) {
            self.errors.push(comment.error(
                offset + directive.value_at,
                "bad_directive_value",
                problem,
                help,
            ));
        } else if key == "atomic" && self.no_transaction && self.header.atomic == Some(true) {
            self.errors
                .push(contradiction(comment, offset + directive.at));
        }
    }

    fn set(&mut self, key: &'static str, value: &Value<'_>) -> Result<(), (String, String)> {
        let header = &mut self.header;
        match key {
            "atomic" => header.atomic = Some(value.as_switch("atomic", "false")?),
            "foreign_keys" => {
                if value.as_switch("foreign_keys", "off")? {
                    return Err((
                        "`foreign_keys` can only be switched off here".to_owned(),
                        "write `foreign_keys = off`, or remove it: on is the database's own matter"
                            .to_owned(),
                    ));
                }
                header.foreign_keys_off = true;
            }
            "after" => header.after = Some(references(key, value)?),
            "before" => header.before = references(key, value)?,
            "replaces" => header.replaces = references(key, value)?,
            "run" => header.run = references(key, value)?,
            _ => header.allow = allowances(value)?,
        }
        Ok(())
    }
}

fn contradiction(comment: &Comment<'_>, offset: usize) -> SourceError {
    comment.error(
        offset,
        "contradicting_directives",
        "`atomic = true` and `no-transaction` contradict each other".to_owned(),
        "keep one of them".to_owned(),
    )
}

fn unknown_key(comment: &Comment<'_>, offset: usize, directive: &Directive<'_>) -> SourceError {
    let help = match nearest(directive.key, KEYS.into_iter().chain(["up", "down"])) {
        Some(near @ ("up" | "down")) => format!("did you mean `-- migrate: {near}`?"),
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("known are {}", KEYS.join(", ")),
    };
    let key = directive.key;
    comment.error(
        offset + directive.at,
        "unknown_directive",
        format!("`{key}` is not a directive"),
        help,
    )
}

fn references(key: &str, value: &Value<'_>) -> Result<Vec<Reference>, (String, String)> {
    let example = format!(
        "write `{key} = \"0001_initial\"` or `{key} = [\"0001_initial\", \"billing.0002_x\"]`"
    );
    let mut found: Vec<Reference> = Vec::new();
    for text in value.as_strings(key, &example)? {
        let reference: Reference = text
            .parse()
            .map_err(|error| (format!("{error}"), example.clone()))?;
        if found.contains(&reference) {
            return Err((
                format!("`{reference}` stands in `{key}` twice"),
                "keep one of them".to_owned(),
            ));
        }
        found.push(reference);
    }
    Ok(found)
}

fn allowances(value: &Value<'_>) -> Result<Vec<Allow>, (String, String)> {
    let example = "write `allow = [\"lint-name: the reason why it is fine here\"]`".to_owned();
    let mut found = Vec::new();
    for text in value.as_strings("allow", &example)? {
        let (lint, reason) = text.split_once(':').unwrap_or((text, ""));
        let (lint, reason) = (lint.trim(), reason.trim());
        if lint.is_empty() || reason.is_empty() {
            return Err((format!("`{text}` allows a lint without a reason"), example));
        }
        found.push(Allow {
            lint: lint.to_owned(),
            reason: reason.to_owned(),
        });
    }
    Ok(found)
}

#[cfg(test)]
mod tests;
