//! What a server executed on one database, read from the log that `tests/run` has it write.
//!
//! The server logs a statement before it executes it, so a test that has its answer has its
//! lines too. Only statements that reached the server are in it: a driver cannot hide one.

use std::collections::HashMap;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::PathBuf;

use crate::{Db, TestDatabase};

/// One statement that a server executed, or a simple-query message of several.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoggedStatement {
    /// The server's number of the session.
    pub session: u64,
    /// What the client calls itself; empty where the server does not log that.
    pub application: String,
    /// The text.
    pub text: String,
}

/// The log of one database's statements, from a mark on.
#[derive(Debug)]
pub struct ServerLog {
    db: Db,
    database: String,
    path: PathBuf,
    mark: u64,
}

impl ServerLog {
    /// Starts to watch a database. `None` where there is no server or no log to read, which a
    /// test reports as skipped.
    pub fn watch(database: &TestDatabase) -> Option<Self> {
        let variable = match database.db() {
            Db::Sqlite => return None,
            Db::Postgres => "MIGRATE_TEST_POSTGRES_LOG",
            Db::MySql => "MIGRATE_TEST_MYSQL_LOG",
        };
        let Some(path) = std::env::var_os(variable).map(PathBuf::from) else {
            eprintln!(
                "skipped: counting statements on {} needs {variable}",
                database.db()
            );
            return None;
        };
        let mut log = Self {
            db: database.db(),
            database: database.name().into(),
            path,
            mark: 0,
        };
        log.mark();
        Some(log)
    }

    /// Forgets what was executed so far. Sessions that are open now must be opened again.
    pub fn mark(&mut self) {
        self.mark = std::fs::metadata(&self.path)
            .expect("the server's log is gone")
            .len();
    }

    /// What was executed on the database since the mark, by every session.
    pub fn statements(&self) -> Vec<LoggedStatement> {
        let mut file = File::open(&self.path).expect("the server's log is gone");
        file.seek(SeekFrom::Start(self.mark))
            .expect("the server's log is shorter than it was");
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)
            .expect("the server's log cannot be read");
        let text = String::from_utf8_lossy(&bytes);
        match self.db {
            Db::MySql => mysql_statements(&text, &self.database),
            _ => postgres_statements(&text, &self.database),
        }
    }
}

/// Lines such as `2026-11-20 09:00:00.000 UTC|4711|psql|shop| LOG:  statement: SELECT 1`; the
/// lines of a statement after its first start with a tab.
fn postgres_statements(log: &str, database: &str) -> Vec<LoggedStatement> {
    let mut found: Vec<LoggedStatement> = Vec::new();
    let mut open = false;
    for line in log.lines() {
        if let Some(more) = line.strip_prefix('\t') {
            if let (true, Some(last)) = (open, found.last_mut()) {
                last.text.push('\n');
                last.text.push_str(more);
            }
            continue;
        }
        open = false;
        let mut fields = line.splitn(5, '|');
        let (Some(_time), Some(session), Some(application), Some(name), Some(message)) = (
            fields.next(),
            fields.next(),
            fields.next(),
            fields.next(),
            fields.next(),
        ) else {
            continue;
        };
        let text = message
            .trim_start()
            .strip_prefix("LOG:  ")
            .and_then(|message| {
                message.strip_prefix("statement: ").or_else(|| {
                    message
                        .strip_prefix("execute ")
                        .and_then(|rest| Some(rest.split_once(": ")?.1))
                })
            });
        if let (true, Some(text), Ok(session)) = (name == database, text, session.parse()) {
            found.push(LoggedStatement {
                session,
                application: application.into(),
                text: text.into(),
            });
            open = true;
        }
    }
    found
}

