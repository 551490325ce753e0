use proptest::prelude::*;

use super::*;
use Database::{MySql, Postgres, Sqlite};

#[track_caller]
fn all(database: Database, statements: &[&str], expected: fn(&Class) -> bool) {
    for statement in statements {
        for form in [
            (*statement).to_owned(),
            statement.to_lowercase(),
            format!("/* c */ {statement} ;"),
            statement.replace(' ', "\n /* x */ "),
        ] {
            let class = classify(&form, database);
            assert!(expected(&class), "{database}: {form}: {class:?}");
            let mistake = !statement_errors(&form, Some(database)).is_empty();
            assert!(!mistake || TELLING.occur_in(&form), "{database}: {form}");
        }
    }
}

#[test]
fn transaction_control_on_every_database() {
    for database in Database::ALL {
        let control = [
            "BEGIN",
            "BEGIN WORK",
            "COMMIT",
            "COMMIT WORK",
            "ROLLBACK",
            "ROLLBACK WORK",
            "START TRANSACTION",
            "START TRANSACTION READ ONLY",
        ];
        all(database, &control, |class| {
            matches!(class, Class::TransactionControl { .. })
        });
        let savepoints = [
            "SAVEPOINT a",
            "RELEASE SAVEPOINT a",
            "RELEASE a",
            "ROLLBACK TO a",
            "ROLLBACK TO SAVEPOINT a",
            "ROLLBACK WORK TO SAVEPOINT a",
            "SELECT 1",
            "INSERT INTO t VALUES ('BEGIN')",
            "WITH a AS (SELECT 1) SELECT 1",
            "",
        ];
        all(database, &savepoints, |class| {
            *class == Class::Transactional
        });
    }
    all(
        Sqlite,
        &[
            "BEGIN IMMEDIATE",
            "BEGIN EXCLUSIVE TRANSACTION",
            "END",
            "END TRANSACTION",
            "ROLLBACK TRANSACTION",
        ],
        |class| matches!(class, Class::TransactionControl { .. }),
    );
    all(
        Postgres,
        &[
            "BEGIN ISOLATION LEVEL SERIALIZABLE",
            "END",
            "ABORT",
            "PREPARE TRANSACTION 'a'",
            "COMMIT PREPARED 'a'",
            "ROLLBACK PREPARED 'a'",
            "ROLLBACK AND CHAIN",
        ],
        |class| matches!(class, Class::TransactionControl { .. }),
    );
    all(
        MySql,
        &[
            "XA START 'a'",
            "SET autocommit = 0",
            "SET SESSION autocommit=1",
            "SET @@autocommit = ON",
            "SET @@session.autocommit = 1",
            "SET @a = 1, autocommit = 0",
            "LOCK TABLES t WRITE",
            "LOCK TABLE t READ",
            "UNLOCK TABLES",
            "BEGIN",
        ],
        |class| matches!(class, Class::TransactionControl { .. }),
    );
    all(
        Postgres,
        &[
            "PREPARE p AS SELECT 1",
            "LOCK TABLE t",
            "LOCK t IN ACCESS EXCLUSIVE MODE",
        ],
        |class| *class == Class::Transactional,
    );
    all(
        MySql,
        &[
            "SET @autocommit_wanted = 1",
            "SET NAMES utf8mb4",
            "SELECT 'SET autocommit = 0'",
        ],
        |class| *class == Class::Transactional,
    );
}

