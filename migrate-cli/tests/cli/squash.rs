//! `squash`: what is written, what is left alone, what is refused.

use migrate_cli::{Cli, Exit, Output};
use migrate_core::__private::FunctionStep;
use migrate_core::History;
use migrate_core::report::StepId;

use crate::support::history::data;
use crate::support::{Ran, TempFolder, golden, split};

/// A package whose folders and binary have the same steps.
struct Shop {
    folder: TempFolder,
    files: Vec<(&'static str, String, String)>,
    functions: Vec<&'static FunctionStep>,
}

impl Shop {
    fn new(files: &[(&'static str, &str, &str)], functions: &[&'static FunctionStep]) -> Self {
        let folder = TempFolder::new();
        folder.write("Cargo.toml", "[package]\nname = \"shop\"\n");
        let embed = "embed_migrations! { users => \"users\", billing => \"billing\" }\n";
        folder.write("src/lib.rs", embed);
        let mut shop = Self {
            folder,
            files: Vec::new(),
            functions: functions.to_vec(),
        };
        for (app, name, text) in files {
            shop.folder.write(&format!("{app}/{name}"), text);
            shop.files
                .push((app, (*name).to_owned(), (*text).to_owned()));
        }
        shop
    }

    /// Files of users alone.
    fn of_users(files: &[(&str, &str)]) -> Self {
        let files: Vec<_> = files
            .iter()
            .map(|(name, text)| ("users", *name, *text))
            .collect();
        Self::new(&files, &[])
    }

    fn history(&self) -> History {
        let mut builder = History::builder();
        for (app, name, text) in &self.files {
            builder = builder.sql(app, name, text);
        }
        for function in &self.functions {
            builder = builder.function(function);
        }
        builder.build().expect("a history")
    }

    /// The binary as it is when it is built anew.
    fn build(&mut self) {
        self.files.clear();
        for app in ["users", "billing"] {
            let Ok(entries) = std::fs::read_dir(self.folder.path().join(app)) else {
                continue;
            };
            for entry in entries {
                let name = entry
                    .expect("an entry")
                    .file_name()
                    .into_string()
                    .expect("UTF-8");
                if name.ends_with(".sql") {
                    let text = self.folder.read(&format!("{app}/{name}"));
                    self.files.push((app, name, text));
                }
            }
        }
    }

    fn run(&self, words: &str) -> Ran {
        let output = Output::memory();
        let cli = Cli::new(self.history())
            .project(self.folder.path())
            .program("shop migrate")
            .output(output.clone());
        let runtime = tokio::runtime::Builder::new_current_thread().build();
        let exit = runtime
            .expect("a runtime")
            .block_on(cli.run_from(split(words)));
        let clean =
            |text: String| text.replace(&self.folder.path().display().to_string(), "PROJECT");
        Ran {
            exit,
            stdout: clean(output.stdout()),
            stderr: clean(output.stderr()),
        }
    }

    /// Squashes, and says which files of users there are then, the old ones left out.
    fn squash(&mut self, words: &str) -> Vec<String> {
        let ran = self.run(words);
        assert_eq!(ran.exit, Exit::Done, "{}", ran.stderr);
        let before: Vec<String> = self.files.iter().map(|(_, name, _)| name.clone()).collect();
        self.build();
        let mut new: Vec<String> = self
            .files
            .iter()
            .map(|(_, name, _)| name.clone())
            .filter(|name| !before.contains(name))
            .collect();
        new.sort();
        new
    }

    /// The header of a file, without `-- migrate: `.
    fn header(&self, file: &str) -> Vec<String> {
        let text = self.folder.read(&format!("users/{file}"));
        let directives = text
            .lines()
            .filter_map(|line| line.strip_prefix("-- migrate: "));
        directives
            .filter(|directive| directive.contains('='))
            .map(str::to_owned)
            .collect()
    }

    fn text(&self, file: &str) -> String {
        self.folder.read(&format!("users/{file}"))
    }

    /// Nothing is wrong with the folders.
    fn check(&self) {
        let output = Output::memory();
        let exit = migrate_cli::cargo::run_from(self.folder.path(), &output, ["check", "users"]);
        assert_eq!(exit, Exit::Done, "{}{}", output.stdout(), output.stderr());
    }
}

/// The steps of a history, in order of execution.
fn order(history: &History) -> Vec<String> {
    history.iter().map(|step| step.id().to_string()).collect()
}

const INITIAL: &str = "CREATE TABLE users (id INTEGER PRIMARY KEY);\n";

/// Four files with ways back, one of which has no terminator at its end.
fn four() -> Shop {
    Shop::of_users(&[
        (
            "0001_initial.sql",
            "-- All that signed up.\n-- migrate: up\nCREATE TABLE users (id INTEGER PRIMARY KEY);\n\
             INSERT INTO users VALUES (1);\n-- migrate: down\nDROP TABLE users;\n",
        ),
        (
            "0002_email.up.sql",
            "ALTER TABLE users ADD email TEXT -- the private one\n",
        ),
        ("0002_email.down.sql", "ALTER TABLE users DROP COLUMN email"),
        (
            "0003_note.sql",
            "-- migrate: up\n\nALTER TABLE users ADD note TEXT DEFAULT ';'\n-- migrate: down\n\
             ALTER TABLE users DROP COLUMN note;\n",
        ),
        ("0004_nothing.sql", "-- It once did something.\n"),
    ])
}

#[test]
fn a_range_becomes_one_file_with_a_way_back() {
    let mut shop = four();
    let mut transcript = String::new();
    for words in [
        "squash users 0001 0004 --print",
        "squash users 0002 0003 --name again --json --print",
        "squash users 0001 0004",
    ] {
        transcript.push_str(&shop.run(words).transcript(words));
        transcript.push('\n');
    }
    golden::check("squash.txt", &transcript);
    shop.build();
    shop.check();
    let history = shop.history();
    assert_eq!(
        order(&history.only_squashes().expect("an order")),
        ["users.0001_squashed_0004"]
    );
    assert_eq!(
        order(&history.without_squashes().expect("an order")).len(),
        4
    );
    assert!(
        shop.folder
            .read("users/index.txt")
            .contains("0001_squashed_0004.sql")
    );
}

#[test]
fn nothing_is_overwritten_and_what_cannot_be_done_is_refused() {
    let mut shop = four();
    shop.folder.write("billing/0001_initial.sql", "SELECT 1;\n");
    shop.build();
    let commands = [
        "squash shop 0001 0002",
        "squash user 0001 0002",
        "squash users 0003 0001",
        "squash users 0001 0009",
        "squash users 0002 0002",
        "squash users 0001 0002 --name 'a b'",
        "squash users 0001",
    ];
    let mut transcript = String::new();
    for words in commands {
        transcript.push_str(&shop.run(words).transcript(words));
        transcript.push('\n');
    }
    assert_eq!(
        shop.squash("squash users 0001 0003"),
        ["0001_squashed_0003.sql"]
    );
    for words in [
        "squash users 0001_squ 0004",
        "squash users 0001_initial 0004",
    ] {
        transcript.push_str(&shop.run(words).transcript(words));
        transcript.push('\n');
    }
    let output = Output::memory();
    let words = ["squash", "users", "0001", "0004"];
    let exit = migrate_cli::cargo::run_from(shop.folder.path(), &output, words);
    transcript.push_str(&format!(
        "$ cargo migrate {}\n{}exit code: {}\n",
        words.join(" "),
        output.stderr(),
        exit.code()
    ));
    golden::check("squash_refused.txt", &transcript);
}

#[test]
fn a_binary_older_than_the_folder_does_not_squash() {
    let shop = four();
    shop.folder.write("users/0005_new.sql", "SELECT 1;\n");
    let ran = shop.run("squash users 0001 0004");
    assert_eq!(ran.exit, Exit::Usage);
    assert!(
        ran.stderr.contains("`0005_new.sql` is not in this binary"),
        "{}",
        ran.stderr
    );
    assert!(!shop.folder.path().join("users/index.txt").exists());
}

#[test]
fn a_data_migration_stays_between_the_files_where_it_was() {
    let lower = data("users", "lower_v1_2026_11_20", &["0002_b"], false);
    let mut shop = Shop::new(
        &[
            ("users", "0001_a.sql", INITIAL),
            ("users", "0002_b.sql", "SELECT 2;\n"),
            ("users", "0003_c.sql", "SELECT 3;\n"),
            ("users", "0004_d.sql", "SELECT 4;\n"),
            ("users", "0005_e.sql", "SELECT 5;\n"),
        ],
        &[lower],
    );
    let before = order(&shop.history());
    assert_eq!(before[2], "users.lower_v1_2026_11_20");
    assert_eq!(
        shop.squash("squash users 0001 0004"),
        ["0001_squashed_0002.sql", "0003_squashed_0004.sql"]
    );
    shop.check();
    assert_eq!(
        shop.header("0003_squashed_0004.sql"),
        [
            "replaces = [\"0003_c\", \"0004_d\"]",
            "after = [\"0001_squashed_0002\", \"lower_v1_2026_11_20\"]"
        ]
    );
    let history = shop.history();
    assert_eq!(
        order(&history.only_squashes().expect("an order")),
        [
            "users.0001_squashed_0002",
            "users.lower_v1_2026_11_20",
            "users.0003_squashed_0004",
            "users.0005_e"
        ]
    );
    assert_eq!(
        order(&history.without_squashes().expect("an order")),
        before
    );
}

#[test]
fn an_elidable_data_migration_is_dropped() {
    let lower = data("users", "lower_v1_2026_11_20", &["0002_b"], true);
    let mut shop = Shop::new(
        &[
            ("users", "0001_a.sql", INITIAL),
            ("users", "0002_b.sql", "SELECT 2;\n"),
            (
                "users",
                "0003_c.sql",
                "-- migrate: after = [\"0002_b\", \"lower_v1_2026_11_20\"]\nSELECT 3;\n",
            ),
        ],
        &[lower],
    );
    assert_eq!(
        shop.squash("squash users 0001 0003"),
        ["0001_squashed_0003.sql"]
    );
    assert_eq!(
        shop.header("0001_squashed_0003.sql"),
        ["replaces = [\"0001_a\", \"0002_b\", \"lower_v1_2026_11_20\", \"0003_c\"]"]
    );
    assert_eq!(
        order(&shop.history().only_squashes().expect("an order")),
        ["users.0001_squashed_0003"]
    );
}

#[test]
fn what_waits_in_another_app_cuts_the_range_and_is_waited_for() {
    let mut shop = Shop::new(
        &[
            ("users", "0001_a.sql", INITIAL),
            ("users", "0002_b.sql", "SELECT 2;\n"),
            (
                "billing",
                "0001_x.sql",
                "-- migrate: after = \"users.0002_b\"\nSELECT 1;\n",
            ),
            (
                "billing",
                "0002_y.sql",
                "-- migrate: before = \"users.0003_c\"\nSELECT 2;\n",
            ),
            ("users", "0003_c.sql", "SELECT 3;\n"),
            (
                "users",
                "0004_d.sql",
                "-- migrate: before = \"billing.0003_z\"\nSELECT 4;\n",
            ),
            ("billing", "0003_z.sql", "SELECT 3;\n"),
        ],
        &[],
    );
    assert_eq!(
        shop.squash("squash users 0001 0004 --name of_users"),
        [
            "0001_squashed_0002_of_users.sql",
            "0003_squashed_0004_of_users.sql"
        ]
    );
    assert_eq!(
        shop.header("0003_squashed_0004_of_users.sql"),
        [
            "replaces = [\"0003_c\", \"0004_d\"]",
            "after = [\"billing.0002_y\"]",
            "before = [\"billing.0003_z\"]"
        ]
    );
    assert_eq!(
        order(&shop.history().only_squashes().expect("no circle")),
        [
            "users.0001_squashed_0002_of_users",
            "billing.0001_x",
            "billing.0002_y",
            "users.0003_squashed_0004_of_users",
            "billing.0003_z"
        ]
    );
}

#[test]
fn what_cannot_share_a_transaction_stays_apart() {
    let mut shop = Shop::of_users(&[
        ("0001_a.sql", INITIAL),
        ("0002_b.sql", "SELECT 2;\n"),
        (
            "0003_index.sql",
            "-- migrate: atomic = false\nCREATE INDEX i ON users (id);\n",
        ),
        ("0004_d.sql", "SELECT 4;\n"),
        (
            "0005_dump.sql",
            "SELECT pg_catalog.set_config('search_path', '', false);\n",
        ),
        ("0006_f.sql", "SELECT 6;\n"),
        (
            "0007_rebuild.sql",
            "-- migrate: foreign_keys = off\nSELECT 7;\n",
        ),
        (
            "0008_rebuild.sql",
            "-- migrate: foreign_keys = off\nSELECT 8;\n",
        ),
        ("0009_enum.sql", "ALTER TYPE mood ADD VALUE 'calm';\n"),
        ("0010_j.sql", "SELECT 10;\n"),
    ]);
    let words = "squash users 0001 0010";
    golden::check("squash_cuts.txt", &shop.run(words).transcript(words));
    shop.build();
    shop.check();
    assert_eq!(
        order(&shop.history().only_squashes().expect("an order")),
        [
            "users.0001_squashed_0002",
            "users.0003_index",
            "users.0004_squashed_0005",
            "users.0006_f",
            "users.0007_squashed_0008",
            "users.0009_enum",
            "users.0010_j"
        ]
    );
    assert_eq!(
        shop.header("0007_squashed_0008.sql"),
        [
            "replaces = [\"0007_rebuild\", \"0008_rebuild\"]",
            "foreign_keys = off"
        ]
    );
}

#[test]
fn a_file_for_one_database_makes_a_squash_for_it() {
    let mut shop = Shop::of_users(&[
        ("0001_a.sql", "SELECT 'common';\n"),
        ("0002_b.sqlite.sql", "SELECT 'sqlite'\n"),
        ("0002_b.postgres.up.sql", "SELECT 'postgres';\n"),
        ("0002_b.postgres.down.sql", "SELECT 'back';\n"),
        ("0003_c.sql", "SELECT 'common';\n"),
        (
            "0003_c.mysql.sql",
            "# A comment of MySQL's.\nSELECT 'mysql';\n",
        ),
    ]);
    assert_eq!(
        shop.squash("squash users 0001 0003"),
        [
            "0001_squashed_0003.postgres.sql",
            "0001_squashed_0003.sqlite.sql"
        ]
    );
    shop.check();
    assert_eq!(
        shop.text("0001_squashed_0003.sqlite.sql"),
        "-- migrate: replaces = [\"0001_a\", \"0002_b\", \"0003_c\"]\n\n-- 0001_a.sql\nSELECT 'common';\n\n\
         -- 0002_b.sqlite.sql\nSELECT 'sqlite'\n;\n\n-- 0003_c.sql\nSELECT 'common';\n"
    );
}

#[test]
fn a_run_ends_a_squash_and_allowances_are_kept() {
    let manual: &'static FunctionStep = Box::leak(Box::new(FunctionStep {
        manual: true,
        ..*data("users", "manual_2026_11_20", &["0001_a"], false)
    }));
    let mut shop = Shop::new(
        &[
            (
                "users",
                "0001_a.sql",
                "-- migrate: allow = [\"x: it is small\"]\nSELECT 1;\n",
            ),
            (
                "users",
                "0002_b.sql",
                "-- migrate: run = \"manual_2026_11_20\"\nSELECT 2;\n",
            ),
            ("users", "0003_c.sql", "SELECT 3;\n"),
            ("users", "0004_d.sql", "SELECT 4;\n"),
        ],
        &[manual],
    );
    assert_eq!(
        shop.squash("squash users 0001 0004"),
        ["0001_squashed_0002.sql", "0003_squashed_0004.sql"]
    );
    assert_eq!(
        shop.header("0001_squashed_0002.sql"),
        [
            "replaces = [\"0001_a\", \"0002_b\"]",
            "run = [\"manual_2026_11_20\"]",
            "allow = [\"x: it is small\"]"
        ]
    );
    let live = shop.history().only_squashes().expect("an order");
    let first = live
        .get(&StepId::new("users", "0001_squashed_0002"))
        .expect("the squash");
    assert!(first.after().is_empty(), "{:?}", first.after());
}

#[test]
fn a_squash_is_squashed_again_once_its_files_are_gone() {
    let mut shop = four();
    shop.squash("squash users 0001 0002");
    for gone in [
        "0001_initial.sql",
        "0002_email.up.sql",
        "0002_email.down.sql",
    ] {
        std::fs::remove_file(shop.folder.path().join("users").join(gone)).expect("removed");
    }
    shop.build();
    assert_eq!(
        shop.squash("squash users 0001 0004"),
        ["0001_squashed_0004.sql"]
    );
    shop.check();
    assert_eq!(
        shop.header("0001_squashed_0004.sql"),
        [
            "replaces = [\"0001_initial\", \"0002_email\", \"0001_squashed_0002\", \"0003_note\", \"0004_nothing\"]"
        ]
    );
}
