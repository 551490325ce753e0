//! Bad input: a code, a next command, nothing half-done, and no password in any text.

use std::collections::HashSet;
use std::error::Error as _;

use migrate_core::{Error, ErrorCode, History, LedgerName, Migrator, Target};
use migrate_tests::{
    Connection, Db, Function, Scope, TestDatabase, each_database, history, names, steps,
};

use super::sql::{ITEM, PASSWORD, Role};

each_database! {
    all: urls_that_are_none, damaged_rows_are_named, a_newer_ledger_is_left_alone,
        lost_tables_are_damage, damaged_lock_rows_are_named, a_borrowed_connection_works,
        an_open_transaction_is_refused, a_pool_of_one_works, ledgers_stand_apart,
        histories_that_do_not_fit_together, steps_that_cannot_run_here,
        a_ledger_of_a_foreign_shape_is_named;
    servers: a_wrong_password_is_never_shown, an_unreachable_server, an_unknown_database,
        the_help_grants_what_writing_needs, the_help_grants_what_the_ledgers_schema_needs;
}

const FILES: [(&str, &str); 2] = [
    ("0001_initial.sql", ITEM),
    ("0002_two.sql", "INSERT INTO item VALUES (1, 'a')"),
];

/// What any text of an error could give away.
fn whole(error: &Error) -> String {
    let mut text = format!("{error}\n{error:?}\n{error:#?}\n");
    let mut source = error.source();
    while let Some(inner) = source {
        text.push_str(&format!("{inner}\n{inner:?}\n"));
        source = inner.source();
    }
    text + &serde_json::to_string(error).unwrap()
}

async fn urls_that_are_none(_: Db) {
    for url in [
        "",
        "nonsense",
        "http://user:s3cret@host/x",
        "postgres//missing",
        "sqlite",
        "mssql://x",
        "postgres://user:s3cret@host:port/x",
        "mysql://user:s3cret@[::1/x",
        "oracle:s3cret",
        "postgres://user:s3cret@host/x?sslmode=s3cret",
        "mysql://u:s3cret@h/x?ssl-mode=s3cret",
    ] {
        let error = Target::from_url(url).unwrap_err();
        assert_eq!(error.code(), ErrorCode::BadUrl, "{url}: {error}");
        assert!(!whole(&error).contains("s3cret"), "{url}: {error:?}");
        assert!(!error.helps().is_empty(), "{url}");
    }
}

async fn a_wrong_password_is_never_shown(db: Db) {
    let database = TestDatabase::create(db).await;
    let role = Role::create(&database).await;
    let wrong = "wr0ng-s3cret";
    let url = database.url_as(&role.name, wrong);
    let migrator = Migrator::new(Target::from_url(&url).unwrap(), history(&FILES));
    assert!(!format!("{migrator:?} {:#?}", migrator).contains(wrong));
    for error in [
        migrator.run().await.unwrap_err(),
        migrator.status().await.unwrap_err(),
        migrator.lock_status().await.unwrap_err(),
    ] {
        assert_eq!(error.code(), ErrorCode::LoginRefused, "{error}");
        assert!(!error.helps().is_empty());
        let text = whole(&error);
        assert!(!text.contains(wrong) && !text.contains(PASSWORD), "{text}");
    }
}

async fn an_unreachable_server(db: Db) {
    let database = TestDatabase::create(db).await;
    // A port that was free a moment ago, with nobody behind it.
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = free.local_addr().unwrap().port();
    drop(free);
    let mut url = url::Url::parse(database.url()).unwrap();
    url.set_port(Some(port)).unwrap();
    url.set_password(Some("s3cret")).unwrap();
    let migrator = Migrator::new(Target::from_url(url.as_str()).unwrap(), history(&FILES));
    let error = migrator.run().await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::ConnectFailed, "{error}");
    assert!(error.helps()[0].contains("server is running"), "{error}");
    assert!(!whole(&error).contains("s3cret"));
}

async fn an_unknown_database(db: Db) {
    let database = TestDatabase::create(db).await;
    let mut url = url::Url::parse(database.url()).unwrap();
    url.set_path("no_such_database");
    let migrator = Migrator::new(Target::from_url(url.as_str()).unwrap(), history(&FILES));
    let error = migrator.run().await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::ConnectFailed, "{error}");
    assert!(error.message().contains("no_such_database"), "{error}");
    assert!(error.helps()[0].contains("create the database"), "{error}");
}

