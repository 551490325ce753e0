//! Walks over the significant tokens of one statement, for the modules that recognise statements.

use std::cell::OnceCell;

use crate::Database;
use crate::lexer::{Kind, Token, lex, lex_head};

/// So many tokens tell what most statements are.
const HEAD: usize = 6;

/// A place in a statement. Executable comments of MySQL are walked through as code.
#[derive(Debug, Clone)]
pub(crate) struct Cursor<'a> {
    database: Database,
    sql: &'a str,
    /// The first tokens.
    head: Vec<Token>,
    /// All tokens, once something behind the first is asked for.
    tokens: OnceCell<Vec<Token>>,
    at: usize,
}

impl<'a> Cursor<'a> {
    pub(crate) fn new(sql: &'a str, database: Database) -> Self {
        Self {
            database,
            sql,
            head: lex_head(sql, database, HEAD),
            tokens: OnceCell::new(),
            at: 0,
        }
    }

    fn tokens(&self) -> &[Token] {
        if self.head.len() < HEAD {
            return &self.head;
        }
        self.tokens.get_or_init(|| {
            let all = lex(self.sql, self.database).tokens;
            all.into_iter().filter(|token| token.is_code()).collect()
        })
    }

    fn token(&self, at: usize) -> Option<Token> {
        let head = self.head.get(at);
        head.or_else(|| self.tokens().get(at)).copied()
    }

    pub(crate) fn kind(&self) -> Option<Kind> {
        self.token(self.at).map(|token| token.kind)
    }

    pub(crate) fn text(&self) -> &'a str {
        self.text_at(self.at)
    }

    fn text_at(&self, at: usize) -> &'a str {
        self.token(at)
            .and_then(|token| self.sql.get(token.start..token.end))
            .unwrap_or("")
    }

    pub(crate) fn advance(&mut self) {
        self.at += 1;
    }

    /// Whether nothing but the terminator is left.
    pub(crate) fn at_end(&self) -> bool {
        self.tokens()
            .iter()
            .skip(self.at)
            .all(|token| matches!(token.kind, Kind::Semicolon | Kind::Delimiter))
    }

    /// Whether the current token is this keyword.
    pub(crate) fn is(&self, word: &str) -> bool {
        self.kind() == Some(Kind::Word) && self.text().eq_ignore_ascii_case(word)
    }

    pub(crate) fn is_any(&self, words: &[&str]) -> bool {
        words.iter().any(|word| self.is(word))
    }

    /// Moves over this keyword if it is the current token.
    pub(crate) fn eat(&mut self, word: &str) -> bool {
        let found = self.is(word);
        if found {
            self.advance();
        }
        found
    }

    pub(crate) fn eat_any(&mut self, words: &[&str]) -> bool {
        words.iter().any(|word| self.eat(word))
    }

    /// Moves over these keywords, in this order, or not at all.
    pub(crate) fn eat_all(&mut self, words: &[&str]) -> bool {
        let start = self.at;
        let found = words.iter().all(|word| self.eat(word));
        if !found {
            self.at = start;
        }
        found
    }

    pub(crate) fn eat_symbol(&mut self, symbol: &str) -> bool {
        let found = self.kind() == Some(Kind::Symbol) && self.text() == symbol;
        if found {
            self.advance();
        }
        found
    }

    /// Whether this keyword stands anywhere from here on, outside quotes.
    pub(crate) fn has(&self, word: &str) -> bool {
        self.has_sequence(&[word])
    }

    /// Whether these keywords stand somewhere from here on, one after the other.
    pub(crate) fn has_sequence(&self, words: &[&str]) -> bool {
        (self.at..self.tokens().len()).any(|start| {
            words.iter().enumerate().all(|(offset, word)| {
                self.tokens()
                    .get(start + offset)
                    .is_some_and(|token| token.kind == Kind::Word)
                    && self.text_at(start + offset).eq_ignore_ascii_case(word)
            })
        })
    }

    /// Whether an option `name = value` stands from here on.
    pub(crate) fn has_option(&self, name: &str, values: &[&str]) -> bool {
        (self.at..self.tokens().len()).any(|start| {
            self.text_at(start).eq_ignore_ascii_case(name)
                && self.text_at(start + 1) == "="
                && values
                    .iter()
                    .any(|value| self.text_at(start + 2).eq_ignore_ascii_case(value))
        })
    }

    /// Whether a comma stands from here on outside parentheses.
    pub(crate) fn has_top_level_comma(&self) -> bool {
        let mut depth = 0_usize;
        (self.at..self.tokens().len()).any(|at| {
            match self.text_at(at) {
                "(" => depth += 1,
                ")" => depth = depth.saturating_sub(1),
                "," => return depth == 0,
                _ => {}
            }
            false
        })
    }
}

/// A name with the schema before it, as the database stores it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct QualifiedName {
    pub(crate) schema: Option<String>,
    pub(crate) name: String,
}

impl QualifiedName {
    /// The last part in lower case, for databases that compare names without case.
    pub(crate) fn folded(&self) -> String {
        self.name.to_lowercase()
    }
}

impl Cursor<'_> {
    /// Moves over a name, quoted or not, qualified by a schema or not. None for anything else,
    /// names with a catalogue in front included.
    pub(crate) fn name(&mut self) -> Option<QualifiedName> {
        let first = self.identifier()?;
        if !self.eat_symbol(".") {
            return Some(QualifiedName {
                schema: None,
                name: first,
            });
        }
        let second = self.identifier()?;
        if self.eat_symbol(".") {
            return None;
        }
        Some(QualifiedName {
            schema: Some(first),
            name: second,
        })
    }

    /// Moves over one name, quoted or not.
    pub(crate) fn identifier(&mut self) -> Option<String> {
        let text = self.text();
        let name = match self.kind()? {
            Kind::Word if self.database == Database::Postgres => text.to_lowercase(),
            Kind::Word => text.to_owned(),
            Kind::Name => unquote(text)?,
            // MySQL's ANSI_QUOTES makes `"x"` a name.
            Kind::Text if self.database == Database::MySql && text.starts_with('"') => {
                unquote(text)?
            }
            _ => return None,
        };
        self.advance();
        Some(name)
    }

    /// Whether this keyword stands in the parentheses that start here.
    pub(crate) fn clone_parenthesised_has(&self, word: &str) -> bool {
        let mut inner = self.clone();
        if !inner.eat_symbol("(") {
            return false;
        }
        while inner.kind().is_some() && !inner.eat_symbol(")") {
            if inner.eat(word) {
                return true;
            }
            inner.advance();
        }
        false
    }
}

fn unquote(text: &str) -> Option<String> {
    let quote = text.chars().next()?;
    let inner = text.get(1..text.len().checked_sub(1)?)?;
    if quote == '[' {
        return Some(inner.to_owned());
    }
    let doubled: String = [quote, quote].iter().collect();
    Some(inner.replace(&doubled, &quote.to_string()))
}
