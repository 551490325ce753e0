use migrate_core::{Context, data_migration};
use sqlx::Sqlite;

migrate_core::embed_migrations! { users => "ui/common" }

#[data_migration(after = ["0002_add_email"])]
async fn lower_emails_2026_11_20(_cx: &mut Context<'_, Sqlite>) -> Result<(), String> {
    Err("no".to_owned())
}

fn main() {}
