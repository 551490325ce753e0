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

/// Replaces what follows `scheme://` in a text: a URL that was typed where none belongs
/// must not come back in the message about it.
pub(crate) fn redact_urls(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("://") {
        let (before, after) = rest.split_at(at + 3);
        // A password may hold any quote, so only white space or an escape code ends the URL;
        // a quote at its very end belongs to the message.
        let mut end = after
            .find(|c: char| c.is_whitespace() || c == '\u{1b}')
            .unwrap_or(after.len());
        if end > 1 && after[..end].ends_with(['\'', '"', '`']) {
            end -= 1;
        }
        out.push_str(before);
        if end > 0 {
            out.push_str("..");
        }
        rest = &after[end..];
    }
    out.push_str(rest);
    out
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
    fn urls_in_texts_are_cut_after_their_scheme() {
        assert_eq!(
            redact_urls("unexpected argument 'postgres://me:se'cret@h/d' found, mysql://x y"),
            "unexpected argument 'postgres://..' found, mysql://.. y"
        );
        assert_eq!(redact_urls("nothing"), "nothing");
    }
}
