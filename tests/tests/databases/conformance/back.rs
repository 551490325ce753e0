//! Going back: each step's way back and the removal of its record are one thing.

use std::sync::{Arc, Mutex};

use migrate_core::report::{Action, Direction, StepOutcome};
use migrate_core::{AuditEvent, ErrorCode, Event, History, Policies, Policy};
use migrate_tests::{
    Connection, Db, Events, Function, Scope, TestDatabase, done, each_database, history, names,
    request, steps,
};

use super::sql::{ITEM, STEAL, sleep};

each_database! {
    all: forwards_and_back_leaves_nothing, goes_back_to_a_step, undo_takes_the_last_step_back,
        a_failing_way_back_leaves_a_ledger_that_says_the_truth,
        an_irreversible_step_stops_the_plan_before_anything_runs,
        what_a_step_ran_goes_back_before_it, watchers_are_told_which_way_it_goes,
        a_reverse_that_fails_or_panics_is_rolled_back, a_reverse_that_ends_its_transaction_is_found,
        a_stolen_token_stops_a_way_back, a_way_back_is_cancelled,
        two_that_go_back_at_once_undo_each_step_once, nothing_is_undone_that_was_not_planned,
        a_way_back_that_cannot_run_is_refused_before_anything_does;
    servers: a_stolen_token_is_fenced_in_one_message;
}

const NAME: &str = "fill_v1_2026_01_02";

/// Two SQL steps, a data migration and a step after it, each with its way back.
fn shop() -> History {
    steps(&[
        (
            "0001_initial.sql",
            "-- migrate: up\nCREATE TABLE item (id INT NOT NULL PRIMARY KEY, name VARCHAR(100));\n\
             -- migrate: down\nDROP TABLE item;",
        ),
        ("0002_lines.up.sql", "CREATE TABLE line (item INT NOT NULL);"),
        ("0002_lines.down.sql", "DROP TABLE line;"),
        (
            "0003_more.sql",
            "-- migrate: up\n-- migrate: after = [\"0002_lines\"]\nINSERT INTO line VALUES (1);\nINSERT INTO line VALUES (2);\n\
             -- migrate: down\nDELETE FROM line WHERE item = 2;\nDELETE FROM line WHERE item = 1;",
        ),
    ])
    .function(
        Function::sql(NAME, "INSERT INTO item VALUES (1, 'a')")
            .after(&["0002_lines"])
            .before(&["0003_more"])
            .reverse_sql("DELETE FROM item WHERE id = 1")
            .build(),
    )
    .build()
    .unwrap_or_else(|error| panic!("{error}"))
}

/// The lines of history of a step, the oldest first: `action outcome`.
pub(super) async fn lines(database: &TestDatabase, name: &str) -> Vec<String> {
    let sql = format!("SELECT action, outcome FROM migrate_runs WHERE name = '{name}' ORDER BY id");
    let rows = database.rows(&sql).await;
    rows.into_iter()
        .map(|row| row.into_iter().flatten().collect::<Vec<_>>().join(" "))
        .collect()
}

/// Policies under which an edited step goes on.
pub(super) fn lenient() -> Policies {
    let mut policies = Policies::default();
    policies.edited = Policy::Allow;
    policies
}

/// The names that the ledger has, with their state where it is not applied.
pub(super) async fn recorded(database: &TestDatabase) -> Vec<String> {
    let rows = database
        .rows("SELECT name, state FROM migrate_steps ORDER BY name")
        .await;
    rows.into_iter()
        .map(|row| match [row[0].as_deref(), row[1].as_deref()] {
            [Some(name), Some("applied")] => name.to_owned(),
            other => format!(
                "{} {}",
                other[0].unwrap_or_default(),
                other[1].unwrap_or_default()
            ),
        })
        .collect()
}