#[test]
fn postgres_outside_a_transaction() {
    let outside = [
        "CREATE INDEX CONCURRENTLY i ON t (a)",
        "CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS i ON t (a)",
        "DROP INDEX CONCURRENTLY i",
        "DROP INDEX CONCURRENTLY IF EXISTS i",
        "REINDEX TABLE CONCURRENTLY t",
        "REINDEX INDEX CONCURRENTLY i",
        "REINDEX (CONCURRENTLY) TABLE t",
        "REINDEX (VERBOSE, CONCURRENTLY TRUE) INDEX i",
        "REINDEX SCHEMA s",
        "REINDEX DATABASE d",
        "REINDEX SYSTEM d",
        "VACUUM",
        "VACUUM FULL t",
        "VACUUM (ANALYZE) t",
        "CREATE DATABASE d",
        "DROP DATABASE IF EXISTS d",
        "CREATE TABLESPACE s LOCATION '/x'",
        "DROP TABLESPACE s",
        "ALTER SYSTEM SET a = 1",
        "CLUSTER",
        "CLUSTER VERBOSE",
        "CLUSTER (VERBOSE)",
        "ALTER TABLE p DETACH PARTITION c CONCURRENTLY",
        "ALTER TABLE IF EXISTS ONLY s.p DETACH PARTITION c CONCURRENTLY",
        "CREATE SUBSCRIPTION s CONNECTION 'x' PUBLICATION p",
        "CREATE SUBSCRIPTION s CONNECTION 'x' PUBLICATION p WITH (create_slot = true)",
        "DROP SUBSCRIPTION s",
        "ALTER SUBSCRIPTION s REFRESH PUBLICATION",
        "ALTER SUBSCRIPTION s SET PUBLICATION p",
        "ALTER DATABASE d SET TABLESPACE t",
        "DISCARD ALL",
    ];
    all(Postgres, &outside, |class| {
        matches!(class, Class::OutsideTransaction { .. })
    });
    let inside = [
        "CREATE INDEX i ON t (a)",
        "CREATE INDEX \"concurrently\" ON t (a)",
        "DROP INDEX i",
        "REINDEX TABLE t",
        "CLUSTER t USING i",
        "CLUSTER VERBOSE t",
        "REFRESH MATERIALIZED VIEW CONCURRENTLY v",
        "ALTER TABLE p DETACH PARTITION c",
        "ALTER TABLE p DETACH PARTITION c FINALIZE",
        "CREATE SUBSCRIPTION s CONNECTION 'x' PUBLICATION p WITH (create_slot = false)",
        "CREATE SUBSCRIPTION s CONNECTION 'x' PUBLICATION p WITH (connect = false)",
        "ALTER SUBSCRIPTION s DISABLE",
        "ALTER SUBSCRIPTION s SET PUBLICATION p WITH (refresh = false)",
        "ALTER DATABASE d SET a = 1",
        "ANALYZE t",
        "ALTER TYPE e ADD VALUE 'x'",
        "DISCARD TEMP",
        "CREATE TABLE vacuum_log (a int)",
        "TRUNCATE t",
        "DROP TABLE t",
        "COPY t FROM '/file'",
        "COPY t TO PROGRAM 'cat'",
        "DO $$ BEGIN COMMIT; END $$",
    ];
    all(Postgres, &inside, |class| *class == Class::Transactional);
    let copy = [
        "COPY t FROM STDIN",
        "COPY t (a, b) FROM STDIN WITH (FORMAT csv)",
        "COPY (SELECT 1) TO STDOUT",
        "COPY t TO STDOUT",
    ];
    all(Postgres, &copy, |class| {
        matches!(class, Class::CopyStream { .. })
    });
}

#[test]
fn sqlite_pragmas_and_files() {
    all(
        Sqlite,
        &[
            "VACUUM",
            "VACUUM INTO 'x'",
            "ATTACH 'x' AS y",
            "ATTACH DATABASE 'x' AS y",
            "DETACH y",
            "PRAGMA synchronous = OFF",
            "PRAGMA wal_checkpoint",
            "PRAGMA wal_checkpoint(TRUNCATE)",
        ],
        |class| matches!(class, Class::OutsideTransaction { .. }),
    );
    all(
        Sqlite,
        &[
            "PRAGMA foreign_keys = OFF",
            "PRAGMA foreign_keys(0)",
            "PRAGMA main.foreign_keys = 1",
            "PRAGMA \"foreign_keys\" = OFF",
            "PRAGMA journal_mode = WAL",
            "PRAGMA page_size = 8192",
            "PRAGMA auto_vacuum = FULL",
            "PRAGMA encoding = 'UTF-16'",
        ],
        |class| matches!(class, Class::SilentNoOp { .. }),
    );
    all(
        Sqlite,
        &[
            "PRAGMA foreign_keys",
            "PRAGMA journal_mode",
            "PRAGMA synchronous",
            "PRAGMA user_version = 3",
            "PRAGMA defer_foreign_keys = ON",
            "PRAGMA foreign_key_check",
            "PRAGMA foreign_key_check(t)",
            "PRAGMA table_info(t)",
            "PRAGMA legacy_alter_table = ON",
            "PRAGMA recursive_triggers = 1",
            "PRAGMA",
            "REINDEX",
            "ANALYZE",
            "DROP TABLE t",
        ],
        |class| *class == Class::Transactional,
    );
    assert_eq!(
        classify("PRAGMA Foreign_Keys = 0", Sqlite),
        Class::SilentNoOp {
            what: "PRAGMA foreign_keys".to_owned()
        }
    );
}

