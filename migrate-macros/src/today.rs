//! A date for suggestions: a name without one is shown with the day of the compilation.

use std::time::{SystemTime, UNIX_EPOCH};

use migrate_source::name::parse_data_name;

const SECONDS_PER_DAY: u64 = 86_400;

/// The name with today's date behind it, if that makes it a good one.
pub(crate) fn dated(name: &str) -> Option<String> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).ok()?;
    let (year, month, day) = civil(now.as_secs() / SECONDS_PER_DAY);
    let candidate = format!("{name}_{year:04}_{month:02}_{day:02}");
    parse_data_name(&candidate).is_ok().then_some(candidate)
}

/// Year, month and day of the given day since 1970-01-01.
fn civil(days: u64) -> (u64, u64, u64) {
    let mut year = 1970;
    let mut rest = days;
    loop {
        let length = if is_leap(year) { 366 } else { 365 };
        if rest < length {
            break;
        }
        rest -= length;
        year += 1;
    }
    let february = if is_leap(year) { 29 } else { 28 };
    let mut month = 1;
    for length in [31, february, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31] {
        if rest < length {
            break;
        }
        rest -= length;
        month += 1;
    }
    (year, month, rest + 1)
}

fn is_leap(year: u64) -> bool {
    year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn civil_knows_leap_years_and_year_ends() {
        assert_eq!(civil(0), (1970, 1, 1));
        assert_eq!(civil(11_016), (2000, 2, 29));
        assert_eq!(civil(20_453), (2025, 12, 31));
        assert_eq!(civil(20_454), (2026, 1, 1));
    }

    #[test]
    fn dated_keeps_only_good_names() {
        let name = dated("lower_emails").unwrap();
        assert!(name.starts_with("lower_emails_2"), "{name}");
        assert_eq!(dated("Lower-emails"), None);
    }
}
