use migrate_core::{Context, Result, data_migration};
use sqlx::Sqlite;

migrate_core::embed_migrations! { users => "ui/common" }

async fn pause() {}

#[data_migration(after = ["0002_add_email"])]
async fn lower_emails_2026_11_20(_cx: &mut Context<'_, Sqlite>) -> Result<u64> {
    let count = std::rc::Rc::new(0);
    pause().await;
    Ok(*count)
}

fn main() {}
