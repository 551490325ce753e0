//! The lines of a header that say nothing but where the step stands among the others. They do not count
//! for its checksum, so it must be the header's own grammar that finds them.

use std::ops::Range;

use super::value::read_directives;
use super::{Comment, Meaning, comment_text, references};
use crate::Database;
use crate::lexer::{Kind, Token, is_blank, lex_top};

/// The directives that are about order alone.
const ORDER: [&str; 3] = ["after", "before", "replaces"];

/// The lines of a normalised text, with their line ends, whose directives are all about order.
///
/// The databases read comments differently, and a text may be for any of them. What counts is how far down
/// its header goes for the one that reads most of it as comments: the others cannot run such a file.
pub(crate) fn order_lines(text: &str) -> Vec<Range<usize>> {
    // Most files have none, and these are cheaper than the lexer: code begins with a word.
    if text.starts_with(|first: char| first.is_ascii_alphabetic())
        || !ORDER.iter().any(|key| text.contains(key))
    {
        return Vec::new();
    }
    let databases = [Database::MySql, Database::Sqlite, Database::Postgres];
    let tops = databases.map(|database| lex_top(text, database));
    let end = |tokens: &Vec<Token>| tokens.last().map_or(0, |token| token.end);
    let top = tops.into_iter().flatten().max_by_key(end);
    let lines = top.into_iter().flatten().filter_map(|token| {
        let line = whole_line(text, token)?;
        is_order(text.get(token.start..token.end)?).then_some(line)
    });
    lines.collect()
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
