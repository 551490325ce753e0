//! What needs only the sources: `new` in a service, and `cargo migrate`.

use std::path::{Path, PathBuf};

use migrate_cli::{Cli, Output};
use migrate_core::History;

use crate::support::{Ran, TempFolder, golden, history, split};

/// A package with its migration folder, as a service would have it.
fn package() -> TempFolder {
    let folder = TempFolder::new();
    folder.write(
        "Cargo.toml",
        "[package]\nname = \"my-shop\"\nversion = \"0.1.0\"\n",
    );
    folder.write(
        "src/lib.rs",
        "//! A shop.\n\nmigrate_core::embed_migrations!();\n",
    );
    folder.write(
        "migrations/0001_initial.sql",
        "CREATE TABLE users (id INTEGER PRIMARY KEY);\n",
    );
    folder.write("migrations/index.txt", "0001_initial.sql\n");
    folder
}

/// A workspace: one package with two apps, one with its own.
fn workspace() -> TempFolder {
    let folder = TempFolder::new();
    folder.write("Cargo.toml", "[workspace]\nmembers = [\"shop\", \"tax\"]\n");
    folder.write("shop/Cargo.toml", "[package] # the shop\nname = \"shop\"\n");
    folder.write(
        "shop/src/lib.rs",
        "migrate_core::embed_migrations! {\n    users => \"src/users/migrations\",\n    \
         billing => \"src/../billing\",\n    extern tax,\n}\n",
    );
    folder.write("shop/src/users/migrations/0001_initial.sql", "SELECT 1;\n");
    folder.write("shop/billing/0007_odd.sql", "SELECT 1;\n");
    folder.write("tax/Cargo.toml", "[package]\nname = \"tax\"\n");
    folder.write(
        "tax/src/lib.rs",
        "// embed_migrations!(\"elsewhere\");\nembed_migrations!(\"db\");\n",
    );
    folder.write("tax/db/0001_initial.sql", "SELECT 1;\n");
    folder.write("tax/target/debug/0001_copy.sql", "SELECT 1;\n");
    folder.write("tax/target/debug/index.txt", "0001_copy.sql\n");
    folder.write(
        "tax/tests/ui/broken.rs",
        "embed_migrations!(\"missing\");\n",
    );
    folder
}

fn cargo_migrate(folder: &TempFolder, words: &str) -> Ran {
    let output = Output::memory();
    let exit = migrate_cli::cargo::run_from(folder.path(), &output, split(words));
    Ran {
        exit,
        stdout: output.stdout(),
        stderr: output.stderr(),
    }
}

fn session(folder: &TempFolder, golden_file: &str, commands: &[&str]) {
    let mut text = String::new();
    for words in commands {
        let said = cargo_migrate(folder, words).transcript(words);
        text.push_str(&said.replace("shop migrate", "cargo migrate"));
        text.push('\n');
    }
    let path = folder.path().display().to_string();
    golden::check(golden_file, &text.replace(&path, "PROJECT"));
}

#[test]
fn new_writes_the_next_file_and_the_index() {
    let folder = package();
    session(
        &folder,
        "new_sql.txt",
        &[
            "new 'Add e-mail'",
            "new users_email_index --non-atomic --database postgres",
            "new users_email_index --database sqlite",
            "new email_not_null --after lower_emails_v1_2026_11_20 --reversible",
            "new tidy --run tidy_names_2026_11_20 --after 0002,0004",
            "new plain --after 0005",
            "check",
        ],
    );
    for (file, text) in [
        ("0002_add_e_mail.sql", "\n"),
        (
            "0003_users_email_index.postgres.sql",
            "-- migrate: atomic = false\n\n",
        ),
        ("0003_users_email_index.sqlite.sql", "\n"),
        (
            "0004_email_not_null.sql",
            "-- migrate: after = [\"0003_users_email_index\", \"lower_emails_v1_2026_11_20\"]\n\
             -- migrate: up\n\n\n-- migrate: down\n\n",
        ),
        (
            "0005_tidy.sql",
            "-- migrate: after = [\"0004_email_not_null\", \"0002_add_e_mail\"]\n\
             -- migrate: run = \"tidy_names_2026_11_20\"\n\n",
        ),
        ("0006_plain.sql", "\n"),
    ] {
        assert_eq!(folder.read(&format!("migrations/{file}")), text, "{file}");
    }
    let index = folder.read("migrations/index.txt");
    let listed: Vec<&str> = index
        .lines()
        .filter(|line| !line.starts_with('#'))
        .collect();
    assert_eq!(listed.len(), 7, "{index}");
}

