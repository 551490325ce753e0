//! Writes tokens down: one space between tokens, literals by value, groups without delimiters
//! transparent, operators put together as the language reads them.

use proc_macro2::{Delimiter, Literal, Spacing, TokenStream, TokenTree};
use syn::Lit;

/// Operators of several characters, longer ones first.
const OPERATORS: [&str; 25] = [
    "<<=", ">>=", "...", "..=", "::", "->", "=>", "&&", "||", "==", "!=", "<=", ">=", "+=", "-=",
    "*=", "/=", "%=", "^=", "&=", "|=", "<<", ">>", "..", "<-",
];

/// The text of a token stream.
pub(super) fn render(tokens: TokenStream) -> String {
    let mut writer = Writer::default();
    writer.stream(tokens);
    writer.flush();
    writer.text
}

#[derive(Default)]
struct Writer {
    text: String,
    /// Punctuation that may still grow.
    pending: String,
}

impl Writer {
    fn stream(&mut self, tokens: TokenStream) {
        for token in tokens {
            match token {
                TokenTree::Group(group) => match delimiters(group.delimiter()) {
                    Some((open, close)) => {
                        self.word(open);
                        self.stream(group.stream());
                        self.word(close);
                    }
                    None => {
                        self.flush();
                        self.stream(group.stream());
                        self.flush();
                    }
                },
                TokenTree::Ident(ident) => {
                    let lifetime = self.pending.ends_with('\'');
                    if lifetime {
                        self.pending.pop();
                        self.word(&format!("'{ident}"));
                    } else {
                        self.word(&ident.to_string());
                    }
                }
                TokenTree::Punct(punct) => {
                    self.pending.push(punct.as_char());
                    if punct.spacing() == Spacing::Alone {
                        self.flush();
                    }
                }
                TokenTree::Literal(literal) => self.word(&literal_text(&literal)),
            }
        }
    }

    fn word(&mut self, word: &str) {
        self.flush();
        self.push(word);
    }

    fn push(&mut self, word: &str) {
        if !self.text.is_empty() {
            self.text.push(' ');
        }
        self.text.push_str(word);
    }

    /// Cuts the pending punctuation into operators: `=-` in a macro call is two, however it is spaced.
    fn flush(&mut self) {
        let pending = std::mem::take(&mut self.pending);
        let mut rest = pending.as_str();
        while let Some(first) = rest.chars().next() {
            let known = OPERATORS
                .into_iter()
                .find(|operator| rest.starts_with(operator));
            let length = known.map_or(first.len_utf8(), str::len);
            let (operator, tail) = rest.split_at(length);
            self.push(operator);
            rest = tail;
        }
    }
}

const fn delimiters(delimiter: Delimiter) -> Option<(&'static str, &'static str)> {
    match delimiter {
        Delimiter::Parenthesis => Some(("(", ")")),
        Delimiter::Brace => Some(("{", "}")),
        Delimiter::Bracket => Some(("[", "]")),
        Delimiter::None => None,
    }
}

/// A literal by its value and suffix. Floats keep their digits: in a macro call `x.1.10` reads as
/// the float `1.10`, which must not become `1.1`.
///
/// The compiler reads CRLF inside a literal as LF; a parser that is given a file's text may not.
fn literal_text(literal: &Literal) -> String {
    let source = literal.to_string();
    let unix = source
        .contains("\r\n")
        .then(|| source.replace("\r\n", "\n").parse().ok())
        .flatten();
    match Lit::new(unix.unwrap_or_else(|| literal.clone())) {
        Lit::Str(lit) => format!("\"{}\"{}", lit.value().escape_default(), lit.suffix()),
        Lit::ByteStr(lit) => format!("b\"{}\"{}", lit.value().escape_ascii(), lit.suffix()),
        Lit::CStr(lit) => format!(
            "c\"{}\"{}",
            lit.value().as_bytes().escape_ascii(),
            lit.suffix()
        ),
        Lit::Byte(lit) => format!("b'{}'{}", lit.value().escape_ascii(), lit.suffix()),
        Lit::Char(lit) => format!("'{}'{}", lit.value().escape_default(), lit.suffix()),
        Lit::Int(lit) => format!("{}{}", lit.base10_digits(), lit.suffix()),
        Lit::Float(lit) => format!("{}{}", lit.base10_digits(), lit.suffix()),
        _ => source,
    }
}
