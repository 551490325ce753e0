//! One fresh database per test, dropped when the test ends.
//!
//! A [`Db`] is a kind of database under test, a [`TestDatabase`] one of that kind. What differs
//! between the kinds is asked through [`Capabilities`]; how to look inside is in `dump.rs`.

use std::fmt;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use tempfile::TempDir;
use url::Url;

use crate::connection::{Connection, TextRow};
use crate::{admin, dump};

/// A kind of database under test.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Db {
    /// A file in a temporary folder.
    Sqlite,
    /// A database on the server of `MIGRATE_TEST_POSTGRES_URL`.
    Postgres,
    /// A database on the server of `MIGRATE_TEST_MYSQL_URL`, MariaDB where `tests/run` starts it.
    MySql,
}

/// What a kind of database can do, as far as tests expect different things of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Capabilities {
    /// `CREATE TABLE` and its like roll back with the transaction they stand in.
    pub transactional_ddl: bool,
    /// There is a server, with sessions that can be ended and a protocol that can be watched.
    pub server: bool,
    /// Transactions lock rows, so that two can write at once.
    pub row_locks: bool,
    /// A database holds several schemas.
    pub schemas: bool,
    /// There are roles with rights.
    pub roles: bool,
    /// Several statements in one message are one round trip and one transaction.
    pub scripts: bool,
    /// Indexes can be built without blocking writers, by a statement that refuses transactions.
    pub concurrent_index: bool,
}

impl Db {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Sqlite, Self::Postgres, Self::MySql];

    /// What it can do.
    pub const fn capabilities(self) -> Capabilities {
        match self {
            Self::Sqlite => Capabilities {
                transactional_ddl: true,
                server: false,
                row_locks: false,
                schemas: false,
                roles: false,
                scripts: false,
                concurrent_index: false,
            },
            Self::Postgres => Capabilities {
                transactional_ddl: true,
                server: true,
                row_locks: true,
                schemas: true,
                roles: true,
                scripts: true,
                concurrent_index: true,
            },
            Self::MySql => Capabilities {
                transactional_ddl: false,
                server: true,
                row_locks: true,
                schemas: false,
                roles: true,
                scripts: false,
                concurrent_index: false,
            },
        }
    }

    /// The administrator's URL of the server.
    ///
    /// # Panics
    ///
    /// Without the variable: a test that passes because there was no server proves nothing.
    pub(crate) fn server_url(self) -> Url {
        let variable = match self {
            Self::Sqlite => panic!("SQLite has no server"),
            Self::Postgres => "MIGRATE_TEST_POSTGRES_URL",
            Self::MySql => "MIGRATE_TEST_MYSQL_URL",
        };
        let text = std::env::var(variable).unwrap_or_else(|_| {
            panic!(
                "{variable} is not set. Run the tests with `tests/run`, which starts the servers."
            )
        });
        Url::parse(&text).unwrap_or_else(|error| panic!("{variable} is not a URL: {error}"))
    }
}

impl fmt::Display for Db {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Sqlite => "sqlite",
            Self::Postgres => "postgres",
            Self::MySql => "mysql",
        })
    }
}

/// A database of one test's own.
#[derive(Debug)]
pub struct TestDatabase {
    db: Db,
    name: String,
    url: String,
    /// SQLite's; removed with everything in it when dropped.
    folder: Option<TempDir>,
}

impl TestDatabase {
    /// Makes an empty database with a name that no other test has.
    pub async fn create(db: Db) -> Self {
        let name = unique_name();
        if db == Db::Sqlite {
            let folder = TempDir::with_prefix("migrate-test-").expect("no temporary folder");
            let file = folder.path().join(format!("{name}.sqlite"));
            let url = format!("sqlite://{}?mode=rwc", file.display());
            // The file exists from the start, as the servers' databases do.
            Connection::open(db, &url)
                .await
                .execute("PRAGMA user_version = 0")
                .await;
            return Self {
                db,
                name,
                url,
                folder: Some(folder),
            };
        }
        let mut url = db.server_url();
        let create = match db {
            // `template0` has no sessions, so that many tests can copy it at once.
            Db::Postgres => format!("CREATE DATABASE {name} TEMPLATE template0"),
            _ => format!("CREATE DATABASE {name} CHARACTER SET utf8mb4"),
        };
        Connection::open(db, url.as_str())
            .await
            .execute(&create)
            .await;
        url.set_path(&name);
        Self {
            db,
            name,
            url: url.into(),
            folder: None,
        }
    }

