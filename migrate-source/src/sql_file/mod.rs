//! Reads a SQL file: normalises it, reads its header, and cuts it into its up and down parts.

use crate::Database;
use crate::checksum::normalise;
use crate::classify::{any_step_errors, atomic_step_errors, is_remarkable, table_rebuild_risk};
use crate::error::{SourceError, position};
use crate::header::{Comment, Header, Meaning, comment_text, read_header};
use crate::lexer::{Kind, Token, lex};
use crate::name::Reference;
use crate::statements::{split, split_lexed};

/// A SQL file in its parts.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct SqlFile {
    /// What its header says.
    pub header: Header,
    /// The SQL that goes forward, or all of it where the file has no parts. A line has the same
    /// number here as in the file: what belongs elsewhere is left out as empty lines.
    pub up: String,
    /// The SQL of the `-- migrate: down` part, with the lines numbered as in the file.
    pub down: Option<String>,
    /// Whether a look at the words alone leaves something to check in the statements.
    remarkable: bool,
}

/// How the statements of a file are to run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StatementRules {
    /// The database that they are written for, if it is one alone.
    pub database: Option<Database>,
    /// Whether the step is atomic.
    pub atomic: bool,
    /// Whether its header says `foreign_keys = off`.
    pub foreign_keys_off: bool,
}

impl SqlFile {
    /// What must not stand in a step that runs by these rules: in the part that goes forward, then
    /// in the other one.
    ///
    /// ```
    /// use migrate_source::sql_file::{StatementRules, parse_sql_file};
    ///
    /// let file = parse_sql_file("DELETE FROM t;\nCOMMIT;", None).expect("valid");
    /// let rules = StatementRules { database: None, atomic: true, foreign_keys_off: false };
    /// assert_eq!(file.statement_errors(rules)[0].code, "transaction_control");
    /// ```
    #[must_use]
    pub fn statement_errors(&self, rules: StatementRules) -> Vec<SourceError> {
        let StatementRules {
            database,
            atomic,
            foreign_keys_off,
        } = rules;
        if atomic && !self.remarkable {
            return Vec::new();
        }
        let may_be_sqlite = database.is_none_or(|database| database == Database::Sqlite);
        let parts = [Some(self.up.as_str()), self.down.as_deref()];
        let of_part = |sql| {
            let mut errors = match atomic {
                true => atomic_step_errors(sql, database),
                false => any_step_errors(sql, database),
            };
            if may_be_sqlite && !foreign_keys_off {
                errors.extend(table_rebuild_risk(sql));
            }
            errors
        };
        parts.into_iter().flatten().flat_map(of_part).collect()
    }

    /// The mistake of a step without statements: it would be recorded as applied, and whoever fills
    /// the file later edits an applied step. None if its header gives it a meaning of its own:
    /// `run`, `replaces`, or an `after` that joins two branches of its own app.
    ///
    /// Without `app`, a step named with its app counts as one of the same app.
    ///
    /// ```
    /// use migrate_source::sql_file::parse_sql_file;
    ///
    /// let empty = |text| parse_sql_file(text, None).expect("valid").empty_error(None, Some("users"));
    /// assert!(empty("-- to be written\n").is_some());
    /// assert!(empty("-- migrate: after = [\"0002_a\", \"0003_b\"]\n").is_none());
    /// assert!(empty("SELECT 1;").is_none());
    /// ```
    #[must_use]
    pub fn empty_error(
        &self,
        database: Option<Database>,
        app: Option<&str>,
    ) -> Option<SourceError> {
        let header = &self.header;
        let own = |reference: &&Reference| match (reference.app.as_deref(), app) {
            (Some(named), Some(app)) => named == app,
            _ => true,
        };
        let joined = header.after.iter().flatten().filter(own).count();
        let has_meaning = joined >= 2 || !header.run.is_empty() || !header.replaces.is_empty();
        if has_meaning || has_statements(&self.up, database) {
            return None;
        }
        Some(SourceError {
            code: "empty_file",
            line: 1,
            column: 1,
            message: "the file has no statement: the step would be recorded as applied, and to fill it later would be an edit".to_owned(),
            help: "write its statements, or remove the file; a step that is meant to do nothing says `SELECT 1;`, one that joins two branches names both in `after`".to_owned(),
        })
    }
}

