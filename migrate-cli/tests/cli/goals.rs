//! Going to goals, forwards and backwards: `migrate APP TARGET`, `undo`, `--fake`, `--prune`.

use migrate_core::{ErrorCode, Goal, History, Migrator, Request, Target};

use crate::support::goals;
use crate::support::{Database, golden};

const APPLIED: &str = "SELECT count(*) FROM migrate_steps WHERE state = 'applied'";
const TABLES: &str =
    "SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'migrate%'";

/// A command, and the history that it is run with.
type Typed<'a> = (fn() -> History, &'a str);

/// Commands on one database.
async fn session(database: &Database, golden_file: &str, commands: &[Typed<'_>]) {
    let mut text = String::new();
    for (history, words) in commands {
        let ran = database.migrate_with(history(), words).await;
        text.push_str(&ran.transcript(words));
        text.push('\n');
    }
    golden::check(golden_file, &golden::normalize(&text));
}

#[tokio::test]
async fn forwards_to_a_step_and_to_an_app() {
    let database = Database::new();
    let at = goals::reversible;
    session(
        &database,
        "goal_forwards.txt",
        &[
            (at, "users 0001 --plan"),
            (at, "users 0001"),
            (at, "billing --plan"),
            (at, "billing"),
            (at, "users.0002"),
            (at, "users --check"),
            (at, "users"),
            (at, "users --check"),
            (at, "users 0009"),
            (at, "users 000"),
            (at, "current"),
        ],
    )
    .await;
    assert_eq!(database.count(APPLIED).await, 5);
}

#[tokio::test]
async fn an_app_with_the_name_of_a_verb_stands_behind_two_dashes() {
    let history = || {
        let sql = "CREATE TABLE t (id INTEGER);";
        History::builder()
            .sql("status", "0001_initial.sql", sql)
            .sql("users", "0001_initial.sql", "SELECT 1;")
            .build()
            .expect("a history")
    };
    let database = Database::new();
    let verb = database.migrate_with(history(), "status").await;
    assert!(verb.stdout.contains("[ ] 0001_initial"), "{}", verb.stdout);
    let app = database.migrate_with(history(), "-- status 0001").await;
    assert_eq!(app.exit.code(), 0, "{}", app.stderr);
    assert_eq!(database.count(APPLIED).await, 1);
}

#[tokio::test]
async fn backwards_to_a_step() {
    let database = Database::new();
    let at = goals::reversible;
    database.migrate_with(at(), "").await;
    session(
        &database,
        "goal_backwards.txt",
        &[
            (at, "users 0001 --plan"),
            (at, "plan users 0001"),
            (at, "users 0001 --check"),
            (at, "users 0001"),
            (at, "users 0001 --yes"),
            (at, "status"),
            (at, "history"),
            (at, "users 0001"),
        ],
    )
    .await;
    assert_eq!(database.count(APPLIED).await, 1);
    assert_eq!(database.count(TABLES).await, 1);
}

#[tokio::test]
async fn zero_shows_what_else_goes_and_asks() {
    let database = Database::new();
    database.migrate_with(goals::reversible(), "").await;
    let words = "users zero";
    let mut text = String::new();
    for answer in ["n", "y"] {
        let ran = database
            .answer(goals::reversible(), words, Some(answer))
            .await;
        text.push_str(&ran.transcript(words));
        text.push('\n');
        let applied = if answer == "n" { 5 } else { 0 };
        assert_eq!(database.count(APPLIED).await, applied);
    }
    golden::check("goal_zero.txt", &golden::normalize(&text));
    assert_eq!(database.count(TABLES).await, 0);
}

#[tokio::test]
async fn the_question_tells_what_fake_initial_undoes() {
    let database = Database::new();
    database.migrate_with(goals::reversible(), "").await;
    // Backwards there is no first step to be recorded: the steps are undone for real.
    let words = "users 0001 --fake-initial";
    let ran = database.answer(goals::reversible(), words, Some("n")).await;
    assert!(ran.stderr.contains("The data that"), "{}", ran.stderr);
    assert!(!ran.stderr.contains("stays as it is"), "{}", ran.stderr);
    assert_eq!(database.count(APPLIED).await, 5);
}

#[tokio::test]
async fn undo_takes_the_last_one_back() {
    let database = Database::new();
    let at = goals::reversible;
    session(
        &database,
        "undo.txt",
        &[
            (at, "undo"),
            (at, ""),
            (at, "undo --plan"),
            (at, "undo"),
            (at, "undo --yes"),
            (at, "undo --fake --yes"),
        ],
    )
    .await;
    assert_eq!(database.count(APPLIED).await, 3);
    let ran = database.migrate_with(at(), "undo --yes --json").await;
    assert_eq!((ran.exit.code(), ran.stderr.as_str()), (0, ""));
    golden::check("undo.json", &golden::normalize_json(ran.json()));
}

#[tokio::test]
async fn nothing_is_undone_that_was_not_shown() {
    let database = Database::new();
    let at = goals::reversible;
    let target = Target::from_url(&database.url()).expect("a URL");
    let migrator = Migrator::new(target, at());
    let forwards = Request::to(Goal::typed(Some("users"), Some("0001")));
    let to_first = migrator.plan_to(&forwards).await.expect("a plan");
    database.migrate_with(at(), "users 0002").await;
    let undo = Request::to(Goal::Undo);
    let last = migrator.plan_to(&undo).await.expect("a plan");
    // Another process, while somebody thinks about the answer.
    database.migrate_with(at(), "").await;
    for request in [forwards.agreed(&to_first), undo.clone().agreed(&last)] {
        let refused = migrator.migrate(&request).await.expect_err("other steps");
        assert_eq!(refused.code(), ErrorCode::NotPossible, "{refused}");
        assert_eq!(database.count(APPLIED).await, 5);
    }
    let last = migrator.plan_to(&undo).await.expect("a plan");
    let done = migrator.migrate(&undo.agreed(&last)).await;
    assert_eq!(done.expect("the last one").steps.len(), 1);
    assert_eq!(database.count(APPLIED).await, 4);
}

#[tokio::test]
async fn a_plan_with_a_step_that_has_no_way_back_is_refused() {
    let database = Database::new();
    let at = goals::one_way;
    database.migrate_with(at(), "").await;
    session(
        &database,
        "irreversible.txt",
        &[
            (at, "users 0002 --plan"),
            (at, "users zero --yes"),
            (at, "plan users zero"),
            (at, "users 0002 --check"),
            (at, "users 0002 --fake --yes"),
        ],
    )
    .await;
    let ran = database.migrate_with(at(), "").await;
    assert_eq!(
        ran.exit.code(),
        1,
        "the tables are still there: {}",
        ran.stderr
    );
    let ran = database
        .migrate_with(at(), "users zero --plan --json")
        .await;
    golden::check("plan_backwards.json", &golden::normalize_json(ran.json()));
}

#[tokio::test]
async fn fakes_record_without_running() {
    let database = Database::new();
    let at = goals::reversible;
    session(
        &database,
        "fake.txt",
        &[
            (at, "users 0002 --fake"),
            (at, "status"),
            (at, "users zero --fake --plan"),
            (at, "users zero --fake"),
            (at, "users zero --fake --yes"),
        ],
    )
    .await;
    assert_eq!(database.count(TABLES).await, 0);
    assert_eq!(database.count(APPLIED).await, 0);
}

#[tokio::test]
async fn fake_initial_looks_at_the_tables() {
    let database = Database::new();
    database
        .execute("CREATE TABLE users (id INTEGER PRIMARY KEY, email TEXT NOT NULL)")
        .await;
    let at = goals::reversible;
    let planned = database
        .migrate_with(at(), "--fake-initial --plan --json")
        .await;
    golden::check(
        "plan_fake_initial.json",
        &golden::normalize_json(planned.json()),
    );
    assert_eq!(database.count(TABLES).await, 1, "a plan writes nothing");
    session(
        &database,
        "fake_initial.txt",
        &[(at, "--fake-initial --plan"), (at, "--fake-initial")],
    )
    .await;
    assert_eq!(database.count(TABLES).await, 4);
}

#[tokio::test]
async fn fake_initial_refuses_what_is_there_in_part() {
    let two = || {
        let sql = "CREATE TABLE users (id INTEGER PRIMARY KEY);\nCREATE TABLE teams (id INTEGER);";
        History::builder()
            .sql("users", "0001_initial.sql", sql)
            .build()
            .expect("a history")
    };
    let database = Database::new();
    database.execute("CREATE TABLE teams (id INTEGER)").await;
    session(
        &database,
        "fake_initial_partly.txt",
        &[
            (two, "--fake-initial --plan"),
            (two, "--fake-initial --check"),
            (two, "--fake-initial"),
        ],
    )
    .await;
    assert_eq!(database.count(TABLES).await, 1);
}

#[tokio::test]
async fn a_dry_run_goes_to_the_goal_in_both_directions() {
    let database = Database::new();
    let at = goals::reversible;
    let everything = "SELECT count(*) FROM sqlite_schema";
    session(
        &database,
        "goal_dry_run.txt",
        &[(at, "users 0001 --dry-run")],
    )
    .await;
    assert_eq!(database.count(everything).await, 0);
    database.migrate_with(at(), "").await;
    session(
        &database,
        "goal_dry_run_back.txt",
        &[
            (at, "users 0001 --dry-run"),
            (at, "users zero --dry-run"),
            (at, "undo --dry-run"),
            (at, "billing 0001 --dry-run"),
        ],
    )
    .await;
    assert_eq!(database.count(APPLIED).await, 5);
    assert_eq!(database.count(TABLES).await, 4);
    let ran = database
        .migrate_with(at(), "users 0001 --dry-run --json")
        .await;
    assert_eq!((ran.exit.code(), ran.stderr.as_str()), (0, ""));
    golden::check("goal_dry_run.json", &golden::normalize_json(ran.json()));
    let empty = Database::new();
    let ran = empty.migrate_with(at(), "undo --dry-run").await;
    assert!(
        ran.stderr.contains("Nothing is to be undone"),
        "{}",
        ran.stderr
    );
}

#[tokio::test]
async fn a_dry_run_of_a_way_back_says_what_cannot_be_tried() {
    let database = Database::new();
    database.migrate_with(goals::stuck(), "").await;
    session(
        &database,
        "goal_dry_run_stops.txt",
        &[(goals::stuck, "users zero --dry-run")],
    )
    .await;
    assert_eq!(database.count(TABLES).await, 4);
    let database = Database::new();
    database.migrate_with(goals::one_way(), "").await;
    session(
        &database,
        "goal_dry_run_refused.txt",
        &[(goals::one_way, "users zero --dry-run")],
    )
    .await;
    assert_eq!(database.count(APPLIED).await, 5);
}

#[tokio::test]
async fn a_way_back_that_stops_half_way_goes_on() {
    let database = Database::new();
    database.migrate_with(goals::stuck(), "").await;
    session(
        &database,
        "half_reverted.txt",
        &[
            (goals::stuck, "users 0002 --yes"),
            (goals::stuck, "status"),
            (goals::stuck, ""),
            (goals::mended, "undo --yes"),
            (goals::mended, "status users"),
        ],
    )
    .await;
}

#[tokio::test]
async fn a_squash_is_recorded_and_then_what_it_replaced_is_pruned() {
    let database = Database::new();
    database.migrate_with(goals::plain(), "").await;
    session(
        &database,
        "squash_states.txt",
        &[
            (goals::squashed, "status"),
            (goals::squashed, "--check"),
            (goals::squashed, "--plan"),
            (goals::squashed, "users --prune"),
            (goals::squashed, ""),
            (goals::squashed, "status"),
            (goals::retired, "users --prune"),
            (goals::retired, "users --prune --yes"),
            (goals::retired, "users --prune --yes"),
        ],
    )
    .await;
    let ran = database
        .migrate_with(goals::retired(), "users --prune --json")
        .await;
    golden::check("prune.json", &golden::normalize_json(ran.json()));
}

#[tokio::test]
async fn what_a_newer_binary_applied_is_pruned_by_force_only() {
    let database = Database::new();
    database.migrate_with(goals::plain(), "").await;
    session(
        &database,
        "prune_newer.txt",
        &[
            (goals::older, "users --prune --yes"),
            (goals::older, "users --prune --force"),
            (goals::older, "users --prune --force --yes"),
            (goals::older, "users --force"),
        ],
    )
    .await;
}

#[tokio::test]
async fn a_squash_that_is_split_is_recorded_when_its_steps_have_run() {
    let database = Database::new();
    session(
        &database,
        "squash_split.txt",
        &[
            (goals::both, "status users"),
            (goals::plain, "users 0001"),
            (goals::both, "status users"),
            (goals::both, "plan"),
            (goals::both, ""),
            (goals::both, "status users"),
        ],
    )
    .await;
}

#[tokio::test]
async fn nothing_comes_before_a_first_step_that_cannot_take_part() {
    let history = History::builder()
        .sql(
            "users",
            "0001_initial.sql",
            "-- migrate: atomic = false\nSELECT 1;",
        )
        .build()
        .expect("a history");
    let ran = Database::new()
        .migrate_with(history, "--single-transaction")
        .await;
    assert!(
        ran.stderr.contains("error[not_one_transaction]"),
        "{}",
        ran.stderr
    );
    assert!(
        !ran.stderr.contains("the step before these"),
        "{}",
        ran.stderr
    );
}

#[tokio::test]
async fn an_empty_word_is_shown() {
    let ran = Database::new().migrate("users ''").await;
    assert!(
        ran.stderr.contains("'' names no step of users"),
        "{}",
        ran.stderr
    );
}

#[tokio::test]
async fn all_steps_in_one_transaction_or_none() {
    let database = Database::new();
    session(
        &database,
        "single_transaction.txt",
        &[
            (goals::stuck, "--single-transaction --plan"),
            (goals::stuck, "--single-transaction"),
            (goals::reversible, "--single-transaction"),
        ],
    )
    .await;
    assert_eq!(database.count(APPLIED).await, 5);
}
