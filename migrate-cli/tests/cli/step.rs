//! `run NAME`: the decision order and the texts of the system that this one succeeds.

use crate::support::history;
use crate::support::{Database, golden};

const LOWER: &str = "run lower_emails_v1_2026_11_20";

#[tokio::test]
async fn runs_once_and_then_only_with_force() {
    let database = Database::new();
    database.migrate("").await;
    let once = format!("{} --dry-run", "run tidy_names_2026_11_20");
    database
        .session(
            "run.txt",
            &[
                &once,
                "run tidy_names_2026_11_20",
                "run tidy_names_2026_11_20",
                &once,
                "run tidy_names_2026_11_20 --force --dry-run",
                "run tidy_names_2026_11_20 --force",
                "run tidy_names_2026_11_20 --force --yes",
                "run users.tidy_names --fake",
            ],
        )
        .await;
}

#[tokio::test]
async fn fake_records_and_goes_before_force() {
    let database = Database::new();
    database.migrate("").await;
    let words = "run tidy_names_2026_11_20 --fake";
    database
        .session(
            "run_fake.txt",
            &[words, words, "run tidy_names_2026_11_20 --fake --force"],
        )
        .await;
    assert_eq!(
        database
            .count("SELECT count(*) FROM users WHERE email LIKE 'alan%'")
            .await,
        1
    );
}

#[tokio::test]
async fn fake_and_dry_run_contradict_each_other() {
    let ran = Database::new()
        .migrate(&format!("{LOWER} --fake --dry-run"))
        .await;
    assert_eq!(ran.exit.code(), 2);
    assert!(
        ran.stderr.contains("cannot be used together"),
        "{}",
        ran.stderr
    );
}

#[tokio::test]
async fn what_cannot_run_by_name_says_why() {
    let database = Database::new();
    database
        .session(
            "run_refused.txt",
            &[
                "run lower_emials_v1_2026_11_20",
                "run users.0002",
                LOWER,
                "run",
            ],
        )
        .await;
}

#[tokio::test]
async fn a_failed_step_is_told_in_its_own_words() {
    let database = Database::new();
    database.migrate("").await;
    let words = "run never_works_2026_11_20";
    let ran = database.migrate_with(history::failing(), words).await;
    golden::check("run_failed.txt", &golden::normalize(&ran.transcript(words)));
    let words = "run never_works_2026_11_20 --dry-run";
    let ran = database.migrate_with(history::failing(), words).await;
    golden::check(
        "run_failed_dry.txt",
        &golden::normalize(&ran.transcript(words)),
    );
    assert_eq!(database.count("SELECT count(*) FROM users").await, 3);
}

#[tokio::test]
async fn a_step_that_cannot_be_tried_says_so_and_fails() {
    let database = Database::new();
    database.migrate("").await;
    let words = "run waits_2026_11_20 --dry-run";
    let ran = database.migrate_with(history::slow(), words).await;
    assert_eq!(ran.exit.code(), 1);
    golden::check(
        "run_impossible.txt",
        &golden::normalize(&ran.transcript(words)),
    );
    let ran = database
        .migrate_with(history::slow(), &format!("{words} --json"))
        .await;
    assert_eq!(ran.json()["error"]["code"], "dry_run_impossible");
}

#[tokio::test]
async fn the_answer_to_a_question_decides() {
    let database = Database::new();
    database.migrate("").await;
    let before = database.count("SELECT count(*) FROM migrate_runs").await;
    let words = "run lower_emails_v1 --force";
    let no = database.answer(history::shop(), words, Some("n")).await;
    assert_eq!(
        (
            no.exit.code(),
            database.count("SELECT count(*) FROM migrate_runs").await
        ),
        (1, before)
    );
    golden::check(
        "run_declined.txt",
        &golden::normalize(&no.transcript(words)),
    );
    let yes = database.answer(history::shop(), words, Some("yes")).await;
    assert_eq!(yes.exit.code(), 0);
    assert_eq!(
        database.count("SELECT count(*) FROM migrate_runs").await,
        before + 1
    );
}

#[tokio::test]
async fn json_has_the_outcome_of_each() {
    let database = Database::new();
    database.migrate("").await;
    for (file, words) in [
        (
            "run_dry_run.json",
            "run tidy_names_2026_11_20 --dry-run --json",
        ),
        ("run.json", "run tidy_names_2026_11_20 --json"),
        ("run_already.json", "run tidy_names_2026_11_20 --json"),
        (
            "run_forced.json",
            "run tidy_names_2026_11_20 --force --yes --json",
        ),
        ("run_unknown.json", "run tidy_nmes_2026_11_20 --json"),
        (
            "run_unconfirmed.json",
            "run tidy_names_2026_11_20 --force --json",
        ),
    ] {
        let ran = database.migrate(words).await;
        assert_eq!(ran.stderr, "", "{words}");
        golden::check(file, &golden::normalize_json(ran.json()));
    }
}