async fn forwards_and_back_leaves_nothing(db: Db) {
    let database = TestDatabase::create(db).await;
    let empty = database.dump(Scope::WithoutLedger).await;
    assert_eq!(database.migrate(shop()).await.len(), 4);
    let full = database.dump(Scope::WithoutLedger).await;
    for round in 1..=2 {
        let report = database.migrate_to(shop(), "shop zero").await;
        assert_eq!(report.direction, Direction::Backwards);
        assert_eq!(report.applied_total, 0);
        assert_eq!(
            names(&report.steps),
            ["0003_more", NAME, "0002_lines", "0001_initial"]
        );
        for run in &report.steps {
            assert_eq!(run.outcome, StepOutcome::Reverted, "{run:?}");
        }
        let function = &report.steps[1];
        assert_eq!(function.rows, Some(1), "what `reverse` returned");
        assert_eq!(database.dump(Scope::WithoutLedger).await, empty);
        assert!(recorded(&database).await.is_empty());
        assert!(database.is_unlocked().await);
        for name in ["0001_initial", NAME, "0003_more"] {
            let expected = ["run applied", "undo reverted"].repeat(round);
            assert_eq!(lines(&database, name).await, expected, "{name}");
        }
        // Nothing is left to undo, and that is no error.
        let again = database.migrate_to(shop(), "shop zero").await;
        assert!(again.steps.is_empty());
        assert_eq!(database.migrate(shop()).await.len(), 4);
        assert_eq!(database.dump(Scope::WithoutLedger).await, full);
    }
}

async fn goes_back_to_a_step(db: Db) {
    let database = TestDatabase::create(db).await;
    database.migrate(shop()).await;
    // The data migration comes after the target and before what goes: nothing takes it along.
    let report = database.migrate_to(shop(), "shop 0002").await;
    assert_eq!(names(&report.steps), ["0003_more"]);
    assert_eq!(report.applied_total, 3);
    assert_eq!(
        recorded(&database).await,
        ["0001_initial", "0002_lines", NAME]
    );
    assert_eq!(database.count("SELECT count(*) FROM line").await, 0);
    let report = database.migrate_to(shop(), "shop 0001").await;
    assert_eq!(names(&report.steps), [NAME, "0002_lines"]);
    assert_eq!(recorded(&database).await, ["0001_initial"]);
    assert_eq!(database.count("SELECT count(*) FROM item").await, 0);
    let again = database.migrate(shop()).await;
    assert_eq!(again, ["0002_lines", NAME, "0003_more"]);
}

async fn undo_takes_the_last_step_back(db: Db) {
    let database = TestDatabase::create(db).await;
    database.migrate(shop()).await;
    for last in ["0003_more", NAME, "0002_lines", "0001_initial"] {
        let report = database.migrate_to(shop(), "undo").await;
        assert_eq!(names(&report.steps), [last]);
        assert_eq!(
            lines(&database, last).await,
            ["run applied", "undo reverted"]
        );
    }
    assert!(recorded(&database).await.is_empty());
}

async fn a_failing_way_back_leaves_a_ledger_that_says_the_truth(db: Db) {
    let text = |name: &str| {
        format!(
            "-- migrate: up\nINSERT INTO item VALUES (1, '{name}');\n\
             -- migrate: down\nDELETE FROM item WHERE id = 1;\n\nDELETE FROM nowhere;"
        )
    };
    let (broken, third) = (
        text("x"),
        "-- migrate: up\nINSERT INTO item VALUES (3, 'c');\n-- migrate: down\nDELETE FROM item WHERE id = 3;",
    );
    let first = format!("-- migrate: up\n{ITEM};\n-- migrate: down\nDROP TABLE item;");
    let files = [
        ("0001_initial.sql", first.as_str()),
        ("0002_broken.sql", &broken),
        ("0003_last.sql", third),
    ];
    let database = TestDatabase::create(db).await;
    database.migrate(history(&files)).await;
    let error = database.refused_to(history(&files), "shop zero").await;
    assert_eq!(error.code(), ErrorCode::StepFailed, "{error}");
    assert!(
        error.message().contains("undoing `shop.0002_broken`"),
        "{error}"
    );
    assert!(
        error
            .message()
            .contains("statement 2 of 2 (shop/0002_broken.sql:6)"),
        "{error}"
    );
    let progress = error.progress().expect("how far it came");
    assert_eq!(names(&progress.applied), ["0003_last"]);
    assert_eq!(progress.applied[0].outcome, StepOutcome::Reverted);
    assert_eq!(
        progress.failed.as_ref().map(|id| id.name.as_str()),
        Some("0002_broken")
    );
    assert_eq!(
        progress.left_behind.as_deref(),
        Some("nothing: it was rolled back")
    );
    assert_eq!(progress.remaining.len(), 1);
    assert_eq!(progress.remaining[0].name, "0001_initial");
    // The step that failed is applied as before, the one after it is not.
    assert_eq!(recorded(&database).await, ["0001_initial", "0002_broken"]);
    assert_eq!(database.count("SELECT sum(id) FROM item").await, 1);
    assert_eq!(
        lines(&database, "0002_broken").await,
        ["run applied", "undo failed"]
    );
    assert!(database.is_unlocked().await);

    // The next command continues, in either direction.
    assert_eq!(database.migrate(history(&files)).await, ["0003_last"]);
    database.execute("CREATE TABLE nowhere (id INT)").await;
    let report = database.migrate_to(history(&files), "shop zero").await;
    assert_eq!(report.steps.len(), 3);
    assert_eq!(
        lines(&database, "0002_broken").await,
        ["run applied", "undo failed", "undo reverted"]
    );
}

