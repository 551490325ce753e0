//! Cuts SQL text into tokens by the rules of one database. It knows quotes, comments and MySQL's
//! DELIMITER, not statements: see `statements` for those. Settings that change how a server reads
//! quotes (`standard_conforming_strings = off`, `NO_BACKSLASH_ESCAPES`) are taken as left alone.
//!
//! The macros run this in debug builds, where a call per byte costs more than the byte: what looks
//! at every byte is a plain loop over a table.

use crate::Database;
use crate::error::SourceError;

mod classes;
mod quotes;

pub(crate) use classes::is_blank;
use classes::{BLANK, CLASSES, WORD_PART, WORD_START, is_word_part, is_word_start};

/// What a token is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// White space.
    Blank,
    /// A comment from `--` (or MySQL's `#`) to the end of the line, without the line end.
    LineComment,
    /// A `/* */` comment, MySQL's executable ones excepted.
    BlockComment,
    /// An unquoted identifier or keyword.
    Word,
    /// A quoted identifier.
    Name,
    /// A string literal of any form.
    Text,
    /// A number, roughly.
    Number,
    /// One character of anything else.
    Symbol,
    /// `;`
    Semicolon,
    /// The terminator that a DELIMITER line has set.
    Delimiter,
    /// A DELIMITER line.
    Command,
    /// `/*!`, `/*!50003`, `/*M!` of MySQL: what follows is read as code.
    ExecOpen,
    /// The `*/` of an executable comment.
    ExecClose,
}

/// A token, as a range of bytes of the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Token {
    pub(crate) kind: Kind,
    pub(crate) start: usize,
    pub(crate) end: usize,
}

impl Token {
    /// Whether it is part of a statement rather than space or comment around it.
    pub(crate) const fn is_significant(self) -> bool {
        !matches!(
            self.kind,
            Kind::Blank | Kind::LineComment | Kind::BlockComment
        )
    }

    /// Whether the database reads it as a part of the statement's text proper.
    pub(crate) const fn is_code(self) -> bool {
        self.is_significant()
            && !matches!(self.kind, Kind::ExecOpen | Kind::ExecClose | Kind::Command)
    }
}

/// The tokens of a text, up to the error if there is one.
#[derive(Debug)]
pub(crate) struct Lexed {
    pub(crate) tokens: Vec<Token>,
    pub(crate) error: Option<SourceError>,
}

/// Cuts a text into tokens. Without an error, the tokens cover the text without a gap.
pub(crate) fn lex(sql: &str, database: Database) -> Lexed {
    let mut lexer = Lexer::new(sql, database);
    let mut tokens = Vec::with_capacity(sql.len() / 4);
    loop {
        if let Some(token) = lexer.plain_token() {
            tokens.push(token);
            continue;
        }
        let Some(next) = lexer.next_token() else {
            break;
        };
        match next {
            Ok(token) => tokens.push(token),
            Err(error) => {
                return Lexed {
                    tokens,
                    error: Some(error),
                };
            }
        }
    }
    let error = lexer.exec_open.map(|at| {
        lexer.error(
            at,
            "unterminated_comment",
            "this executable comment is never closed",
            "close it with `*/`",
        )
    });
    Lexed { tokens, error }
}

/// MySQL's word for the client.
const DELIMITER: &str = "delimiter";

/// The first tokens of a text that are code, at most so many, up to the error if there is one.
pub(crate) fn lex_head(sql: &str, database: Database, limit: usize) -> Vec<Token> {
    let mut lexer = Lexer::new(sql, database);
    let mut tokens = Vec::with_capacity(limit);
    while tokens.len() < limit
        && let Some(Ok(token)) = lexer.next_token()
    {
        if token.is_code() {
            tokens.push(token);
        }
    }
    tokens
}

/// The blanks and comments above the first statement; none if the database cannot read on from there.
pub(crate) fn lex_top(sql: &str, database: Database) -> Option<Vec<Token>> {
    let mut lexer = Lexer::new(sql, database);
    let mut tokens = Vec::new();
    while let Some(next) = lexer.next_token() {
        match next.ok()? {
            token if token.is_significant() => break,
            token => tokens.push(token),
        }
    }
    Some(tokens)
}

