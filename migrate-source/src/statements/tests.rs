//! Hand-written cases per database, then properties over generated scripts and token soups.

use proptest::prelude::*;

use super::*;
use Database::{MySql, Postgres, Sqlite};

#[track_caller]
fn check(database: Database, sql: &str, expected: &[&str]) {
    let pieces = split(sql, database).expect(sql);
    assert_eq!(
        pieces.iter().map(|piece| piece.text).collect::<String>(),
        sql
    );
    let found: Vec<&str> = pieces
        .iter()
        .filter_map(|piece| piece.statement)
        .map(|s| s.text)
        .collect();
    assert_eq!(found, expected, "{database}: {sql}");
}

/// The code and place of the error.
#[track_caller]
fn fails(database: Database, sql: &str, code: &str, line: u32, column: u32) {
    let error = split(sql, database).expect_err(sql);
    assert_eq!(
        (error.code, error.line, error.column),
        (code, line, column),
        "{sql}: {error}"
    );
    assert!(!error.help.is_empty());
}

#[test]
fn plain_statements_on_every_database() {
    let cases: &[(&str, &[&str])] = &[
        ("", &[]),
        (" \n\t", &[]),
        (";", &[]),
        (";;\n;", &[]),
        ("SELECT 1", &["SELECT 1"]),
        ("SELECT 1;", &["SELECT 1"]),
        ("SELECT 1; SELECT 2", &["SELECT 1", "SELECT 2"]),
        ("-- one;\nSELECT 1 -- two;\n;", &["SELECT 1"]),
        ("-- only a comment", &[]),
        (
            "/* a; b */ SELECT /* c; */ 1 /* d */; /* e */",
            &["SELECT /* c; */ 1"],
        ),
        ("SELECT ';';SELECT 2", &["SELECT ';'", "SELECT 2"]),
        (
            "SELECT 'it''s; ok'; SELECT 2",
            &["SELECT 'it''s; ok'", "SELECT 2"],
        ),
        (
            "SELECT \"a;\"\"b\"; SELECT 2",
            &["SELECT \"a;\"\"b\"", "SELECT 2"],
        ),
        (
            "SELECT '--'; SELECT '/*'; SELECT 3",
            &["SELECT '--'", "SELECT '/*'", "SELECT 3"],
        ),
        ("SELECT 'é;ü'; SELECT 'ß'", &["SELECT 'é;ü'", "SELECT 'ß'"]),
        ("SELECT 1\r\n;\r\nSELECT 2", &["SELECT 1", "SELECT 2"]),
        (
            "INSERT INTO t VALUES ('a\nb;c');",
            &["INSERT INTO t VALUES ('a\nb;c')"],
        ),
        ("BEGIN; SELECT 1; COMMIT", &["BEGIN", "SELECT 1", "COMMIT"]),
        (
            "SELECT CASE WHEN a THEN 1 ELSE 2 END; SELECT 2",
            &["SELECT CASE WHEN a THEN 1 ELSE 2 END", "SELECT 2"],
        ),
        ("SELECT 1 -- no line end", &["SELECT 1"]),
        (
            "DROP TABLE IF EXISTS t; SELECT 1",
            &["DROP TABLE IF EXISTS t", "SELECT 1"],
        ),
    ];
    for database in Database::ALL {
        for (sql, expected) in cases {
            check(database, sql, expected);
        }
    }
}

