//! What the databases spell differently, once.

use migrate_tests::{Connection, Db, TestDatabase};

/// A table that most tests start from.
pub(super) const ITEM: &str = "CREATE TABLE item (id INT NOT NULL PRIMARY KEY, name VARCHAR(100))";

/// A statement that takes a minute unless it is cancelled.
pub(super) fn sleep(db: Db) -> &'static str {
    match db {
        Db::Sqlite => {
            "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) \
             SELECT count(*) FROM n WHERE i < 0"
        }
        Db::Postgres => "SELECT pg_sleep(60)",
        Db::MySql => "SELECT SLEEP(60)",
    }
}

/// Steals the token, as a take-over by another process does.
pub(super) const STEAL: &str = "UPDATE migrate_lock SET token = token + 1";

/// A role of one test's own, dropped at its end.
pub(super) struct Role {
    pub(super) name: String,
    /// How the server's SQL names it.
    pub(super) quoted: String,
    db: Db,
    home: String,
}

/// What the role logs in with; the tests look for it in every error.
pub(super) const PASSWORD: &str = "s3cret-p%ss";

impl Role {
    pub(super) async fn create(database: &TestDatabase) -> Self {
        let name = format!("r{}", database.name().trim_start_matches("migrate_test_"));
        let (db, home) = (database.db(), database.url().to_owned());
        let quoted = match db {
            Db::MySql => format!("'{name}'@'%'"),
            _ => name.clone(),
        };
        let create = match db {
            Db::MySql => format!("CREATE USER {quoted} IDENTIFIED BY '{PASSWORD}'"),
            _ => format!("CREATE ROLE {quoted} LOGIN PASSWORD '{PASSWORD}'"),
        };
        database.execute(&create).await;
        Self {
            name,
            quoted,
            db,
            home,
        }
    }

    /// The URL of a database for this role.
    pub(super) fn url(&self, database: &TestDatabase) -> String {
        database.url_as(&self.name, &PASSWORD.replace('%', "%25"))
    }

    /// Lets it in, and nothing more.
    pub(super) async fn grant_connect(&self, database: &TestDatabase) {
        if self.db == Db::MySql {
            // A table of another name: without any right on a database it cannot be entered.
            database.execute("CREATE TABLE door (id INT)").await;
            let sql = format!(
                "GRANT SELECT ON {}.door TO {}",
                database.name(),
                self.quoted
            );
            database.execute(&sql).await;
        }
    }

    /// Lets it read and write everything.
    pub(super) async fn grant_all(&self, database: &TestDatabase) {
        let sql = match self.db {
            Db::MySql => format!("GRANT ALL ON {}.* TO {}", database.name(), self.quoted),
            _ => format!(
                "GRANT ALL ON ALL TABLES IN SCHEMA public TO {0}; \
                 GRANT ALL ON ALL SEQUENCES IN SCHEMA public TO {0}",
                self.quoted
            ),
        };
        database.execute(&sql).await;
    }

    /// Lets it read everything.
    pub(super) async fn grant_select(&self, database: &TestDatabase) {
        let sql = match self.db {
            Db::MySql => format!("GRANT SELECT ON {}.* TO {}", database.name(), self.quoted),
            _ => format!(
                "GRANT SELECT ON ALL TABLES IN SCHEMA public TO {}",
                self.quoted
            ),
        };
        database.execute(&sql).await;
    }
}

impl Drop for Role {
    fn drop(&mut self) {
        let (db, home, quoted) = (self.db, self.home.clone(), self.quoted.clone());
        let sql = match db {
            Db::MySql => format!("DROP USER {quoted}"),
            _ => format!("DROP OWNED BY {quoted}; DROP ROLE {quoted}"),
        };
        let dropped = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .unwrap();
            runtime.block_on(async { Connection::open(db, &home).await.try_execute(&sql).await })
        });
        if let Ok(Err(error)) = dropped.join() {
            eprintln!("a role could not be dropped: {error}");
        }
    }
}
