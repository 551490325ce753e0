use migrate_core::{Context, Result, data_migration};
use sqlx::Sqlite;

migrate_core::embed_migrations! { users => "ui/common" }

#[data_migration(after = ["0001"])]
async fn lower_emails_2026_11_20(_cx: &mut Context<'_, Sqlite>) -> Result<u64> {
    Ok(0)
}

fn main() {}