struct Lexer<'a> {
    sql: &'a str,
    bytes: &'a [u8],
    database: Database,
    at: usize,
    /// The terminator set by a DELIMITER line; none while it is `;`.
    delimiter: Option<&'a str>,
    /// Whether nothing but space and comments stands since the last terminator.
    statement_empty: bool,
    /// Where the executable comment around the current place opened.
    exec_open: Option<usize>,
}

impl<'a> Lexer<'a> {
    fn new(sql: &'a str, database: Database) -> Self {
        Self {
            sql,
            bytes: sql.as_bytes(),
            database,
            at: 0,
            delimiter: None,
            statement_empty: true,
            exec_open: None,
        }
    }

    /// White space or an ordinary word, which is what most of a text consists of; none for all else,
    /// which [`Lexer::next_token`] knows.
    fn plain_token(&mut self) -> Option<Token> {
        let start = self.at;
        if start >= self.bytes.len() || self.delimiter.is_some() {
            return None;
        }
        let class = CLASSES[self.bytes[start] as usize];
        if class & BLANK != 0 {
            self.skip_class(BLANK);
            return Some(Token {
                kind: Kind::Blank,
                start,
                end: self.at,
            });
        }
        if class & WORD_START == 0 {
            return None;
        }
        self.skip_class(WORD_PART);
        let length = self.at - start;
        if length == 1 || length == DELIMITER.len() {
            self.at = start;
            return None;
        }
        self.statement_empty = false;
        Some(Token {
            kind: Kind::Word,
            start,
            end: self.at,
        })
    }

    fn next_token(&mut self) -> Option<Result<Token, SourceError>> {
        let start = self.at;
        if start >= self.bytes.len() {
            return None;
        }
        let next = self.next_kind().map(|kind| Token {
            kind,
            start,
            end: self.at,
        });
        if let Ok(token) = next {
            self.note(token);
        }
        Some(next)
    }

    fn error(&self, at: usize, code: &'static str, message: &str, help: &str) -> SourceError {
        SourceError::at(self.sql, at, code, message, help)
    }

    fn byte(&self, ahead: usize) -> Option<u8> {
        self.bytes.get(self.at + ahead).copied()
    }

