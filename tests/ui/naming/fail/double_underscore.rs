use migrate_core::{Context, Result, data_migration};
use sqlx::Sqlite;

migrate_core::embed_migrations! { users => "ui/common" }

#[data_migration(name = "lower__emails_2026_11_20", after = ["0002_add_email"])]
async fn lower_emails(_cx: &mut Context<'_, Sqlite>) -> Result<u64> {
    Ok(0)
}

fn main() {}