#[test]
fn mysql_implicit_commits() {
    let commits = [
        "CREATE TABLE t (a int)",
        "CREATE OR REPLACE TABLE t (a int)",
        "ALTER TABLE t ADD a int",
        "DROP TABLE t",
        "DROP TABLE IF EXISTS t",
        "CREATE INDEX i ON t (a)",
        "DROP INDEX i ON t",
        "CREATE VIEW v AS SELECT 1",
        "CREATE DATABASE d",
        "DROP DATABASE d",
        "TRUNCATE t",
        "TRUNCATE TABLE t",
        "RENAME TABLE a TO b",
        "RENAME USER a TO b",
        "GRANT ALL ON *.* TO a",
        "REVOKE ALL ON *.* FROM a",
        "CREATE USER a",
        "ALTER USER a",
        "DROP USER a",
        "SET PASSWORD = 'x'",
        "SET DEFAULT ROLE a TO b",
        "ANALYZE TABLE t",
        "OPTIMIZE TABLE t",
        "REPAIR TABLE t",
        "CHECK TABLE t",
        "CACHE INDEX t IN c",
        "LOAD INDEX INTO CACHE t",
        "FLUSH TABLES",
        "RESET MASTER",
        "INSTALL PLUGIN p SONAME 'x'",
        "UNINSTALL PLUGIN p",
        "CREATE PROCEDURE p() BEGIN END",
        "CREATE TRIGGER t BEFORE INSERT ON x FOR EACH ROW SET NEW.a = 1",
        "DROP EVENT e",
        "CREATE SEQUENCE s",
        "START SLAVE",
        "STOP REPLICA",
        "CHANGE MASTER TO MASTER_HOST = 'x'",
        "CHANGE REPLICATION SOURCE TO SOURCE_HOST = 'x'",
        "ALTER TABLE temporary_t ADD a int",
        "/*!40000 ALTER TABLE t DISABLE KEYS */",
        "CREATE ROLE r",
    ];
    all(MySql, &commits, |class| *class == Class::ImplicitCommit);
    let stays = [
        "CREATE TEMPORARY TABLE t (a int)",
        "CREATE OR REPLACE TEMPORARY TABLE t (a int)",
        "DROP TEMPORARY TABLE t",
        "DROP PREPARE p",
        "INSERT INTO t VALUES (1)",
        "REPLACE INTO t VALUES (1)",
        "LOAD DATA INFILE 'x' INTO TABLE t",
        "SET @a = 1",
        "SET ROLE r",
        "RESET PERSIST x",
        "SELECT 1",
        "DELETE FROM t",
        "USE d",
        "PREPARE p FROM 'DROP TABLE t'",
    ];
    all(MySql, &stays, |class| *class == Class::Transactional);
}

#[test]
fn what_may_run_anything() {
    let opaque = [
        "CALL p()",
        "EXECUTE p",
        "EXECUTE IMMEDIATE 'DROP TABLE t'",
        "BEGIN NOT ATOMIC SELECT 1; END",
        "IF 1 THEN SELECT 1; END IF",
        "LOOP SELECT 1; END LOOP",
        "again: LOOP SELECT 1; END LOOP",
        "WHILE 0 DO SELECT 1; END WHILE",
    ];
    all(MySql, &opaque, |class| {
        matches!(class, Class::Opaque { .. })
    });
    all(Postgres, &["CALL p()"], |class| {
        matches!(class, Class::Opaque { .. })
    });
    assert_eq!(classify("DO 'BEGIN END'", Postgres), Class::Transactional);
    assert!(atomic_step_errors("CALL p()", Some(MySql)).is_empty());
}

#[test]
fn set_local_is_refused_outside_atomic_steps() {
    let errors = any_step_errors("SELECT 1;\nSET LOCAL a = 1;", Some(Postgres));
    assert_eq!((errors[0].code, errors[0].line), ("silent_no_op", 2));
    assert!(atomic_step_errors("SET LOCAL a = 1", Some(Postgres)).is_empty());
    assert!(any_step_errors("SET LOCAL a = 1", Some(MySql)).is_empty());
}

#[track_caller]
fn codes(sql: &str, database: Option<Database>) -> Vec<(&'static str, u32)> {
    let errors = atomic_step_errors(sql, database);
    assert!(errors.iter().all(|error| !error.help.is_empty()));
    errors
        .iter()
        .map(|error| (error.code, error.line))
        .collect()
}

