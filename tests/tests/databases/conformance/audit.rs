//! Audit triggers see which migration runs and whether audit is on; the hook is called in pairs.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use migrate_core::{AuditEvent, History, Migrator};
use migrate_tests::{Connection, Db, Function, Scope, TestDatabase, done, each_database, steps};
use tokio::sync::Notify;

each_database! {
    all: triggers_tag_rows_and_skip_them, nothing_stays_after_a_failure,
        the_hook_is_called_in_pairs, what_a_step_runs_is_published_itself,
        audit_is_on_again_when_a_process_is_gone;
}

const LEASE: Duration = Duration::from_secs(1);

const NAME: &str = "work_v1_2026_01_02";

/// The tables: items, and what the trigger writes about each.
const TABLES: &str = "CREATE TABLE item (id INT NOT NULL PRIMARY KEY, name VARCHAR(100));
CREATE TABLE trail (item INT NOT NULL, migration VARCHAR(200));";

/// A trigger as an application would write it: skip when audit is off, else tag the row.
fn trigger(db: Db) -> &'static str {
    match db {
        Db::Sqlite => {
            "CREATE TRIGGER audited AFTER INSERT ON item
             WHEN coalesce((SELECT audit FROM migrate_audit), 'on') = 'on'
             BEGIN INSERT INTO trail VALUES (new.id, (SELECT migration FROM migrate_audit)); END;"
        }
        Db::Postgres => {
            "CREATE FUNCTION audited() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
               IF coalesce(nullif(current_setting('migrate.audit', true), ''), 'on') = 'on' THEN
                 INSERT INTO trail VALUES (new.id, nullif(current_setting('migrate.migration', true), ''));
               END IF;
               RETURN new;
             END $$;
             CREATE TRIGGER audited AFTER INSERT ON item FOR EACH ROW EXECUTE FUNCTION audited();"
        }
        Db::MySql => {
            "CREATE TRIGGER audited AFTER INSERT ON item FOR EACH ROW
             BEGIN
               IF coalesce(@migrate_audit, 'on') = 'on' THEN
                 INSERT INTO trail VALUES (new.id, @migrate_migration);
               END IF;
             END"
        }
    }
}

/// A database with the tables and the trigger, made by its own first step.
async fn audited(db: Db) -> TestDatabase {
    let database = TestDatabase::create(db).await;
    database.migrate(steps(&[FIRST]).build().unwrap()).await;
    database.execute(trigger(db)).await;
    database
}

const FIRST: (&str, &str) = ("0001_initial.sql", TABLES);

fn inserts(name: &str, sql: &'static str) -> Function {
    Function::sql(name, sql).after(&["0001_initial"])
}

async fn trail(database: &TestDatabase) -> Vec<(i64, Option<String>)> {
    let rows = database
        .rows("SELECT item, migration FROM trail ORDER BY item")
        .await;
    rows.into_iter()
        .map(|row| (row[0].as_deref().unwrap().parse().unwrap(), row[1].clone()))
        .collect()
}

fn all_kinds() -> History {
    steps(&[
        FIRST,
        ("0002_sql.sql", "INSERT INTO item VALUES (1, 'a')"),
        ("0003_piecewise.sql", "-- migrate: atomic = false\nINSERT INTO item VALUES (2, 'a');\nINSERT INTO item VALUES (3, 'a')"),
    ])
    .function(inserts("a_v1_2026_01_02", "INSERT INTO item VALUES (4, 'a')").build())
    .function(inserts("b_v1_2026_01_02", "INSERT INTO item VALUES (5, 'a')").non_atomic().build())
    .function(inserts("c_v1_2026_01_02", "INSERT INTO item VALUES (6, 'a')").disable_audit().build())
    .function(inserts("d_v1_2026_01_02", "INSERT INTO item VALUES (7, 'a')").disable_audit().non_atomic().build())
    // One more of each kind after those that switched audit off.
    .function(inserts("e_v1_2026_01_02", "INSERT INTO item VALUES (8, 'a')").build())
    .build()
    .unwrap()
}