#[test]
fn new_never_overwrites_and_refuses_what_it_cannot_name() {
    let folder = package();
    session(
        &folder,
        "new_refused.txt",
        &[
            "new 0002_add_email",
            "new 0002",
            "new '!'",
            "new 'café menu'",
            "new x --after 0009",
            "new x --after 0001_initail",
            "new x --after 'a b'",
            "new x --app users",
            "new x --manual",
            "new x --rust --date 2026-02-30",
        ],
    );
    assert_eq!(folder.read("migrations/index.txt"), "0001_initial.sql\n");
}

#[test]
fn new_prints_or_appends_a_function() {
    let folder = package();
    let into = folder.path().join("src/backfills.rs").display().to_string();
    session(
        &folder,
        "new_rust.txt",
        &[
            "new lower_emails_v1 --rust --date 2026-11-20",
            "new lower_emails_v2_2026_11_20 --rust --database mysql --non-atomic",
            "new tidy_names --rust --manual --date 2026_11_20",
            &format!("new lower_emails_v1 --rust --date 2026-11-20 --into {into} --after 0001"),
            &format!(
                "new lower_more --rust --date 2026-11-20 --into {into} --database sqlite --after lower_emails_v1_2026_11_20"
            ),
            "new lower_emails_v1 --rust --date 2026-11-20 --json",
        ],
    );
    golden::check("new_rust_file.rs.txt", &folder.read("src/backfills.rs"));
}

#[test]
fn a_workspace_has_several_folders_and_new_asks_which() {
    let folder = workspace();
    session(
        &folder,
        "workspace.txt",
        &[
            "index",
            "index --check",
            "new add_tax",
            "new add_tax --app taxx",
            "new add_tax --app tax",
            "new odder --app billing",
            "new fill_totals --rust --app billing --date 2026-11-20",
            "new here --folder tax/db",
            "check",
            "check tax/db",
        ],
    );
    assert_eq!(folder.read("shop/billing/0008_odder.sql"), "\n");
}

#[test]
fn check_shows_every_mistake_with_its_place() {
    let folder = package();
    for (file, text) in [
        ("0002_header.sql", "-- migrate: atomik = false\nSELECT 1;\n"),
        (
            "0003_transaction.sql",
            "BEGIN;\nCREATE TABLE t (a int);\n\tCOMMIT;\n",
        ),
        ("0004_unclosed.sql", "SELECT 'never closed;\n"),
        (
            "0005_concurrently.postgres.sql",
            "SELECT 1;\nCREATE INDEX CONCURRENTLY i ON users (id);\n",
        ),
        (
            "0006_after.sql",
            "-- a comment\n-- migrate: after = [\"0001_initail\"]\nSELECT 1;\n",
        ),
        (
            "0007_after_none.sql",
            "-- migrate: after = [\"0100_x\"], before = [\"0007_after_none\"]\nSELECT 1;\n",
        ),
        (
            "0008_rebuild.sql",
            "CREATE TABLE new_users (id INTEGER PRIMARY KEY);\nDROP TABLE users;\nALTER TABLE new_users RENAME TO users;\n",
        ),
        (
            "0009_fine.sql",
            "-- migrate: after = [\"0008_rebuild\", \"other.0001_x\", \"function_2026_11_20\"]\nSELECT 1;\n",
        ),
    ] {
        folder.write(&format!("migrations/{file}"), text);
    }
    session(
        &folder,
        "check.txt",
        &["check", "index --check", "index", "check migrations"],
    );
    let path = folder.path().display().to_string();
    let document = cargo_migrate(&folder, "check --json");
    assert_eq!(document.exit.code(), 1);
    let text = serde_json::to_string_pretty(&document.json()).expect("JSON");
    golden::check("check.json", &text.replace(&path, "PROJECT"));
}

#[test]
fn check_shows_names_that_are_no_steps() {
    let folder = package();
    folder.write("migrations/2_short.sql", "SELECT 1;");
    folder.write("migrations/0004_typo.sql", "-- migrate: atomik = false\n");
    folder.write("migrations/0001_again.sql", "SELECT 1;");
    folder.write("migrations/0003_lonely.down.sql", "SELECT 1;");
    session(
        &folder,
        "check_names.txt",
        &["check", "check nowhere", "index --folder nowhere"],
    );
}