async fn an_irreversible_step_stops_the_plan_before_anything_runs(db: Db) {
    let first = format!("-- migrate: up\n{ITEM};\n-- migrate: down\nDROP TABLE item;");
    let reversible = "-- migrate: up\nINSERT INTO item VALUES (3, 'c');\n-- migrate: down\nDELETE FROM item WHERE id = 3;";
    let sql = [
        ("0001_initial.sql", first.as_str()),
        ("0002_one_way.sql", "INSERT INTO item VALUES (2, 'b')"),
        ("0003_last.sql", reversible),
    ];
    let data = steps(&[sql[0]])
        .function(
            Function::sql(NAME, "SELECT 1")
                .after(&["0001_initial"])
                .build(),
        )
        .build()
        .unwrap();
    for (history, blamed) in [(history(&sql), "shop.0002_one_way"), (data, "shop.fill_v1")] {
        let database = TestDatabase::create(db).await;
        database.migrate(history.clone()).await;
        let before = database.dump(Scope::Everything).await;
        let error = database.refused_to(history, "shop zero").await;
        assert_eq!(error.code(), ErrorCode::Irreversible, "{error}");
        assert!(error.message().contains(blamed), "{error}");
        assert!(!error.helps().is_empty(), "{error}");
        let after = database.dump(Scope::Everything).await;
        assert_eq!(after, before, "nothing ran, nothing was written");
    }
}

/// A SQL step that runs two data migrations; `atomic` is the header of all three.
fn runs_two(atomic: bool) -> History {
    let header = if atomic { "" } else { "atomic = false, " };
    let function = |name: &str, run: &'static str, back: &'static str| {
        let function = Function::sql(name, run)
            .manual()
            .after(&["0001_initial"])
            .reverse_sql(back);
        match atomic {
            true => function.build(),
            false => function.non_atomic().build(),
        }
    };
    let header = header.trim_end_matches(", ");
    let header = match header {
        "" => String::new(),
        header => format!("-- migrate: {header}\n"),
    };
    let first = format!("-- migrate: up\n{ITEM};\n-- migrate: down\nDROP TABLE item;");
    let second = format!(
        "{header}-- migrate: run = [\"one_v1_2026_01_02\", \"two_v1_2026_01_02\"]\n\
         -- migrate: up\nINSERT INTO item VALUES (1, 'outer');\n\
         -- migrate: down\nDELETE FROM item WHERE id = 1 AND name = 'outer';"
    );
    steps(&[("0001_initial.sql", &first), ("0002_runs.sql", &second)])
        .function(function(
            "one_v1_2026_01_02",
            "UPDATE item SET name = 'one' WHERE name = 'outer'",
            "UPDATE item SET name = 'outer' WHERE name = 'one'",
        ))
        .function(function(
            "two_v1_2026_01_02",
            "UPDATE item SET name = 'two' WHERE name = 'one'",
            "UPDATE item SET name = 'one' WHERE name = 'two'",
        ))
        .build()
        .unwrap_or_else(|error| panic!("{error}"))
}

