//! refinery, embedded: connects, or applies what is pending.

use std::error::Error;

mod embedded {
    refinery::embed_migrations!("migrations");
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().collect();
    let [_, mode, url] = &arguments[..] else {
        return Err("usage: APP connect|run URL".into());
    };
    if url.starts_with("postgres") {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        return runtime.block_on(postgres(mode, url));
    }
    let path = url.trim_start_matches("sqlite:").split('?').next();
    let mut connection = rusqlite::Connection::open(path.unwrap_or_default())?;
    if mode == "run" {
        embedded::migrations::runner().run(&mut connection)?;
    }
    Ok(())
}

async fn postgres(mode: &str, url: &str) -> Result<(), Box<dyn Error>> {
    let (mut client, connection) = tokio_postgres::connect(url, tokio_postgres::NoTls).await?;
    let connection = tokio::spawn(connection);
    if mode == "run" {
        embedded::migrations::runner()
            .run_async(&mut client)
            .await?;
    }
    drop(client);
    connection.await??;
    Ok(())
}
