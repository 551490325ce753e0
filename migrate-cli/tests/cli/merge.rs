//! `merge`, in the service and as `cargo migrate merge`.

use migrate_cli::{Output, cargo};
use migrate_core::History;

use crate::support::golden;
use crate::support::{Database, Ran, TempFolder, split};

const USERS: &str = "CREATE TABLE users (id INTEGER PRIMARY KEY);\n";
const EMAIL: &str =
    "ALTER TABLE users ADD email TEXT;\nCREATE INDEX users_email ON users (email);\n";
const PHONE: &str = "-- Numbers that can be called.\nALTER TABLE users\n    ADD phone TEXT DEFAULT 'a number that is so long that the line does not fit';\n";

/// A package whose two branches both have a file 0002.
fn same_number() -> TempFolder {
    let folder = TempFolder::new();
    folder.write("Cargo.toml", "[package]\nname = \"shop\"\n");
    folder.write(
        "src/lib.rs",
        "migrate_core::embed_migrations! { users => \"migrations\", billing => \"billing\" }\n\n\
         #[data_migration(app = \"users\", after = [\"0002_add_phone\"])]\n",
    );
    folder.write("migrations/0001_initial.sql", USERS);
    folder.write("migrations/0002_add_email.sql", EMAIL);
    folder.write("migrations/0002_add_phone.sql", PHONE);
    folder.write(
        "migrations/0002_add_phone.mysql.sql",
        "ALTER TABLE users ADD phone TEXT;\n",
    );
    folder.write(
        "migrations/0003_call.sql",
        "-- migrate: after = [\"0002_add_email\", \"0002_add_phone\"]\nSELECT '\"0002_add_phone\"';\n",
    );
    folder.write("migrations/index.txt", "0001_initial.sql\n");
    folder.write(
        "billing/0001_initial.sql",
        "-- migrate: after = [\"users.0002_add_phone\"]\nSELECT 1;\n",
    );
    folder
}

/// 0003 comes after the file, so it says itself what it comes after when its number grows.
fn moved_email() -> String {
    format!("-- migrate: after = [\"0002_add_phone\"]\n{EMAIL}")
}

/// A package in which a header starts a second branch.
fn two_ends() -> TempFolder {
    let folder = TempFolder::new();
    folder.write("Cargo.toml", "[package]\nname = \"shop\"\n");
    folder.write(
        "src/lib.rs",
        "migrate_core::embed_migrations! { users => \"migrations\" }\n",
    );
    folder.write("migrations/0001_initial.sql", USERS);
    folder.write("migrations/0002_add_email.sql", EMAIL);
    folder.write("migrations/0003_email_not_null.sql", "SELECT 1;\n");
    folder.write(
        "migrations/0004_add_phone.sql",
        "-- migrate: after = [\"0001_initial\"]\nALTER TABLE users ADD phone TEXT;\n",
    );
    folder
}

fn merge(folder: &TempFolder, words: &str, answers: &[&str]) -> Ran {
    let output = match answers {
        [] => Output::memory(),
        answers => Output::memory().answering(answers.iter().copied()),
    };
    let exit = cargo::run_from(folder.path(), &output, split(words));
    let shown = |text: String| text.replace(&format!("{}/", folder.path().display()), "");
    Ran {
        exit,
        stdout: shown(output.stdout()),
        stderr: shown(output.stderr()),
    }
}

fn transcript(text: &mut String, words: &str, ran: &Ran) {
    text.push_str(
        &ran.transcript(words)
            .replace("shop migrate", "cargo migrate"),
    );
    text.push('\n');
}

#[test]
fn one_of_two_equal_numbers_moves_on() {
    let folder = same_number();
    let mut text = String::new();
    for (words, answers) in [
        ("merge", &[][..]),
        ("merge --yes", &[]),
        ("merge userz", &[]),
        ("merge --renumber 0001_initial.sql", &["n", "n"]),
        ("merge users", &["n", "n"]),
        ("merge", &["y"]),
        ("merge", &[]),
    ] {
        transcript(&mut text, words, &merge(&folder, words, answers));
    }
    golden::check("merge_number.txt", &text);
    assert_eq!(
        folder.read("migrations/0004_add_phone.sql"),
        format!("-- migrate: after = [\"0002_add_email\"]\n{PHONE}")
    );
    assert_eq!(
        folder.read("migrations/0003_call.sql"),
        "-- migrate: after = [\"0002_add_email\", \"0004_add_phone\"]\nSELECT '\"0002_add_phone\"';\n"
    );
    assert!(
        folder
            .read("billing/0001_initial.sql")
            .contains("[\"users.0004_add_phone\"]")
    );
    assert!(folder.read("migrations/index.txt").ends_with(
        "0001_initial.sql\n0002_add_email.sql\n0003_call.sql\n0004_add_phone.mysql.sql\n0004_add_phone.sql\n"
    ));
    assert!(
        !folder
            .path()
            .join("migrations/0002_add_phone.mysql.sql")
            .exists()
    );
}