    fn rest(&self) -> &'a [u8] {
        self.bytes.get(self.at..).unwrap_or_default()
    }

    fn note(&mut self, token: Token) {
        match token.kind {
            Kind::Blank | Kind::LineComment | Kind::BlockComment => {}
            Kind::Delimiter | Kind::Command => self.statement_empty = true,
            Kind::Semicolon => self.statement_empty = self.delimiter.is_none(),
            _ => self.statement_empty = false,
        }
    }

    /// Consumes one token and says what it is. Always moves on.
    fn next_kind(&mut self) -> Result<Kind, SourceError> {
        if self
            .delimiter
            .is_some_and(|delimiter| self.rest().starts_with(delimiter.as_bytes()))
        {
            self.at += self.delimiter.map_or(1, str::len);
            return Ok(Kind::Delimiter);
        }
        let Some(first) = self.byte(0) else {
            return Ok(Kind::Blank);
        };
        let class = CLASSES[first as usize];
        if class & BLANK != 0 {
            self.skip_class(BLANK);
            return Ok(Kind::Blank);
        }
        if class & WORD_START != 0 {
            return self.word();
        }
        if class & WORD_PART != 0 && first != b'$' {
            self.skip_word();
            return Ok(Kind::Number);
        }
        if let Some(kind) = self.comment()? {
            return Ok(kind);
        }
        if let Some(kind) = self.quoted(first)? {
            return Ok(kind);
        }
        self.refuse_client_command(first)?;
        self.at += 1;
        Ok(if first == b';' {
            Kind::Semicolon
        } else {
            Kind::Symbol
        })
    }

    fn skip_while(&mut self, wanted: impl Fn(u8) -> bool) {
        while self.at < self.bytes.len() && wanted(self.bytes[self.at]) {
            self.at += 1;
        }
    }

    fn skip_line(&mut self) {
        let rest = self.sql.get(self.at..).unwrap_or_default();
        self.at += rest.find('\n').unwrap_or(rest.len());
    }

    /// Moves over the bytes of these classes.
    fn skip_class(&mut self, classes: u8) {
        let (bytes, mut at) = (self.bytes, self.at);
        while at < bytes.len() && CLASSES[bytes[at] as usize] & classes != 0 {
            at += 1;
        }
        self.at = at;
    }

    /// Moves over the characters of a word, stopping before the delimiter: `END$$` is two tokens.
    fn skip_word(&mut self) {
        let Some(delimiter) = self.delimiter else {
            return self.skip_class(WORD_PART);
        };
        while self.byte(0).is_some_and(is_word_part)
            && !self.rest().starts_with(delimiter.as_bytes())
        {
            self.at += 1;
        }
    }

    fn word(&mut self) -> Result<Kind, SourceError> {
        let start = self.at;
        self.skip_word();
        let length = self.at - start;
        let is = |word: &str| {
            let text = self.sql.get(start..self.at).unwrap_or_default();
            text.eq_ignore_ascii_case(word)
        };
        if length == 1
            && self.database == Database::Postgres
            && is("e")
            && self.byte(0) == Some(b'\'')
        {
            return self.quote(start, b'\'', true);
        }
        if length == DELIMITER.len()
            && self.database == Database::MySql
            && is(DELIMITER)
            && self.byte(0).is_none_or(is_blank)
        {
            return self.delimiter_line(start);
        }
        Ok(Kind::Word)
    }

    /// MySQL's DELIMITER, which is a line for the client and never reaches the server.
    fn delimiter_line(&mut self, start: usize) -> Result<Kind, SourceError> {
        let line_start = self
            .sql
            .get(..start)
            .and_then(|text| text.rfind('\n'))
            .map_or(0, |at| at + 1);
        let first_on_line = self
            .bytes
            .get(line_start..start)
            .is_some_and(|head| head.iter().all(|byte| is_blank(*byte)));
        if !self.statement_empty {
            if self.delimiter.is_some() && first_on_line {
                return Err(self.error(
                    start,
                    "unterminated_statement",
                    "the statement before this DELIMITER line is not ended",
                    "end it with the delimiter that is in force",
                ));
            }
            return Ok(Kind::Word);
        }
        self.skip_line();
        let line = self.sql.get(start..self.at).unwrap_or_default();
        let argument = line
            .get(DELIMITER.len()..)
            .unwrap_or_default()
            .split_whitespace()
            .next();
        match argument {
            Some(text) if !text.contains(['\\', '\'', '"', '`']) => {
                self.delimiter = (text != ";").then_some(text);
                Ok(Kind::Command)
            }
            _ => Err(self.error(
                start,
                "bad_delimiter",
                "DELIMITER needs a terminator without quotes and backslashes",
                "write for example `DELIMITER //`",
            )),
        }
    }

    /// Lines for a command-line client would reach the server as broken SQL.
    fn refuse_client_command(&self, first: u8) -> Result<(), SourceError> {
        let (message, help) = match (self.database, first) {
            (Database::MySql, b'\\') if self.byte(1) == Some(b'N') => return Ok(()),
            (Database::MySql, b'\\') => (
                "`\\` starts a command of the mysql client and is not SQL",
                "end statements with `;` and remove the command",
            ),
            (Database::Postgres | Database::Sqlite, b'\\') => (
                "`\\` starts a command of psql and is not SQL",
                "write plain SQL: INSERT instead of COPY data, no \\i, \\c or \\set",
            ),
            (_, b'.') if self.statement_empty => (
                "a line that starts with `.` is a command of the sqlite3 shell and not SQL",
                "remove it, or write the PRAGMA or SQL it stands for",
            ),
            _ => return Ok(()),
        };
        Err(self.error(self.at, "client_command", message, help))
    }
}
