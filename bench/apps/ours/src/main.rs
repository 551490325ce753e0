//! migrate-core, embedded: connects, or applies what is pending.
//!
//! What every app here does: `APP connect|run URL`.

use std::error::Error;

use migrate_core::{Migrator, Target};
use sqlx::{Connection, PgConnection, SqliteConnection};

migrate_core::embed_migrations! { bench => "migrations" }

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().collect();
    let [_, mode, url] = &arguments[..] else {
        return Err("usage: APP connect|run URL".into());
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(work(mode, url))
}

async fn work(mode: &str, url: &str) -> Result<(), Box<dyn Error>> {
    if mode == "run" {
        Migrator::new(Target::from_url(url)?, &MIGRATIONS)
            .run()
            .await?;
    } else if url.starts_with("postgres") {
        PgConnection::connect(url).await?.close().await?;
    } else {
        SqliteConnection::connect(url).await?.close().await?;
    }
    Ok(())
}