#[test]
fn postgres_statements() {
    let cases: &[(&str, &[&str])] = &[
        (
            "DO $$ BEGIN a; b; END $$; SELECT 1",
            &["DO $$ BEGIN a; b; END $$", "SELECT 1"],
        ),
        (
            "SELECT $t$ ; $$ ; $t$; SELECT 2",
            &["SELECT $t$ ; $$ ; $t$", "SELECT 2"],
        ),
        (
            "SELECT $a$ $b$ ; $a$; SELECT $b$;$b$",
            &["SELECT $a$ $b$ ; $a$", "SELECT $b$;$b$"],
        ),
        ("SELECT $1; SELECT $2", &["SELECT $1", "SELECT $2"]),
        ("SELECT a$b$; SELECT 1", &["SELECT a$b$", "SELECT 1"]),
        ("SELECT $ä$;$ä$; SELECT 2", &["SELECT $ä$;$ä$", "SELECT 2"]),
        (
            "/* a /* b; */ c; */ SELECT 1; SELECT 2",
            &["SELECT 1", "SELECT 2"],
        ),
        (
            "SELECT E'it\\'s;'; SELECT 2",
            &["SELECT E'it\\'s;'", "SELECT 2"],
        ),
        ("SELECT e'\\\\'; SELECT 2", &["SELECT e'\\\\'", "SELECT 2"]),
        (
            "SELECT E'a'\n'\\';' ; SELECT 2",
            &["SELECT E'a'\n'\\';'", "SELECT 2"],
        ),
        (
            "SELECT E'a' -- c\n  '\\';'; SELECT 2",
            &["SELECT E'a' -- c\n  '\\';'", "SELECT 2"],
        ),
        ("SELECT 'C:\\'; SELECT 2", &["SELECT 'C:\\'", "SELECT 2"]),
        ("SELECT name'x'; SELECT 2", &["SELECT name'x'", "SELECT 2"]),
        ("SELECT 5--1;\n; SELECT 2", &["SELECT 5", "SELECT 2"]),
        (
            "SELECT U&'d\\0061t'; SELECT 2",
            &["SELECT U&'d\\0061t'", "SELECT 2"],
        ),
        ("SELECT a[1]; SELECT `", &["SELECT a[1]", "SELECT `"]),
        (
            "CREATE RULE r AS ON INSERT TO t DO ALSO (INSERT INTO a VALUES (1); INSERT INTO b VALUES (2)); SELECT 1",
            &[
                "CREATE RULE r AS ON INSERT TO t DO ALSO (INSERT INTO a VALUES (1); INSERT INTO b VALUES (2))",
                "SELECT 1",
            ],
        ),
        (
            "CREATE OR REPLACE FUNCTION f() RETURNS int LANGUAGE sql BEGIN ATOMIC SELECT CASE WHEN a THEN 1 END; SELECT 2; END; SELECT 3",
            &[
                "CREATE OR REPLACE FUNCTION f() RETURNS int LANGUAGE sql BEGIN ATOMIC SELECT CASE WHEN a THEN 1 END; SELECT 2; END",
                "SELECT 3",
            ],
        ),
        (
            "CREATE PROCEDURE p() BEGIN ATOMIC END; SELECT 1",
            &["CREATE PROCEDURE p() BEGIN ATOMIC END", "SELECT 1"],
        ),
        (
            "CREATE FUNCTION f() RETURNS int RETURN 1; SELECT 2",
            &["CREATE FUNCTION f() RETURNS int RETURN 1", "SELECT 2"],
        ),
        (
            "CREATE FUNCTION f() RETURNS trigger AS $f$ BEGIN; END; $f$ LANGUAGE plpgsql; SELECT 1",
            &[
                "CREATE FUNCTION f() RETURNS trigger AS $f$ BEGIN; END; $f$ LANGUAGE plpgsql",
                "SELECT 1",
            ],
        ),
        (
            "CREATE TRIGGER t BEFORE INSERT ON x EXECUTE FUNCTION f(); SELECT 1",
            &[
                "CREATE TRIGGER t BEFORE INSERT ON x EXECUTE FUNCTION f()",
                "SELECT 1",
            ],
        ),
        (
            "BEGIN; SELECT 1; END; SELECT 2",
            &["BEGIN", "SELECT 1", "END", "SELECT 2"],
        ),
        ("SELECT (1; SELECT 2", &["SELECT (1", "SELECT 2"]),
        ("DELIMITER //", &["DELIMITER //"]),
    ];
    for (sql, expected) in cases {
        check(Postgres, sql, expected);
    }
}

