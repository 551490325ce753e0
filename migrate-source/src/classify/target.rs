//! What a statement leaves behind in the catalogue, so that a run that was cut off can look
//! whether the statement has happened.

use crate::Database;
use crate::cursor::{Cursor, QualifiedName};

/// The one thing a statement changes in the catalogue.
///
/// Names are as the database stores them: unquoted names of Postgres are in lower case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ProbeTarget {
    /// `CREATE TABLE`
    CreateTable {
        /// The schema, if the statement names it.
        schema: Option<String>,
        /// The table.
        name: String,
    },
    /// `DROP TABLE` of one table
    DropTable {
        /// The schema, if the statement names it.
        schema: Option<String>,
        /// The table.
        name: String,
    },
    /// `CREATE VIEW`
    CreateView {
        /// The schema, if the statement names it.
        schema: Option<String>,
        /// The view.
        name: String,
    },
    /// `DROP VIEW` of one view
    DropView {
        /// The schema, if the statement names it.
        schema: Option<String>,
        /// The view.
        name: String,
    },
    /// `CREATE INDEX` with a name
    CreateIndex {
        /// The schema of the table (of the index on SQLite), if the statement names it.
        schema: Option<String>,
        /// The index.
        name: String,
        /// The table the index is on.
        table: String,
    },
    /// `DROP INDEX` of one index
    DropIndex {
        /// The schema, if the statement names it.
        schema: Option<String>,
        /// The index.
        name: String,
        /// The table, where the statement names it (MySQL).
        table: Option<String>,
    },
    /// `ALTER TABLE .. ADD COLUMN` as the only action
    AddColumn {
        /// The schema, if the statement names it.
        schema: Option<String>,
        /// The table.
        table: String,
        /// The column.
        column: String,
    },
    /// `ALTER TABLE .. DROP COLUMN` as the only action
    DropColumn {
        /// The schema, if the statement names it.
        schema: Option<String>,
        /// The table.
        table: String,
        /// The column.
        column: String,
    },
    /// `ALTER TABLE .. RENAME TO` as the only action, or MySQL's `RENAME TABLE` of one table
    RenameTable {
        /// The schema, if the statement names it.
        schema: Option<String>,
        /// The name before.
        from: String,
        /// The name after.
        to: String,
    },
}

/// The one catalogue change of a statement, or none when it has several, has another kind of
/// effect, or when looking could not tell whether the statement ran (`IF NOT EXISTS`,
/// `OR REPLACE`, temporary objects).
///
/// ```
/// use migrate_source::{Database, classify::{ProbeTarget, probe_target}};
///
/// let target = probe_target("CREATE INDEX CONCURRENTLY by_email ON app.users (email)", Database::Postgres);
/// assert_eq!(target, Some(ProbeTarget::CreateIndex {
///     schema: Some("app".to_owned()),
///     name: "by_email".to_owned(),
///     table: "users".to_owned(),
/// }));
/// ```
#[must_use]
pub fn probe_target(statement: &str, database: Database) -> Option<ProbeTarget> {
    let mut cursor = Cursor::new(statement, database);
    if cursor.eat("create") {
        create(cursor, database)
    } else if cursor.eat("drop") {
        drop_of(cursor, database)
    } else if cursor.eat_all(&["alter", "table"]) {
        alter_table(cursor, database)
    } else if database == Database::MySql && cursor.eat_all(&["rename", "table"]) {
        let from = cursor.name()?;
        rename(cursor, &from, "to")
    } else {
        None
    }
}