#[test]
fn a_package_without_migrations_says_how_to_begin() {
    let folder = TempFolder::new();
    folder.write("Cargo.toml", "[package]\nname = \"empty\"\n");
    folder.write("src/main.rs", "fn main() {}\n");
    session(
        &folder,
        "no_folder.txt",
        &[
            "check",
            "index",
            "new initial",
            "new initial --folder migrations",
            "check",
        ],
    );
}

#[tokio::test]
async fn new_is_in_the_service_too_and_needs_no_database() {
    let folder = package();
    let output = Output::memory();
    let cli = Cli::new(history::shop())
        .project(folder.path())
        .output(output.clone());
    assert_eq!(cli.run_from(["new", "add_email", "--json"]).await.code(), 0);
    let document: serde_json::Value = serde_json::from_str(&output.stdout()).expect("JSON");
    assert_eq!(document["result"]["step"], "0002_add_email");
    assert_eq!(document["result"]["app"], "my_shop");
    assert_eq!(folder.read("migrations/0002_add_email.sql"), "\n");
}

#[tokio::test]
async fn a_service_finds_the_folders_of_its_workspace() {
    let folder = workspace();
    folder.write("web/Cargo.toml", "[package]\nname = \"web\"\n");
    folder.write("web/src/main.rs", "fn main() {}\n");
    folder.write("tax/db/0002_more.sql", "SELECT 2;\n");
    let history = || {
        let builder = History::builder()
            .sql("tax", "0001_initial.sql", "SELECT 1;\n")
            .sql("tax", "0002_more.sql", "SELECT 2;\n");
        builder.build().expect("a history")
    };
    for (words, expected, code) in [
        ("squash tax 0001 0002", "tax/db/0001_squashed_0002.sql", 0),
        ("new third --app tax", "tax/db/0003_third.sql", 0),
        ("new third --app taxes", "there are: billing, users, tax", 2),
        ("merge tax --no-db", "There is nothing to merge", 0),
        ("merge taxes --no-db", "there are: billing, users, tax", 2),
        ("squash tax 0001 0002 --folder db", "PROJECT/web/db", 2),
    ] {
        let output = Output::memory();
        let cli = Cli::new(history())
            .project(folder.path().join("web"))
            .output(output.clone());
        let exit = cli.run_from(split(words)).await;
        let path = folder.path().display().to_string();
        let said = format!("{}{}", output.stdout(), output.stderr()).replace(&path, "PROJECT");
        assert!(said.contains(expected), "{words}: {said}");
        assert_eq!(exit.code(), code, "{words}: {said}");
    }
}

#[test]
fn help_of_cargo_migrate() {
    let folder = TempFolder::new();
    let mut text = String::new();
    for words in [
        "--help",
        "new --help",
        "merge --help",
        "index --help",
        "check --help",
        "nwe",
        "check --jsno",
    ] {
        let ran = cargo_migrate(&folder, words);
        text.push_str(&format!(
            "$ cargo migrate {words}\n{}{}\n",
            ran.stdout, ran.stderr
        ));
    }
    golden::check("help_cargo.txt", &text);
}

#[test]
fn a_missing_index_hides_nothing_and_is_not_hidden() {
    let folder = package();
    std::fs::remove_file(folder.path().join("migrations/index.txt")).expect("an index");
    folder.write("migrations/0002_commit.sql", "COMMIT;\n");
    folder.write("migrations/noname.sql", "SELECT 1;\n");
    let ran = cargo_migrate(&folder, "check --json");
    let findings = ran.json()["result"]["folders"][0]["errors"].clone();
    let mut codes: Vec<&str> = findings
        .as_array()
        .expect("a list")
        .iter()
        .filter_map(|finding| finding["code"].as_str())
        .collect();
    codes.sort_unstable();
    assert_eq!(
        codes,
        ["bad_file_name", "missing_index", "transaction_control"]
    );
}