#[test]
fn sqlite_statements() {
    let trigger = "CREATE TRIGGER t AFTER UPDATE ON a WHEN new.begin > CASE WHEN 1 THEN 2 END BEGIN\n UPDATE b SET x = CASE y WHEN 1 THEN 2 ELSE 3 END; -- c;\n SELECT 1;\nEND";
    let temp = "CREATE TEMP TRIGGER IF NOT EXISTS t INSTEAD OF DELETE ON v BEGIN SELECT ';'; END";
    let cases: &[(&str, &[&str])] = &[
        (
            "SELECT [a;b]; SELECT `c;``d`",
            &["SELECT [a;b]", "SELECT `c;``d`"],
        ),
        ("/* a /* b */ SELECT 1; SELECT 2", &["SELECT 1", "SELECT 2"]),
        ("SELECT 'C:\\'; SELECT 2", &["SELECT 'C:\\'", "SELECT 2"]),
        ("SELECT E'a'; SELECT 2", &["SELECT E'a'", "SELECT 2"]),
        (
            "SELECT $a, :b, @c, ?1; SELECT 2",
            &["SELECT $a, :b, @c, ?1", "SELECT 2"],
        ),
        ("SELECT .5; SELECT 2", &["SELECT .5", "SELECT 2"]),
        (
            "CREATE TABLE trigger_x (a); SELECT 1",
            &["CREATE TABLE trigger_x (a)", "SELECT 1"],
        ),
        (
            "CREATE TABLE t (\"begin\" int); SELECT 1",
            &["CREATE TABLE t (\"begin\" int)", "SELECT 1"],
        ),
        (
            "BEGIN IMMEDIATE; END; SELECT 1",
            &["BEGIN IMMEDIATE", "END", "SELECT 1"],
        ),
    ];
    for (sql, expected) in cases {
        check(Sqlite, sql, expected);
    }
    check(
        Sqlite,
        &format!("{trigger}; SELECT 1"),
        &[trigger, "SELECT 1"],
    );
    check(
        Sqlite,
        &format!("SELECT 0; {temp};SELECT 1"),
        &["SELECT 0", temp, "SELECT 1"],
    );
    let explained = format!("EXPLAIN QUERY PLAN {temp}");
    check(
        Sqlite,
        &format!("{explained}; SELECT 1"),
        &[&explained, "SELECT 1"],
    );
}