/// Executes what the help says that an administrator does.
pub(super) async fn do_as_told(database: &TestDatabase, role: &Role, error: &Error) {
    assert_eq!(error.code(), ErrorCode::PermissionDenied, "{error}");
    assert!(!whole(error).contains(PASSWORD), "{error}");
    let help = &error.helps()[0];
    let (_, statements) = help.split_once(" grant it: `").expect(help);
    let mut statements = statements.trim_end_matches('`').to_owned();
    if database.db() == Db::MySql {
        // The server names the host from which the user comes; the account stands for every host.
        for host in ["localhost", "127.0.0.1", "::1"] {
            statements = statements.replace(&format!("'{}'@'{host}'", role.name), &role.quoted);
        }
    }
    assert!(statements.contains(&role.name), "{error}");
    database.execute(&statements).await;
}

async fn the_help_grants_what_writing_needs(db: Db) {
    let database = TestDatabase::create(db).await;
    let file = ("0001_one.sql", "SELECT 1");
    database.migrate(history(&[file])).await;
    let role = Role::create(&database).await;
    role.grant_select(&database).await;
    // Enough to take the lock, and not to record a step.
    for table in ["migrate_lock", "migrate_lease"] {
        let table = match db {
            Db::MySql => format!("{}.{table}", database.name()),
            _ => table.to_owned(),
        };
        let sql = format!("GRANT UPDATE ON {table} TO {}", role.quoted);
        database.execute(&sql).await;
    }
    let target = || Target::from_url(&role.url(&database)).unwrap();
    let half = "-- migrate: atomic = false\nSELECT 1; SELECT 2";
    let mut last = None;
    for second in ["SELECT 1", half] {
        let migrator = Migrator::new(target(), history(&[file, ("0002_two.sql", second)]));
        for error in [
            migrator.run().await.unwrap_err(),
            migrator.mark("0002", None).await.unwrap_err(),
            migrator.unmark("0001", None).await.unwrap_err(),
        ] {
            let help = error.helps().join(" ");
            assert!(help.contains("GRANT") && help.contains("INSERT"), "{error}");
            assert!(help.contains("migrate_steps"), "{error}");
            last = Some(error);
        }
    }
    do_as_told(&database, &role, &last.unwrap()).await;
    let migrator = Migrator::new(target(), history(&[file, ("0002_two.sql", half)]));
    assert_eq!(migrator.run().await.unwrap().steps.len(), 1);
}

async fn the_help_grants_what_the_ledgers_schema_needs(db: Db) {
    if !db.capabilities().schemas {
        return;
    }
    let database = TestDatabase::create(db).await;
    let role = Role::create(&database).await;
    role.grant_connect(&database).await;
    let target = Target::from_url(&role.url(&database)).unwrap();
    let ops = LedgerName::new(Some("ops"), "migrate").unwrap();
    let migrator = Migrator::new(target, history(&[("0001_one.sql", "SELECT 1")])).ledger(ops);
    let error = migrator.run().await.unwrap_err();
    let name = format!("GRANT CREATE ON DATABASE \"{}\"", database.name());
    assert!(error.helps()[0].contains(&name), "{error}");
    do_as_told(&database, &role, &error).await;
    assert_eq!(migrator.run().await.unwrap().steps.len(), 1);
}

async fn damaged_rows_are_named(db: Db) {
    for damage in [
        "state = 'done'",
        "state = ''",
        "total = -1",
        "done = -5",
        "intent = -1",
    ] {
        let database = TestDatabase::create(db).await;
        database.migrate(history(&FILES)).await;
        let sql = format!("UPDATE migrate_steps SET {damage} WHERE name = '0002_two'");
        database.execute(&sql).await;
        let before = database.dump(Scope::Everything).await;
        let migrator = database.migrator(history(&FILES));
        for error in [
            migrator.run().await.unwrap_err(),
            migrator.status().await.unwrap_err(),
            migrator.dry_run().await.unwrap_err(),
            migrator.mark("0002", None).await.unwrap_err(),
        ] {
            assert_eq!(error.code(), ErrorCode::LedgerDamaged, "{damage}: {error}");
            assert!(
                error.message().contains("shop.0002_two"),
                "{damage}: {error}"
            );
            assert!(error.helps()[0].contains("SELECT"), "{damage}: {error}");
        }
        assert_eq!(database.dump(Scope::Everything).await, before);
    }
}

