//! diesel_migrations, embedded: connects, or applies what is pending.

use std::error::Error;

use diesel::{Connection, PgConnection, SqliteConnection};
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};

// Compiles SQLite in, as the other apps do.
use libsqlite3_sys as _;

const MIGRATIONS: EmbeddedMigrations = embed_migrations!("migrations");

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().collect();
    let [_, mode, url] = &arguments[..] else {
        return Err("usage: APP connect|run URL".into());
    };
    let failed = |error: Box<dyn Error + Send + Sync>| -> Box<dyn Error> { error };
    if url.starts_with("postgres") {
        let mut connection = PgConnection::establish(url)?;
        if mode == "run" {
            connection
                .run_pending_migrations(MIGRATIONS)
                .map_err(failed)?;
        }
    } else {
        let path = url.trim_start_matches("sqlite:").split('?').next();
        let mut connection = SqliteConnection::establish(path.unwrap_or_default())?;
        if mode == "run" {
            connection
                .run_pending_migrations(MIGRATIONS)
                .map_err(failed)?;
        }
    }
    Ok(())
}