/// Each of the texts does nothing unless the one before it has run, so the order shows.
async fn what_a_step_ran_goes_back_before_it(db: Db) {
    for atomic in [true, false] {
        let database = TestDatabase::create(db).await;
        database.migrate(runs_two(atomic)).await;
        assert_eq!(
            database
                .count("SELECT count(*) FROM item WHERE name = 'two'")
                .await,
            1
        );
        let report = database.migrate_to(runs_two(atomic), "shop 0001").await;
        assert_eq!(
            names(&report.steps),
            ["two_v1_2026_01_02", "one_v1_2026_01_02", "0002_runs"]
        );
        assert_eq!(
            recorded(&database).await,
            ["0001_initial"],
            "atomic: {atomic}"
        );
        assert_eq!(database.count("SELECT count(*) FROM item").await, 0);

        // One that is not applied any more is left alone.
        database.migrate(runs_two(atomic)).await;
        database.execute("UPDATE item SET name = 'one'").await;
        let migrator = database.migrator(runs_two(atomic));
        migrator.unmark("two_v1_2026_01_02", None).await.unwrap();
        let report = database.migrate_to(runs_two(atomic), "shop 0001").await;
        assert_eq!(names(&report.steps), ["one_v1_2026_01_02", "0002_runs"]);
        assert_eq!(database.count("SELECT count(*) FROM item").await, 0);
    }
}

async fn watchers_are_told_which_way_it_goes(db: Db) {
    let database = TestDatabase::create(db).await;
    database.migrate(shop()).await;
    let (events, hooked) = (Events::default(), Arc::new(Mutex::new(Vec::new())));
    let told = Arc::clone(&hooked);
    let migrator = database
        .migrator(shop())
        .observer(events.clone())
        .audit_hook(move |event: &AuditEvent| {
            let name = event.step.name.clone();
            told.lock().unwrap().push((name, event.begins));
        });
    migrator.migrate(&request("shop 0001")).await.unwrap();
    let seen: Vec<_> = events
        .all()
        .into_iter()
        .filter_map(|event| match event {
            Event::StepStarted {
                step,
                action,
                index,
                of,
                ..
            } => Some(format!("{} {action:?} {index}/{of}", step.name)),
            Event::StepFinished(run) => Some(format!("{} {:?}", run.step.name, run.outcome)),
            _ => None,
        })
        .collect();
    assert_eq!(
        seen,
        [
            format!("0003_more {:?} 1/3", Action::Revert),
            "0003_more Reverted".to_owned(),
            format!("{NAME} {:?} 2/3", Action::Revert),
            format!("{NAME} Reverted"),
            format!("0002_lines {:?} 3/3", Action::Revert),
            "0002_lines Reverted".to_owned(),
        ]
    );
    let hooked = hooked.lock().unwrap().clone();
    let steps = ["0003_more", NAME, "0002_lines"];
    let pairs = steps.map(|name| [(name.to_owned(), true), (name.to_owned(), false)]);
    assert_eq!(hooked, pairs.concat());
}

/// A table, and a data migration with the given way back.
fn with_reverse(function: Function) -> History {
    let first = format!("-- migrate: up\n{ITEM};\n-- migrate: down\nDROP TABLE item;");
    steps(&[("0001_initial.sql", &first)])
        .function(function.after(&["0001_initial"]).build())
        .build()
        .unwrap()
}

fn fill() -> Function {
    Function::sql(NAME, "INSERT INTO item VALUES (1, 'a')")
}

