//! Comments, strings and quoted identifiers: the tokens in which a `;` means nothing.

use super::{Kind, Lexer, is_blank, is_word_part, is_word_start};
use crate::Database;
use crate::error::SourceError;

impl Lexer<'_> {
    /// A comment that starts here, if one does.
    pub(super) fn comment(&mut self) -> Result<Option<Kind>, SourceError> {
        let rest = self.rest();
        if self.is_line_comment(rest) {
            self.skip_line();
            return Ok(Some(Kind::LineComment));
        }
        if self.exec_open.is_some() && rest.starts_with(b"*/") {
            self.exec_open = None;
            self.at += 2;
            return Ok(Some(Kind::ExecClose));
        }
        if !rest.starts_with(b"/*") {
            return Ok(None);
        }
        if self.database == Database::MySql && self.exec_open.is_none() {
            let opening = if rest.starts_with(b"/*!") {
                3
            } else if rest.starts_with(b"/*M!") {
                4
            } else {
                return self.block_comment().map(Some);
            };
            self.exec_open = Some(self.at);
            self.at += opening;
            self.skip_while(|byte| byte.is_ascii_digit());
            return Ok(Some(Kind::ExecOpen));
        }
        self.block_comment().map(Some)
    }

    /// MySQL wants white space or a control character after `--`, so that `5--1` stays a sum.
    fn is_line_comment(&self, rest: &[u8]) -> bool {
        match self.database {
            Database::MySql => {
                rest.first() == Some(&b'#')
                    || rest.starts_with(b"--")
                        && rest
                            .get(2)
                            .is_none_or(|byte| *byte == b' ' || byte.is_ascii_control())
            }
            Database::Sqlite | Database::Postgres => rest.starts_with(b"--"),
        }
    }

    fn block_comment(&mut self) -> Result<Kind, SourceError> {
        let start = self.at;
        let nests = self.database == Database::Postgres;
        let mut depth = 1_usize;
        self.at += 2;
        while depth > 0 {
            let rest = self.rest();
            if rest.is_empty() {
                return Err(self.error(
                    start,
                    "unterminated_comment",
                    "this comment is never closed",
                    "close it with `*/`",
                ));
            } else if rest.starts_with(b"*/") {
                depth -= 1;
                self.at += 2;
            } else if nests && rest.starts_with(b"/*") {
                depth += 1;
                self.at += 2;
            } else {
                self.at += 1;
            }
        }
        Ok(Kind::BlockComment)
    }

    /// A string, a quoted identifier or a dollar quote that starts here, if one does.
    pub(super) fn quoted(&mut self, first: u8) -> Result<Option<Kind>, SourceError> {
        let start = self.at;
        let mysql = self.database == Database::MySql;
        match (first, self.database) {
            (b'\'', _) => self.quote(start, b'\'', mysql).map(Some),
            (b'"', _) => self.quote(start, b'"', mysql).map(Some),
            (b'`', Database::MySql | Database::Sqlite) => self.quote(start, b'`', false).map(Some),
            (b'[', Database::Sqlite) => self.bracket(start).map(Some),
            (b'$', Database::Postgres) => self.dollar_quote(start),
            _ => Ok(None),
        }
    }

    /// A quoted token whose quote is doubled to stand for itself. `start` is where the token
    /// starts, which is before the quote for `E''`.
    pub(super) fn quote(
        &mut self,
        start: usize,
        quote: u8,
        backslash: bool,
    ) -> Result<Kind, SourceError> {
        let name = quote == b'`' || quote == b'"' && self.database != Database::MySql;
        self.at += 1;
        loop {
            match self.byte(0) {
                None => return Err(self.unterminated(start, quote, name)),
                Some(b'\\') if backslash => self.at += 2,
                Some(byte) if byte == quote && self.byte(1) == Some(quote) => self.at += 2,
                Some(byte) if byte == quote => {
                    self.at += 1;
                    if !(backslash && self.continue_string()) {
                        break;
                    }
                }
                Some(_) => self.at += 1,
            }
        }
        Ok(if name { Kind::Name } else { Kind::Text })
    }

    /// Postgres: a string goes on after white space with a line end, and so do its backslashes.
    fn continue_string(&mut self) -> bool {
        if self.database != Database::Postgres {
            return false;
        }
        let mut ahead = self.at;
        let mut new_line = false;
        loop {
            let rest = self.bytes.get(ahead..).unwrap_or_default();
            match rest.first() {
                Some(byte) if is_blank(*byte) => {
                    new_line |= *byte == b'\n';
                    ahead += 1;
                }
                Some(b'-') if rest.starts_with(b"--") => {
                    ahead += rest.iter().take_while(|byte| **byte != b'\n').count();
                }
                Some(b'\'') if new_line => {
                    self.at = ahead + 1;
                    return true;
                }
                _ => return false,
            }
        }
    }

    fn unterminated(&self, start: usize, quote: u8, name: bool) -> SourceError {
        let (code, what) = if name {
            ("unterminated_name", "quoted name")
        } else {
            ("unterminated_string", "string")
        };
        let quote = char::from(quote);
        self.error(
            start,
            code,
            &format!("this {what} is never closed"),
            &format!("close it with `{quote}`; a `{quote}` inside is written twice"),
        )
    }

    fn bracket(&mut self, start: usize) -> Result<Kind, SourceError> {
        self.skip_while(|byte| byte != b']');
        if self.byte(0).is_none() {
            return Err(self.error(
                start,
                "unterminated_name",
                "this name in brackets is never closed",
                "close it with `]`",
            ));
        }
        self.at += 1;
        Ok(Kind::Name)
    }

    /// `$$ .. $$` or `$tag$ .. $tag$`; a `$1` or a lone `$` is not one.
    fn dollar_quote(&mut self, start: usize) -> Result<Option<Kind>, SourceError> {
        let rest = self.rest();
        let tag_length = rest
            .iter()
            .skip(1)
            .take_while(|byte| is_tag_part(**byte))
            .count();
        let starts_well = tag_length == 0 || rest.get(1).copied().is_some_and(is_word_start);
        if !starts_well || rest.get(tag_length + 1) != Some(&b'$') {
            return Ok(None);
        }
        let tag = rest.get(..tag_length + 2).unwrap_or_default();
        let body = rest.get(tag.len()..).unwrap_or_default();
        let Some(length) = body.windows(tag.len()).position(|window| window == tag) else {
            let tag = String::from_utf8_lossy(tag);
            return Err(self.error(
                start,
                "unterminated_dollar_quote",
                &format!("this dollar quote `{tag}` is never closed"),
                &format!("close it with `{tag}`"),
            ));
        };
        self.at += tag.len() + length + tag.len();
        Ok(Some(Kind::Text))
    }
}

const fn is_tag_part(byte: u8) -> bool {
    is_word_part(byte) && byte != b'$'
}
