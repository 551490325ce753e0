//! The table of the model's long-term store, made by a library's own `setup`.

use migrate_core::{Context, Portable, Result, data_migration};

/// Sets up the store's table.
#[data_migration(
    app = "memory",
    after = ["0002_addressed"],
    reverse = tear_down_store,
    atomic = false,
)]
async fn setup_store_v1_2025_01_27(cx: &mut Context<'_, Portable>) -> Result<()> {
    let create =
        "CREATE TABLE IF NOT EXISTS store (id INTEGER PRIMARY KEY, body VARCHAR(500) NOT NULL)";
    cx.execute(create, &[]).await?;
    Ok(())
}

async fn tear_down_store(cx: &mut Context<'_, Portable>) -> Result<()> {
    cx.execute("DROP TABLE IF EXISTS store", &[]).await?;
    Ok(())
}
