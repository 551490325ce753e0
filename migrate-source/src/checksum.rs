//! Checksums of steps: SHA-256 with the version of its rules in front, so that a change of the
//! rules is never taken for a change of a step.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use sha2::{Digest, Sha256};

use crate::header::order_lines;

/// The text before the digits: version 1 of the rules.
const PREFIX: &str = "v1:sha256:";

/// The checksum of a step, shown as `v1:sha256:` and 64 hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Checksum([u8; 32]);

impl Checksum {
    /// The 32 bytes of the digest.
    #[must_use]
    pub const fn digest(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Display for Checksum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        let mut hex = [0; 64];
        for (at, byte) in self.0.iter().enumerate() {
            hex[2 * at] = DIGITS[usize::from(byte >> 4)];
            hex[2 * at + 1] = DIGITS[usize::from(byte & 15)];
        }
        f.write_str(PREFIX)?;
        f.write_str(str::from_utf8(&hex).map_err(|_| fmt::Error)?)
    }
}

impl fmt::Debug for Checksum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Checksum({self})")
    }
}

/// A text that is not a checksum of a known version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChecksumError(String);

impl fmt::Display for ChecksumError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "`{}` is not a checksum: it needs `{PREFIX}` and 64 digits of 0-9 and a-f",
            self.0
        )
    }
}

impl std::error::Error for ChecksumError {}

impl FromStr for Checksum {
    type Err = ChecksumError;

    fn from_str(text: &str) -> Result<Self, ChecksumError> {
        text.strip_prefix(PREFIX)
            .and_then(read_hex)
            .map(Self)
            .ok_or_else(|| ChecksumError(text.to_owned()))
    }
}

fn read_hex(hex: &str) -> Option<[u8; 32]> {
    let lower = hex
        .bytes()
        .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    if hex.len() != 64 || !lower {
        return None;
    }
    let mut digest = [0; 32];
    for (at, byte) in digest.iter_mut().enumerate() {
        *byte = u8::from_str_radix(hex.get(2 * at..2 * at + 2)?, 16).ok()?;
    }
    Some(digest)
}

/// The checksum of a SQL file's whole text, both directions included.
///
/// A byte order mark, CRLF or LF, blanks at the ends of lines and blank lines at the end of the file do not
/// count. Blanks at line ends inside a string literal do not count either: telling them apart would make
/// the checksum depend on the database's rules for quotes. Lines of the header whose directives are all among
/// `after`, `before` and `replaces` do not count: they say when the step runs and not what it does.
///
/// ```
/// use migrate_source::checksum::of_sql;
///
/// assert_eq!(of_sql("SELECT 1;\n"), of_sql("\u{feff}SELECT 1;  \r\n\r\n"));
/// assert_ne!(of_sql("SELECT 1;\n"), of_sql("SELECT 2;\n"));
/// ```
#[must_use]
pub fn of_sql(text: &str) -> Checksum {
    of_normalised(&normalise(text))
}

/// The same of a text that [`normalise`] has given.
#[must_use]
pub fn of_normalised(normal: &str) -> Checksum {
    of_canonical(&without_order(normal))
}

/// A normalised text without the lines of its header that say nothing but the order: what counts.
///
/// ```
/// use migrate_source::checksum::without_order;
///
/// let text = "-- migrate: after = \"0002_name\"\n-- migrate: atomic = false\nSELECT 1;";
/// assert_eq!(without_order(text), "-- migrate: atomic = false\nSELECT 1;");
/// ```
#[must_use]
pub fn without_order(normal: &str) -> Cow<'_, str> {
    let lines = order_lines(normal);
    if lines.is_empty() {
        return Cow::Borrowed(normal);
    }
    let mut rest = String::with_capacity(normal.len());
    let mut at = 0;
    for line in lines {
        rest.push_str(normal.get(at..line.start).unwrap_or_default());
        at = line.end;
    }
    rest.push_str(normal.get(at..).unwrap_or_default());
    // The last line may have been one of them.
    rest.truncate(rest.trim_end_matches('\n').len());
    Cow::Owned(rest)
}

/// The checksum of a text that is already in its canonical form, taken byte by byte.
#[must_use]
pub fn of_canonical(text: &str) -> Checksum {
    Checksum(Sha256::digest(text.as_bytes()).into())
}

/// The text that [`of_sql`] hashes, with the lines that say nothing but the order: what is kept of an
/// applied step, to compare it with later.
#[must_use]
pub fn normalise(text: &str) -> String {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let bytes = text.as_bytes();
    let mut normal = String::with_capacity(text.len());
    let (mut line, mut open_lines) = (0, 0);
    // Plain loops, and line by line: the macros run this in debug builds.
    while line <= bytes.len() {
        let mut end = line;
        while end < bytes.len() && bytes[end] != b'\n' {
            end += 1;
        }
        let mut last = end;
        while last > line && matches!(bytes[last - 1], b' ' | b'\t' | b'\r') {
            last -= 1;
        }
        if last > line {
            // Line ends are written once it is known that something follows them.
            normal.extend(std::iter::repeat_n('\n', open_lines));
            open_lines = 0;
            normal.push_str(text.get(line..last).unwrap_or_default());
        }
        open_lines += 1;
        line = end + 1;
    }
    normal
}

#[cfg(test)]
mod tests;
