//! What an administrator does on a server: list and end sessions, drop databases.

use crate::Db;
use crate::connection::Connection;

async fn administrator(db: Db) -> Connection {
    Connection::open(db, db.server_url().as_str()).await
}

/// The sessions on a database, by the server's numbers.
pub(crate) async fn sessions(db: Db, database: &str) -> Vec<u64> {
    let sql = match db {
        Db::Sqlite => return Vec::new(),
        Db::Postgres => {
            format!("SELECT pid FROM pg_stat_activity WHERE datname = '{database}' ORDER BY pid")
        }
        Db::MySql => {
            format!(
                "SELECT id FROM information_schema.processlist WHERE db = '{database}' ORDER BY id"
            )
        }
    };
    let rows = administrator(db).await.rows(&sql).await;
    rows.into_iter()
        .map(|row| {
            row[0]
                .as_deref()
                .and_then(|id| id.parse().ok())
                .expect("a session's number")
        })
        .collect()
}

/// Ends a session and waits until the server no longer lists it.
pub(crate) async fn kill_session(db: Db, session: u64) {
    let (kill, listed) = match db {
        Db::Sqlite => panic!("SQLite has no sessions"),
        Db::Postgres => (
            format!("SELECT pg_terminate_backend({session})"),
            format!("SELECT 1 FROM pg_stat_activity WHERE pid = {session}"),
        ),
        Db::MySql => (
            format!("KILL {session}"),
            format!("SELECT 1 FROM information_schema.processlist WHERE id = {session}"),
        ),
    };
    let mut administrator = administrator(db).await;
    // It may have ended by itself; MariaDB calls that an error.
    if let Err(error) = administrator.try_execute(&kill).await {
        eprintln!("ending session {session}: {error}");
    }
    for _ in 0..500 {
        if administrator.rows(&listed).await.is_empty() {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    panic!("session {session} did not end");
}

/// Drops a database, whoever is using it.
pub(crate) async fn drop_database(db: Db, database: &str) {
    if db == Db::MySql {
        // A session in a transaction would hold the drop up through its metadata locks.
        for session in sessions(db, database).await {
            kill_session(db, session).await;
        }
    }
    let sql = match db {
        Db::Postgres => format!("DROP DATABASE IF EXISTS {database} WITH (FORCE)"),
        _ => format!("DROP DATABASE IF EXISTS {database}"),
    };
    administrator(db).await.execute(&sql).await;
}
