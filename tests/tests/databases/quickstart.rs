//! The quickstart as its reader meets it: the commands of the README, on each database.

use migrate_tests::{Db, Exit, Scope, Starter, TestDatabase, each_database};

use crate::databases::example::example;

each_database! {
    all: does_what_the_readme_says, tells_how_to_begin, audits_what_it_should, looks_before_it_runs;
}

fn quickstart(database: &TestDatabase) -> Starter {
    example("quickstart").env("DATABASE_URL", database.url())
}

async fn run(database: &TestDatabase, words: &str) -> Exit {
    let starter = words
        .split_whitespace()
        .fold(quickstart(database), Starter::arg);
    starter.run().await
}

/// Runs a command that must succeed; what it says on stdout and on stderr.
async fn done(database: &TestDatabase, words: &str) -> (String, String) {
    let exit = run(database, words).await;
    assert_eq!(exit.code, Some(0), "{words}: {exit:?}");
    (exit.stdout, exit.stderr)
}

/// The one integer that a query gives.
async fn count(database: &TestDatabase, sql: &str) -> u64 {
    let text = database.scalar(sql).await.expect("a number");
    text.parse().expect("an integer")
}

async fn does_what_the_readme_says(db: Db) {
    let database = TestDatabase::create(db).await;
    let (_, said) = done(&database, "migrate").await;
    assert!(said.contains("Applied 9 steps"), "{said}");
    assert!(said.contains("1,200 rows"), "{said}");
    assert!(said.contains("982 people have a new team"), "{said}");

    let (_, said) = done(&database, "migrate").await;
    assert!(said.starts_with("Nothing is pending"), "{said}");

    // What a SQL step ran is applied like the others.
    let (status, _) = done(&database, "migrate status").await;
    assert_eq!(status.matches("[X]").count(), 9, "{status}");
    let (list, _) = done(&database, "migrate list").await;
    assert!(list.starts_with("Found 3 custom migration(s)"), "{list}");
    let (list, _) = done(&database, "migrate list --name EMAIL").await;
    assert!(list.contains("fill_email_keys_2026_11_20"), "{list}");
    assert!(!list.contains("tidy_names"), "{list}");

    let (teams, _) = done(&database, "").await;
    assert_eq!(teams.lines().count(), 10, "{teams}");
    assert!(teams.contains("Graphics      988 members"), "{teams}");

    let untidy = "SELECT COUNT(*) FROM users WHERE email_key IS NULL OR email_key <> LOWER(email)";
    assert_eq!(count(&database, untidy).await, 0);
    assert_eq!(count(&database, "SELECT COUNT(*) FROM users").await, 6000);
    let ada = database.rows("SELECT name FROM users WHERE id = 361").await;
    assert_eq!(ada, [[Some("Ada Allen".to_owned())]]);
}

async fn tells_how_to_begin(db: Db) {
    let database = TestDatabase::create(db).await;
    let (usage, _) = done(&database, "--help").await;
    assert!(usage.contains("quickstart migrate"), "{usage}");
    assert_eq!(run(&database, "mirgate").await.code, Some(2));
    let exit = run(&database, "").await;
    assert_eq!(exit.code, Some(1), "{exit:?}");
    assert!(exit.stderr.contains("8 migrations are pending"), "{exit:?}");
    assert!(exit.stderr.contains("-- migrate"), "{exit:?}");
}

/// The correction of names is not audited, the moves between teams are, with the step's name.
async fn audits_what_it_should(db: Db) {
    let database = TestDatabase::create(db).await;
    done(&database, "migrate").await;
    let changes = "SELECT COUNT(*) FROM user_changes";
    assert_eq!(count(&database, changes).await, 982);
    let by_the_move =
        format!("{changes} WHERE migration = 'quickstart.dissolve_closed_teams_2026_11_20'");
    assert_eq!(count(&database, &by_the_move).await, 982);
}

async fn looks_before_it_runs(db: Db) {
    let database = TestDatabase::create(db).await;
    let empty = database.dump(Scope::Everything).await;
    let exit = run(&database, "migrate --check").await;
    assert_eq!(exit.code, Some(3), "{exit:?}");
    let (plan, _) = done(&database, "migrate --plan").await;
    assert!(plan.contains("1. quickstart.0001_initial"), "{plan}");
    assert_eq!(database.dump(Scope::Everything).await, empty);

    done(&database, "migrate").await;
    done(&database, "migrate --check").await;
}

/// The README's service that migrates when it starts, and can be told not to.
#[tokio::test]
async fn a_service_migrates_when_it_starts() {
    let database = TestDatabase::create(Db::Sqlite).await;
    let service = example("minimal")
        .env("DATABASE_URL", database.url())
        .arg("serve");
    let said = service.clone().env("MIGRATE_ON_START", "off").run().await;
    assert!(said.stderr.contains("2 steps are pending"), "{said:?}");
    for applied in ["2 migrations applied", "0 migrations applied"] {
        let said = service.run().await;
        assert_eq!((said.code, said.stderr.trim()), (Some(0), applied));
    }
    let shouting = "SELECT COUNT(*) FROM users WHERE email <> LOWER(email)";
    assert_eq!(count(&database, shouting).await, 0);
}