/// Lines such as `261120  9:00:00\t     4 Query\tSELECT 1`, the time only when it changed; a
/// statement goes on until a line of that form.
fn mysql_statements(log: &str, database: &str) -> Vec<LoggedStatement> {
    let mut found: Vec<LoggedStatement> = Vec::new();
    let mut databases: HashMap<u64, String> = HashMap::new();
    let mut open = false;
    for line in log.lines() {
        let Some((session, command, argument)) = mysql_entry(line) else {
            if let (true, Some(last)) = (open, found.last_mut()) {
                last.text.push('\n');
                last.text.push_str(line);
            }
            continue;
        };
        open = false;
        match command {
            "Connect" => {
                let on = argument
                    .split_once(" on ")
                    .and_then(|(_, rest)| rest.split_once(" using "));
                databases.insert(
                    session,
                    on.map_or_else(String::new, |(on, _)| on.to_owned()),
                );
            }
            "Init DB" => {
                databases.insert(session, argument.to_owned());
            }
            "Query" | "Execute" if databases.get(&session).is_some_and(|on| on == database) => {
                let (application, text) = (String::new(), argument.to_owned());
                found.push(LoggedStatement {
                    session,
                    application,
                    text,
                });
                open = true;
            }
            _ => {}
        }
    }
    found
}

/// The session, the command and its argument, if a line starts an entry of the general log.
fn mysql_entry(line: &str) -> Option<(u64, &str, &str)> {
    const COMMANDS: [&str; 14] = [
        "Connect",
        "Query",
        "Prepare",
        "Execute",
        "Close stmt",
        "Quit",
        "Init DB",
        "Reset stmt",
        "Field List",
        "Ping",
        "Statistics",
        "Set option",
        "Reset connection",
        "Kill",
    ];
    let (time, entry) = line.split_once('\t')?;
    let is_time = |c: char| c.is_ascii_digit() || c == ' ' || c == ':';
    if !time.chars().all(is_time) {
        return None;
    }
    let entry = entry.trim_start_matches(['\t', ' ']);
    let (session, rest) = entry.split_once(' ')?;
    let (command, argument) = rest.split_once('\t').unwrap_or((rest, ""));
    COMMANDS
        .contains(&command)
        .then_some((session.parse().ok()?, command, argument))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(statements: &[LoggedStatement]) -> Vec<&str> {
        statements
            .iter()
            .map(|statement| statement.text.as_str())
            .collect()
    }

    #[test]
    fn reads_the_statements_of_one_postgres_database() {
        let log = "\
2026-11-20 08:59:41.435 UTC|12670|psql|shop| LOG:  statement: SELECT 1
\t, 2
2026-11-20 08:59:41.435 UTC|12671|psql|other| LOG:  statement: SELECT 3
\t, 4
2026-11-20 08:59:41.436 UTC|12670|psql|shop| LOG:  execute sqlx_s_1: SELECT $1
2026-11-20 08:59:41.436 UTC|12670|psql|shop| DETAIL:  parameters: $1 = '5'
2026-11-20 08:59:41.437 UTC|12670|psql|shop| ERROR:  no
2026-11-20 08:59:41.437 UTC|12670|psql|shop| STATEMENT:  SELECT no
";
        let found = postgres_statements(log, "shop");
        assert_eq!(texts(&found), ["SELECT 1\n, 2", "SELECT $1"]);
        assert_eq!(
            (found[0].session, found[0].application.as_str()),
            (12670, "psql")
        );
    }

    #[test]
    fn reads_the_statements_of_one_mariadb_database() {
        let log = "\
261120  8:59:09\t     4 Connect\troot@127.0.0.1 on shop using TCP/IP
\t\t     4 Query\tselect version(),
user()
\t\t     5 Connect\troot@127.0.0.1 on  using TCP/IP
\t\t     5 Query\tselect 2
261120  8:59:10\t     5 Init DB\tshop
\t\t     5 Prepare\tselect ?
\t\t     5 Execute\tselect 3
\t\t     5 Close stmt\t
\t\t     4 Quit\t
";
        assert_eq!(
            texts(&mysql_statements(log, "shop")),
            ["select version(),\nuser()", "select 3"]
        );
    }
}