#[test]
fn an_atomic_step_has_no_transactions_of_its_own() {
    let sql = "SELECT 1;\nBEGIN;\nVACUUM;\nSAVEPOINT a; ROLLBACK TO a;\nCOMMIT;";
    assert_eq!(
        codes(sql, Some(Postgres)),
        [
            ("transaction_control", 2),
            ("outside_transaction", 3),
            ("transaction_control", 5)
        ]
    );
    assert_eq!(codes(sql, None), codes(sql, Some(Postgres)));
    assert_eq!(
        codes("COPY t FROM STDIN;", Some(Postgres)),
        [("copy_stream", 1)]
    );
    assert_eq!(
        codes("PRAGMA foreign_keys = OFF;", Some(Sqlite)),
        [("silent_no_op", 1)]
    );
    assert!(
        atomic_step_errors("PRAGMA foreign_keys = OFF;", Some(Sqlite))[0]
            .help
            .contains("`-- migrate: foreign_keys = off`")
    );
    assert_eq!(codes("CREATE TABLE t (a int);", Some(MySql)), []);
    assert_eq!(
        codes("LOCK TABLES t WRITE;", Some(MySql)),
        [("transaction_control", 1)]
    );
    assert_eq!(codes("SELECT 'BEGIN'; -- COMMIT;\n", Some(Sqlite)), []);
    assert_eq!(
        codes(
            "CREATE TRIGGER t INSERT ON x BEGIN SELECT 1; END;",
            Some(Sqlite)
        ),
        []
    );
    assert_eq!(codes("SELECT 'open", Some(Sqlite)), []);
}

#[test]
fn without_a_database_only_what_is_wrong_everywhere_it_can_run_is_reported() {
    for sql in [
        "LOCK TABLE t;",
        "CREATE DATABASE d;",
        "DROP DATABASE d;",
        "CREATE TABLE t (a int);",
        "DO $$ BEGIN COMMIT; END $$;",
    ] {
        assert_eq!(codes(sql, None), [], "{sql}");
    }
    for sql in [
        "BEGIN;",
        "VACUUM;",
        "PRAGMA journal_mode = WAL;",
        "CREATE INDEX CONCURRENTLY i ON t (a);",
        "COPY t FROM STDIN;",
        "SET autocommit = 0;",
        "ATTACH 'x' AS y;",
        "END;",
        "LOCK TABLES t WRITE;",
    ] {
        assert_eq!(codes(sql, None).len(), 1, "{sql}");
    }
}

#[test]
fn copy_streams_are_errors_in_every_step() {
    assert_eq!(
        any_step_errors("SELECT 1;\nCOPY t TO STDOUT;", Some(Postgres))[0].line,
        2
    );
    assert_eq!(any_step_errors("COPY t FROM STDIN;", None).len(), 1);
    assert_eq!(any_step_errors("COPY t FROM STDIN;", Some(Sqlite)), []);
    for database in [None, Some(Sqlite), Some(Postgres), Some(MySql)] {
        let errors = any_step_errors("SELECT 1;\nCOMMIT;\nVACUUM;", database);
        assert_eq!(
            (errors.len(), errors[0].line),
            (1, 2),
            "{database:?}: {errors:?}"
        );
    }
    assert_eq!(
        any_step_errors("VACUUM; COPY t FROM '/x';", Some(Postgres)),
        []
    );
}

#[test]
fn a_step_whose_progress_is_written_may_write() {
    for database in [None, Some(Sqlite)] {
        for sql in [
            "SELECT 1;\nPRAGMA query_only = ON;",
            "SELECT 1;\npragma main.query_only(1)",
            "SELECT 1;\nPRAGMA query_only = 'yes'",
            "SELECT 1;\nPRAGMA query_only = +01",
            "SELECT 1;\nPRAGMA query_only = 0x1",
            "SELECT 1;\nPRAGMA query_only = [on]",
            "SELECT 1;\nPRAGMA \"query_only\" = 1",
            "SELECT 1;\nPRAGMA 'Query_Only' = 1",
            "SELECT 1;\nPRAGMA [main].`query_only`(1)",
        ] {
            let errors = any_step_errors(sql, database);
            let found: Vec<_> = errors.iter().map(|e| (e.code, e.line)).collect();
            assert_eq!(found, [("query_only", 2)], "{sql}");
            assert_eq!(atomic_step_errors(sql, database), [], "{sql}");
        }
        for sql in [
            "PRAGMA query_only",
            "PRAGMA query_only = OFF",
            "PRAGMA query_only(0)",
            "PRAGMA query_only = 00",
            "PRAGMA query_only = +0",
            "PRAGMA query_only = 0x0",
            "PRAGMA query_only = '0.0'",
            "PRAGMA main.\"query_only\" = \"Off\"",
            "SELECT 'PRAGMA query_only = ON'",
        ] {
            assert_eq!(any_step_errors(sql, database), [], "{sql}");
        }
    }
    assert_eq!(any_step_errors("PRAGMA query_only = ON", Some(MySql)), []);
}

