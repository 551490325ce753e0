use proptest::prelude::*;

use super::*;
use crate::Database;
use crate::lexer::lex;
use crate::sql_file::parse_sql_file;

#[track_caller]
fn header(text: &str) -> Header {
    parse_sql_file(text, None).expect(text).header
}

fn names(list: &[Reference]) -> Vec<String> {
    list.iter().map(ToString::to_string).collect()
}

/// The errors as code, line and column.
#[track_caller]
fn errors(text: &str) -> Vec<(&'static str, u32, u32)> {
    let errors = parse_sql_file(text, None).expect_err(text);
    assert!(
        errors.iter().all(|error| !error.help.is_empty()),
        "{errors:?}"
    );
    errors
        .iter()
        .map(|error| (error.code, error.line, error.column))
        .collect()
}

#[track_caller]
fn says(text: &str, part: &str) {
    let errors = parse_sql_file(text, None).expect_err(text);
    let shown: Vec<String> = errors.iter().map(ToString::to_string).collect();
    assert!(
        shown.iter().any(|line| line.contains(part)),
        "{text}: {shown:?}"
    );
}

#[test]
fn no_directives() {
    for text in [
        "",
        "SELECT 1;",
        "-- a comment\n/* another: one */\nSELECT 1;",
        "-- migrate the users\n",
        "-- migration notes: see = below\n",
    ] {
        assert_eq!(header(text), Header::default(), "{text}");
    }
}

#[test]
fn every_directive() {
    let found = header(
        "-- Adds a column.\n-- migrate: atomic = false\n--migrate: after = [\"0001_initial\", \"billing.0002_x\"]\n\
         -- migrate: before = \"0009_z\", replaces = [\"0001_a\", \"0001_b\",]\n\n/* block */\n\
         --   migrate :run = \"lower_emails_2026_11_20\"\n-- migrate: foreign_keys = off\n\
         -- migrate: allow = [\"drop-column: nobody reads it\", \"rename: see: ticket, 5\"]\nSELECT 1;\n",
    );
    assert_eq!(found.atomic, Some(false));
    assert_eq!(
        names(found.after.as_deref().unwrap_or_default()),
        ["0001_initial", "billing.0002_x"]
    );
    assert_eq!(names(&found.before), ["0009_z"]);
    assert_eq!(names(&found.replaces), ["0001_a", "0001_b"]);
    assert_eq!(names(&found.run), ["lower_emails_2026_11_20"]);
    assert!(found.foreign_keys_off);
    let allow: Vec<(&str, &str)> = found
        .allow
        .iter()
        .map(|a| (a.lint.as_str(), a.reason.as_str()))
        .collect();
    assert_eq!(
        allow,
        [
            ("drop-column", "nobody reads it"),
            ("rename", "see: ticket, 5")
        ]
    );
    assert_eq!(found.line_of("after"), Some(3));
    assert_eq!(found.line_of("replaces"), Some(4));
    assert_eq!(found.line_of("nothing"), None);
}

#[test]
fn switches() {
    for (text, expected) in [
        ("true", true),
        ("on", true),
        ("false", false),
        ("off", false),
    ] {
        assert_eq!(
            header(&format!("-- migrate: atomic = {text}")).atomic,
            Some(expected)
        );
    }
    assert!(header("-- migrate: foreign_keys = false").foreign_keys_off);
    assert_eq!(header("-- migrate: after = []").after, Some(Vec::new()));
    assert_eq!(header("-- Migrate: atomic = false").atomic, Some(false));
    assert_eq!(
        header("\u{feff}-- migrate: atomic = false\r\nSELECT 1;\r\n").atomic,
        Some(false)
    );
}

#[test]
fn directives_of_sqlx() {
    assert_eq!(header("-- no-transaction\nSELECT 1").atomic, Some(false));
    assert_eq!(
        header("-- no-transaction\n-- migrate: atomic = false\n").atomic,
        Some(false)
    );
    assert_eq!(
        header("-- migrate: atomic = false\n-- no-transaction\n").atomic,
        Some(false)
    );
    assert_eq!(
        errors("-- no-transaction\n-- migrate: atomic = true\n"),
        [("contradicting_directives", 2, 13)]
    );
    assert_eq!(
        errors("-- migrate: atomic = true\n-- no-transaction\n"),
        [("contradicting_directives", 2, 3)]
    );
    assert_eq!(
        errors("SELECT 1;\n-- no-transaction\n"),
        [("directive_after_statement", 2, 3)]
    );
}

#[test]
fn misspelt_directives_get_the_nearest_one() {
    assert_eq!(
        errors("-- a\n-- migrate: atomik = false"),
        [("unknown_directive", 2, 13)]
    );
    says("-- migrate: atomik = false", "did you mean `atomic`?");
    says(
        "-- migrate: foreign_key = off",
        "did you mean `foreign_keys`?",
    );
    says(
        "-- migrate: replace = \"0001_a\"",
        "did you mean `replaces`?",
    );
    says("-- migrate: pu", "did you mean `-- migrate: up`?");
    says("-- migrate: Up", "did you mean `-- migrate: up`?");
    says("-- migrate: donw", "did you mean `-- migrate: down`?");
    says("-- migrate: colour = red", "known are atomic, after,");
    assert_eq!(
        errors("-- migrate: atomic = false, atomik = true"),
        [("unknown_directive", 1, 29)]
    );
}

