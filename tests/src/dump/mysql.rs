//! MySQL's and MariaDB's catalogues as facts.

use super::{Fact, Rows, facts};
use crate::connection::Connection;

/// Of one database each, `this_database`.
const QUERIES: &[&str] = &[
    "SELECT NULL, concat('database: ', default_character_set_name, ' ', default_collation_name)
     FROM information_schema.schemata WHERE schema_name = this_database",
    "SELECT event_object_table, concat('trigger ', trigger_name, ': ', action_timing, ' ', event_manipulation, ' ON ',
            event_object_table, ' ', action_statement)
     FROM information_schema.triggers WHERE trigger_schema = this_database",
    "SELECT NULL, concat(routine_type, ' ', routine_name, ' ', ifnull(dtd_identifier, ''), ': ', routine_definition)
     FROM information_schema.routines WHERE routine_schema = this_database",
    "SELECT NULL, concat('parameter of ', specific_name, ' ', ordinal_position, ': ', ifnull(parameter_mode, ''), ' ',
            ifnull(parameter_name, ''), ' ', dtd_identifier)
     FROM information_schema.parameters WHERE specific_schema = this_database",
    "SELECT NULL, concat('event ', event_name, ': ', status, ' ', event_definition)
     FROM information_schema.events WHERE event_schema = this_database",
];

pub(super) async fn read(connection: &mut Connection, database: &str) -> (Vec<Fact>, Vec<Rows>) {
    let mut out = Vec::new();
    for query in QUERIES {
        facts(
            connection,
            &query.replace("this_database", &format!("'{database}'")),
            &mut out,
        )
        .await;
    }
    let names = connection
        .rows(&format!(
            "SELECT table_name, table_type FROM information_schema.tables
             WHERE table_schema = '{database}' ORDER BY table_name"
        ))
        .await;
    let mut tables = Vec::new();
    for row in names {
        let [table, kind] = <[_; 2]>::try_from(row).expect("a table and its type");
        let table = table.unwrap_or_default();
        let quoted = format!("`{}`", table.replace('`', "``"));
        let created = connection
            .rows(&format!("SHOW CREATE TABLE {quoted}"))
            .await;
        let text = created
            .into_iter()
            .flatten()
            .nth(1)
            .flatten()
            .unwrap_or_default();
        out.push(Fact {
            table: Some(table.clone()),
            text: without_position(&text),
        });
        if kind.as_deref() == Some("BASE TABLE") {
            tables.push(Rows {
                table,
                query: format!("SELECT * FROM {quoted}"),
            });
        }
    }
    (out, tables)
}

/// Takes ` AUTO_INCREMENT=17` out of a table's options.
fn without_position(create: &str) -> String {
    const OPTION: &str = " AUTO_INCREMENT=";
    let Some(start) = create.rfind(OPTION) else {
        return create.to_owned();
    };
    let number = &create[start + OPTION.len()..];
    let rest = number.trim_start_matches(|c: char| c.is_ascii_digit());
    format!("{}{rest}", &create[..start])
}

#[cfg(test)]
mod tests {
    use super::without_position;

    #[test]
    fn takes_the_position_out_of_a_create_table() {
        assert_eq!(
            without_position(
                "CREATE TABLE `t` (..) ENGINE=InnoDB AUTO_INCREMENT=17 DEFAULT CHARSET=utf8mb4"
            ),
            "CREATE TABLE `t` (..) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4"
        );
        assert_eq!(without_position("CREATE VIEW v"), "CREATE VIEW v");
    }
}
