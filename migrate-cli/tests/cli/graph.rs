//! `current`, `graph`, and the longer forms of `status` and `history`.

use migrate_core::History;

use crate::support::history;
use crate::support::{Database, TempFolder, golden};

/// Two apps that depend on each other's steps, a squash whose replaced steps are not here.
fn crossing() -> History {
    let table = |name: &str| format!("CREATE TABLE {name} (id INTEGER PRIMARY KEY);\n");
    let after = |steps: &str| format!("-- migrate: after = [{steps}]\n");
    History::builder()
        .sql("users", "0001_initial.sql", &table("users"))
        .sql("users", "0002_teams.sql", &table("teams"))
        .sql(
            "memory",
            "0001_initial.sql",
            &(after("\"users.0001_initial\"") + &table("memories")),
        )
        .sql("memory", "0002_facts.sql", &table("facts"))
        .sql(
            "users",
            "0003_favourites.sql",
            &(after("\"0002_teams\", \"memory.0002_facts\"") + &table("favourites")),
        )
        .build()
        .expect("a history")
}

#[tokio::test]
async fn current_names_the_last_step_of_each_app() {
    let database = Database::new();
    database.session("current_fresh.txt", &["current"]).await;
    let older = database.migrate_with(history::older(), "").await;
    assert_eq!(older.exit.code(), 0);
    database.session("current.txt", &["current"]).await;
    let ran = database.migrate("current --json").await;
    golden::check("current.json", &golden::normalize_json(ran.json()));
}

#[tokio::test]
async fn status_has_an_order_and_can_show_one_app() {
    let database = Database::new();
    database.migrate("").await;
    database
        .session(
            "status_order.txt",
            &[
                "status --plan",
                "status --plan -v 2",
                "status billing",
                "status biling",
            ],
        )
        .await;
}

#[tokio::test]
async fn history_can_tell_everything() {
    let database = Database::new();
    database.migrate_with(history::failing(), "").await;
    database
        .migrate("mark tidy_names_2026_11_20 --why 'done by hand'")
        .await;
    database
        .session("history_verbose.txt", &["history --verbose"])
        .await;
}

#[tokio::test]
async fn the_graph_has_three_languages() {
    let database = Database::new();
    let mut text = String::new();
    for words in ["graph --no-db", "graph --as mermaid --no-db"] {
        let ran = database.migrate_with(crossing(), words).await;
        text.push_str(&ran.transcript(words));
    }
    golden::check("graph.txt", &text);
    let ran = database
        .migrate_with(crossing(), "graph --as svg --no-db")
        .await;
    golden::check("graph.svg", &ran.stdout);
    assert_eq!(
        database.count("SELECT count(*) FROM sqlite_schema").await,
        0
    );
}

#[tokio::test]
async fn the_graph_shows_states() {
    let database = Database::new();
    database.migrate("").await;
    database.migrate_with(history::failing(), "").await;
    // A name that only the database knows can be anything.
    database
        .execute("UPDATE migrate_steps SET name = '\"<b>&\\' WHERE app = 'billing'")
        .await;
    let mut text = String::new();
    for words in ["graph", "graph --as mermaid", "graph billing --json"] {
        let ran = database.migrate_with(history::failing(), words).await;
        text.push_str(&ran.transcript(words));
    }
    golden::check("graph_states.txt", &text);
    let ran = database
        .migrate_with(history::failing(), "graph --as svg")
        .await;
    golden::check("graph_states.svg", &ran.stdout);
}

#[tokio::test]
async fn the_graph_goes_into_a_file() {
    let folder = TempFolder::new();
    let database = Database::new();
    let path = folder.path().join("history.svg");
    let words = format!("graph users --as svg --no-db --out {}", path.display());
    let ran = database.migrate(&words).await;
    assert_eq!(
        (ran.exit.code(), ran.stdout.trim(), ran.stderr.as_str()),
        (
            0,
            path.to_str().unwrap_or_default(),
            "Drew 5 steps of 1 app.\n"
        )
    );
    assert!(folder.read("history.svg").starts_with("<svg "));
    let nowhere = database
        .migrate("graph --no-db --out /nowhere/at/all.dot")
        .await;
    assert_eq!(nowhere.exit.code(), 1);
    assert!(nowhere.stderr.contains("error[io]"), "{}", nowhere.stderr);
}

#[tokio::test]
async fn a_graph_of_an_app_that_is_not_there_is_a_mistake() {
    let ran = Database::new().migrate("graph usres").await;
    assert_eq!(ran.exit.code(), 2);
    assert!(
        ran.stderr
            .contains("did you mean `shop migrate graph users`?"),
        "{}",
        ran.stderr
    );
}