async fn triggers_tag_rows_and_skip_them(db: Db) {
    let database = audited(db).await;
    assert_eq!(database.migrate(all_kinds()).await.len(), 7);
    database
        .execute("INSERT INTO item VALUES (99, 'the application')")
        .await;
    let by = |name: &str| Some(format!("shop.{name}"));
    let expected = [
        (1, by("0002_sql")),
        (2, by("0003_piecewise")),
        (3, by("0003_piecewise")),
        (4, by("a_v1_2026_01_02")),
        (5, by("b_v1_2026_01_02")),
        (8, by("e_v1_2026_01_02")),
        (99, None),
    ];
    assert_eq!(trail(&database).await, expected);
}

/// What a trigger would see on this connection now, nothing running.
async fn is_clean(connection: &mut Connection, database: &TestDatabase) {
    connection
        .execute("INSERT INTO item VALUES (500, 'mine')")
        .await;
    assert_eq!(trail(database).await.last(), Some(&(500, None)));
    connection.execute("DELETE FROM item WHERE id = 500").await;
    connection
        .execute("DELETE FROM trail WHERE item = 500")
        .await;
}

async fn nothing_stays_after_a_failure(db: Db) {
    let database = audited(db).await;
    let mut connection = database.connect().await;
    is_clean(&mut connection, &database).await;
    for atomic in [true, false] {
        let function = || {
            let function = Function::new(NAME, |cx| {
                Box::pin(async move {
                    cx.execute("INSERT INTO item VALUES (1, 'a')", &[]).await?;
                    cx.execute("INSERT INTO nowhere VALUES (1)", &[]).await?;
                    done(())
                })
            });
            let function = function.after(&["0001_initial"]).disable_audit();
            if atomic {
                function
            } else {
                function.non_atomic()
            }
        };
        let failing = || {
            steps(&[FIRST])
                .function(function().build())
                .build()
                .unwrap()
        };
        // On a connection of the user's, which stays.
        let migrator = match &mut connection {
            Connection::Sqlite(connection) => Migrator::new(connection, failing()),
            Connection::Postgres(connection) => Migrator::new(connection, failing()),
            Connection::MySql(connection) => Migrator::new(connection, failing()),
        };
        migrator.run().await.unwrap_err();
        if atomic {
            migrator.dry_run().await.unwrap_err();
        }
        drop(migrator);
        is_clean(&mut connection, &database).await;
        // And on new ones.
        database.execute("DELETE FROM item").await;
        database.refused(failing()).await;
        is_clean(&mut database.connect().await, &database).await;
        database.execute("DELETE FROM item").await;
    }
    let sql = "-- migrate: atomic = false\nINSERT INTO item VALUES (1, 'a');\nINSERT INTO nowhere VALUES (1)";
    database
        .refused(steps(&[FIRST, ("0002_sql.sql", sql)]).build().unwrap())
        .await;
    is_clean(&mut connection, &database).await;
}

async fn the_hook_is_called_in_pairs(db: Db) {
    let database = audited(db).await;
    let calls: Arc<Mutex<Vec<String>>> = Arc::default();
    let hook = || {
        let calls = Arc::clone(&calls);
        move |event: &AuditEvent| {
            let text = format!("{} {} {}", event.step.name, event.audit, event.begins);
            calls.lock().unwrap().push(text);
        }
    };
    database
        .migrator(all_kinds())
        .audit_hook(hook())
        .run()
        .await
        .unwrap();
    let expected: Vec<String> = [
        ("a_v1_2026_01_02", true),
        ("b_v1_2026_01_02", true),
        ("c_v1_2026_01_02", false),
        ("d_v1_2026_01_02", false),
        ("e_v1_2026_01_02", true),
        ("0002_sql", true),
        ("0003_piecewise", true),
    ]
    .iter()
    .flat_map(|(name, audit)| {
        [
            format!("{name} {audit} true"),
            format!("{name} {audit} false"),
        ]
    })
    .collect();
    assert_eq!(std::mem::take(&mut *calls.lock().unwrap()), expected);

    // A panic and a failure end what they began; on a fresh database as well.
    let fresh = TestDatabase::create(db).await;
    for database in [&database, &fresh] {
        let panics = Function::new(NAME, |_| panic!("oh"))
            .after(&["0001_initial"])
            .disable_audit();
        let failing = steps(&[FIRST]).function(panics.build()).build().unwrap();
        database
            .migrator(failing)
            .audit_hook(hook())
            .run()
            .await
            .unwrap_err();
        let told = std::mem::take(&mut *calls.lock().unwrap());
        assert_eq!(
            told[told.len() - 2..],
            [format!("{NAME} false true"), format!("{NAME} false false")]
        );
        assert_eq!(told.len() % 2, 0);
    }
}

