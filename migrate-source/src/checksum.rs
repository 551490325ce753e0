//! Checksums of steps: SHA-256 with the version of its rules in front, so that a change of the
//! rules is never taken for a change of a step.

use std::fmt;
use std::str::FromStr;

use sha2::{Digest, Sha256};

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
/// the checksum depend on the database's rules for quotes. A line of the header that says what a squash
/// `replaces`, and nothing else, does not count.
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
    match line_of_replaces(normal) {
        Some((start, end)) => {
            let (before, after) = (normal.get(..start), normal.get(end..));
            of_canonical(&[before.unwrap_or(""), after.unwrap_or("")].concat())
        }
        None => of_canonical(normal),
    }
}

/// Where the line of the header begins and ends that says what a squash replaces and nothing
/// else. It does not count, so that it can be removed once the replaced steps are forgotten.
fn line_of_replaces(text: &str) -> Option<(usize, usize)> {
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        let end = start + line.len();
        let line = line.trim();
        if !line.is_empty() && !line.starts_with("--") {
            return None;
        }
        let directive = line.trim_start_matches('-').trim_start();
        let value = directive
            .strip_prefix("migrate:")
            .and_then(|rest| rest.trim_start().strip_prefix("replaces"))
            .and_then(|rest| rest.trim_start().strip_prefix('='));
        if let Some(value) = value {
            // Another directive behind it would be lost with it.
            let is_list = value.trim_start().starts_with('[') && value.ends_with(']');
            let is_alone = !value.contains('=') && (is_list || !value.contains(','));
            return is_alone.then_some((start, end));
        }
        start = end;
    }
    None
}

/// The checksum of a text that is already in its canonical form, taken byte by byte.
#[must_use]
pub fn of_canonical(text: &str) -> Checksum {
    Checksum(Sha256::digest(text.as_bytes()).into())
}

/// The text that [`of_sql`] hashes, but for a line `replaces`: what is kept of an applied step, to
/// compare it with later.
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
