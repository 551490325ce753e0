//! `status`, `list`, `history`, `sql`: looking.

use crate::support::history;
use crate::support::{Database, golden};

#[tokio::test]
async fn status_shows_every_step_by_app() {
    let database = Database::new();
    database.session("status_fresh.txt", &["status"]).await;
    database.migrate("").await;
    database.migrate("run tidy_names_2026_11_20 --fake").await;
    database.session("status_done.txt", &["status"]).await;
    let ran = database.migrate("status --json").await;
    golden::check("status.json", &golden::normalize_json(ran.json()));
}

#[tokio::test]
async fn a_file_that_is_no_database_has_no_server() {
    let folder = crate::support::TempFolder::new();
    folder.write("notes.txt", &"no database at all\n".repeat(300));
    let output = migrate_cli::Output::memory();
    let path = folder.path().join("notes.txt").display().to_string();
    let cli = migrate_cli::Cli::new(history::shop())
        .url(format!("sqlite:{path}"))
        .output(output.clone());
    assert_eq!(cli.run_from(["status"]).await.code(), 1);
    let said = output.stderr();
    assert!(said.contains("file is not a database"), "{said}");
    assert!(!said.contains("server"), "{said}");
    assert!(said.contains("names the right file"), "{said}");
}

#[tokio::test]
async fn status_shows_what_went_wrong() {
    let database = Database::new();
    database.migrate_with(history::failing(), "").await;
    let ran = database.migrate_with(history::failing(), "status").await;
    golden::check(
        "status_failed.txt",
        &golden::normalize(&ran.transcript("status")),
    );
}

#[tokio::test]
async fn list_keeps_its_form_and_shows_what_is_pending() {
    let database = Database::new();
    database.session("list_fresh.txt", &["list"]).await;
    database.migrate("").await;
    database
        .session(
            "list.txt",
            &[
                "list",
                "list --name TIDY",
                "list --name nothing",
                "list --all",
                "list -v 2",
            ],
        )
        .await;
    let ran = database.migrate("list --json").await;
    golden::check("list.json", &golden::normalize_json(ran.json()));
}

#[tokio::test]
async fn a_plan_shows_the_functions_that_a_sql_step_runs() {
    let database = Database::new();
    database.migrate("").await;
    let ran = database
        .migrate_with(history::running_a_function(), "plan")
        .await;
    golden::check("plan_runs.txt", &golden::normalize(&ran.transcript("plan")));
    let ran = database
        .migrate_with(history::running_a_function(), "plan --json")
        .await;
    assert_eq!(
        ran.json()["result"]["steps"][0]["runs"],
        serde_json::json!(["users.tidy_names_2026_11_20"])
    );
    // What is applied is not run again.
    database.migrate("mark tidy_names_2026_11_20").await;
    let ran = database
        .migrate_with(history::running_a_function(), "plan --json")
        .await;
    assert_eq!(
        ran.json()["result"]["steps"][0]["runs"],
        serde_json::json!([])
    );
}

#[tokio::test]
async fn a_list_tells_what_failed() {
    let database = Database::new();
    database.migrate_with(history::failing(), "").await;
    let ran = database.migrate_with(history::failing(), "list").await;
    let line = ran.stdout.lines().find(|line| line.contains("never_works"));
    assert!(
        line.is_some_and(|line| line.ends_with(" failed")),
        "{}",
        ran.stdout
    );
}

#[tokio::test]
async fn status_does_not_advise_a_run_that_would_refuse() {
    let database = Database::new();
    database.migrate("").await;
    let waiting = history::edited_and_waiting();
    let ran = database
        .migrate_with(waiting, "status --edited allow --json")
        .await;
    let problems = ran.json()["result"]["problems"].clone();
    assert_eq!(problems[0]["code"], "dependency_not_applied");
    let ran = database.migrate_with(history::waiting(), "status").await;
    assert!(ran.stderr.contains("1 pending"), "{}", ran.stderr);
    assert!(
        ran.stderr
            .contains("next: `shop migrate plan` shows what a run would refuse"),
        "{}",
        ran.stderr
    );
}

#[tokio::test]
async fn verbosity_without_a_number_is_details() {
    let database = Database::new();
    database.migrate("").await;
    let detailed = database.migrate("list -v 2").await;
    assert!(detailed.stdout.contains("Lower-cases every address."));
    for words in ["list -v", "-v list", "--verbosity list"] {
        let ran = database.migrate(words).await;
        assert_eq!(ran.exit.code(), 0, "{words}: {}", ran.stderr);
        assert_eq!(ran.stdout, detailed.stdout, "{words}");
    }
}

#[tokio::test]
async fn an_empty_list_says_so_in_the_known_words() {
    let history = || {
        let sql = "CREATE TABLE t (id INTEGER);";
        migrate_core::History::builder()
            .sql("app", "0001_initial.sql", sql)
            .build()
            .expect("one step")
    };
    let ran = Database::new().migrate_with(history(), "list").await;
    assert_eq!(ran.stdout, "No custom migrations have been applied\n");
    assert_eq!(
        ran.stderr,
        "1 SQL step is not shown; `shop migrate list --all` shows them\n"
    );
    let ran = Database::new()
        .migrate_with(history(), "list --name user")
        .await;
    assert_eq!(ran.stdout, "No migrations found matching 'user'\n");
}

#[tokio::test]
async fn history_tells_everything_that_was_tried() {
    let database = Database::new();
    database.session("history_fresh.txt", &["history"]).await;
    database.migrate_with(history::failing(), "").await;
    database
        .migrate("mark tidy_names_2026_11_20 --why 'done by hand'")
        .await;
    database
        .session(
            "history.txt",
            &["history", "history --name tidy", "history --name nothing"],
        )
        .await;
    let ran = database.migrate("history --name tidy --json").await;
    golden::check("history.json", &golden::normalize_json(ran.json()));
}

#[tokio::test]
async fn sql_prints_statements_that_can_be_pasted() {
    let database = Database::new();
    database
        .session(
            "sql.txt",
            &[
                "sql users.0003",
                "sql billing.0001",
                "sql billing.0001 --backwards",
                "sql users.0001 --backwards",
                "sql lower_emails_v1",
            ],
        )
        .await;
    let ran = database.migrate("sql users.0003 --json").await;
    golden::check("sql.json", &golden::normalize_json(ran.json()));
}

/// A wrong app, a wrong step, another number, nothing, letters that no name has.
#[tokio::test]
async fn names_that_nothing_has_say_what_was_meant() {
    let database = Database::new();
    database.migrate("").await;
    database
        .session(
            "unknown_names.txt",
            &[
                "sql users nope",
                "sql usres 0002",
                "sql users 0009",
                "sql users ''",
                "sql 0009",
                "mark ''",
                "mark users",
                "mark üsers.0003",
                "unmark users.0009",
                "accept shop.0003 --why x",
                "run tidy_nmaes",
                "users 0009",
                "users ''",
                "usres ''",
                "''",
                "plan usres 0001",
                "plan users 00002",
                "status usres",
                "status ''",
                "graph usres",
                "graph 7",
                "squash usres 0001 0002",
                "squash users 0009 0010",
                "usres --prune",
                "users --prune",
            ],
        )
        .await;
}