#[test]
fn check_shows_what_only_several_files_show() {
    let folder = TempFolder::new();
    folder.write("Cargo.toml", "[package]\nname = \"shop\"\n");
    folder.write(
        "src/lib.rs",
        "migrate_core::embed_migrations! { back => \"back\", circle => \"circle\", ends => \"ends\", squash => \"squash\", twice => \"twice\" }\n",
    );
    for (file, text) in [
        ("ends/0001_a.sql", ""),
        ("ends/0002_b.sql", ""),
        ("ends/0003_c.sql", "-- migrate: after = \"ends.0001_a\"\n"),
        ("circle/0001_a.sql", ""),
        ("circle/0002_b.sql", "-- migrate: after = \"0003_c\"\n"),
        ("circle/0003_c.sql", ""),
        (
            "squash/0001_squashed_0003.sql",
            "-- migrate: replaces = \"0001_a\", \"0002_b\", \"fill_2026_11_20\", \"0003_c\"\n",
        ),
        ("squash/0003_c.sql", "-- migrate: after = \"0002_b\"\n"),
        (
            "squash/0004_d.sql",
            "-- Prose.\n-- migrate: after = [\"0003_c\", \"0002_b\", \"fill_2026_11_20\", \"ends.0009_x\"]\n",
        ),
        (
            "twice/0001_squashed_0002.sql",
            "-- migrate: replaces = \"0001_a\", \"0002_b\"\n",
        ),
        ("twice/0003_more.sql", "-- migrate: replaces = \"0002_b\"\n"),
        ("back/0001_a.sql", "-- migrate: up\n"),
        (
            "back/0001_a.down.sql",
            "-- migrate: run = \"fill_2026_11_20\"\n",
        ),
        ("back/0002_b.up.sql", "-- migrate: atomic = false\n"),
        ("back/0002_b.down.sql", "-- migrate: atomic = true\n"),
    ] {
        let down = match file {
            "back/0001_a.sql" => "-- migrate: down\nSELECT 2;\n",
            _ => "",
        };
        folder.write(file, &format!("{text}SELECT 1;\n{down}"));
    }
    session(
        &folder,
        "check_order.txt",
        &["index", "check", "check squash", "check squash --json"],
    );
}

/// The paths in a folder, sorted.
fn list(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten();
    let mut paths: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    paths.sort();
    paths
}

/// The messages of `cargo migrate check` for a package of one source and the folders that it names.
fn found(source: &str, folders: &Path) -> Vec<String> {
    let project = TempFolder::new();
    project.write("Cargo.toml", "[package]\nname = \"migrate-tests\"\n");
    project.write("src/lib.rs", source);
    for folder in source
        .split('"')
        .filter_map(|text| text.strip_prefix("ui/"))
    {
        for file in list(&folders.join(folder)) {
            let name = file.file_name().expect("a name").display().to_string();
            let to = project.path().join("ui").join(folder);
            std::fs::create_dir_all(&to).expect("a folder");
            std::fs::copy(&file, to.join(name)).expect("a copy");
        }
    }
    let result = cargo_migrate(&project, "check --json").json()["result"].clone();
    let folders = result["folders"].as_array().cloned().unwrap_or_default();
    let errors = folders
        .iter()
        .filter_map(|folder| folder["errors"].as_array());
    let message = |error: &serde_json::Value| error["message"].as_str().map(str::to_owned);
    errors.flatten().filter_map(message).collect()
}

/// Every mistake in a folder that the compiler is tested to find is found without it, in the same words.
#[test]
fn check_finds_what_the_compiler_finds() {
    /// What only the whole crate shows; of the index and of old names `check` has its own words.
    const ELSEWHERE: [&str; 4] = [
        "and this crate has no app",
        "`memory.0001_initial`",
        "index.txt",
        "use of deprecated",
    ];
    let ui = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/ui");
    let mut compared = 0;
    let cases = list(&ui)
        .into_iter()
        .flat_map(|topic| list(&topic.join("fail")));
    for case in cases.filter(|case| case.extension().is_some_and(|ending| ending == "stderr")) {
        let source = std::fs::read_to_string(case.with_extension("rs")).expect("a case");
        let said = std::fs::read_to_string(&case).expect("messages");
        let messages = said.lines().filter_map(|line| line.strip_prefix("error: "));
        // Others come from rustc, or are about the Rust around the folder.
        let of_several =
            ["/squashes/", "/leaves/"].map(|topic| case.display().to_string().contains(topic));
        let ours =
            messages.filter(|message| message.starts_with("ui/") || of_several.contains(&true));
        let found = found(&source, &ui.join("folders"));
        for message in ours {
            if ELSEWHERE.iter().any(|text| message.contains(text)) {
                continue;
            }
            let placed = message.strip_prefix("ui/");
            let message = placed.map_or(message, |text| {
                text.split_once(": ").map_or(text, |(_, rest)| rest)
            });
            assert!(
                found.iter().any(|known| known == message),
                "{}: {message}\nfound: {found:#?}",
                case.display()
            );
            compared += 1;
        }
    }
    assert!(compared > 40, "{compared}");
}
