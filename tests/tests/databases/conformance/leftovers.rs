//! Settings, locks and tables that a step leaves in its session reach nobody else.

use migrate_core::{History, Migrator};
use migrate_tests::{Db, Function, TestDatabase, done, each_database, steps};

use super::sql::ITEM;

each_database! {
    all: settings_end_with_their_step, a_pool_never_sees_what_steps_left, a_failed_step_leaves_the_pool_as_it_was;
    servers: the_next_step_starts_afresh, temporary_tables_and_locks_end_with_their_step,
        a_role_ends_with_its_step;
}

/// What steps may leave behind, and a query that shows it.
fn settings(db: Db) -> (&'static str, &'static str) {
    match db {
        Db::Sqlite => (
            "PRAGMA cache_size = 77; PRAGMA case_sensitive_like = ON; CREATE TEMP TABLE IF NOT EXISTS left_over (id INT);",
            "SELECT (SELECT count(*) FROM sqlite_temp_master) || ' ' || ('a' LIKE 'A')",
        ),
        Db::Postgres => (
            "SELECT set_config('search_path', '', false); SET statement_timeout = '77s'; \
             SET standard_conforming_strings = off; SELECT pg_advisory_lock(77); \
             CREATE TEMP TABLE IF NOT EXISTS left_over (id INT); \
             SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY;",
            "SELECT current_setting('search_path') || ' ' || current_setting('statement_timeout') \
             || ' ' || current_setting('default_transaction_read_only') || ' ' || \
             current_setting('standard_conforming_strings') || ' ' || current_user || ' ' || \
             (SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()) \
             || coalesce(to_regclass('pg_temp.left_over')::text, '')",
        ),
        Db::MySql => (
            "SET SESSION sql_mode = 'ANSI_QUOTES'; SET SESSION max_statement_time = 77; \
             SET @mine = 7; DO GET_LOCK('left', 0); SET SESSION foreign_key_checks = 0; \
             CREATE TEMPORARY TABLE IF NOT EXISTS left_over (id INT);",
            "SELECT CAST(concat_ws(' ', @@sql_mode, @@max_statement_time, @mine, @@foreign_key_checks, \
             @@autocommit, @@tx_read_only, IS_USED_LOCK('left') <=> CONNECTION_ID()) AS CHAR)",
        ),
    }
}

/// The settings as a text of statements, one function that sets them, and steps that work after.
fn leaves_them(db: Db, atomic: bool) -> History {
    let (set, _) = settings(db);
    let header = if atomic {
        ""
    } else {
        "-- migrate: atomic = false\n"
    };
    let second = format!("{header}{set}");
    let function = Function::new("fill_v1_2026_01_02", move |cx| {
        Box::pin(async move {
            cx.conn()
                .script(set.to_owned())
                .await
                .map_err(|f| f.error)?;
            done(())
        })
    })
    .after(&["0003_three"])
    .non_atomic()
    .build();
    steps(&[
        ("0001_initial.sql", ITEM),
        ("0002_two.sql", &second),
        ("0003_three.sql", "INSERT INTO item VALUES (3, 'x')"),
        ("0004_four.sql", "-- migrate: after = [\"0003_three\", \"fill_v1_2026_01_02\"]\nINSERT INTO item VALUES (4, 'x')"),
    ])
    .function(function)
    .build()
    .unwrap()
}

async fn a_pool_never_sees_what_steps_left(db: Db) {
    let (_, show) = settings(db);
    for atomic in [true, false] {
        let database = TestDatabase::create(db).await;
        macro_rules! run {
            ($options:ty) => {{
                let pool = <$options>::new()
                    .max_connections(1)
                    .connect(database.url())
                    .await
                    .unwrap();
                let before: String = sqlx::query_scalar(show).fetch_one(&pool).await.unwrap();
                let report = Migrator::new(&pool, leaves_them(db, atomic))
                    .run()
                    .await
                    .unwrap();
                assert_eq!(report.steps.len(), 5);
                let after: String = sqlx::query_scalar(show).fetch_one(&pool).await.unwrap();
                assert_eq!(after, before);
                sqlx::query("INSERT INTO item VALUES (9, 'app')")
                    .execute(&pool)
                    .await
                    .unwrap();
            }};
        }
        match db {
            Db::Sqlite => run!(sqlx::sqlite::SqlitePoolOptions),
            Db::Postgres => run!(sqlx::postgres::PgPoolOptions),
            Db::MySql => run!(sqlx::mysql::MySqlPoolOptions),
        }
        assert!(database.is_unlocked().await);
        // The run's sessions are gone, and their advisory locks with them.
        assert!(database.sessions().await.len() <= 1);
    }
}

