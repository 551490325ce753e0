//! Reads `embed_migrations!` invocations out of Rust text, lightly: without a parser, so that it
//! works while the service does not compile. Comments and strings are not mistaken for code.

/// An app that an invocation embeds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Embedded {
    /// Its label; `None` means the package's name.
    pub(crate) app: Option<String>,
    /// Its folder, from the package's root.
    pub(crate) folder: String,
    /// The line of the invocation, from 1.
    pub(crate) line: usize,
}

const MACRO: &str = "embed_migrations";
const DEFAULT_FOLDER: &str = "migrations";

/// What a Rust file embeds.
pub(crate) fn find_embedded(text: &str) -> Vec<Embedded> {
    let tokens = tokens(text);
    let mut found = Vec::new();
    for (at, token) in tokens.iter().enumerate() {
        let called = token.is_word(MACRO)
            && tokens.get(at + 1).is_some_and(|next| next.is_sign('!'))
            && tokens
                .get(at + 2)
                .is_some_and(|next| "([{".chars().any(|c| next.is_sign(c)));
        if called {
            found.extend(embedded(arguments(&tokens[at + 3..]), token.line));
        }
    }
    found
}

/// The tokens up to the delimiter that closes the invocation.
fn arguments<'t, 'a>(tokens: &'t [Token<'a>]) -> &'t [Token<'a>] {
    let mut depth = 0_usize;
    for (at, token) in tokens.iter().enumerate() {
        if "([{".chars().any(|c| token.is_sign(c)) {
            depth += 1;
        } else if ")]}".chars().any(|c| token.is_sign(c)) {
            if depth == 0 {
                return &tokens[..at];
            }
            depth -= 1;
        }
    }
    tokens
}

fn embedded(arguments: &[Token<'_>], line: usize) -> Vec<Embedded> {
    let one = |app: Option<&str>, folder: &str| Embedded {
        app: app.map(str::to_owned),
        folder: folder.to_owned(),
        line,
    };
    match arguments {
        [] => vec![one(None, DEFAULT_FOLDER)],
        [
            Token {
                kind: Kind::Text(folder),
                ..
            },
            ..,
        ] => vec![one(None, folder)],
        _ => arguments
            .windows(4)
            .filter_map(|window| match window {
                [
                    Token {
                        kind: Kind::Word(label),
                        ..
                    },
                    Token {
                        kind: Kind::Sign('='),
                        ..
                    },
                    Token {
                        kind: Kind::Sign('>'),
                        ..
                    },
                    Token {
                        kind: Kind::Text(folder),
                        ..
                    },
                ] => Some(one(Some(label), folder)),
                _ => None,
            })
            .collect(),
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Token<'a> {
    kind: Kind<'a>,
    line: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind<'a> {
    Word(&'a str),
    Text(&'a str),
    Sign(char),
}

impl Token<'_> {
    fn is_word(&self, word: &str) -> bool {
        self.kind == Kind::Word(word)
    }

    fn is_sign(&self, sign: char) -> bool {
        self.kind == Kind::Sign(sign)
    }
}

fn tokens(text: &str) -> Vec<Token<'_>> {
    let mut tokens = Vec::new();
    let mut line = 1;
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let (length, kind) = next_token(rest, first);
        tokens.extend(kind.map(|kind| Token { kind, line }));
        let (eaten, left) = rest.split_at(length.min(rest.len()));
        line += eaten.matches('\n').count();
        rest = left;
    }
    tokens
}

/// The length of the next token and, unless it is a comment or white space, its kind.
fn next_token(rest: &str, first: char) -> (usize, Option<Kind<'_>>) {
    if rest.starts_with("//") {
        return (rest.find('\n').unwrap_or(rest.len()), None);
    }
    if rest.starts_with("/*") {
        return (block_comment(rest), None);
    }
    if let Some((length, text)) = raw_string(rest) {
        return (length, Some(Kind::Text(text)));
    }
    if first == '"' {
        let (length, text) = string(rest);
        return (length, Some(Kind::Text(text)));
    }
    if first == '\'' {
        return (char_or_lifetime(rest), None);
    }
    let word = rest
        .find(|c: char| !c.is_alphanumeric() && c != '_')
        .unwrap_or(rest.len());
    if word > 0 {
        return (word, Some(Kind::Word(&rest[..word])));
    }
    (
        first.len_utf8(),
        (!first.is_whitespace()).then_some(Kind::Sign(first)),
    )
}

fn block_comment(rest: &str) -> usize {
    let mut depth = 0_usize;
    let mut at = 0;
    while at < rest.len() {
        let tail = &rest.as_bytes()[at..];
        if tail.starts_with(b"/*") {
            depth += 1;
            at += 2;
        } else if tail.starts_with(b"*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                return at;
            }
        } else {
            at += 1;
        }
    }
    rest.len()
}

