//! Names of SQL files: `0003_add_email.sql`, `.up.sql` and `.down.sql`, and variants for one
//! database such as `0003_add_email.postgres.up.sql`.

use std::fmt;

use crate::Database;
use crate::name::nearest;

/// Which way a file goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Direction {
    /// Forward, and back as well if it has a `-- migrate: down` part.
    Both,
    /// Forward only.
    Up,
    /// Back only.
    Down,
}

/// The name of a SQL file in its parts.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct FileName {
    /// The number in front.
    pub number: u32,
    /// The step, number included: `0003_add_email`.
    pub step: String,
    /// The database it is for; none means any.
    pub database: Option<Database>,
    /// Which way it goes.
    pub direction: Direction,
}

/// What is wrong with a file name, and what to call the file.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct FileNameError {
    name: String,
    problem: String,
}

impl fmt::Display for FileNameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "`{}` is not the name of a SQL step: {}",
            self.name, self.problem
        )
    }
}

impl std::error::Error for FileNameError {}

impl FileName {
    /// Reads the name of a file, without folders.
    ///
    /// # Errors
    ///
    /// Says which part of `{number}_{description}[.{database}][.up|.down].sql` is wrong.
    ///
    /// ```
    /// use migrate_source::{Database, file_name::{Direction, FileName}};
    ///
    /// let name = FileName::parse("0003_add_email.postgres.up.sql").expect("a step");
    /// assert_eq!((name.number, name.step.as_str()), (3, "0003_add_email"));
    /// assert_eq!((name.database, name.direction), (Some(Database::Postgres), Direction::Up));
    /// ```
    pub fn parse(name: &str) -> Result<Self, FileNameError> {
        let fail = |problem: String| {
            Err(FileNameError {
                name: name.to_owned(),
                problem,
            })
        };
        let Some(stem) = name.strip_suffix(".sql") else {
            return fail("it must end in `.sql`".to_owned());
        };
        let mut parts = stem.split('.');
        let step = parts.next().unwrap_or_default();
        let (mut database, mut direction) = (None, Direction::Both);
        for part in parts {
            match part {
                "up" | "down" if direction != Direction::Both => {
                    return fail("`.up` or `.down` stands in it twice".to_owned());
                }
                "up" => direction = Direction::Up,
                "down" => direction = Direction::Down,
                other => {
                    let Ok(known) = other.parse::<Database>() else {
                        return fail(unknown_part(other));
                    };
                    if database.is_some() {
                        return fail("it names two databases".to_owned());
                    }
                    if direction != Direction::Both {
                        return fail(format!(
                            "the database stands before the direction: `{step}.{known}.up.sql`"
                        ));
                    }
                    database = Some(known);
                }
            }
        }
        match step_number(step) {
            Ok(number) => Ok(Self {
                number,
                step: step.to_owned(),
                database,
                direction,
            }),
            Err(problem) => fail(problem),
        }
    }
}

fn unknown_part(part: &str) -> String {
    let known = ["sqlite", "postgres", "mysql", "up", "down"];
    let alias = match part {
        "postgresql" | "pg" => Some("postgres"),
        "mariadb" => Some("mysql"),
        "sqlite3" => Some("sqlite"),
        other => nearest(other, known),
    };
    match alias {
        Some(name) => format!("`.{part}` is not known; write `.{name}`"),
        None => {
            format!("`.{part}` is not known; known are .sqlite, .postgres, .mysql, .up and .down")
        }
    }
}

fn step_number(step: &str) -> Result<u32, String> {
    let digits = step.bytes().take_while(u8::is_ascii_digit).count();
    let (number, rest) = step.split_at(digits);
    if digits < 4 {
        return Err(match number.parse::<u32>() {
            Ok(value) if digits > 0 => {
                format!("the number has at least four digits: `{value:04}{rest}.sql`")
            }
            _ => "it starts with a number of at least four digits, such as `0003_add_email.sql`"
                .to_owned(),
        });
    }
    let Some(description) = rest.strip_prefix('_') else {
        return Err(
            "a `_` and a description follow the number, such as `0003_add_email.sql`".to_owned(),
        );
    };
    let plain = description
        .bytes()
        .all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_'));
    if description.is_empty() || !plain {
        return Err("the description has lower-case letters, digits and `_` only, such as `0003_add_email.sql`".to_owned());
    }
    number
        .parse()
        .map_err(|_| format!("the number {number} is too large"))
}

#[cfg(test)]
mod tests;
