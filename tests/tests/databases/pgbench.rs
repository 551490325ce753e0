//! Real input: a million accounts made by PostgreSQL's own tool, migrated while that tool's load
//! runs. None of its transactions may fail.

use migrate_tests::{Db, Exit, Starter, TestDatabase};

use crate::databases::example::example;

/// Four clients for four seconds; another such load begins until the migration has ended.
const LOAD: &[&str] = &["-n", "-c", "4", "-T", "4"];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_transaction_fails_while_a_million_rows_are_migrated() {
    let database = TestDatabase::create(Db::Postgres).await;
    let filled = pgbench(&database, &["-i", "-s", "10", "-q"]).run().await;
    assert_eq!(filled.code, Some(0), "{filled:?}");

    let bank = example("pgbench-example").env("DATABASE_URL", database.url());
    let mut load = pgbench(&database, LOAD).start().await;
    let migration = tokio::spawn(migrate(bank));
    let mut transactions = 0;
    loop {
        transactions += successful(&load.wait().await);
        if migration.is_finished() {
            break;
        }
        load = pgbench(&database, LOAD).start().await;
    }
    let migrated = migration.await.expect("the migration's task");
    assert_eq!(migrated.code, Some(0), "{migrated:?}");
    assert!(
        migrated.stderr.contains("7 steps applied in all"),
        "{migrated:?}"
    );
    assert!(transactions > 0, "pgbench did nothing");

    for (what, sql) in [
        (
            "1000000",
            "SELECT count(*) FROM pgbench_accounts WHERE tier IS NOT NULL",
        ),
        ("10000", "SELECT sum(gold_accounts) FROM pgbench_branches"),
        (
            "t",
            "SELECT convalidated FROM pg_constraint WHERE conname = 'tier_present'",
        ),
        (
            "t",
            "SELECT indisvalid FROM pg_index WHERE indexrelid = 'gold_accounts_by_branch'::regclass",
        ),
        // pgbench's own invariant: what it moved is the same in every table.
        (
            "t",
            "SELECT (SELECT sum(abalance) FROM pgbench_accounts) = (SELECT sum(bbalance) FROM pgbench_branches)",
        ),
    ] {
        assert_eq!(database.scalar(sql).await.as_deref(), Some(what), "{sql}");
    }
}

/// Migrates, and again where a step gave up waiting for its lock, as the README tells to.
async fn migrate(bank: Starter) -> Exit {
    let mut exit = bank.clone().arg("migrate").run().await;
    for _ in 0..5 {
        if !exit.stderr.contains("lock timeout") {
            break;
        }
        exit = bank.clone().arg("migrate").run().await;
    }
    exit
}

/// `pgbench` on a database. `tests/run` puts the server's programs into PATH.
fn pgbench(database: &TestDatabase, arguments: &[&str]) -> Starter {
    let starter = arguments
        .iter()
        .fold(Starter::new("pgbench"), |starter, argument| {
            starter.arg(argument)
        });
    starter.arg(database.url())
}

/// How many transactions a load made, after checking that it made no other ones.
fn successful(load: &Exit) -> u64 {
    assert_eq!(load.code, Some(0), "a client was aborted: {load:?}");
    let number = |label: &str| -> u64 {
        let line = load
            .stdout
            .lines()
            .find_map(|line| line.strip_prefix(label));
        let word = line.and_then(|rest| rest.split_whitespace().next());
        word.and_then(|word| word.parse().ok())
            .unwrap_or_else(|| panic!("no `{label}` in {load:?}"))
    };
    assert_eq!(number("number of failed transactions:"), 0, "{load:?}");
    number("number of transactions actually processed:")
}