#[test]
fn mysql_statements() {
    let cases: &[(&str, &[&str])] = &[
        (
            "SELECT 'it\\'s;'; SELECT 2",
            &["SELECT 'it\\'s;'", "SELECT 2"],
        ),
        (
            "SELECT \"a\\\";\"; SELECT 2",
            &["SELECT \"a\\\";\"", "SELECT 2"],
        ),
        (
            "SELECT `a\\`; SELECT `b``;`",
            &["SELECT `a\\`", "SELECT `b``;`"],
        ),
        (
            "SELECT 5--1; SELECT 2 -- c;\n; #d;\nSELECT 3",
            &["SELECT 5--1", "SELECT 2", "SELECT 3"],
        ),
        ("SELECT 1 --\n;SELECT 2 --", &["SELECT 1", "SELECT 2"]),
        ("/* a /* b */ SELECT 1; SELECT 2", &["SELECT 1", "SELECT 2"]),
        (
            "/*!40101 SET NAMES utf8 */; SELECT 1",
            &["/*!40101 SET NAMES utf8 */", "SELECT 1"],
        ),
        (
            "/*!50003 SELECT '*/;' */; SELECT 1",
            &["/*!50003 SELECT '*/;' */", "SELECT 1"],
        ),
        (
            "SELECT /*+ hint; */ 1; SELECT \\N",
            &["SELECT /*+ hint; */ 1", "SELECT \\N"],
        ),
        (
            "CREATE TABLE d (\n  delimiter char(1));SELECT 1",
            &["CREATE TABLE d (\n  delimiter char(1))", "SELECT 1"],
        ),
        (
            "DELIMITER //\nSELECT 1//\nSELECT 2//\nDELIMITER ;\nSELECT 3;",
            &["SELECT 1", "SELECT 2", "SELECT 3"],
        ),
        (
            "delimiter $$\nSELECT 'a$$b'$$SELECT 2$$",
            &["SELECT 'a$$b'", "SELECT 2"],
        ),
        ("DELIMITER ;;\nSELECT 1;;\nDELIMITER ;\n", &["SELECT 1"]),
        (
            "DELIMITER //\nSELECT 1; SELECT 2 //",
            &["SELECT 1", "SELECT 2"],
        ),
        (
            "DELIMITER //\r\nSELECT 1//\r\nDELIMITER ;\r\nSELECT 2;",
            &["SELECT 1", "SELECT 2"],
        ),
        ("DELIMITER //\nSELECT 1", &["SELECT 1"]),
        (
            "BEGIN; INSERT INTO a VALUES (1); COMMIT",
            &["BEGIN", "INSERT INTO a VALUES (1)", "COMMIT"],
        ),
        (
            "SELECT IF(a, 1, 2); SELECT REPEAT('x', 3)",
            &["SELECT IF(a, 1, 2)", "SELECT REPEAT('x', 3)"],
        ),
        (
            "ALTER TABLE t ADD event int; SELECT 1",
            &["ALTER TABLE t ADD event int", "SELECT 1"],
        ),
        (
            "CREATE DATABASE event; SELECT 1",
            &["CREATE DATABASE event", "SELECT 1"],
        ),
        (
            "CREATE FUNCTION f RETURNS STRING SONAME 'f.so'; SELECT 1",
            &["CREATE FUNCTION f RETURNS STRING SONAME 'f.so'", "SELECT 1"],
        ),
        (
            "SELECT (CASE a WHEN 1 THEN (2; SELECT 3",
            &["SELECT (CASE a WHEN 1 THEN (2", "SELECT 3"],
        ),
    ];
    for (sql, expected) in cases {
        check(MySql, sql, expected);
    }
}

/// Routines of MySQL whose end must be found without a DELIMITER.
const ROUTINES: [&str; 22] = [
    "CREATE PROCEDURE p() BEGIN SELECT 1; SELECT 2; END",
    "CREATE PROCEDURE p() SELECT IF(a, 1, 2)",
    "CREATE DEFINER=`root`@`localhost` PROCEDURE IF NOT EXISTS p(IN a INT) COMMENT 'x;' BEGIN END",
    "CREATE OR REPLACE DEFINER = CURRENT_USER FUNCTION f(a INT) RETURNS INT DETERMINISTIC RETURN IF(a, 1, 2)",
    "CREATE FUNCTION f() RETURNS VARCHAR(9) CHARACTER SET utf8 BEGIN RETURN 'a'; END",
    "CREATE PROCEDURE p() BEGIN IF a THEN SELECT 1; ELSEIF (b > 1) THEN SELECT IF(a,1,2); ELSE SELECT 3; END IF; END",
    "CREATE PROCEDURE p() BEGIN CASE a WHEN 1 THEN SELECT 1; ELSE BEGIN END; END CASE; SELECT 2; END",
    "CREATE PROCEDURE p() BEGIN SELECT CASE a WHEN 1 THEN IF(b,1,2) ELSE REPEAT('x',2) END AS `end`; END",
    "CREATE PROCEDURE p() BEGIN l: LOOP SET i = i + 1; IF i > 3 THEN LEAVE l; END IF; END LOOP l; END",
    "CREATE PROCEDURE p() BEGIN WHILE i < 3 DO SET i = i + 1; END WHILE; SELECT 1; END",
    "CREATE PROCEDURE p() BEGIN REPEAT SET i = i + 1; UNTIL i > CASE WHEN a THEN 1 END END REPEAT; SELECT 1; END",
    "CREATE PROCEDURE p() outer_block: BEGIN inner_block: BEGIN SELECT 1; END inner_block; END outer_block",
    "CREATE PROCEDURE p() BEGIN DECLARE EXIT HANDLER FOR SQLEXCEPTION BEGIN ROLLBACK; END; SELECT 1; END",
    "CREATE PROCEDURE p() BEGIN DECLARE x INT DEFAULT IF(1, 2, 3); DECLARE CONTINUE HANDLER FOR NOT FOUND SET done = IF(1, 2, 3); SELECT 1; END",
    "CREATE PROCEDURE p() BEGIN IF CASE WHEN a THEN 1 END THEN BEGIN SELECT 1; END; END IF; DROP TABLE IF EXISTS t; END",
    "CREATE PROCEDURE p() BEGIN INSERT INTO slots (start, end) VALUES (1, 2); UPDATE slots SET end = 3 WHERE end > 1; END",
    "CREATE PROCEDURE p() BEGIN FOR r IN (SELECT a FROM t) DO SELECT r.a; END FOR; END",
    "CREATE TRIGGER t BEFORE INSERT ON x FOR EACH ROW SET NEW.a = IF(NEW.b, 1, 2)",
    "CREATE TRIGGER t BEFORE UPDATE ON x FOR EACH ROW FOLLOWS other BEGIN SET NEW.a = 1; END",
    "CREATE TRIGGER t AFTER DELETE ON x FOR EACH ROW IF OLD.a THEN SET @b = 1; END IF",
    "CREATE EVENT IF NOT EXISTS e ON SCHEDULE EVERY 1 DAY COMMENT 'c' DO BEGIN DELETE FROM t; END",
    "BEGIN NOT ATOMIC IF a THEN SELECT 1; END IF; SELECT 2; END",
];