async fn a_newer_ledger_is_left_alone(db: Db) {
    let database = TestDatabase::create(db).await;
    database.migrate(history(&FILES[..1])).await;
    for (version, code) in [
        (99, ErrorCode::LedgerNewer),
        (0, ErrorCode::LedgerDamaged),
        (-1, ErrorCode::LedgerDamaged),
    ] {
        database
            .execute(&format!("UPDATE migrate_meta SET version = {version}"))
            .await;
        let before = database.dump(Scope::Everything).await;
        let migrator = database.migrator(history(&FILES));
        for error in [
            migrator.run().await.unwrap_err(),
            migrator.status().await.unwrap_err(),
        ] {
            assert_eq!(error.code(), code, "{error}");
            assert!(!error.helps().is_empty());
        }
        assert_eq!(database.dump(Scope::Everything).await, before);
    }
}

async fn lost_tables_are_damage(db: Db) {
    for table in ["migrate_steps", "migrate_lock", "migrate_lease"] {
        let database = TestDatabase::create(db).await;
        database.migrate(history(&FILES[..1])).await;
        database.execute(&format!("DROP TABLE {table}")).await;
        let before = database.dump(Scope::Everything).await;
        let error = database.refused(history(&FILES)).await;
        assert_eq!(error.code(), ErrorCode::LedgerDamaged, "{table}: {error}");
        assert!(!error.helps().is_empty());
        assert_eq!(database.dump(Scope::Everything).await, before, "{table}");
        if table != "migrate_steps" {
            database
                .migrator(history(&FILES))
                .release_lock(true)
                .await
                .unwrap();
            assert_eq!(
                database.migrate(history(&FILES)).await,
                ["0002_two"],
                "{table}"
            );
        }
    }
}

async fn damaged_lock_rows_are_named(db: Db) {
    for damage in [
        "DELETE FROM migrate_lock",
        "DELETE FROM migrate_lease",
        "UPDATE migrate_lock SET token = 77",
        "UPDATE migrate_lease SET token = 77",
    ] {
        let database = TestDatabase::create(db).await;
        database.migrate(history(&FILES[..1])).await;
        database.execute(damage).await;
        let before = database.dump(Scope::Everything).await;
        let error = database.refused(history(&FILES)).await;
        assert_eq!(error.code(), ErrorCode::LedgerDamaged, "{damage}: {error}");
        assert_eq!(database.dump(Scope::Everything).await, before, "{damage}");
        let migrator = database.migrator(history(&FILES));
        let status = migrator.lock_status().await.unwrap_err();
        assert_eq!(
            status.code(),
            ErrorCode::LedgerDamaged,
            "{damage}: {status}"
        );
        assert_eq!(migrator.status().await.unwrap().pending, 1);
        let unsure = migrator.release_lock(false).await.unwrap_err();
        assert_eq!(unsure.code(), ErrorCode::LedgerDamaged);
        // What the help says leads out.
        assert!(
            error.helps()[0].contains("migrate lock release --force"),
            "{error}"
        );
        migrator.release_lock(true).await.unwrap();
        assert!(migrator.lock_status().await.unwrap().token > 77 || !damage.contains("77"));
        assert_eq!(
            database.migrate(history(&FILES)).await,
            ["0002_two"],
            "{damage}"
        );
    }
    // A holder that nobody can read is unknown, and no reason to fail once its lease is over.
    let database = TestDatabase::create(db).await;
    database.migrate(history(&FILES[..1])).await;
    database.execute("UPDATE migrate_lock SET holder = 'x', session = 'y'; UPDATE migrate_lease SET expires_at = 5").await;
    let status = database
        .migrator(history(&FILES))
        .lock_status()
        .await
        .unwrap();
    assert!(status.held && !status.dead && status.holder.unwrap().contains("unknown"));
    assert_eq!(database.migrate(history(&FILES)).await, ["0002_two"]);
}

