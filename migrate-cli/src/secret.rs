//! Database URLs, which may hold a password and are therefore never shown.

use std::fmt;
use std::str::FromStr;

/// A database URL that neither `Debug` nor any message gives away.
#[derive(Clone)]
pub(crate) struct DatabaseUrl(String);

impl DatabaseUrl {
    pub(crate) fn new(url: impl Into<String>) -> Self {
        Self(url.into())
    }

    /// The URL itself, for the one who connects.
    pub(crate) fn reveal(&self) -> &str {
        &self.0
    }
}

impl FromStr for DatabaseUrl {
    type Err = std::convert::Infallible;

    fn from_str(url: &str) -> Result<Self, Self::Err> {
        Ok(Self::new(url))
    }
}

impl fmt::Debug for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DatabaseUrl(..)")
    }
}

/// Masks what may hold a password: whatever was typed in the wrong place must not come back in
/// the message about it.
///
/// It errs on the side of taking too much. Web addresses stay, and so does a URL of nothing but
/// user, host and name.
pub(crate) fn mask(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    // A password may hold any quote, so only white space or an escape code ends a word.
    while let Some(at) = rest.find(|c: char| c.is_whitespace() || c == '\u{1b}') {
        out.push_str(&mask_word(&rest[..at]));
        let end = at + rest[at..].chars().next().map_or(1, char::len_utf8);
        out.push_str(&rest[at..end]);
        rest = &rest[end..];
    }
    out.push_str(&mask_word(rest));
    out
}

fn mask_word(word: &str) -> String {
    let Some(start) = secret_of(word) else {
        return word.to_owned();
    };
    // A quote at the very end belongs to the message.
    let quote = word[start..].ends_with(['\'', '"', '`']);
    let end = if quote { &word[word.len() - 1..] } else { "" };
    if start + end.len() == word.len() {
        return word.to_owned();
    }
    format!("{}..{end}", &word[..start])
}

/// Where a word begins to be secret.
fn secret_of(word: &str) -> Option<usize> {
    let lower = word.to_ascii_lowercase();
    let assigned = ["password", "passwd", "pwd"].iter().filter_map(|name| {
        let end = lower.find(name)? + name.len();
        // `%3D` is an equals sign within another URL.
        let sign = ["=", ":", "%3d"]
            .iter()
            .find(|sign| lower[end..].starts_with(**sign))?;
        Some(end + sign.len())
    });
    let url = match (word.find("://"), word.find(':')) {
        (Some(scheme), _) => secret_of_url(&lower, scheme),
        // `user:password@host`, or slashes forgotten.
        (None, Some(colon)) => word[colon..].contains('@').then_some(colon + 1),
        (None, None) => None,
    };
    assigned.chain(url).min()
}

fn secret_of_url(word: &str, scheme: usize) -> Option<usize> {
    let (before, after) = (&word[..scheme], &word[scheme + 3..]);
    let after = after.trim_end_matches(['\'', '"', '`', ',', '.', ';', ')']);
    let of_the_web = before.ends_with("http") || before.ends_with("https");
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "@./_-".contains(c);
    let is_secret = match of_the_web {
        true => after.contains('@'),
        false => !after.chars().all(is_plain),
    };
    // A second URL in the same word makes the first one secret.
    (is_secret || after.contains("://")).then_some(scheme + 3)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_hides_the_url() {
        let url = DatabaseUrl::new("postgres://me:secret@host/db");
        assert_eq!(format!("{url:?}"), "DatabaseUrl(..)");
    }

    #[test]
    fn what_may_hold_a_password_is_masked() {
        for (text, expected) in [
            (
                "unexpected argument 'postgres://me:se'cret@h/d' found, mysql://x:1 y",
                "unexpected argument 'postgres://..' found, mysql://.. y",
            ),
            ("`postgres://u:se`", "`postgres://..`"),
            ("--x=postgres://u:se@h", "--x=postgres://.."),
            ("`host=h,Password=se,x`", "`host=h,Password=..`"),
            ("mysql://h/d?password=se", "mysql://.."),
            ("x?pwd%3Dse", "x?pwd%3D.."),
            ("`postgres:u:se@h/d`", "`postgres:..`"),
            ("https://u:se@h/d", "https://.."),
        ] {
            assert_eq!(mask(text), expected);
        }
        for plain in [
            "nothing",
            "://",
            "see https://example.com:8080/a?b=c",
            "`sqlite:app.sqlite?mode=rwc` or `postgres://user@host/name`",
            "(src/users.rs:12) the password is missing",
            "password=",
        ] {
            assert_eq!(mask(plain), plain);
        }
    }
}
