//! Ways back that stand in files of their own: `0003_x.down.sql`, `0003_x.postgres.down.sql`.

use migrate_source::Database;
use migrate_source::sql_file::SqlFile;

use super::{Draft, invalid};
use crate::domain::step::{Body, DownText, SqlText};
use crate::error::Error;
use crate::report::StepId;

/// A way back whose step may come later in the list.
pub(super) struct Down {
    id: StepId,
    database: Option<Database>,
    text: DownText,
}

impl Down {
    pub(super) fn new(
        id: StepId,
        database: Option<Database>,
        location: String,
        parsed: SqlFile,
    ) -> Self {
        let text = DownText {
            location,
            sql: parsed.up,
        };
        Self { id, database, text }
    }

    /// Gives the way back to the texts that it belongs to.
    fn attach_to(self, texts: &mut Vec<SqlText>) {
        let Some(database) = self.database else {
            // It serves every text that has none of its own.
            for up in texts.iter_mut().filter(|up| up.down.is_none()) {
                up.down = Some(self.text.clone());
            }
            return;
        };
        if let Some(up) = texts.iter_mut().find(|up| up.database == Some(database)) {
            up.down = Some(self.text);
        } else if let Some(common) = texts.iter().find(|up| up.database.is_none()) {
            // One text forward for all databases, and this one has a way back of its own.
            let own = SqlText {
                database: Some(database),
                down: Some(self.text),
                ..common.clone()
            };
            texts.push(own);
        }
    }
}

impl Draft {
    /// Gives each step the ways back that stand in files of their own: those for one database
    /// first, because the others fill what is left.
    pub(super) fn attach_downs(&mut self) -> Result<(), Error> {
        let mut downs = std::mem::take(&mut self.downs);
        downs.sort_by_key(|down| down.database.is_none());
        for down in downs {
            let place = self.places.get(&down.id).copied();
            let step = place.and_then(|place| self.steps.get_mut(place));
            let Some(Body::Sql { texts, .. }) = step.map(|step| &mut step.body) else {
                return Err(invalid(
                    &down.text.location,
                    format!("there is no way forward for `{}`", down.id),
                )
                .help("write its `.up.sql` file, or remove this one"));
            };
            down.attach_to(texts);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::History;

    fn way_back(files: &[(&str, &str)], database: Database) -> Option<String> {
        let builder = files.iter().fold(History::builder(), |builder, file| {
            builder.sql("users", file.0, file.1)
        });
        let history = builder.build().unwrap();
        let step = history.iter().next().unwrap();
        let down = step.text_for(database)?.down.as_ref()?;
        Some(down.sql.trim().to_owned())
    }

    #[test]
    fn a_way_back_for_one_database_stands_beside_the_common_one() {
        let files = [
            ("0001_a.up.sql", "CREATE TABLE t (id INTEGER);"),
            ("0001_a.down.sql", "DROP TABLE t;"),
            ("0001_a.mysql.down.sql", "DROP TABLE t CASCADE;"),
        ];
        assert_eq!(
            way_back(&files, Database::MySql).as_deref(),
            Some("DROP TABLE t CASCADE;")
        );
        assert_eq!(
            way_back(&files, Database::Postgres).as_deref(),
            Some("DROP TABLE t;")
        );
    }

    #[test]
    fn a_way_back_of_its_own_is_not_replaced_by_the_common_one() {
        let files = [
            ("0001_a.down.sql", "DROP TABLE t;"),
            ("0001_a.sqlite.sql", "CREATE TABLE t (id INTEGER);"),
            ("0001_a.sqlite.down.sql", "DROP TABLE IF EXISTS t;"),
        ];
        assert_eq!(
            way_back(&files, Database::Sqlite).as_deref(),
            Some("DROP TABLE IF EXISTS t;")
        );
    }

    /// As the README says: whoever has undone nothing yet may still mend a way back of its own file.
    #[test]
    fn a_way_back_counts_for_the_checksum_in_the_file_of_its_step_only() {
        let checksum = |files: &[(&str, &str)]| {
            let builder = files.iter().fold(History::builder(), |builder, file| {
                builder.sql("users", file.0, file.1)
            });
            let history = builder.build().unwrap();
            let step = history.iter().next().unwrap();
            step.checksum(Database::Sqlite).to_owned()
        };
        let up = ("0001_a.up.sql", "CREATE TABLE t (id INTEGER);");
        let beside = |down| checksum(&[up, ("0001_a.down.sql", down)]);
        assert_eq!(beside("DROP TABLE t;"), beside("DROP TABLE IF EXISTS t;"));
        let within = |down| {
            let text = format!("-- migrate: up\n{}\n-- migrate: down\n{down}", up.1);
            checksum(&[("0001_a.sql", &text)])
        };
        assert_ne!(within("DROP TABLE t;"), within("DROP TABLE IF EXISTS t;"));
    }
}