/// A migrator on a user's own connection.
fn borrowed(connection: &mut Connection, history: History) -> Migrator<'_> {
    match connection {
        Connection::Sqlite(connection) => Migrator::new(connection, history),
        Connection::Postgres(connection) => Migrator::new(connection, history),
        Connection::MySql(connection) => Migrator::new(connection, history),
    }
}

async fn a_borrowed_connection_works(db: Db) {
    let database = TestDatabase::create(db).await;
    let mut connection = database.connect().await;
    let function = || {
        Function::sql("fill_v1_2026_01_02", "INSERT INTO item VALUES (7, 'x')")
            .after(&["0001_initial"])
            .build()
    };
    let all = |last: &str| {
        let last = format!("-- migrate: atomic = false\nINSERT INTO item VALUES (8, 'x');\n{last}");
        steps(&FILES)
            .sql("shop", "0003_last.sql", &last)
            .function(function())
            .build()
            .unwrap()
    };
    let error = borrowed(&mut connection, all("INSERT INTO nowhere VALUES (1)"))
        .run()
        .await
        .unwrap_err();
    assert_eq!(error.code(), ErrorCode::StepFailed, "{error}");
    assert_eq!(error.progress().unwrap().applied.len(), 3);
    // The connection is the user's again, as it was.
    assert_eq!(
        connection.rows("SELECT count(*) FROM item").await,
        [[Some("3".to_owned())]]
    );
    assert!(database.is_unlocked().await);
    let good = all("INSERT INTO item VALUES (9, 'x')");
    let report = borrowed(&mut connection, good.clone()).run().await.unwrap();
    assert_eq!(names(&report.steps), ["0003_last"]);
    assert!(
        borrowed(&mut connection, good.clone())
            .run()
            .await
            .unwrap()
            .steps
            .is_empty()
    );
    assert_eq!(
        borrowed(&mut connection, good)
            .status()
            .await
            .unwrap()
            .pending,
        0
    );
    connection
        .execute("INSERT INTO item VALUES (10, 'mine')")
        .await;
}

async fn an_open_transaction_is_refused(db: Db) {
    let database = TestDatabase::create(db).await;
    database.execute("CREATE TABLE other (id INT)").await;
    for (first, aborted) in [
        ("INSERT INTO other VALUES (1)", false),
        ("SELECT fail FROM nowhere", true),
    ] {
        let mut connection = database.connect().await;
        connection.execute("BEGIN").await;
        connection.try_execute(first).await.ok();
        for _ in 0..2 {
            let error = borrowed(&mut connection, history(&FILES))
                .run()
                .await
                .unwrap_err();
            assert_eq!(error.code(), ErrorCode::InTransaction, "{first}: {error}");
        }
        if !aborted {
            // It is still the user's to commit.
            connection.execute("COMMIT").await;
            assert_eq!(database.count("SELECT count(*) FROM other").await, 1);
        }
        assert!(!database.has_table("migrate_meta").await);
    }
}

async fn a_pool_of_one_works(db: Db) {
    let database = TestDatabase::create(db).await;
    macro_rules! run {
        ($options:ty) => {{
            let pool = <$options>::new()
                .max_connections(1)
                .connect(database.url())
                .await
                .unwrap();
            // Even while the application has its one connection in use.
            let held = pool.acquire().await.unwrap();
            let report = Migrator::new(&pool, history(&FILES)).run().await.unwrap();
            assert_eq!(names(&report.steps), ["0001_initial", "0002_two"]);
            drop(held);
            assert!(
                Migrator::new(&pool, history(&FILES))
                    .run()
                    .await
                    .unwrap()
                    .steps
                    .is_empty()
            );
        }};
    }
    match db {
        Db::Sqlite => run!(sqlx::sqlite::SqlitePoolOptions),
        Db::Postgres => run!(sqlx::postgres::PgPoolOptions),
        Db::MySql => run!(sqlx::mysql::MySqlPoolOptions),
    }
}