#[test]
fn the_other_can_be_chosen() {
    let folder = same_number();
    let ran = merge(&folder, "merge", &["n", "y"]);
    assert_eq!(ran.exit.code(), 0, "{}", ran.stderr);
    assert_eq!(folder.read("migrations/0004_add_email.sql"), moved_email());
    let folder = same_number();
    let words = "merge users --renumber migrations/0002_add_email.sql --json";
    let ran = merge(&folder, words, &[]);
    assert_eq!(ran.stderr, "");
    golden::check("merge_number.json", &golden::normalize_json(ran.json()));
    assert_eq!(folder.read("migrations/0004_add_email.sql"), moved_email());
}

#[test]
fn two_ends_get_a_step_that_comes_after_both() {
    let folder = two_ends();
    let mut text = String::new();
    for (words, answers) in [
        ("merge", &[][..]),
        ("merge", &["n"]),
        ("merge", &["y"]),
        ("merge", &[]),
        ("check", &[]),
    ] {
        transcript(&mut text, words, &merge(&folder, words, answers));
    }
    golden::check("merge_ends.txt", &text);
    assert_eq!(
        folder.read("migrations/0005_merge_email_not_null_add_phone.sql"),
        "-- migrate: after = [\"0003_email_not_null\", \"0004_add_phone\"]\n"
    );
}

#[test]
fn the_only_step_of_a_branch_can_go_behind_the_other() {
    let folder = two_ends();
    let ran = merge(&folder, "merge --renumber 0004_add_phone", &[]);
    assert_eq!(ran.exit.code(), 0, "{}", ran.stderr);
    assert_eq!(
        folder.read("migrations/0005_add_phone.sql"),
        "-- migrate: after = [\"0003_email_not_null\"]\nALTER TABLE users ADD phone TEXT;\n"
    );
    let again = merge(&folder, "merge", &[]);
    assert_eq!(again.stderr, "There is nothing to merge.\n");
}

/// What the database of a colleague has: the initial step and the phone.
fn with_phone() -> History {
    History::builder()
        .sql("users", "0001_initial.sql", USERS)
        .sql("users", "0002_add_phone.sql", PHONE)
        .build()
        .expect("a history")
}

#[tokio::test]
async fn what_is_applied_keeps_its_name() {
    let database = Database::new();
    database.migrate_with(with_phone(), "").await;
    let folder = same_number();
    let url = database.url();
    let mut text = String::new();
    for words in ["merge", "merge --renumber 0002_add_phone", "merge --yes"] {
        let ran = merge(&folder, &format!("{words} --database-url {url}"), &[]);
        transcript(&mut text, &format!("{words} --database-url URL"), &ran);
    }
    golden::check("merge_applied.txt", &text);
    assert_eq!(folder.read("migrations/0004_add_email.sql"), moved_email());
}

#[tokio::test]
async fn the_service_asks_its_own_database() {
    let database = Database::new();
    database.migrate_with(with_phone(), "").await;
    let folder = same_number();
    let output = Output::memory();
    let cli = database.cli(with_phone(), &output).project(folder.path());
    let exit = cli.run_from(["merge", "--yes"]).await;
    assert_eq!(exit.code(), 0, "{}", output.stderr());
    assert_eq!(folder.read("migrations/0004_add_email.sql"), moved_email());
    assert_eq!(folder.read("migrations/0002_add_phone.sql"), PHONE);
}

#[tokio::test]
async fn what_is_not_applied_any_more_may_move() {
    let database = Database::new();
    database.migrate_with(with_phone(), "").await;
    let unmarked = "unmark users.0002_add_phone --yes";
    assert_eq!(
        database
            .migrate_with(with_phone(), unmarked)
            .await
            .exit
            .code(),
        0
    );
    let folder = same_number();
    let words = format!("merge --yes --database-url {}", database.url());
    let ran = merge(&folder, &words, &[]);
    assert_eq!(ran.exit.code(), 0, "{}", ran.stderr);
    assert_eq!(folder.read("migrations/0002_add_email.sql"), EMAIL);
    assert!(folder.path().join("migrations/0004_add_phone.sql").exists());
}

#[test]
fn nothing_moves_where_a_file_cannot_be_read() {
    let folder = same_number();
    folder.write("migrations/0003_call.sql", "this is 'not closed\n");
    let ran = merge(&folder, "merge --renumber 0002_add_phone", &[]);
    assert_eq!(ran.exit.code(), 1);
    assert!(
        ran.stderr.contains("`cargo migrate check`"),
        "{}",
        ran.stderr
    );
    assert_eq!(folder.read("migrations/0002_add_phone.sql"), PHONE);
}