/// Whether any database finds a statement. Most files show it in their first line of code, which
/// costs no lexer.
fn has_statements(sql: &str, database: Option<Database>) -> bool {
    for line in sql.lines().map(str::trim_start) {
        if line.starts_with(|c: char| c.is_ascii_alphabetic()) {
            return true;
        }
        let is_code = !line.is_empty() && !line.starts_with("--") && !line.starts_with(['#', ';']);
        // A comment may go on into the next line, and what some take for one others read.
        if is_code || line.contains("/*") {
            break;
        }
    }
    let all = [Database::Postgres, Database::Sqlite, Database::MySql];
    let databases = database.as_ref().map_or(&all[..], std::slice::from_ref);
    databases.iter().any(|database| {
        // A file that cannot be read is reported as that.
        split(sql, *database).map_or(true, |pieces| {
            pieces.iter().any(|piece| piece.statement.is_some())
        })
    })
}

/// Reads a SQL file. Without a database, it is read by the rules of the first that can read it, of
/// Postgres, SQLite and MySQL.
///
/// # Errors
///
/// All mistakes found: in the header, in the markers of parts, and whatever is never closed.
///
/// ```
/// use migrate_source::sql_file::parse_sql_file;
///
/// let file = parse_sql_file(
///     "-- migrate: up\nCREATE TABLE t (id int);\n-- migrate: down\nDROP TABLE t;\n",
///     None,
/// ).expect("valid");
/// assert_eq!(file.up.trim(), "CREATE TABLE t (id int);");
/// assert_eq!(file.down.as_deref(), Some("\n\n\nDROP TABLE t;"));
///
/// let errors = parse_sql_file("-- migrate: atomik = false\n", None).expect_err("misspelt");
/// assert_eq!(errors[0].to_string(), "line 1, column 13: `atomik` is not a directive; did you mean `atomic`?");
/// ```
pub fn parse_sql_file(text: &str, database: Option<Database>) -> Result<SqlFile, Vec<SourceError>> {
    parse_normalised(&normalise(text), database)
}

/// As [`parse_sql_file`], for a text that [`normalise`] has been over already.
///
/// # Errors
///
/// Those of [`parse_sql_file`].
pub fn parse_normalised(
    text: &str,
    database: Option<Database>,
) -> Result<SqlFile, Vec<SourceError>> {
    if let Some(at) = text.find('\0') {
        return Err(vec![SourceError::at(
            text,
            at,
            "nul_character",
            "the file has a NUL character",
            "remove it: no database takes one in a statement",
        )]);
    }
    if let Some(database) = database {
        return parse_with(text, database);
    }
    let mut furthest: Option<Vec<SourceError>> = None;
    for database in [Database::Postgres, Database::Sqlite, Database::MySql] {
        match parse_with(text, database) {
            Ok(file) => return Ok(file),
            Err(errors) => {
                let place =
                    |errors: &[SourceError]| errors.first().map(|error| (error.line, error.column));
                if furthest
                    .as_ref()
                    .is_none_or(|known| place(known) < place(&errors))
                {
                    furthest = Some(errors);
                }
            }
        }
    }
    Err(furthest.unwrap_or_default())
}

fn parse_with(text: &str, database: Database) -> Result<SqlFile, Vec<SourceError>> {
    let lexed = lex(text, database);
    let scan = Scan::new(text, &lexed.tokens);
    let (header, mut errors) = read_header(&scan.leading);
    errors.extend(scan.errors);
    let remarkable = is_remarkable(text);
    // The splitter's error for a text that cannot be read knows the likely cause.
    if (remarkable || lexed.error.is_some() || database == Database::MySql)
        && let Err(error) = split_lexed(text, database, lexed)
    {
        errors.push(error);
    }
    let parts = cut(text, &scan.markers, scan.first_statement);
    match parts {
        Ok((up, down)) if errors.is_empty() => {
            if !scan.markers.is_empty() {
                check_parts(&up, down.as_deref(), database)?;
            }
            Ok(SqlFile {
                header,
                up,
                down,
                remarkable,
            })
        }
        Ok(_) => Err(errors),
        Err(error) => {
            errors.push(error);
            errors.sort_by_key(|error| (error.line, error.column));
            Err(errors)
        }
    }
}

