//! sqlx's own migrations, embedded: connects, or applies what is pending.

use std::error::Error;

use sqlx::migrate::Migrator;
use sqlx::{Connection, PgConnection, SqliteConnection};

static MIGRATIONS: Migrator = sqlx::migrate!("./migrations");

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
    if url.starts_with("postgres") {
        let mut connection = PgConnection::connect(url).await?;
        if mode == "run" {
            MIGRATIONS.run_direct(None, &mut connection, false).await?;
        }
        connection.close().await?;
    } else {
        let mut connection = SqliteConnection::connect(url).await?;
        if mode == "run" {
            MIGRATIONS.run_direct(None, &mut connection, false).await?;
        }
        connection.close().await?;
    }
    Ok(())
}