#[test]
fn mysql_routines_without_and_with_a_delimiter() {
    for routine in ROUTINES {
        check(
            MySql,
            &format!("SELECT 0; {routine}; SELECT 3"),
            &["SELECT 0", routine, "SELECT 3"],
        );
        check(MySql, &routine.to_lowercase(), &[&routine.to_lowercase()]);
        for end in ["//", ";//", " ; //"] {
            let sql = format!("DELIMITER //\n{routine}{end}\nSELECT 1//\nDELIMITER ;\nSELECT 2;");
            check(MySql, &sql, &[routine, "SELECT 1", "SELECT 2"]);
        }
    }
}

#[test]
fn mysqldump_trigger_in_executable_comments() {
    let trigger = "/*!50003 CREATE*/ /*!50017 DEFINER=`root`@`localhost`*/ /*!50003 TRIGGER t BEFORE INSERT ON x FOR EACH ROW BEGIN SET NEW.a = 1; SET NEW.b = 2; END */";
    check(
        MySql,
        &format!("DELIMITER ;;\n{trigger};;\nDELIMITER ;\nSELECT 1;"),
        &[trigger, "SELECT 1"],
    );
    check(
        MySql,
        &format!("{trigger};\nSELECT 1;"),
        &[trigger, "SELECT 1"],
    );
}

#[test]
fn oracle_mode_body_is_left_to_the_delimiter() {
    let routine = "CREATE PROCEDURE p AS BEGIN IF a THEN b; ELSIF c THEN d; END IF; END";
    check(
        MySql,
        &format!("DELIMITER //\n{routine};\n//\nSELECT 1//"),
        &[routine, "SELECT 1"],
    );
}