#[test]
fn rebuilt_tables() {
    let rebuilds = [
        (
            "CREATE TABLE n (a);\nDROP TABLE t;\nALTER TABLE n RENAME TO t;",
            2,
        ),
        (
            "CREATE TABLE n (a); DROP TABLE IF EXISTS main.\"T\";\nALTER TABLE n RENAME TO [t];",
            1,
        ),
        (
            "ALTER TABLE t RENAME TO old;\nCREATE TABLE t (a);\nINSERT INTO t SELECT a FROM old;\nDROP TABLE old;",
            4,
        ),
    ];
    for (sql, line) in rebuilds {
        let error = table_rebuild_risk(sql).expect(sql);
        assert_eq!((error.code, error.line), ("table_rebuild", line));
        assert!(error.help.contains("foreign_keys = off"));
    }
    for sql in [
        "DROP TABLE t;",
        "ALTER TABLE n RENAME TO t;",
        "DROP TABLE a; ALTER TABLE b RENAME TO c;",
        "ALTER TABLE t RENAME COLUMN a TO b; DROP TABLE b;",
        "SELECT 'DROP TABLE t; ALTER TABLE n RENAME TO t';",
        "SELECT 'open",
    ] {
        assert_eq!(table_rebuild_risk(sql), None, "{sql}");
    }
}

#[track_caller]
fn target(statement: &str, database: Database) -> String {
    probe_target(statement, database).map_or("none".to_owned(), |target| {
        format!("{target:?}").replace("Some(", "(").replace('"', "")
    })
}

