use migrate_core::{Context, Result, data_migration};
use sqlx::Sqlite;

migrate_core::embed_migrations! { users => "ui/common" }

mod a {
    use super::*;

    #[data_migration(name = "lower_emails_2026_11_20", after = ["0002_add_email"])]
    pub async fn one(_cx: &mut Context<'_, Sqlite>) -> Result<u64> {
        Ok(0)
    }
}

mod b {
    use super::*;

    #[data_migration(name = "lower_emails_2026_11_20", after = ["0002_add_email"])]
    pub async fn two(_cx: &mut Context<'_, Sqlite>) -> Result<u64> {
        Ok(0)
    }
}

fn main() {}