/// A statement that runs on over a marker is whole in the file, but not in its part.
fn check_parts(up: &str, down: Option<&str>, database: Database) -> Result<(), Vec<SourceError>> {
    let errors: Vec<SourceError> = [Some(up), down]
        .into_iter()
        .flatten()
        .filter_map(|part| split(part, database).err())
        .collect();
    if errors.is_empty() {
        Ok(())
    } else {
        Err(errors)
    }
}

/// A `-- migrate: up` or `down` line.
#[derive(Debug, Clone, Copy)]
struct Marker {
    up: bool,
    /// Where its comment starts.
    start: usize,
    /// Behind its comment.
    end: usize,
}

/// What the comments of a file say.
struct Scan<'a> {
    leading: Vec<Comment<'a>>,
    markers: Vec<Marker>,
    first_statement: Option<usize>,
    errors: Vec<SourceError>,
}

impl<'a> Scan<'a> {
    fn new(text: &'a str, tokens: &[Token]) -> Self {
        let first_statement = tokens
            .iter()
            .find(|token| token.is_significant())
            .map(|token| token.start);
        let mut scan = Self {
            leading: Vec::new(),
            markers: Vec::new(),
            first_statement,
            errors: Vec::new(),
        };
        for token in tokens
            .iter()
            .filter(|token| token.kind == Kind::LineComment)
        {
            scan.comment(text, *token);
        }
        scan
    }

    fn comment(&mut self, text: &'a str, token: Token) {
        let whole = text.get(token.start..token.end).unwrap_or("");
        let body = comment_text(whole);
        // Most comments are prose, whose place nobody asks for: counting lines for each would take
        // time in the square of the file.
        if Comment::somewhere(body).meaning() == Meaning::Prose {
            return;
        }
        let (line, column) = position(text, token.end - body.len());
        let comment = Comment {
            text: body,
            line,
            column,
        };
        let meaning = comment.meaning();
        if let Meaning::Up | Meaning::Down = meaning {
            self.markers.push(Marker {
                up: meaning == Meaning::Up,
                start: token.start,
                end: token.end,
            });
        } else if self.first_statement.is_none_or(|first| token.start < first) {
            self.leading.push(comment);
        } else {
            self.errors.push(comment.too_late());
        }
    }
}

/// Cuts the text at its markers.
fn cut(
    text: &str,
    markers: &[Marker],
    first_statement: Option<usize>,
) -> Result<(String, Option<String>), SourceError> {
    let fail = |at: usize, message: &str, help: &str| {
        Err(SourceError::at(text, at, "bad_parts", message, help))
    };
    let Some(first) = markers.first() else {
        return Ok((text.to_owned(), None));
    };
    if first_statement.is_some_and(|at| at < first.start) {
        return fail(
            first.start,
            "statements stand before the first part of the file",
            "put `-- migrate: up` above the first statement",
        );
    }
    for (at, marker) in markers.iter().enumerate() {
        if markers
            .iter()
            .take(at)
            .any(|earlier| earlier.up == marker.up)
        {
            let name = if marker.up { "up" } else { "down" };
            return fail(
                marker.start,
                &format!("the `{name}` part is given twice"),
                "join the two parts",
            );
        }
    }
    if !markers.iter().any(|marker| marker.up) {
        return fail(
            first.start,
            "there is a `down` part without an `up` part",
            "write `-- migrate: up` above the statements that go forward",
        );
    }
    let part = |up: bool| {
        let at = markers.iter().position(|marker| marker.up == up)?;
        let start = markers.get(at)?.end;
        let end = markers.get(at + 1).map_or(text.len(), |next| next.start);
        let lines = text.get(..start)?.matches('\n').count();
        Some("\n".repeat(lines) + text.get(start..end)?.trim_end())
    };
    Ok((part(true).unwrap_or_default(), part(false)))
}

#[cfg(test)]
mod tests;
