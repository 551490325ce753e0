//! The packages that are measured: copies of `apps/*` with N SQL files each, in a workspace of
//! their own under `target/`, with the versions of this workspace's Cargo.lock.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::Failure;

/// Who is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Peer {
    Ours,
    Sqlx,
    Refinery,
    Diesel,
}

impl Peer {
    pub(crate) const ALL: [Self; 4] = [Self::Ours, Self::Sqlx, Self::Refinery, Self::Diesel];

    /// The folder in `apps`, and the first part of the packages' names.
    pub(crate) fn folder(self) -> &'static str {
        match self {
            Self::Ours => "ours",
            Self::Sqlx => "sqlx",
            Self::Refinery => "refinery",
            Self::Diesel => "diesel",
        }
    }

    /// As it stands in tables.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Ours => "migrate-core",
            other => other.folder(),
        }
    }

    /// Where the peer looks for the SQL of step `number`, within its folder of migrations.
    fn file(self, number: usize) -> String {
        match self {
            Self::Ours | Self::Sqlx => format!("{number:04}_create_items_{number:05}.sql"),
            Self::Refinery => format!("V{number}__create_items_{number:05}.sql"),
            Self::Diesel => format!("{number:05}_create_items/up.sql"),
        }
    }
}

/// One package.
#[derive(Clone, Debug)]
pub(crate) struct Package {
    pub(crate) peer: Peer,
    pub(crate) steps: usize,
    pub(crate) name: String,
    folder: PathBuf,
    build: PathBuf,
}

/// The generated workspace.
pub(crate) struct Packages {
    pub(crate) all: Vec<Package>,
    /// As many SQL steps as functions, each after the one before.
    pub(crate) alternating: Package,
}

/// The numbers of steps that are measured.
pub(crate) const SIZES: [usize; 3] = [10, 100, 1000];

/// How many SQL steps, and how many functions, alternate.
pub(crate) const ALTERNATIONS: usize = 100;

impl Packages {
    pub(crate) fn get(&self, peer: Peer, steps: usize) -> Result<&Package, Failure> {
        let mut all = self.all.iter();
        all.find(|package| package.peer == peer && package.steps == steps)
            .ok_or_else(|| Failure(format!("{} with {steps} steps is not there", peer.name())))
    }
}

/// Writes all packages below `target`, in place of those of an earlier run.
pub(crate) fn generate(bench: &Path, target: &Path) -> Result<Packages, Failure> {
    let root = target.join("packages");
    if root.exists() {
        fs::remove_dir_all(&root)?;
    }
    fs::create_dir_all(&root)?;
    fs::write(
        root.join("Cargo.toml"),
        manifest_of_workspace(&bench.join("Cargo.toml"))?,
    )?;
    fs::copy(bench.join("Cargo.lock"), root.join("Cargo.lock"))?;
    let place = |peer: Peer, name: String, steps| Package {
        peer,
        steps,
        folder: root.join("apps").join(&name),
        name,
        build: target.join("build"),
    };
    let mut all = Vec::new();
    for steps in SIZES {
        for peer in Peer::ALL {
            let package = place(peer, format!("{}-{steps}", peer.folder()), steps);
            package.write(bench, |_| String::new())?;
            all.push(package);
        }
    }
    let alternating = place(Peer::Ours, "ours-alternating".to_owned(), ALTERNATIONS);
    alternating.write(bench, header_of_alternation)?;
    alternating.append_functions()?;
    Ok(Packages { all, alternating })
}

/// The workspace's manifest down to its dependencies, without the package of this program.
fn manifest_of_workspace(path: &Path) -> Result<String, Failure> {
    let text = fs::read_to_string(path)?;
    let workspace = text.split("\n[package]").next().unwrap_or_default();
    Ok(workspace.to_owned())
}

/// A step of some 300 bytes.
fn sql(number: usize) -> String {
    format!(
        "CREATE TABLE bench_items_{number:05} (\n    \
         id BIGINT NOT NULL PRIMARY KEY,\n    \
         name VARCHAR(200) NOT NULL,\n    \
         email VARCHAR(200) NOT NULL DEFAULT '',\n    \
         amount NUMERIC(12, 2) NOT NULL DEFAULT 0,\n    \
         created_at TIMESTAMP NULL\n);\n\
         CREATE INDEX bench_items_{number:05}_name ON bench_items_{number:05} (name, created_at);\n"
    )
}

