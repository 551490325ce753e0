//! Golden files: `UPDATE_GOLDEN=1 cargo test -p migrate-cli` rewrites them.

use std::fs;
use std::path::PathBuf;

use serde_json::Value;

/// Compares a text with `tests/golden/NAME`.
pub(crate) fn check(name: &str, text: &str) {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("tests/golden")
        .join(name);
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        fs::write(&path, text).expect("the golden file is written");
        return;
    }
    let expected = fs::read_to_string(&path).unwrap_or_default();
    if expected != text {
        let (number, wanted, got) = first_difference(&expected, text);
        panic!(
            "{} differs at line {number}:\n  expected: {wanted}\n  got:      {got}\n\
             (UPDATE_GOLDEN=1 rewrites it)\n\n{text}",
            path.display()
        );
    }
}

fn first_difference<'a>(expected: &'a str, got: &'a str) -> (usize, &'a str, &'a str) {
    let end = "<end of the text>";
    let mut expected = expected.lines();
    let mut got = got.lines();
    for number in 1.. {
        match (expected.next(), got.next()) {
            (Some(a), Some(b)) if a == b => {}
            (None, None) => break,
            (a, b) => return (number, a.unwrap_or(end), b.unwrap_or(end)),
        }
    }
    (0, "a different line ending", "")
}

/// Replaces what differs from run to run: times, durations, hosts, process ids.
pub(crate) fn normalize(text: &str) -> String {
    let mut out = String::new();
    for line in text.lines() {
        let line = replace_times(line);
        let line = replace_durations(&line);
        out.push_str(&replace_holder(&replace_scratch(&line)));
        out.push('\n');
    }
    out
}

/// The path of a database that was made to compare on.
fn replace_scratch(line: &str) -> String {
    let parts = line.split('`').map(|part| match part {
        path if path.contains("migrate_scratch_") => "SCRATCH",
        other => other,
    });
    parts.collect::<Vec<_>>().join("`")
}

/// `2026-11-20 10:00:00` keeps its width, so that columns stay visible.
fn replace_times(line: &str) -> String {
    let mut out = line.to_owned();
    let bytes = line.as_bytes();
    for at in 0..bytes.len() {
        let shape = bytes.get(at..at + 19).unwrap_or_default();
        let is_time = shape.len() == 19
            && shape
                .iter()
                .zip(b"dddd-dd-dd dd:dd:dd")
                .all(|(byte, wanted)| match wanted {
                    b'd' => byte.is_ascii_digit(),
                    other => byte == other,
                });
        if is_time {
            out.replace_range(at..at + 19, "YYYY-MM-DD hh:mm:ss");
        }
    }
    out
}

/// `   12 ms` and ` 1.24 s` become ` TIME`, whatever their width and padding.
fn replace_durations(line: &str) -> String {
    let words: Vec<&str> = line.split(' ').collect();
    let mut out: Vec<String> = Vec::new();
    let mut at = 0;
    while at < words.len() {
        let number = words[at].trim_start_matches('(');
        let unit = words
            .get(at + 1)
            .map(|unit| unit.trim_end_matches([',', ')', '.', ';']));
        let is_number =
            !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit() || b == b'.');
        if is_number && matches!(unit, Some("ms" | "s")) {
            // The padding in front of a duration depends on its width.
            while out.last().is_some_and(|word| word.is_empty()) {
                out.pop();
            }
            let opening = &words[at][..words[at].len() - number.len()];
            let closing = words[at + 1].trim_start_matches(char::is_alphabetic);
            out.push(format!("{opening}TIME{closing}"));
            at += 2;
        } else {
            out.push(words[at].to_owned());
            at += 1;
        }
    }
    out.join(" ")
}

/// `vm, pid 4711` becomes `HOST, pid N`; `process 4711 on vm` becomes `process N on HOST`.
fn replace_holder(line: &str) -> String {
    let mut words: Vec<&str> = line.split(' ').collect();
    for at in 0..words.len() {
        match (words[at], words.get(at + 2).copied()) {
            ("process", Some("on")) if at + 3 < words.len() && is_number(words[at + 1]) => {
                words[at + 1] = "N";
                words[at + 3] = "HOST";
            }
            ("pid", _) if at > 0 && at + 1 < words.len() => {
                words[at - 1] = "HOST,";
                words[at + 1] = if words[at + 1].ends_with(',') {
                    "N,"
                } else {
                    "N"
                };
            }
            _ => {}
        }
    }
    words.join(" ")
}

fn is_number(word: &str) -> bool {
    !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_digit())
}

/// The same for a JSON document, which comes back indented.
pub(crate) fn normalize_json(mut document: Value) -> String {
    normalize_value("", &mut document);
    let mut text = serde_json::to_string_pretty(&document).expect("JSON");
    text.push('\n');
    text
}

fn normalize_value(key: &str, value: &mut Value) {
    match value {
        Value::Object(fields) => {
            for (key, value) in fields {
                normalize_value(key, value);
            }
        }
        Value::Array(values) => values
            .iter_mut()
            .for_each(|value| normalize_value(key, value)),
        Value::Number(_) if key.contains("_ms") || key == "pid" => *value = Value::from(0),
        Value::String(text) if key == "at" || key.ends_with("_at") => {
            assert!(
                text.contains('T') && text.ends_with('Z'),
                "ISO 8601 in UTC: {text}"
            );
            *value = Value::from("TIME");
        }
        Value::String(_) if key == "host" => *value = Value::from("HOST"),
        Value::String(text) if key == "holder" => *value = Value::from(replace_holder(text)),
        _ => {}
    }
}
