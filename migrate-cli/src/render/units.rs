//! Numbers, durations and times as people read them.

use std::borrow::Cow;

/// `12 ms`, `1.24 s`, `2 min 05 s`, `1 h 02 min`.
pub(crate) fn duration(ms: u64) -> String {
    let seconds = ms / 1000;
    match ms {
        0..1_000 => format!("{ms} ms"),
        1_000..10_000 => format!("{}.{:02} s", seconds, ms % 1000 / 10),
        10_000..60_000 => format!("{}.{} s", seconds, ms % 1000 / 100),
        60_000..3_600_000 => format!("{} min {:02} s", seconds / 60, seconds % 60),
        _ => format!("{} h {:02} min", seconds / 3600, seconds / 60 % 60),
    }
}

/// Like [`duration`], but without false precision, for what is still going on.
pub(crate) fn about(ms: u64) -> String {
    match ms {
        0..60_000 => format!("{} s", ms / 1000),
        _ => duration(ms),
    }
}

/// `1,234,567`.
pub(crate) fn count(n: u64) -> String {
    let digits = n.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// `1 step`, `5,000 rows`, `2 squashes`: the plural is the word with an s, or with es after an sh.
pub(crate) fn of(n: u64, word: &str) -> String {
    let end = match n {
        1 => "",
        _ if word.ends_with("sh") => "es",
        _ => "s",
    };
    format!("{} {word}{end}", count(n))
}

/// [`of`] for lengths.
pub(crate) fn len(n: usize, word: &str) -> String {
    of(u64::try_from(n).unwrap_or(u64::MAX), word)
}

/// `2026-11-20T10:00:00.123Z` as `2026-11-20 10:00:00`; any other text as it is.
pub(crate) fn time(iso: &str) -> String {
    let looks_right =
        iso.is_ascii() && iso.len() >= 19 && matches!(iso.as_bytes()[10], b'T' | b' ');
    if looks_right {
        format!("{} {}", &iso[..10], &iso[11..19])
    } else {
        iso.to_owned()
    }
}

/// A text of a function or a server without what a terminal would obey: control characters,
/// but for line breaks and tabs, are written out.
pub(crate) fn plain(text: &str) -> Cow<'_, str> {
    let is_obeyed = |c: char| c.is_control() && !matches!(c, '\n' | '\t');
    if !text.contains(is_obeyed) {
        return Cow::Borrowed(text);
    }
    // The end of a line on Windows is one all the same.
    let text = text.replace("\r\n", "\n");
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match is_obeyed(c) {
            true => out.extend(c.escape_default()),
            false => out.push(c),
        }
    }
    Cow::Owned(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_keep_three_digits_or_so() {
        let cases = [
            (0, "0 ms"),
            (999, "999 ms"),
            (1_004, "1.00 s"),
            (1_240, "1.24 s"),
            (59_999, "59.9 s"),
            (60_000, "1 min 00 s"),
            (125_000, "2 min 05 s"),
            (3_720_000, "1 h 02 min"),
        ];
        for (ms, text) in cases {
            assert_eq!(duration(ms), text);
        }
        assert_eq!(about(1_900), "1 s");
    }

    #[test]
    fn counts_are_grouped_and_plural() {
        assert_eq!(count(0), "0");
        assert_eq!(count(999), "999");
        assert_eq!(count(1_000), "1,000");
        assert_eq!(count(1_234_567), "1,234,567");
        assert_eq!(of(1, "row"), "1 row");
        assert_eq!(of(5_000, "row"), "5,000 rows");
        assert_eq!(of(2, "squash"), "2 squashes");
    }

    #[test]
    fn times_lose_their_fraction_and_zone() {
        assert_eq!(time("2026-11-20T10:00:00.123456Z"), "2026-11-20 10:00:00");
        assert_eq!(time("2026-11-20 10:00:00+00"), "2026-11-20 10:00:00");
        assert_eq!(time("yesterday"), "yesterday");
        assert_eq!(time("ééééééééééééééé"), "ééééééééééééééé");
    }

    #[test]
    fn a_terminal_obeys_nothing_that_is_shown() {
        assert_eq!(
            plain("\u{1b}[31mred\u{7}\r\nnext\t\u{9b}2J"),
            "\\u{1b}[31mred\\u{7}\nnext\t\\u{9b}2J"
        );
        assert!(matches!(plain("é\n"), Cow::Borrowed(_)));
    }
}
