//! Tells which `;` ends a statement and which stands inside one: trigger bodies of SQLite, routine
//! bodies and compound statements of MySQL (see `compound`), `BEGIN ATOMIC` bodies and rules of
//! Postgres.

use crate::Database;
use crate::lexer::{Kind, Token};

mod compound;

/// A significant token with its text and the text of the one that follows.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Seen<'a> {
    pub(crate) token: Token,
    pub(crate) text: &'a str,
    pub(crate) next: &'a str,
}

impl Seen<'_> {
    fn is(&self, word: &str) -> bool {
        self.token.kind == Kind::Word && self.text.eq_ignore_ascii_case(word)
    }

    fn is_any(&self, words: &[&str]) -> bool {
        words.iter().any(|word| self.is(word))
    }

    fn next_is_any(&self, words: &[&str]) -> bool {
        words
            .iter()
            .any(|word| self.next.eq_ignore_ascii_case(word))
    }
}

/// What kind of statement it is, as far as its `;` are concerned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shape {
    /// Nothing seen yet.
    Start,
    /// CREATE or ALTER was seen, but not yet of what.
    Undecided,
    /// The next `;` ends it.
    Plain,
    /// SQLite: BEGIN and END enclose statements.
    Trigger,
    /// Postgres: BEGIN ATOMIC and END enclose statements.
    Routine,
    /// Postgres: parentheses enclose statements.
    Rule,
    /// MySQL: a routine, trigger or event, whose body may be a compound statement.
    Compound,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Block {
    Begin,
    If,
    CaseStatement,
    CaseExpression,
    Loop,
    /// WHILE and FOR, up to DO a condition.
    Repeated,
    Repeat,
    Paren,
}

impl Block {
    const fn holds_statements(self) -> bool {
        !matches!(self, Self::Paren | Self::CaseExpression)
    }
}

/// Follows one statement token by token.
#[derive(Debug)]
pub(crate) struct Blocks {
    database: Database,
    shape: Shape,
    open: Vec<(Block, usize)>,
    /// Whether the next token starts a statement of the body.
    at_start: bool,
    /// MySQL: whether the body has not begun yet.
    in_header: bool,
    /// MySQL: what the header is of, in upper case.
    header_of: &'static str,
    /// MySQL: the current inner statement is a DECLARE .. HANDLER, which ends in a statement.
    in_handler: bool,
    previous: Previous,
    seen: usize,
}

/// What the token before was, as far as it matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Previous {
    Other,
    Dot,
    End,
    CharacterWord,
    As,
}

impl Blocks {
    pub(crate) const fn new(database: Database) -> Self {
        Self {
            database,
            shape: Shape::Start,
            open: Vec::new(),
            at_start: true,
            in_header: false,
            header_of: "",
            in_handler: false,
            previous: Previous::Other,
            seen: 0,
        }
    }

    /// Whether a `;` here stands inside the statement.
    pub(crate) fn is_inside(&self) -> bool {
        self.shape == Shape::Rule && !self.open.is_empty() || self.unclosed().is_some()
    }

    /// Whether the next `;` ends the statement, whatever comes before it.
    pub(crate) const fn is_plain(&self) -> bool {
        matches!(self.shape, Shape::Plain) && self.open.is_empty()
    }

    /// Whether only a DELIMITER ends the statement once one is set.
    pub(crate) const fn is_compound(&self) -> bool {
        matches!(self.shape, Shape::Compound)
    }

    /// The byte offset of the innermost block that is still open. Parentheses are left to the
    /// server's own message.
    pub(crate) fn unclosed(&self) -> Option<usize> {
        self.open
            .iter()
            .rev()
            .find(|(block, _)| *block != Block::Paren)
            .map(|(_, at)| *at)
    }