#[test]
fn targets() {
    let cases = [
        (
            Postgres,
            "CREATE TABLE Users (id int)",
            "CreateTable { schema: None, name: users }",
        ),
        (
            Postgres,
            "CREATE UNLOGGED TABLE IF NOT EXISTS app.\"Users\" (id int)",
            "CreateTable { schema: (app), name: Users }",
        ),
        (
            Sqlite,
            "CREATE TABLE [a b] (id int)",
            "CreateTable { schema: None, name: a b }",
        ),
        (
            MySql,
            "CREATE TABLE `a``b`.`C` (id int)",
            "CreateTable { schema: (a`b), name: C }",
        ),
        (Postgres, "CREATE TEMP TABLE t (id int)", "none"),
        (Postgres, "CREATE TABLE a.b.c (id int)", "none"),
        (
            Postgres,
            "DROP TABLE t CASCADE",
            "DropTable { schema: None, name: t }",
        ),
        (Postgres, "DROP TABLE a, b", "none"),
        (
            Postgres,
            "DROP TABLE IF EXISTS s.t;",
            "DropTable { schema: (s), name: t }",
        ),
        (
            Postgres,
            "CREATE VIEW v AS SELECT 1",
            "CreateView { schema: None, name: v }",
        ),
        (Postgres, "CREATE OR REPLACE VIEW v AS SELECT 1", "none"),
        (Sqlite, "DROP VIEW v", "DropView { schema: None, name: v }"),
        (
            Postgres,
            "CREATE UNIQUE INDEX CONCURRENTLY I ON ONLY s.t USING btree (a, b)",
            "CreateIndex { schema: (s), name: i, table: t }",
        ),
        (Postgres, "CREATE INDEX ON t (a)", "none"),
        (
            Sqlite,
            "CREATE INDEX main.i ON t (a)",
            "CreateIndex { schema: (main), name: i, table: t }",
        ),
        (
            MySql,
            "CREATE FULLTEXT INDEX i ON d.t (a)",
            "CreateIndex { schema: (d), name: i, table: t }",
        ),
        (
            Postgres,
            "DROP INDEX CONCURRENTLY IF EXISTS s.i",
            "DropIndex { schema: (s), name: i, table: None }",
        ),
        (
            MySql,
            "DROP INDEX i ON t ALGORITHM = INPLACE",
            "DropIndex { schema: None, name: i, table: (t) }",
        ),
        (MySql, "DROP INDEX i", "none"),
        (
            Postgres,
            "ALTER TABLE IF EXISTS ONLY s.t ADD COLUMN IF NOT EXISTS c numeric(1, 2) DEFAULT 0",
            "AddColumn { schema: (s), table: t, column: c }",
        ),
        (
            MySql,
            "ALTER TABLE t ADD c int",
            "AddColumn { schema: None, table: t, column: c }",
        ),
        (MySql, "ALTER TABLE t ADD INDEX (c)", "none"),
        (MySql, "ALTER TABLE t ADD (a int)", "none"),
        (
            Postgres,
            "ALTER TABLE t ADD CONSTRAINT c CHECK (a > 1)",
            "none",
        ),
        (Postgres, "ALTER TABLE t ADD a int, ADD b int", "none"),
        (
            Postgres,
            "ALTER TABLE t DROP COLUMN IF EXISTS c CASCADE",
            "DropColumn { schema: None, table: t, column: c }",
        ),
        (Postgres, "ALTER TABLE t DROP CONSTRAINT c", "none"),
        (MySql, "ALTER TABLE t DROP PRIMARY KEY", "none"),
        (Postgres, "ALTER TABLE t DROP a, DROP b", "none"),
        (
            Sqlite,
            "ALTER TABLE a RENAME TO b",
            "RenameTable { schema: None, from: a, to: b }",
        ),
        (
            MySql,
            "ALTER TABLE a RENAME AS b",
            "RenameTable { schema: None, from: a, to: b }",
        ),
        (
            MySql,
            "RENAME TABLE d.a TO d.b",
            "RenameTable { schema: (d), from: a, to: b }",
        ),
        (MySql, "RENAME TABLE a TO other.b", "none"),
        (MySql, "RENAME TABLE a TO b, c TO d", "none"),
        (Sqlite, "ALTER TABLE a RENAME COLUMN b TO c", "none"),
        (Postgres, "UPDATE t SET a = 1", "none"),
        (Postgres, "CREATE TABLE", "none"),
        (Postgres, "ALTER TABLE t", "none"),
        (Postgres, "", "none"),
    ];
    for (database, statement, expected) in cases {
        assert_eq!(target(statement, database), expected, "{statement}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_mistake_without_a_telling_word(words in prop::collection::vec(prop::sample::select(vec![
        "BEGIN", "COMMIT", "END", "ABORT", "ROLLBACK", "START", "TRANSACTION", "PREPARE", "XA", "LOCK", "TABLES", "UNLOCK",
        "COPY", "FROM", "STDIN", "VACUUM", "ATTACH", "DETACH", "PARTITION", "PRAGMA", "foreign_keys", "encoding", "REINDEX",
        "CLUSTER", "DISCARD", "ALL", "CREATE", "DROP", "ALTER", "TABLE", "INDEX", "CONCURRENTLY", "DATABASE", "TABLESPACE",
        "SUBSCRIPTION", "REFRESH", "PUBLICATION", "SYSTEM", "SET", "@@autocommit", "autocommit", "=", "0", ";", "a", "(", ")",
        "/*!", "/*!50003", "*/", "DELIMITER", "x\n", "\n", "xx", "COMMITxx", "'", "\"", "$$", "STOP", "RESET", "FLUSH", "LOAD",
    ]), 0..8), glue in prop::sample::select(vec!["", " ", ";"])) {
        let sql = words.join(glue);
        if !TELLING.occur_in(&sql) {
            for database in [None, Some(Sqlite), Some(Postgres), Some(MySql)] {
                prop_assert_eq!(statement_errors(&sql, database), vec![]);
            }
        }
    }

    #[test]
    fn nothing_panics(words in prop::collection::vec(prop::sample::select(vec![
        "CREATE", "DROP", "ALTER", "TABLE", "INDEX", "CONCURRENTLY", "ON", "a", "\"b\"", "`c`", "[d]", ".", ",", "(", ")",
        "RENAME", "TO", "ADD", "COLUMN", "IF", "NOT", "EXISTS", "SET", "PRAGMA", "=", "REINDEX", "COPY", "FROM", "STDIN",
        "ROLLBACK", ";", "'", "\"", "é", "\\", "/*!",
    ]), 0..12)) {
        let statement = words.join(" ");
        for database in Database::ALL {
            let _ = (classify(&statement, database), probe_target(&statement, database), atomic_step_errors(&statement, Some(database)));
        }
        let _ = (atomic_step_errors(&statement, None), table_rebuild_risk(&statement));
    }
}