async fn ledgers_stand_apart(db: Db) {
    for (schema, prefix) in [
        ("", "migrate"),
        ("a b", "migrate"),
        ("x\"y", "m"),
        ("1st", "m"),
    ] {
        assert_eq!(
            LedgerName::new(Some(schema), prefix).unwrap_err().code(),
            ErrorCode::BadLedgerName
        );
    }
    for prefix in ["", "a b", "a;b", "ä", "1", &"x".repeat(49)] {
        assert_eq!(
            LedgerName::new(None, prefix).unwrap_err().code(),
            ErrorCode::BadLedgerName
        );
    }
    let database = TestDatabase::create(db).await;
    let long = "L".repeat(48);
    let schemas: &[Option<&str>] = if db.capabilities().schemas {
        &[None, Some("Ops-1$"), Some("select")]
    } else {
        &[None]
    };
    // A schema that does not exist is only made where there is no ledger at all.
    for schema in schemas.iter().flatten() {
        database
            .execute(&format!("CREATE SCHEMA \"{schema}\""))
            .await;
    }
    let mut number = 0;
    for schema in schemas {
        for prefix in ["Own", "select", "_", &long] {
            number += 1;
            let table = format!("CREATE TABLE t{number} (id INT)");
            let all = history(&[
                ("0001_initial.sql", &table),
                ("0002_two.sql", "-- migrate: atomic = false\nSELECT 1"),
            ]);
            let migrator = database
                .migrator(all)
                .ledger(LedgerName::new(*schema, prefix).unwrap());
            assert_eq!(
                migrator.run().await.unwrap().steps.len(),
                2,
                "{schema:?}.{prefix}"
            );
            assert!(migrator.run().await.unwrap().steps.is_empty());
            assert_eq!(migrator.history(None).await.unwrap().len(), 2);
            assert!(!migrator.lock_status().await.unwrap().held);
        }
    }
    if db.capabilities().schemas {
        let mistyped = LedgerName::new(Some("typo"), "Own").unwrap();
        let all = history(&[("0001_initial.sql", "CREATE TABLE t1 (id INT)")]);
        let error = database.migrator(all).ledger(mistyped).run().await;
        assert_eq!(error.unwrap_err().code(), ErrorCode::LedgerElsewhere);
    }
    assert!(!database.has_table("migrate_meta").await);
}

async fn a_ledger_of_a_foreign_shape_is_named(db: Db) {
    for damage in [
        "ALTER TABLE migrate_steps DROP COLUMN done_hash",
        "ALTER TABLE migrate_meta DROP COLUMN version",
        "ALTER TABLE migrate_lease DROP COLUMN activity",
    ] {
        let database = TestDatabase::create(db).await;
        database.migrate(history(&FILES[..1])).await;
        database.execute(damage).await;
        let before = database.dump(Scope::Everything).await;
        let error = database.refused(history(&FILES)).await;
        assert_eq!(error.code(), ErrorCode::LedgerDamaged, "{damage}: {error}");
        assert!(error.message().contains("migrate_*"), "{error}");
        let helps = error.helps().join(" ");
        assert!(helps.contains("--ledger-prefix"), "{error}");
        assert_eq!(database.dump(Scope::Everything).await, before, "{damage}");
    }
    let database = TestDatabase::create(db).await;
    database
        .execute("CREATE TABLE migrate_meta (name VARCHAR(20), value VARCHAR(20))")
        .await;
    let error = database.refused(history(&FILES)).await;
    assert_eq!(error.code(), ErrorCode::LedgerDamaged, "{error}");
}