async fn a_reverse_that_fails_or_panics_is_rolled_back(db: Db) {
    for panics in [false, true] {
        let database = TestDatabase::create(db).await;
        let history = with_reverse(fill().reverse(move |cx| {
            Box::pin(async move {
                cx.execute("DELETE FROM item", &[]).await?;
                assert!(!panics, "on purpose");
                Err(migrate_core::StepError::msg("on purpose"))
            })
        }));
        database.migrate(history.clone()).await;
        let error = database.refused_to(history, "undo").await;
        let code = if panics {
            ErrorCode::StepPanicked
        } else {
            ErrorCode::StepFailed
        };
        assert_eq!(error.code(), code, "{error}");
        assert!(error.message().contains("on purpose"), "{error}");
        assert_eq!(database.count("SELECT count(*) FROM item").await, 1);
        assert_eq!(recorded(&database).await, ["0001_initial", NAME]);
        assert_eq!(lines(&database, NAME).await, ["run applied", "undo failed"]);
        let history = with_reverse(fill().reverse_sql("DELETE FROM item"));
        database.migrate_to(history, "undo").await;
        assert_eq!(recorded(&database).await, ["0001_initial"]);
    }
}

async fn a_reverse_that_ends_its_transaction_is_found(db: Db) {
    let database = TestDatabase::create(db).await;
    let history = with_reverse(fill().reverse(|cx| {
        Box::pin(async move {
            cx.execute("COMMIT", &[]).await?;
            done(())
        })
    }));
    database.migrate(history.clone()).await;
    let error = database.refused_to(history, "undo").await;
    assert_eq!(error.code(), ErrorCode::StepFailed, "{error}");
    assert!(error.message().contains("ended the transaction"), "{error}");
    assert_eq!(recorded(&database).await, ["0001_initial", NAME]);
}

async fn a_stolen_token_stops_a_way_back(db: Db) {
    for atomic in [true, false] {
        let database = TestDatabase::create(db).await;
        let url = database.url().to_owned();
        let function = fill().reverse(move |cx| {
            let url = url.clone();
            Box::pin(async move {
                cx.execute("DELETE FROM item", &[]).await?;
                if db.capabilities().row_locks {
                    Connection::open(db, &url).await.execute(STEAL).await;
                } else {
                    // The one writer is this transaction: only itself can change the row.
                    cx.execute(STEAL, &[]).await?;
                }
                done(())
            })
        });
        let function = if atomic {
            function
        } else {
            function.non_atomic()
        };
        let history = with_reverse(function);
        database.migrate(history.clone()).await;
        let error = database.refused_to(history.clone(), "shop zero").await;
        assert_eq!(error.code(), ErrorCode::LockLost, "{error}");
        let rows = database.count("SELECT count(*) FROM item").await;
        assert_eq!(rows, i64::from(atomic));
        let state = if atomic {
            NAME.to_owned()
        } else {
            format!("{NAME} reverting")
        };
        assert_eq!(
            recorded(&database).await,
            ["0001_initial".to_owned(), state]
        );
        assert_eq!(lines(&database, NAME).await, ["run applied"]);
    }
}

/// The token is stolen before the one message in which a SQL step goes back.
async fn a_stolen_token_is_fenced_in_one_message(db: Db) {
    let database = TestDatabase::create(db).await;
    let url = database.url().to_owned();
    database.migrate(shop()).await;
    let before = database.dump(Scope::WithoutLedger).await;
    let steals = move |event: &Event| {
        if matches!(event, Event::StepStarted { .. }) {
            let url = url.clone();
            let thief = std::thread::spawn(move || {
                let runtime = tokio::runtime::Builder::new_current_thread()
                    .enable_all()
                    .build()
                    .unwrap();
                runtime.block_on(async { Connection::open(db, &url).await.execute(STEAL).await });
            });
            thief.join().unwrap();
        }
    };
    let migrator = database.migrator(shop()).observer(steals);
    let error = migrator.migrate(&request("undo")).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::LockLost, "{error}");
    assert_eq!(database.dump(Scope::WithoutLedger).await, before);
    assert_eq!(recorded(&database).await.len(), 4);
}

