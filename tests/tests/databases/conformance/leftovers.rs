//! Settings, locks and tables that a step leaves in its session reach nobody else.

use migrate_core::{History, Migrator};
use migrate_tests::{Db, Function, TestDatabase, done, each_database, steps};

use super::sql::ITEM;

each_database! {
    all: a_pool_never_sees_what_steps_left, a_failed_step_leaves_the_pool_as_it_was;
    servers: the_next_step_starts_afresh, temporary_tables_and_locks_end_with_their_step;
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