async fn histories_that_do_not_fit_together(_: Db) {
    let function = |name: &str| Function::sql(name, "SELECT 1");
    let cases: [(Result<History, Error>, ErrorCode); 9] = [
        (
            steps(&[("0001_a.sql", "SELECT 1"), ("0001_b.sql", "SELECT 1")]).build(),
            ErrorCode::DuplicateStep,
        ),
        (
            steps(&[("0001_a.sql", "SELECT 1"), ("0001_a.sql", "SELECT 1")]).build(),
            ErrorCode::DuplicateStep,
        ),
        (
            steps(&[("first.sql", "SELECT 1")]).build(),
            ErrorCode::InvalidStep,
        ),
        (
            steps(&[("0001_a.sql", "-- migrate: nonsense = 1")]).build(),
            ErrorCode::InvalidStep,
        ),
        (
            steps(&[("0001_a.sql", "-- migrate: after = [\"0007_x\"]\nSELECT 1")]).build(),
            ErrorCode::UnknownReference,
        ),
        (
            steps(&[])
                .function(function("x_v1_2026_01_02").after(&["other.0001_a"]).build())
                .build(),
            ErrorCode::UnknownReference,
        ),
        (
            steps(&[("0001_a.sql", "-- migrate: run = \"gone_v1_2026_01_02\"")]).build(),
            ErrorCode::UnknownReference,
        ),
        (
            steps(&[])
                .function(
                    function("x_v1_2026_01_02")
                        .after(&["y_v1_2026_01_02"])
                        .build(),
                )
                .function(
                    function("y_v1_2026_01_02")
                        .after(&["x_v1_2026_01_02"])
                        .build(),
                )
                .build(),
            ErrorCode::DependencyCycle,
        ),
        (
            steps(&[("0001_a.sql", "-- migrate: run = \"x_v1_2026_01_02\"")])
                .function(function("x_v1_2026_01_02").build())
                .build(),
            ErrorCode::InvalidStep,
        ),
    ];
    let mut texts = HashSet::new();
    for (result, code) in cases {
        let error = result.unwrap_err();
        assert_eq!(error.code(), code, "{error}");
        texts.insert(error.to_string());
    }
    assert_eq!(texts.len(), 9);
}

async fn steps_that_cannot_run_here(db: Db) {
    let database = TestDatabase::create(db).await;
    let others: Vec<String> = ["sqlite", "postgres", "mysql"]
        .iter()
        .filter(|name| **name != db.to_string())
        .map(|name| format!("0002_two.{name}.sql"))
        .collect();
    let files = [
        FILES[0],
        (others[0].as_str(), "SELECT 1"),
        (others[1].as_str(), "SELECT 1"),
    ];
    let error = database.refused(history(&files)).await;
    assert_eq!(error.code(), ErrorCode::WrongDatabase, "{error}");
    assert!(
        error.helps()[0].contains(&format!("0002_two.{db}.sql")),
        "{error}"
    );
    let typed = if db == Db::Sqlite {
        Function::typed::<sqlx::Postgres, _>("x_v1_2026_01_02", |_| {
            Box::pin(async { migrate_tests::done(()) })
        })
    } else {
        Function::typed::<sqlx::Sqlite, _>("x_v1_2026_01_02", |_| {
            Box::pin(async { migrate_tests::done(()) })
        })
    };
    let all = steps(&FILES).function(typed.build()).build().unwrap();
    assert_eq!(database.refused(all).await.code(), ErrorCode::WrongDatabase);
    // Transaction control, and what would wait for a client, has no place in a file.
    for bad in [
        "COMMIT",
        "BEGIN; SELECT 1; COMMIT",
        "ROLLBACK",
        "SELECT 'unterminated",
        "/* open",
    ] {
        for header in ["", "-- migrate: atomic = false\n"] {
            let text = format!("{header}SELECT 1;\n{bad}");
            let files = [FILES[0], ("0002_two.sql", text.as_str())];
            let Ok(all) = steps(&files).build() else {
                continue;
            };
            let migrator = database.migrator(all.clone());
            let plan = migrator.plan().await.unwrap().problems;
            let status = migrator.status().await.unwrap().problems;
            let error = database.refused(all).await;
            assert_eq!(error.code(), ErrorCode::InvalidStep, "{text}: {error}");
            assert!(!database.has_table("item").await, "{text}");
            // It is said before anybody runs into it.
            for problems in [plan, status] {
                let said = problems.iter().map(|problem| problem.message.as_str());
                assert_eq!(said.collect::<Vec<_>>(), [error.message()], "{text}");
            }
        }
    }
    let outside = match db {
        Db::Sqlite => "VACUUM",
        Db::Postgres => "CREATE INDEX CONCURRENTLY x ON item (name)",
        Db::MySql => "LOCK TABLES item WRITE",
    };
    let files = [FILES[0], ("0002_two.sql", outside)];
    if db != Db::MySql {
        let error = database.refused(history(&files)).await;
        assert_eq!(error.code(), ErrorCode::InvalidStep, "{error}");
        assert!(error.to_string().contains("atomic = false"), "{error}");
    }
    assert!(
        !database.has_table("item").await,
        "refused before the first statement"
    );
    assert!(!database.has_table("migrate_meta").await);
}
