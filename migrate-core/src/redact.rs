//! Taking out of texts what could be a password, before they are shown, logged or stored.
//!
//! It errs on the side of taking too much: a message that lost a word is better than a secret in
//! the ledger.

const HIDDEN: &str = "***";

/// Removes the user information of URLs and what follows words for passwords.
pub(crate) fn redact(text: &str) -> String {
    passwords(&urls(text))
}

/// User and password end at the **last** `@` before a blank: both may hold any other character.
fn urls(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find("://") {
        let (before, after) = rest.split_at(start + 3);
        out.push_str(before);
        let end = after.find(char::is_whitespace).unwrap_or(after.len());
        match after[..end].rfind('@') {
            Some(at) => {
                out.push_str(HIDDEN);
                rest = &after[at..];
            }
            None => rest = after,
        }
    }
    out.push_str(rest);
    out
}

/// Values after `password`, `passwd`, `pwd` and `identified by`: after an equals sign up to the
/// next separator, or a quoted text.
fn passwords(text: &str) -> String {
    const WORDS: [&str; 4] = ["password", "passwd", "pwd", "identified by"];
    let lower = text.to_ascii_lowercase();
    let mut out = String::with_capacity(text.len());
    let mut done = 0;
    while let Some((start, word)) = WORDS
        .iter()
        .filter_map(|word| lower[done..].find(word).map(|at| (done + at, word)))
        .min()
    {
        let value = start + word.len();
        out.push_str(&text[done..value]);
        let (shown, hidden) = value_after(&text[value..]);
        out.push_str(&text[value..value + shown]);
        if hidden > 0 {
            out.push_str(HIDDEN);
        }
        done = value + shown + hidden;
    }
    out.push_str(&text[done..]);
    out
}

/// How many bytes after the word are shown, and how many after those are a secret.
fn value_after(text: &str) -> (usize, usize) {
    let trimmed = text.trim_start();
    let assigned = trimmed.strip_prefix('=').map(str::trim_start);
    let value = assigned.unwrap_or(trimmed);
    let shown = text.len() - value.len();
    match value.chars().next() {
        Some(quote @ ('\'' | '"' | '`')) => {
            let inside = &value[1..];
            let end = inside.find(quote).map_or(inside.len(), |end| end + 1);
            (shown, end + 1)
        }
        _ if assigned.is_some() => {
            let end = value
                .find(|c: char| c.is_whitespace() || "&;,".contains(c))
                .unwrap_or(value.len());
            (shown, end)
        }
        // The word alone, as in "password authentication failed".
        _ => (0, 0),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn redacts_what_could_be_a_password() {
        let cases = [
            (
                "to postgres://bob:s3cret@host/db failed",
                "to postgres://***@host/db failed",
            ),
            ("mysql://u:p@ss@h:1/x", "mysql://***@h:1/x"),
            ("postgres://bob:s3cr/et@db", "postgres://***@db"),
            ("sqlite://file.db", "sqlite://file.db"),
            ("host=x Password=abc def", "host=x Password=*** def"),
            ("pwd = 'a b' x", "pwd = *** x"),
            (
                "CREATE USER u IDENTIFIED BY 'a b'",
                "CREATE USER u IDENTIFIED BY ***",
            ),
            ("ALTER ROLE r PASSWORD 'x';", "ALTER ROLE r PASSWORD ***;"),
            (
                "password authentication failed for user \"x\"",
                "password authentication failed for user \"x\"",
            ),
            ("(using password: YES)", "(using password: YES)"),
            ("nothing here", "nothing here"),
            ("://", "://"),
            ("password=", "password="),
            ("password='", "password=***"),
        ];
        for (text, expected) in cases {
            assert_eq!(redact(text), expected);
        }
    }

    proptest! {
        #[test]
        fn no_password_survives(secret in "[a-zA-Z0-9/@:!$%^*()+-]{6,20}") {
            for text in [
                format!("cannot reach postgres://bob:{secret}@host/db now"),
                format!("password={secret} host=x"),
                format!("Password = '{secret}' and more"),
                format!("CREATE USER u IDENTIFIED BY '{secret}'"),
            ] {
                prop_assert!(!redact(&text).contains(&secret), "{}", redact(&text));
            }
        }

        #[test]
        fn any_text_can_be_redacted(text in "\\PC{0,80}") {
            let _ = redact(&text);
        }
    }
}