/// The header of a SQL step that comes after a function.
fn header_of_alternation(number: usize) -> String {
    match number {
        1 => String::new(),
        _ => format!("-- migrate: after = [\"{}\"]\n", function_name(number - 1)),
    }
}

fn function_name(number: usize) -> String {
    format!("fill_items_{number}_v1_2026_01_31")
}

impl Package {
    fn write(&self, bench: &Path, header: impl Fn(usize) -> String) -> Result<(), Failure> {
        let app = bench.join("apps").join(self.peer.folder());
        let migrations = self.folder.join("migrations");
        fs::create_dir_all(self.folder.join("src"))?;
        fs::create_dir_all(&migrations)?;
        fs::copy(app.join("src/main.rs"), self.main())?;
        let manifest = fs::read_to_string(app.join("Cargo.toml"))?;
        let up = bench.parent().unwrap_or(bench).display().to_string();
        let manifest = manifest
            .replace(&format!("bench-{}", self.peer.folder()), &self.name)
            .replace("../../..", &up);
        fs::write(self.folder.join("Cargo.toml"), manifest)?;
        for number in 1..=self.steps {
            let path = migrations.join(self.peer.file(number));
            if let Some(folder) = path.parent() {
                fs::create_dir_all(folder)?;
            }
            fs::write(path, header(number) + &sql(number))?;
        }
        if self.peer == Peer::Ours {
            migrate_source::folder::write_index(&migrations)?;
        }
        Ok(())
    }

    fn main(&self) -> PathBuf {
        self.folder.join("src/main.rs")
    }

    fn append_functions(&self) -> Result<(), Failure> {
        let mut text = fs::read_to_string(self.main())?;
        for number in 1..=self.steps {
            let (name, step) = (function_name(number), self.peer.file(number));
            let step = step.trim_end_matches(".sql");
            // Writing to a String does not fail.
            let _ = write!(
                text,
                "\n#[migrate_core::data_migration(after = [\"{step}\"])]\n\
                 async fn {name}(cx: &mut migrate_core::Context<'_, sqlx::Sqlite>) -> migrate_core::Result<u64> {{\n    \
                 let sql = \"UPDATE bench_items_{number:05} SET name = upper(name)\";\n    \
                 Ok(sqlx::query(sql).execute(cx.conn()).await?.rows_affected())\n}}\n"
            );
        }
        Ok(fs::write(self.main(), text)?)
    }

    /// `cargo VERB` for this package alone.
    pub(crate) fn cargo(&self, verb: &[&str]) -> Command {
        let mut command = Command::new("cargo");
        command
            .args(verb)
            .args(["--quiet", "--offline", "--package", &self.name])
            .current_dir(&self.folder)
            .env("CARGO_TARGET_DIR", &self.build);
        command
    }

    /// The program that a release build made.
    pub(crate) fn program(&self) -> PathBuf {
        self.build.join("release").join(&self.name)
    }

    /// Changes one character in the SQL file in the middle.
    pub(crate) fn edit_sql(&self, turn: usize) -> Result<(), Failure> {
        let number = self.steps.div_ceil(2);
        let path = self.folder.join("migrations").join(self.peer.file(number));
        let text = fs::read_to_string(&path)?;
        let text = text.split("-- edited ").next().unwrap_or_default();
        Ok(fs::write(&path, format!("{text}-- edited {turn:03}\n"))?)
    }

    /// Changes one character in the last function.
    pub(crate) fn edit_function(&self, turn: usize) -> Result<(), Failure> {
        let text = fs::read_to_string(self.main())?;
        let (head, tail) = text
            .rsplit_once("SET name = ")
            .ok_or_else(|| Failure("there is no function to edit".to_owned()))?;
        let rest = tail.split_once('"').map_or("", |(_, rest)| rest);
        let value = ["lower(name)", "upper(name)"][turn % 2];
        Ok(fs::write(
            self.main(),
            format!("{head}SET name = {value}\"{rest}"),
        )?)
    }
}
