//! `squash`: what is written, what is left alone, what is refused.

use migrate_cli::{Cli, Exit, Output};
use migrate_core::__private::FunctionStep;
use migrate_core::History;
use migrate_core::report::StepId;

use crate::support::history::data;
use crate::support::{Database, Ran, TempFolder, golden, split};

/// A package whose folders and binary have the same steps.
struct Shop {
    folder: TempFolder,
    apps: Vec<&'static str>,
    files: Vec<(&'static str, String, String)>,
    functions: Vec<&'static FunctionStep>,
}

impl Shop {
    fn new(files: &[(&'static str, &str, &str)], functions: &[&'static FunctionStep]) -> Self {
        let folder = TempFolder::new();
        folder.write("Cargo.toml", "[package]\nname = \"shop\"\n");
        let mut apps = vec!["users", "billing"];
        for (app, ..) in files {
            if !apps.contains(app) {
                apps.push(app);
            }
        }
        let named = apps.iter().map(|app| format!("{app} => \"{app}\""));
        let named = named.collect::<Vec<_>>().join(", ");
        folder.write("src/lib.rs", &format!("embed_migrations! {{ {named} }}\n"));
        let mut shop = Self {
            folder,
            apps,
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
        for app in self.apps.iter().copied() {
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
            .url(format!(
                "sqlite:{}/shop.sqlite?mode=rwc",
                self.folder.path().display()
            ))
            .program("shop migrate")
            .output(output.clone());
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build();
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
        (
            "0004_nothing.sql",
            "-- migrate: up\n-- It once did something.\nSELECT 1;\n-- migrate: down\nSELECT 1;\n",
        ),
    ])
}

#[test]
fn a_range_becomes_one_file_with_a_way_back() {
    let mut shop = four();
    let mut transcript = String::new();
    for words in ["squash users 0001 0004 --print", "squash users 0001 0004"] {
        transcript.push_str(&shop.run(words).transcript(words));
        transcript.push('\n');
    }
    golden::check("squash.txt", &transcript);
    let ran = four().run("squash users 0002 0003 --name again --json");
    golden::check("squash.json", &golden::normalize_json(ran.json()));
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

/// Five apps that depend on each other, three of them with data migrations.
fn five() -> Shop {
    Shop::new(
        &[
            ("users", "0001_initial.sql", INITIAL),
            (
                "users",
                "0002_email.sql",
                "ALTER TABLE users ADD email TEXT;\n",
            ),
            (
                "llmchat",
                "0001_initial.sql",
                "-- migrate: after = [\"users.0001_initial\", \"journeys.0001_initial\"]\n\
                 CREATE TABLE chats (id INTEGER PRIMARY KEY, journey INTEGER REFERENCES journeys (id));\n",
            ),
            (
                "llmchat",
                "0002_title.sql",
                "ALTER TABLE chats ADD title TEXT;\n",
            ),
            (
                "journeys",
                "0001_initial.sql",
                "-- migrate: after = \"users.0002_email\"\n\
                 CREATE TABLE journeys (id INTEGER PRIMARY KEY, owner INTEGER REFERENCES users (id) ON DELETE CASCADE);\n",
            ),
            (
                "journeys",
                "0002_slug.sql",
                "ALTER TABLE journeys ADD slug TEXT;\n",
            ),
            (
                "memory",
                "0001_initial.sql",
                "-- migrate: after = [\"journeys.0002_slug\", \"llmchat.0001_initial\"]\n\
                 CREATE TABLE points (id INTEGER PRIMARY KEY);\n",
            ),
            (
                "memory",
                "0002_note.sql",
                "ALTER TABLE points ADD note TEXT;\n",
            ),
            (
                "evidence",
                "0001_initial.sql",
                "-- migrate: after = \"users.0001_initial\"\nCREATE TABLE evidence (id INTEGER PRIMARY KEY);\n",
            ),
        ],
        &[
            data(
                "llmchat",
                "set_up_checkpointer_2026_01_05",
                &["0002_title"],
                false,
            ),
            data(
                "memory",
                "set_up_store_2026_01_06",
                &["0001_initial"],
                false,
            ),
            data(
                "journeys",
                "load_journeys_2026_01_07",
                &["0002_slug", "memory.0001_initial"],
                false,
            ),
        ],
    )
}

#[test]
fn several_apps_are_condensed_in_the_order_of_their_dependencies() {
    let words = "squash --apps users,llmchat,journeys,memory,evidence";
    let mut shop = five();
    let transcript = golden::normalize(&shop.run(words).transcript(words));
    golden::check("squash_apps.txt", &transcript);
    shop.build();
    for app in ["users", "llmchat", "journeys", "memory", "evidence"] {
        for words in [["index", "--folder", app].as_slice(), &["check", app]] {
            let output = Output::memory();
            let exit = migrate_cli::cargo::run_from(shop.folder.path(), &output, words);
            assert_eq!(exit, Exit::Done, "{}", output.stdout());
        }
    }
    let verified = shop.run("squash --verify");
    assert_eq!(verified.exit, Exit::Done, "{}", verified.stderr);
    assert_eq!(
        order(&shop.history().only_squashes().expect("an order")).len(),
        9
    );
}

/// A file that names a data migration still comes after it.
#[test]
fn data_migrations_may_be_let_run_after_the_files_that_they_stood_between() {
    let mut shop = five();
    let ran = shop.run("squash --apps llmchat,memory --functions-last");
    assert_eq!(ran.exit, Exit::Done, "{}", ran.stderr);
    assert!(!ran.stderr.contains("Not all of"), "{}", ran.stderr);
    shop.build();
    let live = shop.history().only_squashes().expect("an order");
    assert_eq!(
        order(&live),
        [
            "users.0001_initial",
            "users.0002_email",
            "journeys.0001_initial",
            "llmchat.0001_squashed_0002_initial",
            "llmchat.set_up_checkpointer_2026_01_05",
            "journeys.0002_slug",
            "memory.0001_squashed_0002_initial",
            "journeys.load_journeys_2026_01_07",
            "memory.set_up_store_2026_01_06",
            "evidence.0001_initial",
        ]
    );

    let needed = data("users", "fill_2026_01_08", &["0001_a"], false);
    let shop = Shop::new(
        &[
            ("users", "0001_a.sql", INITIAL),
            ("users", "0002_b.sql", "SELECT 2;\n"),
            (
                "users",
                "0003_c.sql",
                "-- migrate: after = [\"0002_b\", \"fill_2026_01_08\"]\nSELECT 3;\n",
            ),
            ("users", "0004_d.sql", "SELECT 4;\n"),
        ],
        &[needed],
    );
    let ran = shop.run("squash users 0001 0004 --functions-last");
    assert_eq!(ran.exit, Exit::Done, "{}", ran.stderr);
    for file in ["0001_squashed_0002.sql", "0003_squashed_0004.sql"] {
        let path = shop.folder.path().join("users").join(file);
        assert!(path.exists(), "{file}: {}", ran.stderr);
    }
}

/// One app with something to join, and one without.
fn the_advised(dropped: &'static FunctionStep) -> Shop {
    Shop::new(
        &[
            ("users", "0001_a.sql", INITIAL),
            ("users", "0002_b.sql", "SELECT 2;\n"),
            ("billing", "0001_only.sql", "SELECT 3;\n"),
        ],
        &[dropped],
    )
}

/// Only apps with a squash have records to forget, and only functions that are replaced may go.
#[test]
fn the_advice_is_about_what_was_squashed() {
    let dropped = data("users", "fill_2026_01_08", &["0001_a"], true);
    let mut shop = the_advised(dropped);
    let words = "squash --apps users,billing";
    let ran = shop.run(words);
    golden::check(
        "squash_advice.txt",
        &golden::normalize(&ran.transcript(words)),
    );
    // A new folder, so that the same can be done once more, and the replaced files moved away.
    let again = the_advised(dropped);
    let reset = again.run("squash --apps users,billing --reset --yes");
    let functions = "the function of fill_2026_01_08 may be deleted\n";
    assert!(reset.stderr.contains(functions), "{}", reset.stderr);
    shop.build();
    let alone = shop.run("squash --verify");
    assert_eq!(alone.exit, Exit::Done, "{}", alone.stderr);
}

/// Files that only join branches have no statement. Where their branches are one file already, what
/// joins them would have no meaning but its line `replaces`, and be refused when that goes.
#[test]
fn a_squash_of_joints_has_a_statement() {
    // It looks as if it changed its session, so the next part begins behind it.
    let alone =
        "-- migrate: after = \"0001_a\"\nCREATE TABLE c (id INTEGER);\nSELECT 'set_config';\n";
    let files = [
        ("users", "0001_a.sql", INITIAL),
        ("users", "0002_b.sql", "CREATE TABLE b (id INTEGER);\n"),
        ("users", "0003_c.sql", alone),
        (
            "users",
            "0004_joint.sql",
            "-- migrate: after = [\"0002_b\", \"0003_c\"]\n",
        ),
        (
            "users",
            "0005_joint.sql",
            "-- migrate: after = [\"0004_joint\", \"0003_c\"]\n",
        ),
        (
            "users",
            "0006_last.sql",
            "-- migrate: up\nSELECT 6;\n-- migrate: down\nSELECT 7;\n",
        ),
    ];
    let mut shop = Shop::new(&files, &[]);
    let done = |shop: &Shop, words: &str| {
        let ran = shop.run(words);
        assert_eq!(ran.exit, Exit::Done, "{words}: {}", ran.stderr);
        ran.stderr
    };
    done(&shop, "");
    let new = shop.squash("squash users 0001 0005");
    assert_eq!(new, ["0001_squashed_0003.sql", "0004_squashed_0005.sql"]);
    done(&shop, "squash --verify");
    done(&shop, "");

    // The replaced files go, then the lines.
    for (_, gone, _) in &files[..5] {
        std::fs::remove_file(shop.folder.path().join("users").join(gone)).expect("a file");
    }
    for file in new {
        let path = format!("users/{file}");
        let text = shop.folder.read(&path);
        let (replaces, rest) = text.split_once('\n').expect("lines");
        assert!(replaces.starts_with("-- migrate: replaces"), "{text}");
        shop.folder.write(&path, rest);
    }
    shop.build();
    for words in [
        ["index", "--folder", "users"].as_slice(),
        &["check", "users"],
    ] {
        let output = Output::memory();
        let exit = migrate_cli::cargo::run_from(shop.folder.path(), &output, words);
        assert_eq!(exit, Exit::Done, "{}{}", output.stdout(), output.stderr());
    }
    for words in ["users --prune --yes", "", "verify"] {
        done(&shop, words);
    }
    assert!(done(&shop, "users 0004 --yes").contains("0006_last"));
}

#[test]
fn a_reset_moves_the_replaced_files_away() {
    let shop = five();
    let backup = shop.folder.path().join("old").display().to_string();
    let words = format!("squash --apps users,memory,journeys --reset --backup '{backup}'");
    let unasked = shop.run(&words);
    assert_eq!(unasked.exit, Exit::Usage, "{}", unasked.stderr);
    assert!(shop.folder.path().join("users/0001_initial.sql").exists());
    let words = format!("{words} --yes");
    let ran = shop.run(&words);
    let transcript =
        ran.transcript("squash --apps users,memory,journeys --reset --backup old --yes");
    golden::check("squash_reset.txt", &golden::normalize(&transcript));
    assert_eq!(shop.folder.read("old/users/0001_initial.sql"), INITIAL);
    assert!(!shop.folder.path().join("users/0001_initial.sql").exists());
    assert!(
        shop.folder
            .read("users/index.txt")
            .ends_with("0001_squashed_0002_initial.sql\n")
    );
    shop.check();
}

#[test]
fn apps_that_would_wait_for_each_other_are_cut() {
    let mut shop = Shop::new(
        &[
            ("users", "0001_a.sql", INITIAL),
            (
                "users",
                "0002_b.sql",
                "-- migrate: before = \"billing.0002_y\"\nSELECT 2;\n",
            ),
            (
                "billing",
                "0001_x.sql",
                "-- migrate: before = \"users.0002_b\"\nSELECT 1;\n",
            ),
            ("billing", "0002_y.sql", "SELECT 2;\n"),
            ("billing", "0003_z.sql", "SELECT 3;\n"),
        ],
        &[],
    );
    let ran = shop.run("squash --apps billing,users");
    assert_eq!(ran.exit, Exit::Done, "{}", ran.stderr);
    assert!(
        ran.stderr.contains("which comes after the part before"),
        "{}",
        ran.stderr
    );
    shop.build();
    assert_eq!(
        order(&shop.history().only_squashes().expect("no circle")),
        [
            "billing.0001_x",
            "users.0001_squashed_0002_initial",
            "billing.0002_squashed_0003_initial"
        ]
    );
}

#[test]
fn what_cannot_be_tried_is_not_written() {
    let files = [
        ("users", "0001_a.sql", INITIAL),
        ("users", "0002_b.sql", "SELECT nonsense;\n"),
    ];
    let shop = Shop::new(&files, &[]);
    let ran = shop.run("squash --apps users");
    assert_eq!(ran.exit, Exit::Failed);
    assert!(
        ran.stderr.contains("running the replaced steps"),
        "{}",
        ran.stderr
    );
    assert!(!shop.folder.path().join("users/index.txt").exists());
    assert_eq!(shop.run("squash --apps users --untried").exit, Exit::Done);
    assert!(
        shop.folder
            .path()
            .join("users/0001_squashed_0002_initial.sql")
            .exists()
    );
}

/// Two files and what is said to be the same in one.
fn compared(squash: &str) -> History {
    let replaces = "-- migrate: replaces = [\"0001_a\", \"0002_b\"]\n";
    History::builder()
        .sql("users", "0001_a.sql", INITIAL)
        .sql(
            "users",
            "0002_b.sql",
            "ALTER TABLE users ADD email TEXT;\nINSERT INTO users VALUES (1, 'ada@example.org');\n",
        )
        .sql(
            "users",
            "0001_squashed_0002.sql",
            &format!("{replaces}{squash}"),
        )
        .build()
        .expect("a history")
}

#[tokio::test]
async fn both_ways_are_compared() {
    let right = "CREATE TABLE users (id INTEGER PRIMARY KEY, email TEXT);\n\
                 INSERT INTO users VALUES (1, 'ada@example.org');\n";
    let wrong = "CREATE TABLE users (id INTEGER PRIMARY KEY, email TEXT NOT NULL);\n\
                 CREATE INDEX mail ON users (email);\nINSERT INTO users VALUES (1, 'eve@example.org');\n";
    let database = Database::new();
    let mut transcript = String::new();
    for (squash, words) in [
        (right, "squash --verify"),
        (wrong, "squash --verify"),
        (wrong, "squash --verify --ignore users.email"),
        ("SELECT nonsense;\n", "squash --verify"),
        (right, "squash --verify users 0001 0002"),
        (right, "squash --seed seed.sql"),
    ] {
        let ran = database.migrate_with(compared(squash), words).await;
        transcript.push_str(&ran.transcript(words));
        transcript.push('\n');
    }
    golden::check("squash_verify.txt", &golden::normalize(&transcript));
    let words = "squash --verify --json";
    let ran = database.migrate_with(compared(wrong), words).await;
    assert_eq!(ran.exit, Exit::Failed);
    golden::check("squash_verify.json", &golden::normalize_json(ran.json()));
    assert!(!database.exists(), "the database is not touched");
}

#[tokio::test]
async fn a_seed_fills_the_tables() {
    let database = Database::new();
    let folder = TempFolder::new();
    folder.write(
        "seed.sql",
        "INSERT INTO users VALUES (7, 'grace@example.org');\n",
    );
    let seed = folder.path().join("seed.sql").display().to_string();
    let right = "CREATE TABLE users (id INTEGER PRIMARY KEY, email TEXT);\n\
                 INSERT INTO users VALUES (1, 'ada@example.org');\n";
    let words = format!("squash --verify --seed '{seed}'");
    let ran = database.migrate_with(compared(right), &words).await;
    assert_eq!(ran.exit, Exit::Done, "{}", ran.stderr);
    assert!(ran.stderr.contains("2 rows in 1 table"), "{}", ran.stderr);
    let ran = database
        .migrate_with(compared(right), "squash --verify --seed nowhere.sql")
        .await;
    assert_eq!(ran.exit, Exit::Failed);
    assert!(
        ran.stderr.contains("cannot read nowhere.sql"),
        "{}",
        ran.stderr
    );
}