#[test]
fn unterminated_things_are_errors_at_their_opening() {
    for database in Database::ALL {
        fails(database, "SELECT 1;\n  'abc", "unterminated_string", 2, 3);
        fails(database, "SELECT /* a", "unterminated_comment", 1, 8);
        fails(database, "é /* a", "unterminated_comment", 1, 3);
    }
    fails(Postgres, "SELECT \"a", "unterminated_name", 1, 8);
    fails(Postgres, "SELECT E'a\\'", "unterminated_string", 1, 8);
    fails(Postgres, "/* /* */", "unterminated_comment", 1, 1);
    fails(
        Postgres,
        "DO $$ BEGIN\n$x$",
        "unterminated_dollar_quote",
        1,
        4,
    );
    fails(Postgres, "DO $tag$ $$", "unterminated_dollar_quote", 1, 4);
    fails(
        Postgres,
        "CREATE FUNCTION f() BEGIN ATOMIC SELECT 1;",
        "unterminated_block",
        1,
        21,
    );
    fails(Sqlite, "SELECT [a", "unterminated_name", 1, 8);
    fails(Sqlite, "SELECT `a", "unterminated_name", 1, 8);
    fails(
        Sqlite,
        "CREATE TRIGGER t INSERT ON x\nBEGIN SELECT 1; SELECT CASE WHEN 1 THEN 2 END;",
        "unterminated_block",
        2,
        1,
    );
    fails(MySql, "SELECT \"a", "unterminated_string", 1, 8);
    fails(MySql, "SELECT 'a\\'", "unterminated_string", 1, 8);
    fails(MySql, "SELECT 'a\\", "unterminated_string", 1, 8);
    fails(
        MySql,
        "SELECT 1 /*!40000 , 2",
        "unterminated_comment",
        1,
        10,
    );
    fails(
        MySql,
        "CREATE PROCEDURE p() BEGIN\nIF a THEN SELECT 1; END;",
        "unterminated_block",
        1,
        22,
    );
    fails(
        MySql,
        "CREATE PROCEDURE p() BEGIN\nWHILE a DO SELECT 1;",
        "unterminated_block",
        2,
        1,
    );
    fails(
        MySql,
        "DELIMITER //\nCREATE PROCEDURE p() BEGIN END;\nDELIMITER ;",
        "unterminated_statement",
        3,
        1,
    );
    fails(MySql, "DELIMITER \nSELECT 1", "bad_delimiter", 1, 1);
    fails(MySql, "DELIMITER '//'", "bad_delimiter", 1, 1);
}

#[test]
fn lines_for_clients_are_refused() {
    fails(Postgres, "SELECT 1;\n\\i other.sql", "client_command", 2, 1);
    fails(Postgres, "SELECT 1 \\gset", "client_command", 1, 10);
    fails(Sqlite, ".read other.sql", "client_command", 1, 1);
    fails(Sqlite, "SELECT 1;\n.mode csv", "client_command", 2, 1);
    fails(Sqlite, "\\i other.sql", "client_command", 1, 1);
    fails(MySql, "SELECT 1\\G", "client_command", 1, 9);
}

#[test]
fn data_after_copy_is_blamed_on_the_copy() {
    fails(
        Postgres,
        "SELECT 1;\nCOPY t FROM stdin;\n1\tit's\n\\.\n",
        "copy_stream",
        2,
        1,
    );
}

#[test]
fn lines_and_offsets_are_of_the_script() {
    let sql = "-- a\nSELECT 1;\n\n/* b\n */ SELECT 2;SELECT 3";
    let found = statements(sql, Sqlite).expect("valid");
    assert_eq!(found.iter().map(|s| s.line).collect::<Vec<_>>(), [2, 5, 5]);
    for statement in found {
        assert!(sql[statement.start..].starts_with(statement.text));
    }
}

/// Fragments that open, close and confuse.
const FRAGMENTS: [&str; 74] = [
    "'",
    "\"",
    "`",
    "[",
    "]",
    "$$",
    "$a$",
    "$1",
    "$",
    "/*",
    "*/",
    "/*!",
    "/*!50003 ",
    "/*M!",
    "--",
    "-- ",
    "#",
    "\n",
    "\r\n",
    " ",
    ";",
    ";;",
    "//",
    "\\",
    "\\'",
    "E'",
    "e'a\\'",
    "U&'",
    "x'",
    "(",
    ")",
    ",",
    ".",
    ":",
    "=",
    "BEGIN",
    "END",
    "END IF",
    "END CASE",
    "CASE",
    "WHEN",
    "THEN",
    "ELSE",
    "IF",
    "IF(",
    "LOOP",
    "WHILE",
    "DO",
    "REPEAT",
    "UNTIL",
    "FOR",
    "ATOMIC",
    "NOT ATOMIC",
    "CREATE",
    "PROCEDURE p()",
    "FUNCTION f()",
    "TRIGGER t",
    "EVENT e",
    "RULE r",
    "FOR EACH ROW",
    "DECLARE",
    "HANDLER",
    "DELIMITER //\n",
    "\nDELIMITER ;\n",
    "DELIMITER $$\n",
    "COPY t FROM STDIN;",
    "é",
    "\u{feff}",
    "日本",
    "\0",
    "1",
    "a",
    "SELECT",
    "END$$",
];

