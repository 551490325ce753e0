//! A database made to be thrown away.

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hasher};
use std::path::PathBuf;

use migrate_source::Database;

use crate::db_error::{Kind, database_error, kind, redacted};
use crate::dialect::{charset_of_database, create_database, drop_database};
use crate::error::{Error, ErrorCode};
use crate::target::Options;

/// A database of its own, beside the one that is meant.
pub(super) struct Scratch {
    pub(super) database: Database,
    pub(super) name: String,
    pub(super) options: Options,
    /// How to reach the server without being in it; none for a file.
    beside: Option<Options>,
}

impl Scratch {
    /// Makes one. Without options the target is SQLite in memory, or a connection of the user's.
    pub(super) async fn create(beside: Option<Options>, database: Database) -> Result<Self, Error> {
        let name = format!("migrate_scratch_{:016x}", random());
        if database == Database::Sqlite {
            return Self::file(beside, &name);
        }
        let Some(beside) = beside else {
            return Err(Error::new(
                ErrorCode::NotPossible,
                "a single connection cannot reach other databases of its server",
            )
            .help("give the migrator a pool or a URL"));
        };
        let mut session = beside.open().await?;
        let charset = match charset_of_database(database) {
            Some(sql) => session.query(sql, &[]).await,
            None => Ok(Vec::new()),
        };
        let created = match charset {
            Ok(rows) => {
                let charset = rows.first().and_then(|row| row.text(0));
                let sql = create_database(database, &name, charset);
                session.script(sql).await.map(drop).map_err(|f| f.error)
            }
            Err(error) => Err(error),
        };
        session.close().await;
        created.map_err(|error| refused(database, error))?;
        Ok(Self {
            database,
            options: beside.named(&name),
            name,
            beside: Some(beside),
        })
    }

    #[cfg(feature = "sqlite")]
    fn file(beside: Option<Options>, name: &str) -> Result<Self, Error> {
        let path = std::env::temp_dir().join(format!("{name}.sqlite"));
        let options = beside.unwrap_or_else(Options::sqlite);
        Ok(Self {
            database: Database::Sqlite,
            options: options.named(&path.to_string_lossy()),
            name: path.to_string_lossy().into_owned(),
            beside: None,
        })
    }

    #[cfg(not(feature = "sqlite"))]
    fn file(_: Option<Options>, _: &str) -> Result<Self, Error> {
        Err(Error::new(
            ErrorCode::BadUrl,
            "this binary was built without support for sqlite",
        ))
    }

    /// Drops it. What cannot be dropped is told, and no reason to fail.
    pub(super) async fn remove(self) -> Option<String> {
        let left = |why: String| {
            Some(format!(
                "`{}` could not be removed: {why}; remove it by hand",
                self.name
            ))
        };
        let Some(beside) = &self.beside else {
            let mut why = None;
            for suffix in ["-wal", "-shm", "-journal", ""] {
                let path = PathBuf::from(format!("{}{suffix}", self.name));
                if path.exists() {
                    why = std::fs::remove_file(path).err();
                }
            }
            return why.and_then(|error| left(error.to_string()));
        };
        let mut session = match beside.open().await {
            Ok(session) => session,
            Err(error) => return left(error.message().to_owned()),
        };
        let mut why = None;
        for sql in drop_database(self.database, &self.name) {
            match session.script(sql).await {
                Ok(_) => {
                    why = None;
                    break;
                }
                Err(failed) => why = Some(redacted(&failed.error)),
            }
        }
        session.close().await;
        why.and_then(left)
    }
}

/// A number that nobody else has: a name is not reused, and no name is guessed.
fn random() -> u64 {
    RandomState::new().build_hasher().finish()
}

fn refused(database: Database, error: sqlx::Error) -> Error {
    let doing = "create a database to compare on";
    if kind(&error) != Kind::PermissionDenied {
        return database_error(database, doing, error);
    }
    let help = match database {
        Database::MySql => {
            "let an administrator grant it: `GRANT ALL ON `migrate\\_scratch\\_%`.* TO ..`"
        }
        _ => "let an administrator grant it: `ALTER ROLE .. CREATEDB`",
    };
    Error::new(
        ErrorCode::PermissionDenied,
        format!("could not {doing}: {}", redacted(&error)),
    )
    .with_source(error)
    .help(help)
    .help("or compare on a server of your own: `migrate squash --verify --database-url URL`")
}
