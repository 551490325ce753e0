//! The convention for names of data migrations, `{description}[_v{N}]_{YYYY_MM_DD}`, and the rules
//! for labels of apps. Errors give the corrected text where one can be derived.

use std::fmt;

/// The longest name and label: ledgers, identifiers and file systems take it everywhere.
const LONGEST_LABEL: usize = 64;
const LONGEST_NAME: usize = 200;

/// The name of a data migration in its parts.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct DataName {
    /// What it does, such as `lower_emails`.
    pub description: String,
    /// The version `_vN`, if given; at least 1.
    pub version: Option<u32>,
    /// Year, month and day: a day of the calendar.
    pub date: (u16, u8, u8),
}

impl fmt::Display for DataName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.description)?;
        if let Some(version) = self.version {
            write!(f, "_v{version}")?;
        }
        let (year, month, day) = self.date;
        write!(f, "_{year:04}_{month:02}_{day:02}")
    }
}

/// What is wrong with a name, and the corrected text where one can be derived.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct NameError {
    name: String,
    problem: String,
    correction: Option<String>,
}

impl NameError {
    pub(crate) fn new(name: &str, problem: impl Into<String>, correction: Option<String>) -> Self {
        Self {
            name: name.to_owned(),
            problem: problem.into(),
            correction,
        }
    }

    /// The corrected text, if one can be derived. It is always a valid one.
    #[must_use]
    pub fn correction(&self) -> Option<&str> {
        self.correction.as_deref()
    }
}

impl fmt::Display for NameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}`: {}", self.name, self.problem)?;
        match &self.correction {
            Some(correction) => write!(f, "; write `{correction}`"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for NameError {}

/// Reads the name of a data migration.
///
/// # Errors
///
/// Says what breaks the convention, with the corrected name where one can be derived.
///
/// ```
/// use migrate_source::name::parse_data_name;
///
/// let name = parse_data_name("lower_emails_v2_2026_11_20").expect("follows the convention");
/// assert_eq!((name.description.as_str(), name.version, name.date), ("lower_emails", Some(2), (2026, 11, 20)));
///
/// let error = parse_data_name("lower_emails_2026_1_5").expect_err("month and day have two digits");
/// assert_eq!(error.correction(), Some("lower_emails_2026_01_05"));
/// ```
pub fn parse_data_name(name: &str) -> Result<DataName, NameError> {
    let fail = |problem: String| Err(NameError::new(name, problem, corrected(name)));
    if let Some(problem) = wrong_characters(name) {
        return fail(problem);
    }
    let parts: Vec<&str> = name.split('_').collect();
    let [head @ .., year, month, day] = parts.as_slice() else {
        return fail(no_date());
    };
    let date = match read_date(year, month, day) {
        Ok(date) => date,
        Err(problem) => return fail(problem),
    };
    let (version, description) = match head {
        [description @ .., last] if is_version(last) => match last[1..].parse() {
            Ok(0) => return fail("versions start at `v1`".to_owned()),
            Ok(_) if last.starts_with("v0") => {
                return fail("a version has no leading zero".to_owned());
            }
            Ok(version) => (Some(version), description),
            Err(_) => return fail(format!("the version `{last}` is too large")),
        },
        description => (None, description),
    };
    let description = description.join("_");
    if description.is_empty() {
        return fail(
            "a description of what it does is missing before the version and date".to_owned(),
        );
    }
    Ok(DataName {
        description,
        version,
        date,
    })
}

fn no_date() -> String {
    "the name must end with a date, `{description}[_v{N}]_{YYYY_MM_DD}`, such as `lower_emails_v1_2026_11_20`".to_owned()
}

fn is_version(part: &str) -> bool {
    part.strip_prefix('v')
        .is_some_and(|digits| !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit()))
}

fn wrong_characters(name: &str) -> Option<String> {
    if name.is_empty() {
        return Some("the name is empty; it needs `{description}[_v{N}]_{YYYY_MM_DD}`".to_owned());
    }
    if let Some(other) = name
        .chars()
        .find(|c| !matches!(c, 'a'..='z' | '0'..='9' | '_'))
    {
        return Some(format!(
            "a name has lower-case letters, digits and `_` only, not {other:?}"
        ));
    }
    if !name.starts_with(|first: char| first.is_ascii_lowercase()) {
        return Some("a name starts with a letter".to_owned());
    }
    if name.contains("__") || name.ends_with('_') {
        return Some("a name has single `_` between its parts".to_owned());
    }
    (name.len() > LONGEST_NAME).then(|| format!("a name has at most {LONGEST_NAME} characters"))
}

