//! The tables of the model's checkpointer. They are a library's own: its `setup` makes them, with
//! statements that this service does not write and that may commit as they go.

use migrate_core::{Context, Portable, Result, data_migration};

const TABLES: [&str; 3] = ["checkpoints", "checkpoint_writes", "checkpoint_blobs"];

/// Sets up the checkpointer's tables.
#[data_migration(
    app = "llmchat",
    after = ["0002_messages"],
    reverse = tear_down_checkpointer,
    atomic = false,
)]
async fn setup_checkpointer_v1_2025_01_20(cx: &mut Context<'_, Portable>) -> Result<()> {
    for table in TABLES {
        // As the library's own text: set up twice, nothing happens the second time.
        let create = format!(
            "CREATE TABLE IF NOT EXISTS {table} (thread INTEGER NOT NULL, \
             position INTEGER NOT NULL, state VARCHAR(2000) NOT NULL, PRIMARY KEY (thread, position))"
        );
        cx.execute(&create, &[]).await?;
    }
    Ok(())
}

async fn tear_down_checkpointer(cx: &mut Context<'_, Portable>) -> Result<()> {
    for table in TABLES {
        let drop = format!("DROP TABLE IF EXISTS {table}");
        cx.execute(&drop, &[]).await?;
    }
    Ok(())
}