    /// Its kind.
    pub fn db(&self) -> Db {
        self.db
    }

    /// What its kind can do.
    pub fn capabilities(&self) -> Capabilities {
        self.db.capabilities()
    }

    /// Its name on the server.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The URL, with an administrator's rights.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The URL for another role.
    pub fn url_as(&self, user: &str, password: &str) -> String {
        self.with_url(|url| {
            url.set_username(user).expect("a server's URL takes a user");
            url.set_password(Some(password))
                .expect("a server's URL takes a password");
        })
    }

    /// The URL at another port of this machine, a proxy's, which reads along and so needs clear
    /// text.
    pub(crate) fn url_without_tls_at(&self, port: u16) -> String {
        let setting = if self.db == Db::MySql {
            "ssl-mode=disabled"
        } else {
            "sslmode=disable"
        };
        self.with_url(|url| {
            url.set_host(Some("127.0.0.1"))
                .expect("a server's URL takes a host");
            url.set_port(Some(port))
                .expect("a server's URL takes a port");
            url.set_query(Some(setting));
        })
    }

    fn with_url(&self, change: impl FnOnce(&mut Url)) -> String {
        let mut url = Url::parse(&self.url).expect("we made this URL");
        change(&mut url);
        url.into()
    }

    /// A new connection.
    pub async fn connect(&self) -> Connection {
        Connection::open(self.db, &self.url).await
    }

    /// Executes one or more statements, on a connection of their own.
    ///
    /// # Panics
    ///
    /// When the database refuses one.
    pub async fn execute(&self, sql: &str) {
        self.connect().await.execute(sql).await;
    }

    /// The rows of one query as text, on a connection of its own.
    ///
    /// # Panics
    ///
    /// When the database refuses the query.
    pub async fn rows(&self, sql: &str) -> Vec<TextRow> {
        self.connect().await.rows(sql).await
    }

    /// The first column of the first row; `None` for NULL.
    ///
    /// # Panics
    ///
    /// When there is no row, or the database refuses the query.
    pub async fn scalar(&self, sql: &str) -> Option<String> {
        self.rows(sql)
            .await
            .first()
            .and_then(|row| row.first().cloned())
            .expect("no row")
    }

    /// Schema and rows as text: equal texts mean equal databases.
    pub async fn dump(&self, scope: dump::Scope) -> String {
        dump::dump(self, scope).await
    }

    /// The sessions on this database, by the server's numbers; none where there is no server.
    pub async fn sessions(&self) -> Vec<u64> {
        admin::sessions(self.db, &self.name).await
    }

    /// Ends one session, as the server does when an administrator asks. Unknown ones are ignored.
    pub async fn kill_session(&self, session: u64) {
        admin::kill_session(self.db, session).await;
    }
}

impl Drop for TestDatabase {
    fn drop(&mut self) {
        if self.folder.is_some() {
            return;
        }
        let (db, name) = (self.db, self.name.clone());
        // A thread with a runtime of its own: the test's may be single-threaded, or unwinding.
        let dropped = std::thread::spawn(move || {
            tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .expect("no runtime")
                .block_on(admin::drop_database(db, &name));
        })
        .join();
        if dropped.is_err() {
            eprintln!("{} could not be dropped", self.name);
        }
    }
}

/// A name for a database, a role or anything else on a server that other tests share.
pub(crate) fn unique_name() -> String {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_millis());
    format!(
        "migrate_test_{now:x}_{:x}_{}",
        std::process::id(),
        COUNT.fetch_add(1, Ordering::Relaxed)
    )
}