async fn a_way_back_is_cancelled(db: Db) {
    let database = TestDatabase::create(db).await;
    let text = format!(
        "-- migrate: up\n{ITEM};\n-- migrate: down\nDELETE FROM item;\n{};",
        sleep(db)
    );
    let files = [("0001_initial.sql", text.as_str())];
    database.migrate(history(&files)).await;
    database.execute("INSERT INTO item VALUES (1, 'a')").await;
    let shutdown = migrate_core::Shutdown::new();
    let reached = Arc::new(tokio::sync::Notify::new());
    let tell = Arc::clone(&reached);
    let migrator = database
        .migrator(history(&files))
        .shutdown(shutdown.clone())
        .observer(move |event: &Event| {
            if matches!(event, Event::StepStarted { .. }) {
                tell.notify_one();
            }
        });
    let run = tokio::spawn(async move { migrator.migrate(&request("shop zero")).await });
    reached.notified().await;
    shutdown.cancel();
    let ended = tokio::time::timeout(std::time::Duration::from_secs(20), run).await;
    let error = ended
        .expect("the run was not cancelled")
        .unwrap()
        .unwrap_err();
    assert_eq!(error.code(), ErrorCode::Cancelled, "{error}");
    assert_eq!(
        database.count("SELECT count(*) FROM item").await,
        1,
        "rolled back"
    );
    assert_eq!(recorded(&database).await, ["0001_initial"]);
    assert_eq!(
        lines(&database, "0001_initial").await,
        ["run applied", "undo cancelled"]
    );
    assert!(database.is_unlocked().await);
}

async fn two_that_go_back_at_once_undo_each_step_once(db: Db) {
    let database = TestDatabase::create(db).await;
    let empty = database.dump(Scope::WithoutLedger).await;
    database.migrate(shop()).await;
    let going = (0..3).map(|_| {
        let migrator = database.migrator(shop());
        tokio::spawn(async move { migrator.migrate(&request("shop zero")).await })
    });
    let mut undone = Vec::new();
    for run in going.collect::<Vec<_>>() {
        let report = run.await.unwrap().unwrap_or_else(|error| panic!("{error}"));
        undone.extend(report.steps.into_iter().map(|run| run.step.name));
    }
    undone.sort();
    assert_eq!(undone, ["0001_initial", "0002_lines", "0003_more", NAME]);
    assert_eq!(database.dump(Scope::WithoutLedger).await, empty);
    for name in undone {
        assert_eq!(
            lines(&database, &name).await,
            ["run applied", "undo reverted"]
        );
    }
}

/// What "the last one" is may change while the command waits for the lock.
async fn nothing_is_undone_that_was_not_planned(db: Db) {
    let database = TestDatabase::create(db).await;
    database.migrate(shop()).await;
    let url = database.url().to_owned();
    // Between the plan and the lock: another process undoes that very step.
    let meanwhile = move |event: &Event| {
        if matches!(event, Event::LockTaken { .. }) {
            let url = url.clone();
            let other = std::thread::spawn(move || {
                let runtime = tokio::runtime::Builder::new_current_thread()
                    .enable_all()
                    .build()
                    .unwrap();
                runtime.block_on(async {
                    let delete = "DELETE FROM migrate_steps WHERE name = '0003_more'";
                    Connection::open(db, &url).await.execute(delete).await;
                });
            });
            other.join().unwrap();
        }
    };
    let migrator = database.migrator(shop()).observer(meanwhile);
    let error = migrator.migrate(&request("undo")).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::NotPossible, "{error}");
    assert!(error.message().contains(NAME), "{error}");
    assert_eq!(
        recorded(&database).await,
        ["0001_initial", "0002_lines", NAME]
    );
    assert!(database.is_unlocked().await);
}

async fn a_way_back_that_cannot_run_is_refused_before_anything_does(db: Db) {
    let first = format!("-- migrate: up\n{ITEM};\n-- migrate: down\nDROP TABLE item;\nCOMMIT;");
    let second =
        "-- migrate: up\nINSERT INTO item VALUES (1, 'a');\n-- migrate: down\nDELETE FROM item;";
    let files = [
        ("0001_initial.sql", first.as_str()),
        ("0002_fill.sql", second),
    ];
    let database = TestDatabase::create(db).await;
    database.migrate(history(&files)).await;
    let error = database.refused_to(history(&files), "shop zero").await;
    assert_eq!(error.code(), ErrorCode::InvalidStep, "{error}");
    assert!(
        error.message().contains("shop/0001_initial.sql:5"),
        "{error}"
    );
    assert_eq!(recorded(&database).await, ["0001_initial", "0002_fill"]);
    assert_eq!(database.count("SELECT count(*) FROM item").await, 1);
}
