//! Bare `migrate`.

use crate::support::history;
use crate::support::{Database, golden};

#[tokio::test]
async fn applies_once_and_then_has_nothing_to_do() {
    Database::new()
        .session("migrate.txt", &["", "", "-v 0"])
        .await;
}

#[tokio::test]
async fn details_and_statements_appear_with_verbosity() {
    Database::new()
        .session("migrate_verbose.txt", &["-v 3"])
        .await;
    Database::new()
        .session("migrate_quiet.txt", &["-v 0"])
        .await;
}

#[tokio::test]
async fn json_is_one_document_and_nothing_else() {
    let database = Database::new();
    let ran = database.migrate("--json").await;
    assert_eq!(ran.stderr, "");
    golden::check("migrate.json", &golden::normalize_json(ran.json()));
    let ran = database.migrate("--format json").await;
    golden::check("migrate_nothing.json", &golden::normalize_json(ran.json()));
}

#[tokio::test]
async fn looking_writes_nothing() {
    let database = Database::new();
    database
        .session(
            "migrate_look_fresh.txt",
            &["--plan", "--check", "--plan --check", "plan"],
        )
        .await;
    let tables = "SELECT count(*) FROM sqlite_schema";
    assert_eq!(database.count(tables).await, 0);
    database.migrate("").await;
    database
        .session(
            "migrate_look_done.txt",
            &["--plan", "--check", "--plan --check"],
        )
        .await;
}

#[tokio::test]
async fn check_gives_the_plan_and_the_verdict_as_json() {
    let database = Database::new();
    let ran = database.migrate("--check --json").await;
    assert_eq!(ran.exit.code(), 3);
    golden::check("migrate_check.json", &golden::normalize_json(ran.json()));
    let ran = database.migrate("plan --json").await;
    assert_eq!(ran.exit.code(), 0);
    golden::check("plan.json", &golden::normalize_json(ran.json()));
}

#[tokio::test]
async fn a_dry_run_reports_rows_and_leaves_nothing() {
    let database = Database::new();
    database
        .session("migrate_dry_run.txt", &["--dry-run"])
        .await;
    let ran = database.migrate("--dry-run --json").await;
    golden::check("migrate_dry_run.json", &golden::normalize_json(ran.json()));
    assert_eq!(
        database.count("SELECT count(*) FROM sqlite_schema").await,
        0
    );
    database.migrate("").await;
    database
        .session("migrate_dry_run_nothing.txt", &["--dry-run"])
        .await;
}

#[tokio::test]
async fn a_failure_says_what_ran_and_what_remains() {
    let database = Database::new();
    let ran = database.migrate_with(history::failing(), "").await;
    assert_eq!(ran.exit.code(), 1);
    golden::check(
        "migrate_failed.txt",
        &golden::normalize(&ran.transcript("")),
    );
    let ran = database.migrate_with(history::failing(), "--json").await;
    assert_eq!((ran.exit.code(), ran.stderr.as_str()), (1, ""));
    golden::check("migrate_failed.json", &golden::normalize_json(ran.json()));
    assert_eq!(database.count("SELECT count(*) FROM users").await, 3);
}
