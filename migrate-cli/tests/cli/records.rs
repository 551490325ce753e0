//! `mark`, `unmark`, `resolve`: the ledger changed on purpose.

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