async fn a_failed_step_leaves_the_pool_as_it_was(db: Db) {
    let (set, show) = settings(db);
    let database = TestDatabase::create(db).await;
    let second = format!("-- migrate: atomic = false\n{set}\nINSERT INTO nowhere VALUES (1);");
    let fails = steps(&[("0001_initial.sql", ITEM), ("0002_two.sql", &second)])
        .build()
        .unwrap();
    macro_rules! run {
        ($options:ty) => {{
            let pool = <$options>::new()
                .max_connections(1)
                .connect(database.url())
                .await
                .unwrap();
            let before: String = sqlx::query_scalar(show).fetch_one(&pool).await.unwrap();
            Migrator::new(&pool, fails).run().await.unwrap_err();
            let after: String = sqlx::query_scalar(show).fetch_one(&pool).await.unwrap();
            assert_eq!(after, before);
        }};
    }
    match db {
        Db::Sqlite => run!(sqlx::sqlite::SqlitePoolOptions),
        Db::Postgres => run!(sqlx::postgres::PgPoolOptions),
        Db::MySql => run!(sqlx::mysql::MySqlPoolOptions),
    }
    assert!(database.is_unlocked().await);
    let row = database
        .ledger_row("state, error", "0002_two")
        .await
        .unwrap();
    assert_eq!(
        row[0].as_deref(),
        Some("failed"),
        "the failure was recorded in that session"
    );
}

/// Settings that decide what later statements mean, and a text that shows them.
fn meanings(db: Db) -> (&'static str, &'static str) {
    match db {
        Db::Sqlite => (
            "PRAGMA case_sensitive_like = ON; PRAGMA recursive_triggers = ON; \
             PRAGMA ignore_check_constraints = ON; PRAGMA legacy_alter_table = ON;",
            "('a' LIKE 'A') || (SELECT * FROM pragma_recursive_triggers) || \
             (SELECT * FROM pragma_ignore_check_constraints) || (SELECT * FROM pragma_legacy_alter_table)",
        ),
        Db::Postgres => (
            "SET statement_timeout = '77s'; SET standard_conforming_strings = off;",
            "current_setting('statement_timeout') || current_setting('standard_conforming_strings')",
        ),
        Db::MySql => (
            "SET SESSION sql_mode = 'ANSI_QUOTES,NO_BACKSLASH_ESCAPES'; SET foreign_key_checks = 0; \
             SET time_zone = '+07:00'; SET SESSION lock_wait_timeout = 77; SET NAMES latin1; \
             SET SESSION TRANSACTION ISOLATION LEVEL SERIALIZABLE; USE information_schema;",
            "concat_ws(' ', @@sql_mode, @@foreign_key_checks, @@time_zone, @@lock_wait_timeout, \
             @@character_set_client, @@collation_connection, @@tx_isolation, database())",
        ),
    }
}

fn sets(db: Db, name: &str, after: &str) -> Function {
    let (set, _) = meanings(db);
    let function = Function::new(name, move |cx| {
        Box::pin(async move {
            let script = cx.conn().script(set.to_owned()).await;
            script.map_err(|failed| failed.error)?;
            done(())
        })
    });
    function.after(&[after])
}

async fn settings_end_with_their_step(db: Db) {
    let (set, show) = meanings(db);
    let sees = |header: &str, id: u32| format!("{header}INSERT INTO seen VALUES ({id}, {show});");
    let create = "CREATE TABLE seen (id INT NOT NULL PRIMARY KEY, what VARCHAR(500));";
    let after = |steps: &str| format!("-- migrate: after = [{steps}]\n");
    let files = [
        ("0001_initial.sql", create.to_owned()),
        ("0002_sees.sql", sees("", 1)),
        ("0003_sets.sql", format!("{set} -- Grüße")),
        ("0004_sees.sql", sees("", 2)),
        (
            "0005_sets.sql",
            format!("-- migrate: atomic = false\n{set} -- Grüße"),
        ),
        ("0006_sees.sql", sees("", 3)),
        (
            "0007_sees.sql",
            sees(&after("\"0006_sees\", \"a_v1_2026_01_02\""), 4),
        ),
        (
            "0008_sees.sql",
            sees(&after("\"0007_sees\", \"b_v1_2026_01_02\""), 5),
        ),
    ];
    let files = files.each_ref().map(|(name, text)| (*name, text.as_str()));
    // A fresh SQLite database takes the steps up to the first that is not atomic together.
    for fresh in [true, false] {
        let database = TestDatabase::create(db).await;
        if !fresh {
            database.migrate(steps(&files[..1]).build().unwrap()).await;
        }
        let all = steps(&files)
            .function(sets(db, "a_v1_2026_01_02", "0006_sees").build())
            .function(
                sets(db, "b_v1_2026_01_02", "0007_sees")
                    .non_atomic()
                    .build(),
            )
            .build()
            .unwrap();
        database.migrate(all).await;
        let rows = database.rows("SELECT what FROM seen ORDER BY id").await;
        assert_eq!(rows.len(), 5);
        let differ: Vec<_> = rows.iter().filter(|row| **row != rows[0]).collect();
        assert!(differ.is_empty(), "{differ:?} instead of {:?}", rows[0]);
        for name in ["0003_sets", "0005_sets"] {
            let source = database.ledger_row("source", name).await.unwrap();
            assert!(
                source[0].as_deref().unwrap().contains("Grüße"),
                "{source:?}"
            );
        }
    }
}