/// `r"..."` and `r#"..."#`, with a `b` or `c` in front or not.
fn raw_string(rest: &str) -> Option<(usize, &str)> {
    let body = rest
        .strip_prefix(['b', 'c'])
        .unwrap_or(rest)
        .strip_prefix('r')?;
    let hashes = body.bytes().take_while(|byte| *byte == b'#').count();
    let inside = body[hashes..].strip_prefix('"')?;
    let closer = format!("\"{}", "#".repeat(hashes));
    let prefix = rest.len() - inside.len();
    let length = inside.find(&closer).unwrap_or(inside.len());
    Some((prefix + length + closer.len(), &inside[..length]))
}

fn string(rest: &str) -> (usize, &str) {
    let mut escaped = false;
    for (at, byte) in rest.bytes().enumerate().skip(1) {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => return (at + 1, &rest[1..at]),
            _ => {}
        }
    }
    (rest.len(), &rest[1..])
}

/// `'a'`, `'\''` and `'"'` are characters; `'a` is a lifetime, of which only the tick is eaten.
fn char_or_lifetime(rest: &str) -> usize {
    let mut chars = rest.char_indices().skip(1);
    match chars.next() {
        Some((_, '\\')) => {
            let after = rest.get(3..).unwrap_or_default();
            after.find('\'').map_or(rest.len(), |at| at + 4)
        }
        Some(_) => match chars.next() {
            Some((at, '\'')) => at + 1,
            _ => 1,
        },
        None => 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Vec<(Option<String>, String, usize)> {
        find_embedded(text)
            .into_iter()
            .map(|e| (e.app, e.folder, e.line))
            .collect()
    }

    fn one(folder: &str, line: usize) -> Vec<(Option<String>, String, usize)> {
        vec![(None, folder.to_owned(), line)]
    }

    #[test]
    fn the_three_forms_are_read() {
        assert_eq!(
            found("\nmigrate_core::embed_migrations!();"),
            one("migrations", 2)
        );
        assert_eq!(
            found("embed_migrations![\"db/migrations\"];"),
            one("db/migrations", 1)
        );
        assert_eq!(found("embed_migrations!(r#\"a\"b\"#)"), one("a\"b", 1));
        let several = "embed_migrations! {\n    // all of them\n    users => \"src/users/migrations\",\n    \
                       memory => \"m\",\n    extern billing,\n    extern acme::{tax, pay},\n}";
        assert_eq!(
            found(several),
            [
                (
                    Some("users".to_owned()),
                    "src/users/migrations".to_owned(),
                    1
                ),
                (Some("memory".to_owned()), "m".to_owned(), 1),
            ]
        );
    }

    #[test]
    fn comments_strings_and_definitions_are_no_invocations() {
        for text in [
            "// embed_migrations!();",
            "/* /* */ embed_migrations!(); */",
            "//! ```\n//! embed_migrations!();",
            "let s = \"embed_migrations!();\";",
            "let s = \"\\\" embed_migrations!();\";",
            "let s = r#\"embed_migrations!();\"#;",
            "use migrate_core::embed_migrations;",
            "my_embed_migrations!();",
        ] {
            assert_eq!(found(text), [], "{text}");
        }
    }

    #[test]
    fn quotes_in_characters_and_lifetimes_do_not_swallow_code() {
        let text = "fn f<'a>(x: &'a str) { let c = '\"'; let d = '\\''; let e = '\\u{41}'; }\nembed_migrations!();";
        assert_eq!(found(text), one("migrations", 2));
    }

    #[test]
    fn broken_text_does_not_panic() {
        for text in [
            "embed_migrations!(",
            "embed_migrations!(\"",
            "'",
            "'\\",
            "/*",
            "r#\"",
            "b",
            "\"\\",
            "'é",
            "'\\é",
        ] {
            find_embedded(text);
        }
        assert_eq!(found("embed_migrations!("), one("migrations", 1));
    }
}
