//! The service of five apps: from nothing, through its day, back to nothing, and once more.

use migrate_tests::{Db, Exit, Scope, Starter, TestDatabase, each_database};
use rustix::process::Signal;

use crate::databases::example::example;

each_database! {
    all: works_from_nothing, goes_back_and_comes_again;
    servers: a_signal_in_the_middle_of_a_way_back_leaves_the_truth;
}

/// Everything that the checklist ticks.
const ITEMS: usize = 9;

fn journeys(database: &TestDatabase, words: &str) -> Starter {
    let starter = example("journeys").env("DATABASE_URL", database.url());
    words.split_whitespace().fold(starter, Starter::arg)
}

async fn run(database: &TestDatabase, words: &str) -> Exit {
    journeys(database, words).run().await
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

/// A way back, the table that somebody works with meanwhile, and the statement that waits for them.
const HELD_UP: [(&str, &str, &str); 3] = [
    // A file: one transaction; or, where DDL commits by itself, its first statement.
    (
        "migrate users 0002",
        "users",
        "ALTER TABLE users DROP COLUMN onboarded",
    ),
    // A function in a transaction.
    (
        "migrate journeys 0003",
        "journeys",
        "DELETE FROM journeys WHERE",
    ),
    // A function that is not atomic; the first of its tables is gone by then.
    (
        "migrate llmchat 0001",
        "checkpoint_writes",
        "DROP TABLE IF EXISTS checkpoint_writes",
    ),
];

async fn a_signal_in_the_middle_of_a_way_back_leaves_the_truth(db: Db) {
    for (words, table, statement) in HELD_UP {
        let words = &format!("{words} --yes");
        let smooth = TestDatabase::create(db).await;
        done(&smooth, "migrate").await;
        done(&smooth, words).await;
        let there = smooth.dump(Scope::WithoutLedger).await;
        for (signal, code) in [(Signal::INT, 130), (Signal::TERM, 143)] {
            let database = TestDatabase::create(db).await;
            done(&database, "migrate").await;
            let full = database.dump(Scope::WithoutLedger).await;
            let mut other = database.connect().await;
            other.execute("BEGIN").await;
            other
                .rows(&format!("SELECT 1 FROM {table} FOR UPDATE"))
                .await;
            let running = journeys(&database, words).start().await;
            begins(&database, statement).await;
            running.signal(signal);
            let exit = running.wait().await;
            let said = exit.expect_code(code).stderr.clone();
            assert!(said.contains("error[cancelled]"), "{said}");
            assert!(database.is_unlocked().await, "{said}");
            other.execute("ROLLBACK").await;
            other.close().await;

            let status = done(&database, "migrate status").await;
            // Where nothing was undone yet, the step is applied as before.
            let in_pieces = table == "checkpoint_writes";
            assert_eq!(status.contains("[<]"), in_pieces, "{status}");
            if in_pieces {
                let exit = run(&database, "migrate").await;
                let refused = &exit.expect_code(1).stderr;
                assert!(refused.contains("error[half_reverted]"), "{refused}");
                done(&database, "migrate undo --yes").await;
            }
            done(&database, words).await;
            assert_eq!(database.dump(Scope::WithoutLedger).await, there, "{said}");
            done(&database, "migrate").await;
            assert_eq!(database.dump(Scope::WithoutLedger).await, full, "{said}");
        }
    }
}

/// Waits until a session executes a statement.
async fn begins(database: &TestDatabase, statement: &str) {
    let others = match database.db() {
        Db::Postgres => {
            "pg_stat_activity WHERE datname = current_database() \
             AND state = 'active' AND pid <> pg_backend_pid() AND query"
        }
        _ => {
            "information_schema.processlist WHERE db = DATABASE() AND id <> CONNECTION_ID() AND info"
        }
    };
    let sql = format!("SELECT count(*) FROM {others} LIKE '%{statement}%'");
    let begun = async {
        while database.count(&sql).await == 0 {
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(120), begun)
        .await
        .unwrap_or_else(|_| panic!("nobody executes {statement}"));
}
