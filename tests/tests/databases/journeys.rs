//! The service of five apps: from nothing, through its day, back to nothing, and once more.

use migrate_tests::{Db, Exit, Scope, Starter, TestDatabase, each_database};

use crate::databases::example::example;

each_database! {
    all: works_from_nothing, goes_back_and_comes_again;
}

/// Everything that the checklist ticks.
const ITEMS: usize = 9;

async fn run(database: &TestDatabase, words: &str) -> Exit {
    let starter = example("journeys").env("DATABASE_URL", database.url());
    let starter = words.split_whitespace().fold(starter, Starter::arg);
    starter.run().await
}

/// Runs a command that must succeed; what it says on stdout.
async fn done(database: &TestDatabase, words: &str) -> String {
    let exit = run(database, words).await;
    assert_eq!(exit.code, Some(0), "{words}: {exit:?}");
    exit.stdout
}

async fn goes_through_the_list(database: &TestDatabase) {
    let ticked = done(database, "check").await;
    assert_eq!(ticked.matches("[x] ").count(), ITEMS, "{ticked}");
}

async fn works_from_nothing(db: Db) {
    let database = TestDatabase::create(db).await;
    done(&database, "migrate").await;
    let status = done(&database, "migrate status").await;
    assert_eq!(status.matches("[X]").count(), 20, "{status}");
    let before = database.dump(Scope::WithoutLedger).await;
    goes_through_the_list(&database).await;
    // The list leaves no rows behind, so it can be gone through in production as well.
    assert_eq!(database.dump(Scope::WithoutLedger).await, before);
    let before = database.dump(Scope::Everything).await;
    done(&database, "migrate").await;
    assert_eq!(database.dump(Scope::Everything).await, before);
}

/// Every app's `zero` takes with it what depends on that app, and nothing else.
async fn goes_back_and_comes_again(db: Db) {
    let database = TestDatabase::create(db).await;
    let empty = database.dump(Scope::WithoutLedger).await;
    done(&database, "migrate").await;
    let full = database.dump(Scope::WithoutLedger).await;

    let plan = done(&database, "migrate llmchat zero --plan").await;
    for (goes, step) in [
        (true, "llmchat.setup_checkpointer_v1_2025_01_20"),
        (true, "memory.0002_addressed"),
        (true, "memory.setup_store_v1_2025_01_27"),
        (false, "memory.0001_initial"),
        (false, "users.0001_initial"),
    ] {
        assert_eq!(plan.contains(step), goes, "{step}: {plan}");
    }
    assert_eq!(database.dump(Scope::WithoutLedger).await, full);

    done(&database, "migrate llmchat zero --yes").await;
    let status = done(&database, "migrate status").await;
    assert_eq!(status.matches("[X]").count(), 13, "{status}");
    done(&database, "migrate").await;
    assert_eq!(database.dump(Scope::WithoutLedger).await, full);
    goes_through_the_list(&database).await;

    done(&database, "migrate users zero --yes").await;
    let left = done(&database, "migrate status").await;
    assert!(left.contains("[X] 0001_initial"), "{left}");
    for app in ["journeys", "evidence"] {
        done(&database, &format!("migrate {app} zero --yes")).await;
    }
    assert_eq!(database.dump(Scope::WithoutLedger).await, empty);
    done(&database, "migrate").await;
    assert_eq!(database.dump(Scope::WithoutLedger).await, full);
}
