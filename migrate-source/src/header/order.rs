//! The lines of a header that say nothing but where the step stands among the others. They do not count
//! for its checksum, so it must be the header's own grammar that finds them.

use std::ops::Range;

use super::value::read_directives;
use super::{Comment, Meaning, comment_text, references};
use crate::Database;
use crate::lexer::{Kind, Token, is_blank, lex, lex_top};

/// The directives that are about order alone.
const ORDER: [&str; 3] = ["after", "before", "replaces"];

const DATABASES: [Database; 3] = [Database::MySql, Database::Sqlite, Database::Postgres];

/// The lines of a normalised text, with their line ends, whose directives are all about order.
///
/// The databases read comments and strings differently, and a text may be for any of them. A line that one
/// of them may read as anything but a comment counts, whatever it is to the others.
pub(crate) fn order_lines(text: &str) -> Vec<Range<usize>> {
    // Most files have none, and these are cheaper than the lexer: code begins with a word.
    if text.starts_with(|first: char| first.is_ascii_alphabetic())
        || !ORDER.iter().any(|key| text.contains(key))
    {
        return Vec::new();
    }
    // Where all see the same above the first statement, nobody needs to read what follows.
    let tops = DATABASES.map(|database| lex_top(text, database));
    match tops {
        [Some(first), Some(second), Some(third)] if first == second && second == third => {
            let lines = first.into_iter();
            lines.filter_map(|token| order_line(text, token)).collect()
        }
        _ => lines_without_doubt(text),
    }
}

/// The same where the databases disagree: what the longest header has of those that can run the text, and
/// all of them read as a comment.
fn lines_without_doubt(text: &str) -> Vec<Range<usize>> {
    let readings = DATABASES.map(|database| lex(text, database));
    let whole = readings.into_iter().filter(|read| read.error.is_none());
    let able: Vec<Vec<Token>> = whole
        .map(|read| read.tokens)
        .filter(|tokens| !begins_with_a_comment(text, tokens))
        .collect();
    let end = |tokens: &&Vec<Token>| top(tokens).last().map_or(0, |token| token.end);
    let Some(longest) = able.iter().max_by_key(end) else {
        return Vec::new();
    };
    top(longest)
        .filter(|token| able.iter().all(|tokens| tokens.contains(token)))
        .filter_map(|token| order_line(text, *token))
        .collect()
}

/// What stands above the first statement.
fn top(tokens: &[Token]) -> impl Iterator<Item = &Token> {
    tokens.iter().take_while(|token| !token.is_significant())
}

/// Whether the first code is what begins a comment elsewhere: `--` without a blank, or `#`. No statement
/// begins so: such a text is for those to whom it is a comment.
fn begins_with_a_comment(text: &str, tokens: &[Token]) -> bool {
    let first = tokens.iter().find(|token| token.is_significant());
    let code = first.and_then(|first| text.get(first.start..));
    code.is_some_and(|code| code.starts_with("--") || code.starts_with('#'))
}

/// The line of a comment, if nothing else stands on it and it is about nothing but order.
fn order_line(text: &str, token: Token) -> Option<Range<usize>> {
    let line = whole_line(text, token)?;
    is_order(text.get(token.start..token.end)?).then_some(line)
}

/// The line of a comment, if nothing else stands on it.
fn whole_line(text: &str, token: Token) -> Option<Range<usize>> {
    if token.kind != Kind::LineComment {
        return None;
    }
    let start = text.get(..token.start)?.rfind('\n').map_or(0, |at| at + 1);
    let blank = text.get(start..token.start)?.bytes().all(is_blank);
    let end = (token.end + 1).min(text.len());
    blank.then_some(start..end)
}

fn is_order(comment: &str) -> bool {
    let comment = Comment::somewhere(comment_text(comment));
    if comment.meaning() != Meaning::Directive {
        return false;
    }
    let directives = comment.body().map(read_directives);
    directives.and_then(Result::ok).is_some_and(|directives| {
        directives.iter().all(|directive| {
            ORDER.contains(&directive.key) && references(directive.key, &directive.value).is_ok()
        })
    })
}
