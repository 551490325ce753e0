//! What the tests share: a history, databases in temporary folders, golden files.

// Two test programs use this; each leaves some of it unused.
#![allow(dead_code)]

pub(crate) mod goals;
pub(crate) mod golden;
pub(crate) mod history;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

use migrate_cli::{Cli, Exit, Output};
use migrate_core::History;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions, Connection, SqliteConnection};

/// A folder that is removed when the test ends.
pub(crate) struct TempFolder(PathBuf);

impl TempFolder {
    pub(crate) fn new() -> Self {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("migrate-cli-{}-{number}", std::process::id());
        let path = std::env::temp_dir().join(name);
        fs::create_dir_all(&path).expect("a temporary folder");
        Self(path)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    /// Writes a file, and the folders above it.
    pub(crate) fn write(&self, file: &str, text: &str) {
        let path = self.0.join(file);
        fs::create_dir_all(path.parent().expect("a folder")).expect("folders");
        fs::write(path, text).expect("a file");
    }

    pub(crate) fn read(&self, file: &str) -> String {
        fs::read_to_string(self.0.join(file)).expect("a file")
    }
}

impl Drop for TempFolder {
    fn drop(&mut self) {
        // A folder that stays behind in /tmp fails no test.
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// What a command said and how it ended.
pub(crate) struct Ran {
    pub(crate) exit: Exit,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Ran {
    /// Everything in one text, for a golden file.
    pub(crate) fn transcript(&self, words: &str) -> String {
        format!(
            "$ shop migrate {words}\n{}{}exit code: {}\n",
            block("stdout", &self.stdout),
            block("stderr", &self.stderr),
            self.exit.code()
        )
    }

    /// The JSON document on stdout.
    pub(crate) fn json(&self) -> serde_json::Value {
        assert_eq!(
            self.stdout.lines().count(),
            1,
            "one document on one line: {}",
            self.stdout
        );
        serde_json::from_str(&self.stdout).expect("JSON on stdout")
    }
}

fn block(title: &str, text: &str) -> String {
    if text.is_empty() {
        String::new()
    } else {
        format!("--- {title}\n{text}")
    }
}

/// A SQLite file.
pub(crate) struct Database {
    folder: TempFolder,
}

impl Database {
    pub(crate) fn new() -> Self {
        Self {
            folder: TempFolder::new(),
        }
    }

    pub(crate) fn url(&self) -> String {
        format!(
            "sqlite:{}?mode=rwc",
            self.folder.path().join("shop.sqlite").display()
        )
    }

    /// Whether anything has made the file.
    pub(crate) fn exists(&self) -> bool {
        self.folder.path().join("shop.sqlite").exists()
    }

    /// The command line with settings of its own.
    pub(crate) fn cli(&self, history: History, output: &Output) -> Cli {
        Cli::new(history)
            .url(self.url())
            .app_version("1.2.3")
            .program("shop migrate")
            .project(self.folder.path())
            .output(output.clone())
    }

    /// Runs one command on the whole history.
    pub(crate) async fn migrate(&self, words: &str) -> Ran {
        self.migrate_with(history::shop(), words).await
    }

    /// Runs one command on a history.
    pub(crate) async fn migrate_with(&self, history: History, words: &str) -> Ran {
        self.answer(history, words, None).await
    }

    /// Runs one command that may ask.
    pub(crate) async fn answer(&self, history: History, words: &str, answer: Option<&str>) -> Ran {
        let output = match answer {
            Some(answer) => Output::memory().answering([answer]),
            None => Output::memory(),
        };
        let exit = self.cli(history, &output).run_from(split(words)).await;
        Ran {
            exit,
            stdout: output.stdout(),
            stderr: output.stderr(),
        }
    }

    /// Runs commands one after the other and compares all of it with a golden file.
    pub(crate) async fn session(&self, golden_file: &str, commands: &[&str]) {
        let mut transcript = String::new();
        for words in commands {
            transcript.push_str(&self.migrate(words).await.transcript(words));
            transcript.push('\n');
        }
        golden::check(golden_file, &golden::normalize(&transcript));
    }

    /// A connection of the test's own.
    pub(crate) async fn connect(&self) -> SqliteConnection {
        let options: SqliteConnectOptions = self.url().parse().expect("a URL");
        options.connect().await.expect("a connection")
    }

    pub(crate) async fn execute(&self, sql: &'static str) {
        let mut connection = self.connect().await;
        sqlx::raw_sql(sql)
            .execute(&mut connection)
            .await
            .expect(sql);
        connection.close().await.expect("closing");
    }

    pub(crate) async fn count(&self, sql: &'static str) -> i64 {
        let mut connection = self.connect().await;
        let count = sqlx::query_scalar(sql)
            .fetch_one(&mut connection)
            .await
            .expect(sql);
        connection.close().await.expect("closing");
        count
    }
}

/// Splits words as a shell does with single quotes.
pub(crate) fn split(words: &str) -> Vec<String> {
    let mut out = Vec::new();
    for (index, part) in words.split('\'').enumerate() {
        if index % 2 == 1 {
            out.push(part.to_owned());
        } else {
            out.extend(part.split_whitespace().map(str::to_owned));
        }
    }
    out
}
