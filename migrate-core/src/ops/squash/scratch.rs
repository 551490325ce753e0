//! A database made to be thrown away.
//!
//! Its name says which process makes it, so that a later run can tell what a killed one has left.

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hasher};
use std::path::{Path, PathBuf};

use migrate_source::Database;

use crate::db_error::{Kind, database_error, kind, redacted};
use crate::dialect::{
    charset_of_database, create_database, current_account, databases_like, drop_database,
};
use crate::error::{Error, ErrorCode};
use crate::holder::Holder;
use crate::ledger::mysql_account;
use crate::session::Session;
use crate::target::Options;

/// How the names begin.
const BEGINNING: &str = "migrate_scratch_";

/// The files that SQLite keeps beside a database.
const BESIDE: [&str; 4] = ["-wal", "-shm", "-journal", ""];

/// A database of its own, beside the one that is meant.
pub(super) struct Scratch {
    pub(super) database: Database,
    pub(super) name: String,
    pub(super) options: Options,
    /// How to reach the server without being in it; none for a file.
    beside: Option<Options>,
}

impl Scratch {
    /// Chooses one, which is not there yet. Without options the target is SQLite in memory, or a
    /// connection of the user's.
    pub(super) fn plan(beside: Option<Options>, database: Database) -> Result<Self, Error> {
        let name = format!("{BEGINNING}{}_{:08x}", Holder::this("").mark(), random());
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
        Ok(Self {
            database,
            options: beside.named(&name),
            name,
            beside: Some(beside),
        })
    }

    /// Makes it. A file is made by whoever opens it first.
    pub(super) async fn create(&self) -> Result<(), Error> {
        let Some(beside) = &self.beside else {
            return Ok(());
        };
        let database = self.database;
        let mut session = beside.open().await?;
        let charset = match charset_of_database(database) {
            Some(sql) => session.query(sql, &[]).await,
            None => Ok(Vec::new()),
        };
        let created = match charset {
            Ok(rows) => {
                let charset = rows.first().and_then(|row| row.text(0));
                let sql = create_database(database, &self.name, charset);
                session.script(sql).await.map(drop).map_err(|f| f.error)
            }
            Err(error) => Err(error),
        };
        let result = match created {
            Ok(()) => Ok(()),
            Err(error) => Err(refused(&mut *session, error).await),
        };
        session.close().await;
        result
    }

