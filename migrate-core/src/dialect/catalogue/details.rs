//! What SQLite keeps in the text of a table and nowhere else: checks, collations, expressions of
//! generated columns, what happens on a conflict, when a foreign key is checked.

/// The parts of a `CREATE TABLE` that no pragma tells, in their order.
pub(super) fn details(sql: &str) -> String {
    let tokens = tokens(sql);
    let mut found: Vec<String> = Vec::new();
    for (at, token) in tokens.iter().enumerate() {
        let rest = tokens.get(at + 1..).unwrap_or_default();
        match token.to_ascii_lowercase().as_str() {
            "check" => found.push(format!("check {}", group(rest))),
            "as" if rest.first() == Some(&"(") => found.push(format!("as {}", group(rest))),
            "autoincrement" => found.push("autoincrement".to_owned()),
            "collate" => found.push(format!("collate {}", word(rest.first()))),
            "conflict" => found.push(format!("on conflict {}", word(rest.first()))),
            "initially" => found.push(format!("initially {}", word(rest.first()))),
            _ => {}
        }
    }
    found.join(", ")
}

fn word(token: Option<&&str>) -> String {
    token
        .map(|token| token.to_ascii_lowercase())
        .unwrap_or_default()
}

/// What stands in the parentheses that open here.
fn group(tokens: &[&str]) -> String {
    let mut depth = 0_usize;
    let mut inside: Vec<&str> = Vec::new();
    for token in tokens {
        match *token {
            "(" => depth += 1,
            ")" => depth = depth.saturating_sub(1),
            _ => {}
        }
        inside.push(token);
        if depth == 0 {
            break;
        }
    }
    inside.join(" ")
}

/// Words, quoted texts and signs; comments and white space are left out.
fn tokens(sql: &str) -> Vec<&str> {
    let mut tokens = Vec::new();
    let mut rest = sql;
    while let Some(first) = rest.chars().next() {
        let (length, counts) = token(rest, first);
        let (token, left) = rest.split_at(length.min(rest.len()));
        if counts {
            tokens.push(token);
        }
        rest = left;
    }
    tokens
}

fn token(rest: &str, first: char) -> (usize, bool) {
    let until = |closer: char| {
        let inside = rest.get(1..).unwrap_or_default();
        inside
            .find(closer)
            .map_or(rest.len(), |at| at + 1 + closer.len_utf8())
    };
    match first {
        // A doubled quote is two texts side by side, which is all the same here.
        '\'' | '"' | '`' => (until(first), true),
        '[' => (until(']'), true),
        '-' if rest.starts_with("--") => (rest.find('\n').unwrap_or(rest.len()), false),
        '/' if rest.starts_with("/*") => (rest.find("*/").map_or(rest.len(), |at| at + 2), false),
        _ if first.is_whitespace() => (first.len_utf8(), false),
        _ if first.is_alphanumeric() || first == '_' => {
            let end = rest.find(|c: char| !(c.is_alphanumeric() || c == '_' || c == '.'));
            (end.unwrap_or(rest.len()), true)
        }
        _ => (first.len_utf8(), true),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_what_no_pragma_tells() {
        let sql = "CREATE TABLE \"check\" (id INTEGER PRIMARY KEY AUTOINCREMENT, -- check (never)\n\
                   name TEXT COLLATE NOCASE CHECK (length(name) > 0 AND name <> ')'),\n\
                   twice INT GENERATED ALWAYS AS (id  *  2), /* collate */\n\
                   p INT REFERENCES t DEFERRABLE INITIALLY DEFERRED, UNIQUE (name) ON CONFLICT ABORT)";
        assert_eq!(
            details(sql),
            "autoincrement, collate nocase, check ( length ( name ) > 0 AND name < > ')' ), \
             as ( id * 2 ), initially deferred, on conflict abort"
        );
        assert_eq!(details("CREATE TABLE t (a, b)"), "");
    }

    #[test]
    fn text_that_never_ends_is_read_to_its_end() {
        for text in ["check (", "'", "[a", "/*", "--", "check", "collate", "é'"] {
            details(text);
        }
    }
}
