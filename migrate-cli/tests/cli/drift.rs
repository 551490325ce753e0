//! Database and binary disagree: exit code 4, and the two ways on.

use migrate_core::History;

use crate::support::history;
use crate::support::{Database, golden};

async fn session(database: &Database, history: fn() -> History, file: &str, commands: &[&str]) {
    let mut transcript = String::new();
    for words in commands {
        transcript.push_str(
            &database
                .migrate_with(history(), words)
                .await
                .transcript(words),
        );
        transcript.push('\n');
    }
    golden::check(file, &golden::normalize(&transcript));
}

#[tokio::test]
async fn an_edited_step_stops_the_run_until_it_is_accepted() {
    let database = Database::new();
    database.migrate("").await;
    session(
        &database,
        history::edited,
        "edited.txt",
        &[
            "",
            "--check",
            "plan",
            "status",
            "verify",
            "--edited warn",
            "--edited allow",
            "accept billing.0001",
            "accept billing.0001 --why 'the same on SQLite'",
            "accept billing.0001 --why 'the same on SQLite' --yes",
            "accept billing.0001 --why 'again' --yes",
            "verify",
            "",
        ],
    )
    .await;
}

#[tokio::test]
async fn drift_is_4_in_json_too() {
    let database = Database::new();
    database.migrate("").await;
    for (file, words) in [
        ("edited.json", "--json"),
        ("edited_verify.json", "verify --json"),
        ("edited_check.json", "--check --json"),
    ] {
        let ran = database.migrate_with(history::edited(), words).await;
        assert_eq!(ran.exit.code(), 4, "{words}");
        golden::check(file, &golden::normalize_json(ran.json()));
    }
    let ran = database
        .migrate_with(
            history::edited(),
            "accept billing.0001 --why x --yes --json",
        )
        .await;
    golden::check("accept.json", &golden::normalize_json(ran.json()));
    let ran = database
        .migrate_with(history::edited(), "verify --json")
        .await;
    assert_eq!(ran.exit.code(), 0);
    golden::check("verify.json", &golden::normalize_json(ran.json()));
}

/// Of several that weigh the same, all verdicts are about the first.
#[tokio::test]
async fn check_names_what_a_run_names() {
    let database = Database::new();
    database.migrate_with(history::not_yet_edited(), "").await;
    let error = async |words| {
        let ran = database.migrate_with(history::edited_twice(), words).await;
        assert_eq!(ran.exit.code(), 4, "{words}");
        let document = ran.json();
        (document["error"].clone(), document["result"].clone())
    };
    let (check, plan) = error("--check --json").await;
    let problems = plan["problems"].as_array().expect("a list");
    assert_eq!(problems.len(), 2, "{plan}");
    assert_eq!(check["message"], problems[0]["message"]);
    let (run, _) = error("--json").await;
    let (run, check) = (run["message"].as_str(), check["message"].as_str());
    let first = |text: Option<&str>| text.and_then(|text| text.lines().next().map(str::to_owned));
    assert_eq!(first(run), first(check));
}

#[tokio::test]
async fn a_function_that_was_deleted_after_it_ran_is_no_drift() {
    let database = Database::new();
    database.migrate("").await;
    database.migrate("run tidy_names_2026_11_20").await;
    let commands = ["", "status", "verify", "--missing allow", "list"];
    session(
        &database,
        history::without_tidy_names,
        "deleted_function.txt",
        &commands,
    )
    .await;
}

#[tokio::test]
async fn a_database_that_is_ahead_is_drift() {
    let database = Database::new();
    database.migrate("").await;
    let commands = ["", "status", "verify", "--newer warn", "--newer allow"];
    session(&database, history::older, "newer.txt", &commands).await;
}

#[tokio::test]
async fn what_another_service_applied_is_left_alone() {
    let database = Database::new();
    database.migrate("").await;
    let stock = || {
        let initial = "CREATE TABLE stock (id INTEGER PRIMARY KEY);";
        let builder = History::builder().sql("stock", "0001_initial.sql", initial);
        builder.build().expect("a history")
    };
    let commands = ["status", "verify", "", "status", "verify", "list --all"];
    session(&database, stock, "other_service.txt", &commands).await;
    let ran = database.migrate_with(stock(), "verify --json").await;
    assert_eq!(ran.json()["result"]["compared"], 1);
    assert_eq!(ran.json()["result"]["others"], 5);
}

#[tokio::test]
async fn a_lost_file_and_a_late_one_are_drift() {
    let database = Database::new();
    database.migrate("").await;
    database.execute("UPDATE migrate_steps SET name = '0001_lost' WHERE name = '0001_initial' AND app = 'users'").await;
    let commands = [
        "",
        "status",
        "verify",
        "--check",
        "--missing warn",
        "--missing warn --out-of-order warn --plan",
    ];
    session(&database, history::shop, "missing.txt", &commands).await;
}

#[tokio::test]
async fn drift_weighs_more_than_what_else_is_wrong() {
    let database = Database::new();
    database.migrate("").await;
    let plan = database
        .migrate_with(history::edited_and_waiting(), "plan --json")
        .await
        .json();
    let problems = plan["result"]["problems"].as_array().expect("a list");
    let codes: Vec<_> = problems
        .iter()
        .map(|problem| problem["code"].clone())
        .collect();
    assert_eq!(codes, ["step_edited", "dependency_not_applied"]);
    for words in ["--check", "verify"] {
        let ran = database
            .migrate_with(history::edited_and_waiting(), words)
            .await;
        assert_eq!(ran.exit.code(), 4, "{}", ran.stderr);
    }
    let ran = database
        .migrate_with(history::edited_and_waiting(), "--check --edited allow")
        .await;
    assert_eq!(ran.exit.code(), 1, "a run would refuse: {}", ran.stderr);
}