async fn what_a_step_runs_is_published_itself(db: Db) {
    for header in ["", "atomic = false, "] {
        let database = audited(db).await;
        let inner = inserts(NAME, "INSERT INTO item VALUES (2, 'inner')")
            .disable_audit()
            .manual();
        let other = inserts(
            "other_v1_2026_01_02",
            "INSERT INTO item VALUES (3, 'inner')",
        )
        .manual();
        let outer = format!(
            "-- migrate: {header}run = [\"{NAME}\", \"other_v1_2026_01_02\"]\nINSERT INTO item VALUES (1, 'outer')"
        );
        let all = steps(&[
            FIRST,
            ("0002_two.sql", &outer),
            ("0003_three.sql", "INSERT INTO item VALUES (4, 'a')"),
        ])
        .function(inner.build())
        .function(other.build())
        .build()
        .unwrap();
        let calls: Arc<Mutex<Vec<String>>> = Arc::default();
        let hooked = Arc::clone(&calls);
        let hook = move |event: &AuditEvent| {
            hooked
                .lock()
                .unwrap()
                .push(format!("{} {}", event.step.name, event.begins));
        };
        let before = database.dump(Scope::Everything).await;
        if header.is_empty() {
            database.migrator(all.clone()).dry_run().await.unwrap();
            assert_eq!(database.dump(Scope::Everything).await, before);
        }
        database.migrator(all).audit_hook(hook).run().await.unwrap();
        let tagged: Vec<(i64, Option<String>)> = trail(&database).await;
        let by = |name: &str| Some(format!("shop.{name}"));
        let expected = [
            (1, by("0002_two")),
            (3, by("other_v1_2026_01_02")),
            (4, by("0003_three")),
        ];
        assert_eq!(tagged, expected, "{header}");
        let expected = [
            "0002_two true",
            "work_v1_2026_01_02 true",
            "work_v1_2026_01_02 false",
            "other_v1_2026_01_02 true",
            "other_v1_2026_01_02 false",
            "0002_two false",
            "0003_three true",
            "0003_three false",
        ];
        assert_eq!(*calls.lock().unwrap(), expected, "{header}");
    }
}

/// A process ends while a function of its has audit off; nobody is left to switch it on.
async fn audit_is_on_again_when_a_process_is_gone(db: Db) {
    let database = audited(db).await;
    let begun = Arc::new(Notify::new());
    let told = Arc::clone(&begun);
    let function = Function::new(NAME, move |cx| {
        let told = Arc::clone(&told);
        Box::pin(async move {
            cx.execute("INSERT INTO item VALUES (1, 'a')", &[]).await?;
            // A heartbeat keeps audit off for as long as the function runs.
            tokio::time::sleep(LEASE * 3).await;
            cx.execute("INSERT INTO item VALUES (2, 'a')", &[]).await?;
            told.notify_one();
            std::future::pending::<()>().await;
            done(())
        })
    });
    let function = function
        .after(&["0001_initial"])
        .disable_audit()
        .non_atomic();
    let all = steps(&[FIRST]).function(function.build()).build().unwrap();
    let migrator = database.migrator(all).lease(LEASE);
    let process = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .unwrap();
    process.spawn(async move { migrator.run().await });
    begun.notified().await;
    assert_eq!(trail(&database).await, [], "audit was off");
    // As at an exit: nothing of it gets to run any more.
    process.shutdown_background();
    let deadline = Instant::now() + LEASE * 20;
    let mut item = 100;
    while trail(&database).await.is_empty() {
        assert!(Instant::now() < deadline, "audit stayed off");
        item += 1;
        let insert = format!("INSERT INTO item VALUES ({item}, 'the application')");
        database.execute(&insert).await;
        tokio::time::sleep(LEASE / 10).await;
    }
    assert_eq!(trail(&database).await, [(item, None)]);
}