#[test]
fn comments_that_are_meant_as_directives_are_refused() {
    for text in [
        "-- migrate atomic = false",
        "-- migrat: atomic = false",
        "-- migration: after = \"0001_a\"",
        "-- migrates: up\nSELECT 1;",
        "-- MIGRATE atomic=false",
        "-- migrate; atomic = false",
    ] {
        if text.contains(';') && text.starts_with("-- migrate;") {
            assert_eq!(header(text), Header::default());
            continue;
        }
        assert_eq!(errors(text)[0].0, "bad_directive", "{text}");
    }
}

#[test]
fn wrong_values() {
    let cases = [
        ("-- migrate: atomic = no", "takes `true` or `false`"),
        ("-- migrate: atomic", "takes `true` or `false`"),
        ("-- migrate: atomic = \"false\"", "takes `true` or `false`"),
        ("-- migrate: atomic =", "value of `atomic` is missing"),
        ("-- migrate: foreign_keys = on", "only be switched off"),
        (
            "-- migrate: run = lower_2026_11_20",
            "needs quotes, `\"lower_2026_11_20\"`",
        ),
        (
            "-- migrate: after = billing.0001_x",
            "needs quotes, `\"billing.0001_x\"`",
        ),
        ("-- migrate: run", "`run` needs a value"),
        ("-- migrate: run = \"a b\"", "`a b`"),
        ("-- migrate: after = \"0001_a.sql\"", "write `0001_a`"),
        ("-- migrate: after = [\"0001_a\", \"0001_a\"]", "twice"),
        ("-- migrate: after = [\"0001_a\"", "`,` or `]` is missing"),
        (
            "-- migrate: after = [\"0001_a\" \"0001_b\"]",
            "`,` or `]` is missing",
        ),
        ("-- migrate: after = [0001_a]", "strings in quotes"),
        ("-- migrate: after = [", "closing `]`"),
        ("-- migrate: after = \"0001_a", "not closed on this line"),
        ("-- migrate: allow = \"drop-column\"", "without a reason"),
        ("-- migrate: allow = \"drop-column:\"", "without a reason"),
        ("-- migrate: allow = \": why\"", "without a reason"),
        (
            "-- migrate: atomic = false # slow",
            "`# slow` does not belong",
        ),
        (
            "-- migrate: atomic = false run = \"x_2026_11_20\"",
            "does not belong",
        ),
        ("-- migrate:", "key of a directive is missing"),
        ("-- migrate: = x", "key of a directive is missing"),
        (
            "-- migrate: atomic = false,",
            "key of a directive is missing",
        ),
    ];
    for (text, part) in cases {
        says(text, part);
    }
}

#[test]
fn given_twice_is_an_error_at_the_second() {
    assert_eq!(
        errors("-- migrate: atomic = false\n-- migrate: atomic = false\n"),
        [("duplicate_directive", 2, 13)]
    );
    says(
        "-- migrate: run = \"a_2026_11_20\"\n\n-- migrate: run = \"b_2026_11_20\"",
        "line 1 has it already",
    );
}

#[test]
fn a_directive_after_the_first_statement_is_an_error() {
    assert_eq!(
        errors("SELECT 1;\n  -- migrate: atomic = false\n"),
        [("directive_after_statement", 2, 5)]
    );
    assert_eq!(
        errors("SELECT 1 -- migrate: atomic = false\n;"),
        [("directive_after_statement", 1, 12)]
    );
    assert_eq!(
        header("SELECT '\n-- migrate: atomic = false\n';"),
        Header::default()
    );
    assert_eq!(
        header("/*\n-- migrate: atomic = false\n*/ SELECT 1;"),
        Header::default()
    );
}

#[test]
fn several_mistakes_are_all_reported() {
    let found = errors(
        "-- migrate: atomik = false\n-- migrate: run = x\nSELECT 1;\n-- migrate: after = \"0001_a\"\n",
    );
    let lines: Vec<u32> = found.iter().map(|(_, line, _)| *line).collect();
    assert_eq!(lines, [1, 2, 4]);
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_directive_text_panics(body in any::<String>(), soup in "[a-z=\\[\\]\", .é]{0,30}") {
        for text in [format!("-- migrate: {body}"), format!("-- migrate:{soup}"), format!("-- {soup}: {soup} = {body}")] {
            let _ = parse_sql_file(&text, None);
        }
    }

    #[test]
    fn lists_of_references_are_read_back(list in prop::collection::btree_set("([a-z]{1,8}\\.)?[0-9]{4}_[a-z]{1,9}", 0..6)) {
        prop_assume!(list.iter().all(|text| text.parse::<Reference>().is_ok()));
        let quoted: Vec<String> = list.iter().map(|text| format!("\"{text}\"")).collect();
        let found = header(&format!("-- migrate: after = [{}]", quoted.join(" ,")));
        let expected: Vec<String> = list.into_iter().collect();
        prop_assert_eq!(names(found.after.as_deref().unwrap_or_default()), expected);
    }
}