    /// What a person does to remove it.
    pub(super) fn removal(&self) -> String {
        removal(self.database, &self.name)
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
            return remove_files(&self.name).and_then(|error| left(error.to_string()));
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

/// Removes what SQLite has made of a database; an error of any of the files.
fn remove_files(name: &str) -> Option<std::io::Error> {
    let mut why = None;
    for suffix in BESIDE {
        let path = PathBuf::from(format!("{name}{suffix}"));
        if path.exists() {
            why = std::fs::remove_file(path).err().or(why);
        }
    }
    why
}

/// What runs that died have left on this server, or in the folder for temporary files: each with
/// what removes it. What cannot be looked up is nobody's reason to fail.
pub(super) async fn left_behind(beside: Option<&Options>, database: Database) -> Vec<String> {
    let names = match databases_like(database, BEGINNING) {
        None => files(&std::env::temp_dir()),
        Some(sql) => databases(beside, &sql).await,
    };
    let here = Holder::this("");
    let dead = names.into_iter().filter(|name| {
        let mark = mark_in(database, name);
        mark.is_some_and(|mark| here.is_mark_of_dead(mark))
    });
    dead.map(|name| {
        let removal = removal(database, &name);
        format!("`{name}` was left by a run that was killed; to remove it: {removal}")
    })
    .collect()
}

async fn databases(beside: Option<&Options>, sql: &str) -> Vec<String> {
    let Some(beside) = beside else {
        return Vec::new();
    };
    let Ok(mut session) = beside.open().await else {
        return Vec::new();
    };
    let rows = session.query(sql, &[]).await.unwrap_or_default();
    session.close().await;
    let names = rows.iter().filter_map(|row| row.text(0));
    names.map(str::to_owned).collect()
}

fn files(folder: &Path) -> Vec<String> {
    let Ok(entries) = std::fs::read_dir(folder) else {
        return Vec::new();
    };
    let paths = entries.filter_map(|entry| Some(entry.ok()?.path()));
    let mut names: Vec<String> = paths
        .filter(|path| path.extension().is_some_and(|end| end == "sqlite"))
        .map(|path| path.to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
}

/// The part of a name that says which process made it; none for whatever [`Scratch::plan`] does not make,
/// since anybody may make files in a folder for temporary ones, and names go into commands.
fn mark_in(database: Database, name: &str) -> Option<&str> {
    let name = match database {
        Database::Sqlite => Path::new(name)
            .file_name()?
            .to_str()?
            .strip_suffix(".sqlite")?,
        Database::Postgres | Database::MySql => name,
    };
    let (mark, number) = name.strip_prefix(BEGINNING)?.rsplit_once('_')?;
    let is_digit = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
    let is_plain = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'z' | b'_');
    let is_ours = number.len() == 8 && number.bytes().all(is_digit) && mark.bytes().all(is_plain);
    is_ours.then_some(mark)
}

fn removal(database: Database, name: &str) -> String {
    match database {
        Database::Sqlite => {
            let name = name.replace('\'', r"'\''");
            let paths = BESIDE.map(|suffix| format!("'{name}{suffix}'"));
            format!("`rm -f {}`", paths.join(" "))
        }
        Database::Postgres => format!("`DROP DATABASE \"{name}\";`"),
        // In backquotes, which Markdown knows how to quote and a terminal shows as they are.
        Database::MySql => format!("`DROP DATABASE {name};`"),
    }
}

/// A number that nobody else has: a name is not reused, and no name is guessed.
fn random() -> u32 {
    let [a, b, c, d, ..] = RandomState::new().build_hasher().finish().to_le_bytes();
    u32::from_le_bytes([a, b, c, d])
}

async fn refused(session: &mut dyn Session, error: sqlx::Error) -> Error {
    let database = session.database();
    let doing = "create a database to compare on";
    if kind(&error) != Kind::PermissionDenied {
        return database_error(database, doing, error);
    }
    let account = match current_account(database) {
        Some(sql) => session.query(sql, &[]).await.unwrap_or_default(),
        None => Vec::new(),
    };
    let account = account.first().and_then(|row| row.text(0));
    let account = match database {
        // The user's name may hold an `@` itself.
        Database::MySql => account
            .and_then(|account| account.rsplit_once('@'))
            .map(|(user, host)| mysql_account(user, host)),
        _ => account.map(str::to_owned),
    };
    let account = account.unwrap_or_else(|| "that_user".to_owned());
    let help = match database {
        Database::MySql => format!(
            "let an administrator grant it: `GRANT ALL ON `migrate\\_scratch\\_%`.* TO {account};`"
        ),
        _ => format!("let an administrator grant it: `ALTER ROLE {account} CREATEDB;`"),
    };
    Error::new(
        ErrorCode::PermissionDenied,
        format!("could not {doing}: {}", redacted(&error)),
    )
    .with_source(error)
    .help(help)
    .help("or compare on a server of your own: `migrate squash --verify --database-url URL`")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_found_again() {
        let here = Holder::this("").mark();
        let name = format!("{BEGINNING}{here}_0123abcd");
        assert!(name.len() <= 63, "Postgres cuts names: {name}");
        let file = format!("/tmp/{name}.sqlite");
        assert_eq!(mark_in(Database::Postgres, &name), Some(&*here));
        assert_eq!(mark_in(Database::MySql, &name), Some(&*here));
        assert_eq!(mark_in(Database::Sqlite, &file), Some(&*here));
        for other in ["migrate_scratch_0123456789abcdef", "shop"] {
            assert_eq!(mark_in(Database::Postgres, other), None);
        }
    }

    #[test]
    fn a_file_that_stays_is_told_whichever_it_is() {
        let mark = Holder::this("").mark();
        let folder = std::env::temp_dir().join(format!("migrate-stays-{mark}"));
        for stays in BESIDE {
            let name = folder.join("x").to_string_lossy().into_owned();
            // A folder is no file that could be removed.
            std::fs::create_dir_all(format!("{name}{stays}")).unwrap();
            for suffix in BESIDE.iter().filter(|suffix| **suffix != stays) {
                std::fs::write(format!("{name}{suffix}"), "").unwrap();
            }
            let why = remove_files(&name);
            let left = std::fs::read_dir(&folder).unwrap().count();
            std::fs::remove_dir_all(&folder).unwrap();
            assert!(why.is_some(), "{stays}");
            assert_eq!(left, 1, "{stays}");
        }
    }

    #[test]
    fn the_folder_of_a_file_may_have_any_name() {
        let removal = removal(Database::Sqlite, "/tmp/it's/x.sqlite");
        assert!(
            removal.starts_with(r"`rm -f '/tmp/it'\''s/x.sqlite-wal' "),
            "{removal}"
        );
    }

    /// Others may make such files and databases, and what removes them is pasted into a shell.
    #[test]
    fn only_names_that_are_made_here_go_into_commands() {
        let mark = Holder::this("").mark();
        for end in [
            "x'; sh evil; '",
            "0123ABCD",
            "0123abc",
            "0123abcde",
            "",
            "0123abc\n",
        ] {
            let name = format!("{BEGINNING}{mark}_{end}");
            assert_eq!(mark_in(Database::Postgres, &name), None, "{name}");
            assert_eq!(mark_in(Database::MySql, &name), None, "{name}");
            let file = format!("/tmp/{name}.sqlite");
            assert_eq!(mark_in(Database::Sqlite, &file), None, "{file}");
        }
        let name = format!("{BEGINNING}1_x'; sh evil; '_0_0123abcd");
        assert_eq!(mark_in(Database::MySql, &name), None, "{name}");
        let name = format!("{BEGINNING}{mark}_0123abcd");
        for file in [
            format!("/tmp/{name}"),
            format!("/tmp/{name}.sqlite-wal"),
            format!("/tmp/x{name}.sqlite"),
            format!("/tmp/{name}.sqlite/shop.sqlite"),
        ] {
            assert_eq!(mark_in(Database::Sqlite, &file), None, "{file}");
        }
    }
}
