//! Splits a SQL script into its statements, as the database's own command-line client would.
//! Nothing is lost: the pieces joined give the script back, comments and white space included.

use crate::Database;
use crate::blocks::{Blocks, Seen};
use crate::error::{SourceError, line_ends, position};
use crate::lexer::{Kind, Lexed, Token, lex};

/// A statement of a script.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Statement<'a> {
    /// The statement without the white space and comments around it and without its terminator.
    pub text: &'a str,
    /// The byte offset of `text` in the script.
    pub start: usize,
    /// The line of the script, from 1, at which `text` starts.
    pub line: u32,
}

/// A part of a script: a statement with what stands around it, or space, comments and lines for
/// the client alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Piece<'a> {
    /// Everything, the terminator included.
    pub text: &'a str,
    /// The statement in it, if there is one.
    pub statement: Option<Statement<'a>>,
}

/// Cuts a script into pieces. Joined, they give the script back.
///
/// # Errors
///
/// A string, quoted name, comment, dollar quote or block that is never closed, or a line for a
/// command-line client.
///
/// ```
/// use migrate_source::{Database, statements::split};
///
/// let sql = "-- two\nSELECT ';'; SELECT 2";
/// let pieces = split(sql, Database::Sqlite).expect("nothing is left open");
/// assert_eq!(pieces.len(), 2);
/// assert_eq!(pieces.iter().map(|piece| piece.text).collect::<String>(), sql);
/// ```
pub fn split(sql: &str, database: Database) -> Result<Vec<Piece<'_>>, SourceError> {
    split_lexed(sql, database, lex(sql, database))
}

/// [`split`] of a text that has been cut into tokens already.
pub(crate) fn split_lexed(
    sql: &str,
    database: Database,
    Lexed { tokens, error }: Lexed,
) -> Result<Vec<Piece<'_>>, SourceError> {
    let mut splitter = Splitter::new(sql, database, &tokens);
    for at in 0..tokens.len() {
        splitter.feed(at);
    }
    if let Some(error) = error {
        return Err(splitter.copied_from_stdin().unwrap_or(error));
    }
    splitter.finish()
}

/// The statements of a script, without empty ones.
///
/// # Errors
///
/// As for [`split`].
///
/// ```
/// use migrate_source::{Database, statements::statements};
///
/// let found = statements("SELECT 1;;\n-- done\n", Database::Postgres).expect("valid");
/// assert_eq!(found.len(), 1);
/// assert_eq!(found[0].text, "SELECT 1");
/// ```
pub fn statements(sql: &str, database: Database) -> Result<Vec<Statement<'_>>, SourceError> {
    Ok(split(sql, database)?
        .into_iter()
        .filter_map(|piece| piece.statement)
        .collect())
}

struct Splitter<'a, 't> {
    sql: &'a str,
    database: Database,
    tokens: &'t [Token],
    blocks: Blocks,
    /// Index of the first token of the current piece.
    piece_start: usize,
    custom_delimiter: bool,
    in_exec: bool,
    pieces: Vec<Piece<'a>>,
    /// Lines counted so far, up to this byte.
    counted: (usize, u32),
}

impl<'a, 't> Splitter<'a, 't> {
    fn new(sql: &'a str, database: Database, tokens: &'t [Token]) -> Self {
        Self {
            sql,
            database,
            tokens,
            blocks: Blocks::new(database),
            piece_start: 0,
            custom_delimiter: false,
            in_exec: false,
            pieces: Vec::new(),
            counted: (0, 1),
        }
    }