/// What the parser reads in the header, and the lines that the checksum leaves out, are one.
#[track_caller]
fn order_lines_are_what_the_parser_sees(text: &str) {
    let text = &crate::checksum::normalise(text);
    let databases = [Database::Postgres, Database::Sqlite, Database::MySql];
    let read = databases.into_iter().find_map(|database| {
        let file = parse_sql_file(text, Some(database)).ok()?;
        Some((database, file))
    });
    let Some((database, file)) = read else {
        return;
    };
    assert_eq!(Ok(&file), parse_sql_file(text, None).as_ref());
    // To MySQL `--` without a blank is code, but none that it runs.
    let no_blank = |rest: &str| rest.starts_with(|next: char| !matches!(next, ' ' | '\n' | '\t'));
    if database == Database::MySql && text.split("--").skip(1).any(no_blank) {
        return;
    }
    let lines = &file.header.lines;
    let of_order = |line: u32| {
        let mut keys = lines.iter().filter(|(_, at)| *at == line);
        keys.clone().count() > 0
            && keys.all(|(key, _)| ["after", "before", "replaces"].contains(key))
    };
    // The line may also begin inside of a comment that goes over several.
    let alone = |line: u32| {
        let start = text.split_inclusive('\n').take(line as usize - 1);
        let (above, below) = text.split_at(start.map(str::len).sum());
        below.trim_start().starts_with("--") && lex(above, database).error.is_none()
    };
    let expected: Vec<u32> = (1..=text.lines().count() as u32)
        .filter(|line| of_order(*line) && alone(*line))
        .collect();
    let found = order_lines(text);
    let found: Vec<u32> = found
        .iter()
        .map(|line| text[..line.start].matches('\n').count() as u32 + 1)
        .collect();
    assert_eq!(found, expected, "{text}");
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 2000, ..ProptestConfig::default() })]

    #[test]
    fn the_checksum_leaves_out_what_the_parser_takes_for_order(pieces in prop::collection::vec(prop::sample::select(vec![
        "-- migrate: ", "--", "/*", "*/", "\n", "\n", "\n", " ", ", ", "after = ", "before=", "replaces = ", "atomic = false",
        "\"0001_a\"", "[\"0001_a\", \"b.0002_c\"]", "[]", "SELECT 1;", "'", "$$", "migrate: up", "x", "\t", "-- migrate: after = \"0001_a\"\n",
    ]), 0..14)) {
        order_lines_are_what_the_parser_sees(&pieces.concat());
    }
}

/// One database's comment is another one's string.
#[test]
fn a_line_that_one_database_reads_as_code_is_no_line_of_order() {
    const LINE: &str = "-- migrate: after = \"0001_a\"\n";
    let nested = "/* copies a/*.csv */\nINSERT INTO doc VALUES ('\n */\nLINE');\nINSERT INTO doc VALUES ('x');\n";
    for (text, found) in [
        (nested, 0),
        // Postgres can read this one, and has it in its header.
        (
            "/* copies a/*.csv */\nINSERT INTO doc VALUES ('\n */\nLINE-- ');\n",
            0,
        ),
        ("/* it is /* nested */\nLINEx */ SELECT 1;\n", 0),
        // MySQL wants a blank behind the dashes, and begins no statement with them.
        ("--'\nLINESELECT ';", 0),
        ("--it's\nLINE-- it's\nSELECT 1;", 1),
        ("# it's MySQL's, isn't it\nLINESELECT 1;", 1),
        ("/*!40101 SET NAMES utf8mb4 */;\nLINESELECT 1;", 0),
        ("/*!40101 SET NAMES utf8mb4 */\nLINESELECT 1;", 1),
        ("-- psql only\nLINESELECT $$ it's $$;", 1),
    ] {
        let text = text.replace("LINE", LINE);
        let lines = order_lines(&text);
        assert_eq!(lines.len(), found, "{text}");
        assert!(lines.into_iter().all(|line| &text[line] == LINE), "{text}");
    }
}

#[test]
fn several_strings_need_no_brackets() {
    let found = header(
        "-- migrate: replaces = \"0001_a\", \"0002_b\" ,\"b.0003_c\", atomic = false, after = \"0004_d\"\n",
    );
    assert_eq!(names(&found.replaces), ["0001_a", "0002_b", "b.0003_c"]);
    assert_eq!(found.atomic, Some(false));
    assert_eq!(names(&found.after.expect("given")), ["0004_d"]);
    assert_eq!(
        errors("-- migrate: replaces = \"0001_a\", \"0002_b\n"),
        [("bad_directive", 1, 34)]
    );
    assert_eq!(
        errors("-- migrate: atomic = false, \"0002_b\"\n"),
        [("bad_directive", 1, 29)]
    );
    says("-- migrate: replaces = \"0001_a\", \"0001_a\"\n", "twice");
}
