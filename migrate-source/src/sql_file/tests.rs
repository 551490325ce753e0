use proptest::prelude::*;

use super::*;
use crate::statements::statements;

#[track_caller]
fn codes(text: &str, database: Option<Database>) -> Vec<(&'static str, u32)> {
    let errors = parse_sql_file(text, database).expect_err(text);
    errors
        .iter()
        .map(|error| (error.code, error.line))
        .collect()
}

#[test]
fn a_file_without_parts_goes_forward() {
    let file = parse_sql_file("\u{feff}-- c\r\nSELECT 1;  \r\n", None).expect("valid");
    assert_eq!((file.up.as_str(), file.down), ("-- c\nSELECT 1;", None));
}

#[test]
fn parts_keep_the_lines_of_the_file() {
    let text = "-- migrate: atomic = false\n-- migrate: up\n\nSELECT 1;\n\n-- migrate: down\n\nSELECT 2;\n";
    let file = parse_sql_file(text, Some(Database::Postgres)).expect("valid");
    assert_eq!(file.header.atomic, Some(false));
    let down = file.down.expect("a down part");
    let line = |sql: &str| {
        statements(sql, Database::Postgres)
            .expect("valid")
            .iter()
            .map(|s| (s.text.to_owned(), s.line))
            .collect::<Vec<_>>()
    };
    assert_eq!(line(&file.up), [("SELECT 1".to_owned(), 4)]);
    assert_eq!(line(&down), [("SELECT 2".to_owned(), 8)]);
    assert!(!file.up.contains("SELECT 2") && !down.contains("SELECT 1"));
}

#[test]
fn the_order_of_parts_is_free_and_one_can_be_empty() {
    let file = parse_sql_file(
        "-- migrate: down\nSELECT 2;\n-- migrate: up\nSELECT 1;",
        None,
    )
    .expect("valid");
    assert_eq!(file.up, "\n\n\nSELECT 1;");
    assert_eq!(file.down.as_deref(), Some("\nSELECT 2;"));
    let file = parse_sql_file("-- migrate: up\n-- migrate: down\n", None).expect("valid");
    assert_eq!(
        (file.up.trim(), file.down.as_deref().map(str::trim)),
        ("", Some(""))
    );
    let file = parse_sql_file("-- migrate: up\nSELECT 1;", None).expect("valid");
    assert_eq!((file.up.trim(), file.down), ("SELECT 1;", None));
}

#[test]
fn directives_may_stand_behind_the_first_marker() {
    let file = parse_sql_file(
        "-- migrate: up\n-- migrate: atomic = false\nSELECT 1;",
        None,
    )
    .expect("valid");
    assert_eq!(file.header.atomic, Some(false));
}

#[test]
fn wrong_parts() {
    assert_eq!(
        codes("-- migrate: down\nSELECT 1;", None),
        [("bad_parts", 1)]
    );
    assert_eq!(
        codes("-- migrate: up\n-- migrate: down\n-- migrate: down", None),
        [("bad_parts", 3)]
    );
    assert_eq!(
        codes("-- migrate: up\nSELECT 1;\n-- migrate: up", None),
        [("bad_parts", 3)]
    );
    assert_eq!(
        codes("SELECT 1;\n-- migrate: up\nSELECT 2;", None),
        [("bad_parts", 2)]
    );
    assert_eq!(
        codes("SELECT 1;\n-- migrate: down\nSELECT 2;", None),
        [("bad_parts", 2)]
    );
}

#[test]
fn markers_in_strings_and_comments_are_text() {
    let sql = "-- migrate: up\nDO $$\n-- migrate: down\n$$;\nSELECT '\n-- migrate: down\n'; /*\n-- migrate: down */";
    let file = parse_sql_file(sql, Some(Database::Postgres)).expect("valid");
    assert_eq!(file.down, None);
    assert!(file.up.contains("DO $$"));
}

#[test]
fn a_marker_inside_a_block_is_an_error() {
    let sql = "-- migrate: up\nCREATE TRIGGER t INSERT ON x BEGIN\nSELECT 1;\n-- migrate: down\nSELECT 2;\nEND;";
    assert_eq!(
        codes(sql, Some(Database::Sqlite)),
        [("unterminated_block", 2)]
    );
}

#[test]
fn unterminated_things_and_header_mistakes_are_reported_together() {
    let sql = "-- migrate: atomik = true\nSELECT 'a;\n";
    assert_eq!(
        codes(sql, Some(Database::Postgres)),
        [("unknown_directive", 1), ("unterminated_string", 2)]
    );
    assert_eq!(codes("SELECT 1;\n\0", None), [("nul_character", 2)]);
}

#[test]
fn without_a_database_the_first_that_can_read_it_does() {
    for sql in [
        "DO $$ it's $$;",
        "SELECT [it's];",
        "INSERT INTO t VALUES ('it\\'s');",
        "# it's a comment\nSELECT 1;",
        "DELIMITER //\nCREATE PROCEDURE p() BEGIN SELECT 1; END//\n",
    ] {
        parse_sql_file(sql, None).expect(sql);
    }
    assert_eq!(
        codes("SELECT `a;\nSELECT 'it''s", None),
        [("unterminated_string", 2)]
    );
    assert_eq!(codes("\\i other.sql", None), [("client_command", 1)]);
}

#[test]
fn a_large_file_is_read_in_linear_time() {
    let text = "INSERT INTO t VALUES (1, 'a;b'); -- c\n".repeat(40_000);
    let start = std::time::Instant::now();
    parse_sql_file(&text, None).expect("valid");
    assert!(start.elapsed().as_secs() < 20, "{:?}", start.elapsed());
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_file_panics(
        parts in prop::collection::vec(prop::sample::select(vec![
            "-- migrate: up\n", "-- migrate: down\n", "-- migrate: atomic = false\n", "-- x\n", "SELECT 1;\n",
            "'", "$$", "/*", "*/", "\n", "\r\n", "é", "BEGIN", "CREATE TRIGGER t", "END;", "#", "-- migrate:",
        ]), 0..14),
    ) {
        let text = parts.concat();
        for database in [None, Some(Database::Sqlite), Some(Database::Postgres), Some(Database::MySql)] {
            if let Ok(file) = parse_sql_file(&text, database)
                && let Some(database) = database
            {
                prop_assert!(split(&file.up, database).is_ok());
                prop_assert!(split(file.down.as_deref().unwrap_or(""), database).is_ok());
            }
        }
    }
}
