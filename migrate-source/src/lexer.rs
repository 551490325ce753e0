//! Cuts SQL text into tokens by the rules of one database. It knows quotes, comments and MySQL's
//! DELIMITER, not statements: see `statements` for those. Settings that change how a server reads
//! quotes (`standard_conforming_strings = off`, `NO_BACKSLASH_ESCAPES`) are taken as left alone.

use crate::Database;
use crate::error::SourceError;

mod quotes;

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
    let mut tokens = Vec::new();
    while lexer.at < sql.len() {
        let start = lexer.at;
        match lexer.next_kind() {
            Ok(kind) => {
                let token = Token {
                    kind,
                    start,
                    end: lexer.at,
                };
                lexer.note(token);
                tokens.push(token);
            }
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
            "unterminated-comment",
            "this executable comment is never closed",
            "close it with `*/`",
        )
    });
    Lexed { tokens, error }
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
        if is_blank(first) {
            self.skip_while(is_blank);
            return Ok(Kind::Blank);
        }
        if let Some(kind) = self.comment()? {
            return Ok(kind);
        }
        if let Some(kind) = self.quoted(first)? {
            return Ok(kind);
        }
        if is_word_start(first) {
            return self.word();
        }
        if first.is_ascii_digit() {
            self.skip_word();
            return Ok(Kind::Number);
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

    /// Moves over the characters of a word, stopping before the delimiter: `END$$` is two tokens.
    fn skip_word(&mut self) {
        let Some(delimiter) = self.delimiter else {
            // Most of a text is words: a macro reads them without optimisation, byte by byte.
            while self.at < self.bytes.len() && WORD_PART[usize::from(self.bytes[self.at])] {
                self.at += 1;
            }
            return;
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
        let word = self.sql.get(start..self.at).unwrap_or_default();
        if self.database == Database::Postgres
            && word.eq_ignore_ascii_case("e")
            && self.byte(0) == Some(b'\'')
        {
            return self.quote(start, b'\'', true);
        }
        if self.database == Database::MySql
            && word.eq_ignore_ascii_case("delimiter")
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
                    "unterminated-statement",
                    "the statement before this DELIMITER line is not ended",
                    "end it with the delimiter that is in force",
                ));
            }
            return Ok(Kind::Word);
        }
        self.skip_line();
        let line = self.sql.get(start..self.at).unwrap_or_default();
        let argument = line
            .get("delimiter".len()..)
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
                "bad-delimiter",
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
        Err(self.error(self.at, "client-command", message, help))
    }
}

pub(crate) const fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b'\r' | 0x0b | 0x0c)
}

const fn is_word_start(byte: u8) -> bool {
    byte.is_ascii_alphabetic() || byte == b'_' || byte >= 0x80
}

const fn is_word_part(byte: u8) -> bool {
    is_word_start(byte) || byte.is_ascii_digit() || byte == b'$'
}

/// [`is_word_part`] of every byte.
static WORD_PART: [bool; 256] = {
    let mut table = [false; 256];
    let mut byte = 0;
    while byte < 256 {
        table[byte] = is_word_part(byte as u8);
        byte += 1;
    }
    table
};