async fn the_next_step_starts_afresh(db: Db) {
    if !db.capabilities().schemas {
        return;
    }
    for atomic in [true, false] {
        let database = TestDatabase::create(db).await;
        // Each kind of step after one that left its settings; all name `item` without a schema.
        assert_eq!(database.migrate(leaves_them(db, atomic)).await.len(), 5);
        assert_eq!(database.count("SELECT count(*) FROM item").await, 2);
    }
}

async fn temporary_tables_and_locks_end_with_their_step(db: Db) {
    if db != Db::Postgres {
        // Other servers have no statement for it; the documentation says so.
        return;
    }
    let database = TestDatabase::create(db).await;
    // Each gets its temporary table, and counts the locks it finds.
    let text = |header: &str, id: i32| {
        format!(
            "{header}CREATE TEMP TABLE left_over (id INT);\n\
             INSERT INTO item SELECT {id} + count(*), 'x' FROM pg_locks \
             WHERE locktype = 'advisory' AND pid = pg_backend_pid();\n\
             SELECT pg_advisory_lock(77);"
        )
    };
    let files = [
        ("0001_initial.sql", ITEM.to_owned()),
        ("0002_two.sql", text("", 10)),
        ("0003_three.sql", text("", 20)),
        ("0004_four.sql", text("-- migrate: atomic = false\n", 40)),
        ("0005_five.sql", text("", 80)),
    ];
    let files = files.each_ref().map(|(name, text)| (*name, text.as_str()));
    let report = database
        .migrator(steps(&files).build().unwrap())
        .run()
        .await
        .unwrap();
    assert_eq!(report.steps.len(), 5);
    assert_eq!(database.count("SELECT sum(id) FROM item").await, 150);
}

async fn a_role_ends_with_its_step(db: Db) {
    for atomic in [true, false] {
        let database = TestDatabase::create(db).await;
        let role = format!("{}_role", database.name());
        let rights = match db {
            // A role of MariaDB adds to the rights of the user.
            Db::MySql => format!("CREATE ROLE {role}"),
            _ => format!("CREATE ROLE {role} SUPERUSER"),
        };
        database.execute(&rights).await;
        let header = match atomic {
            true => "",
            false => "-- migrate: atomic = false\n",
        };
        let shown = match db {
            Db::MySql => "coalesce(CURRENT_ROLE(), 'none')",
            _ => "CASE current_user WHEN session_user THEN 'none' ELSE current_user END",
        };
        let sets = format!("{header}SET ROLE {role}; INSERT INTO item SELECT 2, {shown};");
        let next = format!("INSERT INTO item SELECT 3, {shown}");
        let files = [
            ("0001_initial.sql", ITEM),
            ("0002_sets.sql", sets.as_str()),
            ("0003_next.sql", next.as_str()),
        ];
        let report = database
            .migrator(steps(&files).build().unwrap())
            .run()
            .await;
        let names = database.rows("SELECT name FROM item ORDER BY id").await;
        let drop = match db {
            Db::MySql => format!("DROP ROLE {role}"),
            _ => format!("DROP OWNED BY {role}; DROP ROLE {role}"),
        };
        database.execute(&drop).await;
        report.unwrap();
        let names: Vec<_> = names.iter().map(|row| row[0].as_deref()).collect();
        assert_eq!(names, [Some(role.as_str()), Some("none")]);
    }
}
