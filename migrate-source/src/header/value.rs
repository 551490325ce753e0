//! Reads the text of one directive comment: `key = value, key = value`, where a value is a word, a
//! string or several, in brackets or without.

/// One `key = value` of a comment. Offsets are bytes of the comment's text after `migrate:`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Directive<'a> {
    pub(super) key: &'a str,
    pub(super) at: usize,
    pub(super) value: Value<'a>,
    pub(super) value_at: usize,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Value<'a> {
    /// Nothing follows the key.
    Missing,
    Word(&'a str),
    Text(&'a str),
    List(Vec<&'a str>),
}

/// What is wrong and what to write.
type Problem = (String, String);

impl<'a> Value<'a> {
    /// true, on, false or off.
    pub(super) fn as_switch(&self, key: &str, example: &str) -> Result<bool, Problem> {
        match self {
            Value::Word("true" | "on") => Ok(true),
            Value::Word("false" | "off") => Ok(false),
            _ => Err((
                format!("`{key}` takes `true` or `false`"),
                format!("write `{key} = {example}`"),
            )),
        }
    }

    /// One string, or a list of at least one.
    pub(super) fn as_strings(&self, key: &str, example: &str) -> Result<Vec<&'a str>, Problem> {
        match self {
            Value::Text(text) => Ok(vec![text]),
            Value::List(list) => Ok(list.clone()),
            Value::Word(word) => Err((
                format!("the value of `{key}` needs quotes, `\"{word}\"`"),
                example.to_owned(),
            )),
            Value::Missing => Err((format!("`{key}` needs a value"), example.to_owned())),
        }
    }
}

/// Reads a whole comment. An error is a byte offset and what is wrong there.
pub(super) fn read_directives(body: &str) -> Result<Vec<Directive<'_>>, (usize, String)> {
    let mut scanner = Scanner { body, at: 0 };
    let mut directives = Vec::new();
    loop {
        scanner.skip_blanks();
        let at = scanner.at;
        let key = scanner.word();
        if key.is_empty() {
            return Err((at, "the key of a directive is missing".to_owned()));
        }
        scanner.skip_blanks();
        let (value_at, value) = if scanner.eat('=') {
            scanner.skip_blanks();
            (scanner.at, scanner.value(key)?)
        } else {
            (scanner.at, Value::Missing)
        };
        directives.push(Directive {
            key,
            at,
            value,
            value_at,
        });
        scanner.skip_blanks();
        if scanner.rest().is_empty() {
            return Ok(directives);
        }
        if !scanner.eat(',') {
            let rest = scanner.rest();
            return Err((
                scanner.at,
                format!("`{rest}` does not belong to the value of `{key}`"),
            ));
        }
    }
}

struct Scanner<'a> {
    body: &'a str,
    at: usize,
}

impl<'a> Scanner<'a> {
    fn rest(&self) -> &'a str {
        self.body.get(self.at..).unwrap_or("")
    }

    fn take(&mut self, length: usize) -> &'a str {
        let taken = self.rest().get(..length).unwrap_or("");
        self.at += taken.len();
        taken
    }

    fn skip_blanks(&mut self) {
        let rest = self.rest();
        self.take(rest.len() - rest.trim_start().len());
    }

    fn eat(&mut self, wanted: char) -> bool {
        let found = self.rest().starts_with(wanted);
        if found {
            self.at += wanted.len_utf8();
        }
        found
    }

    fn word(&mut self) -> &'a str {
        let rest = self.rest();
        let length = rest
            .find(|c: char| !(c.is_alphanumeric() || matches!(c, '_' | '-')))
            .unwrap_or(rest.len());
        self.take(length)
    }

    fn value(&mut self, key: &str) -> Result<Value<'a>, (usize, String)> {
        if self.rest().starts_with('"') {
            return self.texts();
        }
        if self.eat('[') {
            return self.list(key).map(Value::List);
        }
        let at = self.at;
        let word = self.word_with_dots();
        if word.is_empty() {
            return Err((at, format!("the value of `{key}` is missing")));
        }
        Ok(Value::Word(word))
    }

    /// A name that lacks its quotes is read whole, so that the message can show it.
    fn word_with_dots(&mut self) -> &'a str {
        let rest = self.rest();
        let length = rest
            .find(|c: char| !(c.is_alphanumeric() || matches!(c, '_' | '-' | '.')))
            .unwrap_or(rest.len());
        self.take(length)
    }

    fn text(&mut self) -> Result<&'a str, (usize, String)> {
        let start = self.at;
        self.at += 1;
        let Some(length) = self.rest().find('"') else {
            return Err((start, "the string is not closed on this line".to_owned()));
        };
        let text = self.take(length);
        self.at += 1;
        Ok(text)
    }

    /// `"a"` or `"a", "b"`: a comma belongs to the value if a string follows it, for a key has no quotes.
    fn texts(&mut self) -> Result<Value<'a>, (usize, String)> {
        let first = self.text()?;
        let mut list = vec![first];
        loop {
            let end = self.at;
            self.skip_blanks();
            let comma = self.eat(',');
            self.skip_blanks();
            if comma && self.rest().starts_with('"') {
                list.push(self.text()?);
                continue;
            }
            self.at = end;
            return Ok(match list.as_slice() {
                [_] => Value::Text(first),
                _ => Value::List(list),
            });
        }
    }

    fn list(&mut self, key: &str) -> Result<Vec<&'a str>, (usize, String)> {
        let mut list = Vec::new();
        loop {
            self.skip_blanks();
            if self.eat(']') {
                return Ok(list);
            }
            if !self.rest().starts_with('"') {
                return Err((
                    self.at,
                    format!(
                        "the list of `{key}` needs strings in quotes and a closing `]` on the same line"
                    ),
                ));
            }
            list.push(self.text()?);
            self.skip_blanks();
            if !self.eat(',') && !self.rest().starts_with(']') {
                return Err((
                    self.at,
                    format!("a `,` or `]` is missing in the list of `{key}`"),
                ));
            }
        }
    }
}