    fn text(&self, token: Token) -> &'a str {
        self.sql.get(token.start..token.end).unwrap_or("")
    }

    fn feed(&mut self, at: usize) {
        let Some(token) = self.tokens.get(at).copied() else {
            return;
        };
        match token.kind {
            Kind::Blank | Kind::LineComment | Kind::BlockComment => return,
            Kind::ExecOpen => self.in_exec = true,
            Kind::ExecClose => self.in_exec = false,
            Kind::Command => {
                let words = self.text(token).split_whitespace().nth(1);
                self.custom_delimiter = words != Some(";");
                return self.end_piece(at);
            }
            Kind::Delimiter => return self.end_piece(at),
            Kind::Semicolon if self.ends_here() => return self.end_piece(at),
            _ => {}
        }
        // Of a plain statement only the end is of interest.
        if self.blocks.is_plain() || !token.is_code() {
            return;
        }
        let next = self.next_text(at);
        self.blocks.feed(Seen {
            token,
            text: self.text(token),
            next,
        });
    }

    fn ends_here(&self) -> bool {
        if self.in_exec {
            return false;
        }
        if self.custom_delimiter && self.blocks.is_compound() {
            return false;
        }
        !self.blocks.is_inside()
    }

    fn next_text(&self, at: usize) -> &'a str {
        self.tokens
            .get(at + 1..)
            .unwrap_or_default()
            .iter()
            .find(|token| token.is_code())
            .map_or("", |token| self.text(*token))
    }

    /// Ends the piece after this token.
    fn end_piece(&mut self, last: usize) {
        let tokens = self.tokens.get(self.piece_start..=last).unwrap_or_default();
        self.push_piece(tokens);
        self.piece_start = last + 1;
        self.blocks = Blocks::new(self.database);
    }

    fn push_piece(&mut self, tokens: &[Token]) {
        let (Some(first), Some(last)) = (tokens.first(), tokens.last()) else {
            return;
        };
        let text = self.sql.get(first.start..last.end).unwrap_or("");
        let mut own = tokens.iter().filter(|token| {
            token.is_significant() && !matches!(token.kind, Kind::Command | Kind::Delimiter)
        });
        let first = own.find(|token| token.kind != Kind::Semicolon);
        let last = own.rfind(|token| token.kind != Kind::Semicolon).or(first);
        let statement = first.zip(last).map(|(first, last)| Statement {
            text: self.sql.get(first.start..last.end).unwrap_or(""),
            start: first.start,
            line: self.line_at(first.start),
        });
        self.pieces.push(Piece { text, statement });
    }

    fn line_at(&mut self, offset: usize) -> u32 {
        let (counted, line) = self.counted;
        let more = line_ends(self.sql.get(counted..offset).unwrap_or(""));
        let line = line.saturating_add(u32::try_from(more).unwrap_or(u32::MAX));
        self.counted = (offset, line);
        line
    }

    fn finish(mut self) -> Result<Vec<Piece<'a>>, SourceError> {
        let explicit = self.custom_delimiter && self.blocks.is_compound();
        if let Some(at) = self.blocks.unclosed().filter(|_| !explicit) {
            let (line, column) = position(self.sql, at);
            let word = self
                .sql
                .get(at..)
                .and_then(|rest| rest.split_whitespace().next())
                .unwrap_or("");
            return Err(SourceError {
                code: "unterminated_block",
                line,
                column,
                message: format!("the block that `{word}` opens is never closed"),
                help: match self.database {
                    Database::MySql => {
                        "close it with END, or put DELIMITER lines around the statement".to_owned()
                    }
                    Database::Sqlite | Database::Postgres => {
                        "close it with `END;`, after a `;`".to_owned()
                    }
                },
            });
        }
        let rest = self.tokens.get(self.piece_start..).unwrap_or_default();
        self.push_piece(rest);
        Ok(self.pieces)
    }

    /// The data after `COPY .. FROM STDIN` is not SQL: the cause of an error in it is the COPY.
    fn copied_from_stdin(&self) -> Option<SourceError> {
        if self.database != Database::Postgres {
            return None;
        }
        let statement = self
            .pieces
            .iter()
            .filter_map(|piece| piece.statement)
            .find(|statement| crate::classify::is_copy_stream(statement.text))?;
        Some(crate::classify::copy_stream_error(
            self.sql,
            statement.start,
        ))
    }
}

#[cfg(test)]
mod tests;