    /// Takes the next significant token of the statement.
    pub(crate) fn feed(&mut self, seen: Seen<'_>) {
        self.seen += 1;
        match self.shape {
            Shape::Start => self.start(seen),
            Shape::Undecided => self.decide(seen),
            Shape::Plain => return,
            Shape::Trigger => self.feed_enclosed(seen, ""),
            Shape::Routine => self.feed_enclosed(seen, "atomic"),
            Shape::Rule => self.feed_rule(seen),
            Shape::Compound => self.feed_compound(seen),
        }
        self.previous = match seen.text {
            "." => Previous::Dot,
            _ if seen.is("end") => Previous::End,
            _ if seen.is("as") => Previous::As,
            _ if seen.is_any(&["character", "char", "charset"]) => Previous::CharacterWord,
            _ => Previous::Other,
        };
    }

    fn start(&mut self, seen: Seen<'_>) {
        let mysql = self.database == Database::MySql;
        if seen.is_any(&["create", "alter"]) {
            self.shape = Shape::Undecided;
        } else if seen.is("explain") {
            // SQLite explains triggers too: what is explained follows.
        } else if mysql && self.starts_compound(seen) {
            self.shape = Shape::Compound;
            self.in_header = false;
            self.at_start = true;
            self.feed_compound(seen);
        } else if !(self.seen <= 3 && seen.is_any(&["query", "plan"])) {
            self.shape = Shape::Plain;
        }
    }

    /// MariaDB takes compound statements outside routines as well; a BEGIN of its own starts a
    /// transaction unless NOT ATOMIC follows.
    fn starts_compound(&self, seen: Seen<'_>) -> bool {
        seen.is("begin") && seen.next_is_any(&["not"])
            || seen.is_any(&["if", "case", "loop", "while", "repeat", "for"])
    }

    /// CREATE: what of?
    fn decide(&mut self, seen: Seen<'_>) {
        const MODIFIERS: [&str; 10] = [
            "or",
            "replace",
            "temp",
            "temporary",
            "aggregate",
            "if",
            "not",
            "exists",
            "constraint",
            "definer",
        ];
        const PLAIN: [&str; 11] = [
            "table",
            "view",
            "index",
            "user",
            "role",
            "database",
            "schema",
            "server",
            "sequence",
            "unique",
            "tablespace",
        ];
        self.shape = match self.database {
            Database::Sqlite if seen.is("trigger") => Shape::Trigger,
            Database::Postgres if seen.is_any(&["function", "procedure"]) => Shape::Routine,
            Database::Postgres if seen.is("rule") => Shape::Rule,
            Database::MySql if seen.is_any(&["procedure", "function", "trigger", "event"]) => {
                self.in_header = true;
                self.header_of = match () {
                    () if seen.is("trigger") => "trigger",
                    () if seen.is("event") => "event",
                    () => "routine",
                };
                Shape::Compound
            }
            // DEFINER is followed by a user name of many forms.
            Database::MySql if self.seen <= 16 && !seen.is_any(&PLAIN) => Shape::Undecided,
            _ if seen.is_any(&MODIFIERS) => Shape::Undecided,
            _ => Shape::Plain,
        };
    }

    /// SQLite's triggers and Postgres' SQL-standard bodies: BEGIN opens, and an END where a
    /// statement could start closes. A CASE ends elsewhere.
    fn feed_enclosed(&mut self, seen: Seen<'_>, after_begin: &str) {
        if self.open.is_empty() {
            let opens = seen.is("begin")
                && self.previous != Previous::Dot
                && (after_begin.is_empty() || seen.next_is_any(&[after_begin]));
            if opens {
                self.open.push((Block::Begin, seen.token.start));
                self.at_start = true;
            }
            return;
        }
        if self.at_start && seen.is("end") {
            self.open.pop();
            self.shape = Shape::Plain;
        }
        let opening = !after_begin.is_empty() && self.at_start && seen.is(after_begin);
        self.at_start = opening || seen.token.kind == Kind::Semicolon;
    }

    fn feed_rule(&mut self, seen: Seen<'_>) {
        match seen.text {
            "(" => self.open.push((Block::Paren, seen.token.start)),
            ")" => drop(self.open.pop()),
            _ => {}
        }
    }
}