fn create(mut cursor: Cursor<'_>, database: Database) -> Option<ProbeTarget> {
    cursor.eat_any(&["unlogged"]);
    if cursor.eat("table") {
        cursor.eat_all(&["if", "not", "exists"]);
        let QualifiedName { schema, name } = cursor.name()?;
        return Some(ProbeTarget::CreateTable { schema, name });
    }
    if cursor.eat("view") {
        cursor.eat_all(&["if", "not", "exists"]);
        let QualifiedName { schema, name } = cursor.name()?;
        return Some(ProbeTarget::CreateView { schema, name });
    }
    cursor.eat_any(&["unique", "fulltext", "spatial"]);
    if !cursor.eat("index") {
        return None;
    }
    cursor.eat("concurrently");
    cursor.eat_all(&["if", "not", "exists"]);
    let index = cursor.name()?;
    if !cursor.eat("on") {
        return None;
    }
    cursor.eat("only");
    let table = cursor.name()?;
    let schema = if database == Database::Sqlite {
        index.schema
    } else {
        table.schema
    };
    Some(ProbeTarget::CreateIndex {
        schema,
        name: index.name,
        table: table.name,
    })
}

fn drop_of(mut cursor: Cursor<'_>, database: Database) -> Option<ProbeTarget> {
    let kind = ["table", "view", "index"]
        .into_iter()
        .find(|kind| cursor.eat(kind))?;
    cursor.eat("concurrently");
    cursor.eat_all(&["if", "exists"]);
    let QualifiedName { schema, name } = cursor.name()?;
    if kind == "index" && database == Database::MySql {
        if !cursor.eat("on") {
            return None;
        }
        let table = cursor.name()?;
        return Some(ProbeTarget::DropIndex {
            schema: table.schema,
            name,
            table: Some(table.name),
        });
    }
    cursor.eat_any(&["cascade", "restrict"]);
    if !cursor.at_end() {
        return None;
    }
    Some(match kind {
        "table" => ProbeTarget::DropTable { schema, name },
        "view" => ProbeTarget::DropView { schema, name },
        _ => ProbeTarget::DropIndex {
            schema,
            name,
            table: None,
        },
    })
}

fn alter_table(mut cursor: Cursor<'_>, database: Database) -> Option<ProbeTarget> {
    cursor.eat_all(&["if", "exists"]);
    cursor.eat("only");
    let table = cursor.name()?;
    cursor.eat_symbol("*");
    if cursor.has_top_level_comma() {
        return None;
    }
    if cursor.eat("add") {
        let explicit = cursor.eat("column");
        cursor.eat_all(&["if", "not", "exists"]);
        let column = column_of_action(&mut cursor, explicit)?;
        return Some(ProbeTarget::AddColumn {
            schema: table.schema,
            table: table.name,
            column,
        });
    }
    if cursor.eat("drop") {
        let explicit = cursor.eat("column");
        cursor.eat_all(&["if", "exists"]);
        let column = column_of_action(&mut cursor, explicit)?;
        cursor.eat_any(&["cascade", "restrict"]);
        return cursor.at_end().then_some(ProbeTarget::DropColumn {
            schema: table.schema,
            table: table.name,
            column,
        });
    }
    if !cursor.eat("rename") {
        return None;
    }
    let word = if database == Database::MySql && cursor.is("as") {
        "as"
    } else {
        "to"
    };
    rename(cursor, &table, word)
}

/// The column of ADD or DROP. Without the word COLUMN, what follows can be a constraint, an index
/// or a partition.
pub(super) fn column_of_action(cursor: &mut Cursor<'_>, explicit: bool) -> Option<String> {
    const OTHERS: [&str; 14] = [
        "constraint",
        "primary",
        "unique",
        "foreign",
        "check",
        "index",
        "key",
        "fulltext",
        "spatial",
        "partition",
        "exclude",
        "period",
        "system",
        "not",
    ];
    if !explicit && cursor.is_any(&OTHERS) {
        return None;
    }
    let QualifiedName { schema, name } = cursor.name()?;
    schema.is_none().then_some(name)
}

fn rename(mut cursor: Cursor<'_>, from: &QualifiedName, word: &str) -> Option<ProbeTarget> {
    if !cursor.eat(word) {
        return None;
    }
    let to = cursor.name()?;
    let moved = to.schema.is_some() && to.schema != from.schema;
    (cursor.at_end() && !moved).then(|| ProbeTarget::RenameTable {
        schema: from.schema.clone(),
        from: from.name.clone(),
        to: to.name,
    })
}