fn read_date(year: &str, month: &str, day: &str) -> Result<(u16, u8, u8), String> {
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    if !(digits(year) && digits(month) && digits(day)) {
        return Err(no_date());
    }
    if (year.len(), month.len(), day.len()) != (4, 2, 2) {
        return Err(
            "the date is written with four digits for the year and two for month and day"
                .to_owned(),
        );
    }
    let number = |part: &str| part.parse::<u16>().map_err(|_| no_date());
    let (year, month, day) = (number(year)?, number(month)?, number(day)?);
    let length = days_in(year, month).ok_or_else(|| format!("there is no month {month:02}"))?;
    if day == 0 || day > length {
        return Err(format!(
            "{year:04}-{month:02} has no day {day:02}; it has {length} days"
        ));
    }
    if year == 0 {
        return Err("there is no year 0000".to_owned());
    }
    let small = |number: u16| u8::try_from(number).map_err(|_| no_date());
    Ok((year, small(month)?, small(day)?))
}

/// The days of a month of the Gregorian calendar.
const fn days_in(year: u16, month: u16) -> Option<u16> {
    match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => Some(31),
        4 | 6 | 9 | 11 => Some(30),
        2 if year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400)) => {
            Some(29)
        }
        2 => Some(28),
        _ => None,
    }
}

/// A valid name near a wrong one: case, separators, padding and a date written together. Dates that
/// do not exist are left to the author.
fn corrected(name: &str) -> Option<String> {
    let mut parts: Vec<String> = words(name)?;
    if let Some(date) = parts
        .last()
        .filter(|last| last.len() == 8 && last.bytes().all(|b| b.is_ascii_digit()))
        .cloned()
    {
        parts.pop();
        parts.extend([
            date[..4].to_owned(),
            date[4..6].to_owned(),
            date[6..].to_owned(),
        ]);
    }
    let count = parts.len();
    if count < 4 {
        return None;
    }
    for part in &mut parts[count - 2..] {
        if part.len() == 1 {
            part.insert(0, '0');
        }
    }
    if is_version(&parts[count - 4]) {
        let digits = parts[count - 4][1..].trim_start_matches('0').to_owned();
        if !digits.is_empty() {
            parts[count - 4] = format!("v{digits}");
        }
    }
    let candidate = parts.join("_");
    if candidate == name {
        return None;
    }
    // Not through parse_data_name on failure: its error would look for a correction again.
    wrong_characters(&candidate).is_none().then_some(())?;
    parse_data_name(&candidate).ok().map(|_| candidate)
}

/// The words of a name, split at separators and at changes from lower to upper case. None for
/// letters that have no plain form: leaving them out would make another word.
fn words(name: &str) -> Option<Vec<String>> {
    if !name.is_ascii() {
        return None;
    }
    let mut words = vec![String::new()];
    let mut after_lower = false;
    for c in name.chars() {
        if !c.is_ascii_alphanumeric() {
            words.push(String::new());
        } else {
            if c.is_ascii_uppercase() && after_lower {
                words.push(String::new());
            }
            if let Some(word) = words.last_mut() {
                word.push(c.to_ascii_lowercase());
            }
        }
        after_lower = c.is_ascii_lowercase() || c.is_ascii_digit();
    }
    words.retain(|word| !word.is_empty());
    Some(words)
}

/// Checks the label of an app: a Rust identifier in lower case, at most 64 characters.
///
/// # Errors
///
/// Says what is wrong, with the corrected label where one can be derived.
///
/// ```
/// use migrate_source::name::check_app_label;
///
/// assert!(check_app_label("billing").is_ok());
/// assert_eq!(check_app_label("my-app").expect_err("a dash").correction(), Some("my_app"));
/// ```
pub fn check_app_label(label: &str) -> Result<(), NameError> {
    let Some(problem) = wrong_label(label) else {
        return Ok(());
    };
    let candidate = words(label).map(|words| words.join("_"));
    let correction = candidate.filter(|candidate| wrong_label(candidate).is_none());
    Err(NameError::new(label, problem, correction))
}

fn wrong_label(label: &str) -> Option<String> {
    if label.is_empty() {
        return Some("the label of an app is empty".to_owned());
    }
    if let Some(other) = label
        .chars()
        .find(|c| !matches!(c, 'a'..='z' | '0'..='9' | '_'))
    {
        return Some(format!(
            "the label of an app has lower-case letters, digits and `_` only, not {other:?}"
        ));
    }
    if !label.starts_with(|first: char| first.is_ascii_lowercase()) {
        return Some("the label of an app starts with a letter".to_owned());
    }
    if label.len() > LONGEST_LABEL {
        return Some(format!(
            "the label of an app has at most {LONGEST_LABEL} characters"
        ));
    }
    KEYWORDS
        .contains(&label)
        .then(|| "the label of an app cannot be a keyword of Rust".to_owned())
}

/// Labels become names of types, so keywords of every edition are out.
const KEYWORDS: [&str; 52] = [
    "abstract", "as", "async", "await", "become", "box", "break", "const", "continue", "crate",
    "do", "dyn", "else", "enum", "extern", "false", "final", "fn", "for", "gen", "if", "impl",
    "in", "let", "loop", "macro", "match", "mod", "move", "mut", "override", "priv", "pub", "ref",
    "return", "self", "static", "struct", "super", "trait", "true", "try", "type", "typeof",
    "union", "unsafe", "unsized", "use", "virtual", "where", "while", "yield",
];
