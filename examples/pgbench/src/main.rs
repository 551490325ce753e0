//! A bank on the tables that `pgbench -i` makes. Every account gets a tier, while the bank is open.
//!
//! Each step takes one lock on one table, briefly or in a mode that lets reads and writes pass:
//! `migrations/` says which. The functions here write in batches, each its own transaction.

use std::process::ExitCode;

use migrate_core::{Context, Result, data_migration};
use sqlx::{PgConnection, Postgres};

migrate_core::embed_migrations!();

fn main() -> ExitCode {
    migrate_cli::main(&MIGRATIONS)
}

/// Rows of one transaction: some ten milliseconds each, which is how long a payment may wait for one.
const BATCH: i64 = 5_000;

/// Gives every account its tier, 5,000 accounts at a time.
#[data_migration(after = ["0001_account_tier"], atomic = false)]
async fn fill_tiers_2026_11_20(cx: &mut Context<'_, Postgres>) -> Result<u64> {
    const FILL: &str = "UPDATE pgbench_accounts
        SET tier = CASE WHEN aid % 100 = 0 THEN 'gold' ELSE 'plain' END
        WHERE aid > $1 AND aid <= $2 AND tier IS NULL";

    let accounts: i64 = sqlx::query_scalar("SELECT count(*) FROM pgbench_accounts")
        .fetch_one(cx.conn())
        .await?;
    let (mut seen, mut filled, mut last) = (0, 0, 0);
    while let Some((end, rows)) = next_batch(cx.conn(), last).await? {
        let done = sqlx::query(FILL).bind(last).bind(end).execute(cx.conn());
        filled += done.await?.rows_affected();
        seen += rows.unsigned_abs();
        cx.progress(seen, Some(accounts.unsigned_abs()));
        last = end;
    }
    Ok(filled)
}

/// The last key of the batch after `last`, and how many rows it has. By key and by rows: OFFSET
/// reads everything before it again, and ranges of numbers are uneven where rows were deleted.
async fn next_batch(connection: &mut PgConnection, last: i64) -> sqlx::Result<Option<(i64, i64)>> {
    let batch: (Option<i64>, i64) = sqlx::query_as(
        "SELECT max(aid)::bigint, count(*) FROM
           (SELECT aid FROM pgbench_accounts WHERE aid > $1 ORDER BY aid LIMIT $2) AS batch",
    )
    .bind(last)
    .bind(BATCH)
    .fetch_one(connection)
    .await?;
    Ok(batch.0.map(|end| (end, batch.1)))
}

/// Counts the gold accounts of each branch, one branch at a time.
#[data_migration(after = ["0005_branch_gold_accounts"], atomic = false)]
async fn count_gold_accounts_2026_11_20(cx: &mut Context<'_, Postgres>) -> Result<u64> {
    let branches: Vec<i32> = sqlx::query_scalar("SELECT bid FROM pgbench_branches ORDER BY bid")
        .fetch_all(cx.conn())
        .await?;
    let mut counted = 0;
    for branch in &branches {
        let gold: i64 = sqlx::query_scalar(
            "SELECT count(*) FROM pgbench_accounts WHERE tier = 'gold' AND bid = $1",
        )
        .bind(branch)
        .fetch_one(cx.conn())
        .await?;
        // Every payment writes to its branch: counting is done before the row is locked.
        sqlx::query("UPDATE pgbench_branches SET gold_accounts = $1 WHERE bid = $2")
            .bind(gold)
            .bind(branch)
            .execute(cx.conn())
            .await?;
        counted += 1;
        cx.progress(counted, Some(branches.len() as u64));
    }
    Ok(counted)
}
