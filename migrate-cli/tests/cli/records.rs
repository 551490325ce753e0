//! `mark`, `unmark`, `resolve`: the ledger changed on purpose.

use migrate_core::History;

use crate::support::history;
use crate::support::{Database, golden};

const STEPS: &str = "SELECT count(*) FROM migrate_steps";

#[tokio::test]
async fn marks_and_unmarks_in_the_known_words() {
    let database = Database::new();
    database.migrate("").await;
    database
        .session(
            "mark.txt",
            &[
                "mark tidy_names_2026_11_20 --why 'done by hand'",
                "mark tidy_names_2026_11_20",
                "mark tidy_nmaes_2026_11_20",
                "unmark tidy_names_2026_11_20",
                "unmark tidy_names_2026_11_20 --why 'a mistake' --yes",
                "unmark tidy_names_2026_11_20 --yes",
                "unmark nothing_like_it --yes",
            ],
        )
        .await;
}

#[tokio::test]
async fn marks_before_what_comes_first_in_words() {
    let database = Database::new();
    database
        .session(
            "mark_order.txt",
            &[
                "mark users.0003",
                "mark tidy_names_2026_11_20",
                "mark users.0001",
            ],
        )
        .await;
}

#[tokio::test]
async fn what_a_squash_replaced_leads_to_the_squash() {
    let squash = "-- migrate: replaces = [\"0001_initial\", \"fill_2026_11_20\"]\nSELECT 1;\n";
    let of = |both: bool| {
        let builder = History::builder().sql("users", "0001_squashed_fill.sql", squash);
        let builder = match both {
            true => builder
                .sql("users", "0001_initial.sql", "SELECT 1;")
                .function(history::data(
                    "users",
                    "fill_2026_11_20",
                    &["0001_initial"],
                    false,
                )),
            false => builder,
        };
        builder.build().expect("a history")
    };
    let database = Database::new();
    database.migrate_with(of(true), "").await;
    // As pruning does.
    database
        .execute("DELETE FROM migrate_steps WHERE name <> '0001_squashed_fill'")
        .await;
    let mut transcript = String::new();
    for (both, words) in [
        (true, "run fill_2026_11_20"),
        (true, "run fill_2026_11_20 --force --yes"),
        (false, "run fill_2026_11_20"),
        (false, "mark users.0001_initial"),
    ] {
        let ran = database.migrate_with(of(both), words).await;
        transcript.push_str(&ran.transcript(words));
        transcript.push('\n');
    }
    golden::check("replaced.txt", &golden::normalize(&transcript));
}

#[tokio::test]
async fn a_fake_shows_the_records_of_what_a_step_runs() {
    let database = Database::new();
    let ran = database
        .migrate_with(history::running_a_function(), "users --fake --plan")
        .await;
    let transcript = ran.transcript("users --fake --plan");
    golden::check("fake_runs.txt", &golden::normalize(&transcript));
}

#[tokio::test]
async fn unmark_asks_first() {
    let database = Database::new();
    database.migrate("").await;
    let before = database.count(STEPS).await;
    let words = "unmark users.0002";
    let no = database.answer(history::shop(), words, Some("")).await;
    assert_eq!((no.exit.code(), database.count(STEPS).await), (1, before));
    let yes = database.answer(history::shop(), words, Some("y")).await;
    assert_eq!(
        (yes.exit.code(), database.count(STEPS).await),
        (0, before - 1)
    );
    assert!(
        yes.stderr
            .starts_with("Delete the record of 'users.0002_add_email_lower'?"),
        "{}",
        yes.stderr
    );
}

#[tokio::test]
async fn json_says_what_was_recorded() {
    let database = Database::new();
    database.migrate("").await;
    for (file, words) in [
        ("mark.json", "mark tidy_names_2026_11_20 --json"),
        ("mark_already.json", "mark tidy_names_2026_11_20 --json"),
        ("unmark.json", "unmark tidy_names_2026_11_20 --yes --json"),
    ] {
        golden::check(
            file,
            &golden::normalize_json(database.migrate(words).await.json()),
        );
    }
}

#[tokio::test]
async fn resolve_answers_an_interrupted_statement() {
    let database = Database::new();
    database.migrate("").await;
    let words = "resolve users.0003 --done --why 'looked at it'";
    let sound = database.migrate(words).await;
    golden::check(
        "resolve_nothing.txt",
        &golden::normalize(&sound.transcript(words)),
    );
    database
        .execute("UPDATE migrate_steps SET state = 'running', done = 1, intent = 1, intent_text = 'x' WHERE name = '0003_unique'")
        .await;
    database
        .session(
            "resolve.txt",
            &["resolve users.0003 --done", words, "status"],
        )
        .await;
}

#[tokio::test]
async fn a_reason_says_something() {
    let database = Database::new();
    for words in [
        "accept users.0001_initial --why '' --yes",
        "accept users.0001_initial --why ' ' --yes",
        "mark tidy_names_2026_11_20 --why ''",
        "unmark tidy_names_2026_11_20 --why '' --yes",
        "resolve users.0001_initial --done --why '' --yes",
    ] {
        let ran = database.migrate(words).await;
        assert_eq!(ran.exit.code(), 2, "{words}: {}", ran.stderr);
        assert!(ran.stderr.contains("must say something"), "{}", ran.stderr);
    }
}

#[tokio::test]
async fn what_a_server_says_is_no_order_to_the_terminal() {
    let database = Database::new();
    let red = || {
        let sql = "INSERT INTO \"\u{1b}[31mred\" VALUES (1);\n";
        let history = History::builder().sql("users", "0001_initial.sql", sql);
        history.build().expect("a history")
    };
    for words in ["", "history", "history -v2", "status"] {
        let ran = database.migrate_with(red(), words).await;
        let said = format!("{}{}", ran.stdout, ran.stderr);
        assert!(!said.contains('\u{1b}'), "{words}: {said:?}");
        assert!(said.contains("\\u{1b}[31mred"), "{words}: {said:?}");
    }
}