#[track_caller]
fn holds(sql: &str, database: Database) {
    let Ok(pieces) = split(sql, database) else {
        return;
    };
    assert_eq!(
        pieces.iter().map(|piece| piece.text).collect::<String>(),
        sql
    );
    for piece in &pieces {
        let Some(statement) = piece.statement else {
            continue;
        };
        assert!(!statement.text.is_empty());
        assert_eq!(
            sql.get(statement.start..statement.start + statement.text.len()),
            Some(statement.text)
        );
        let before = &sql[..statement.start];
        assert_eq!(statement.line as usize, before.matches('\n').count() + 1);
    }
    if database == MySql && sql.to_lowercase().contains("delimiter") {
        return;
    }
    for piece in &pieces {
        let again = split(piece.text, database).expect("a piece can be split again");
        assert_eq!(again.len(), 1, "{database}: {:?} of {sql:?}", piece.text);
        let Some(statement) = piece.statement else {
            continue;
        };
        if database == MySql && statement.text.ends_with("--") {
            // `--` before anything but a blank is two minus signs, and at the end a comment.
            continue;
        }
        let alone = statements(statement.text, database).expect("a statement can be read alone");
        assert_eq!(
            alone.iter().map(|s| s.text).collect::<Vec<_>>(),
            [statement.text],
            "{database}: {sql:?}"
        );
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_text_splits_or_fails_without_a_panic(sql in any::<String>()) {
        for database in Database::ALL {
            holds(&sql, database);
        }
    }

    #[test]
    fn fragments_split_or_fail_without_a_panic(
        parts in prop::collection::vec(prop::sample::select(FRAGMENTS.to_vec()), 0..24),
        separator in prop::sample::select(vec!["", " "]),
    ) {
        let sql = parts.join(separator);
        for database in Database::ALL {
            holds(&sql, database);
        }
    }

    #[test]
    fn a_script_splits_into_what_it_was_joined_from(
        parts in prop::collection::vec(prop::sample::select(ROUTINES.to_vec()), 0..8),
        gap in prop::sample::select(vec![";", "; ", ";\n-- c;\n", ";;\n/* ; */", ";#x;'\n"]),
    ) {
        let sql = parts.join(gap);
        let found: Vec<&str> = statements(&sql, MySql).expect("valid").iter().map(|s| s.text).collect();
        prop_assert_eq!(found, parts);
    }
}

/// A small generator with a fixed seed, so that every run sees the same soups.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % bound as u64).expect("smaller than the bound")
    }
}

#[test]
fn token_soups_hold_on_every_database() {
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    let mut split_well = 0;
    for _ in 0..30_000 {
        let mut sql = String::new();
        for _ in 0..random.below(30) {
            if random.below(8) == 0 {
                let code = u32::try_from(random.below(0x300)).expect("small");
                sql.extend(char::from_u32(code));
            } else {
                sql.push_str(FRAGMENTS[random.below(FRAGMENTS.len())]);
                if random.below(2) == 0 {
                    sql.push(' ');
                }
            }
        }
        for database in Database::ALL {
            holds(&sql, database);
            split_well += usize::from(split(&sql, database).is_ok());
        }
    }
    assert!(
        split_well > 10_000,
        "most soups fail, so that little is tested: {split_well}"
    );
}

#[test]
fn a_large_script_is_read_in_linear_time() {
    let sql = "INSERT INTO t VALUES (1, 'a;b'); -- c\n".repeat(40_000);
    let start = std::time::Instant::now();
    for database in Database::ALL {
        assert_eq!(statements(&sql, database).expect("valid").len(), 40_000);
    }
    assert!(start.elapsed().as_secs() < 20, "{:?}", start.elapsed());
}
