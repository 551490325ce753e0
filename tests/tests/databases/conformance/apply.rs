//! Steps are applied once, in order, and the ledger says what happened.

use migrate_core::report::{Mode, State, StepOutcome};
use migrate_core::{ErrorCode, Event, History};
use migrate_tests::{Db, Events, Function, TestDatabase, each_database, history, names, steps};

use super::sql::ITEM;

each_database! {
    all: applies_in_order_and_once, records_what_it_did, tells_events_in_order,
        an_atomic_step_is_all_or_nothing, a_failure_says_how_far_it_came,
        the_next_run_continues, one_run_of_many_steps_reports_each,
        a_failed_step_is_shown_and_then_forgotten, plans_what_it_will_do,
        an_empty_history_is_refused, apps_share_one_ledger;
}

async fn applies_in_order_and_once(db: Db) {
    let database = TestDatabase::create(db).await;
    let files = [
        ("0002_fill.sql", "INSERT INTO item VALUES (1, 'a')"),
        ("0001_initial.sql", ITEM),
        ("0010_last.sql", "INSERT INTO item VALUES (3, 'c')"),
        ("0003_more.sql", "INSERT INTO item VALUES (2, 'b')"),
    ];
    let first = database.migrator(history(&files)).run().await.unwrap();
    let order = ["0001_initial", "0002_fill", "0003_more", "0010_last"];
    assert_eq!(names(&first.steps), order);
    assert_eq!(first.applied_total, 4);
    let before = database.dump(migrate_tests::Scope::Everything).await;
    let second = database.migrator(history(&files)).run().await.unwrap();
    assert_eq!(names(&second.steps), [""; 0]);
    assert_eq!(second.applied_total, 4);
    assert_eq!(
        database.dump(migrate_tests::Scope::Everything).await,
        before
    );
    assert_eq!(database.count("SELECT count(*) FROM item").await, 3);
}

async fn records_what_it_did(db: Db) {
    let database = TestDatabase::create(db).await;
    let fill = Function::sql(
        "fill_v1_2026_01_02",
        "INSERT INTO item VALUES (1, 'a'), (2, 'b')",
    )
    .after(&["0001_initial"])
    .source("v1:sha256:abcd", "async fn fill() {}")
    .build();
    let history = steps(&[("0001_initial.sql", ITEM)])
        .function(fill)
        .build()
        .unwrap();
    let migrator = database.migrator(history).app_version("1.2.3");
    migrator.run().await.unwrap();

    let row = database
        .ledger_row(
            "kind, state, checksum, source, rows_affected, result, faked, runs, pid, app_version",
            "fill_v1_2026_01_02",
        )
        .await
        .unwrap();
    let row: Vec<&str> = row.iter().map(|v| v.as_deref().unwrap_or("NULL")).collect();
    let pid = std::process::id().to_string();
    let expected = [
        "data",
        "applied",
        "v1:sha256:abcd",
        "async fn fill() {}",
        "2",
        "2",
        "0",
        "1",
        &pid,
        "1.2.3",
    ];
    assert_eq!(row, expected);
    let sql = database
        .ledger_row("kind, checksum, source, duration_ms", "0001_initial")
        .await
        .unwrap();
    assert_eq!(sql[0].as_deref(), Some("sql"));
    assert!(sql[1].as_deref().unwrap().starts_with("v1:sha256:"));
    assert_eq!(sql[2].as_deref().map(str::trim), Some(ITEM));
    assert!(sql[3].as_deref().unwrap().parse::<u64>().is_ok());

    let entries = migrator.history(None).await.unwrap();
    assert_eq!(entries.len(), 2);
    assert!(entries[0].id > entries[1].id, "newest first");
    for (entry, name) in entries.iter().zip(["fill_v1_2026_01_02", "0001_initial"]) {
        assert_eq!(
            (entry.step.app.as_str(), entry.step.name.as_str()),
            ("shop", name)
        );
        assert_eq!(
            (entry.action.as_str(), entry.outcome.as_str()),
            ("run", "applied")
        );
        assert_eq!(
            (entry.pid, entry.app_version.as_str()),
            (i64::from(std::process::id()), "1.2.3")
        );
        assert!(!entry.host.is_empty() && entry.error.is_none());
        assert!(
            entry.at.starts_with("20") && entry.at.ends_with('Z'),
            "{}",
            entry.at
        );
    }
    assert_eq!(entries[0].rows, Some(2));
    assert_eq!(migrator.history(Some("FILL")).await.unwrap().len(), 1);
}

async fn tells_events_in_order(db: Db) {
    let database = TestDatabase::create(db).await;
    let events = Events::default();
    let files = [
        ("0001_initial.sql", ITEM),
        (
            "0002_fill.sql",
            "INSERT INTO item VALUES (1, 'a');\nINSERT INTO item VALUES (2, 'b');",
        ),
    ];
    database
        .migrator(history(&files))
        .observer(events.clone())
        .run()
        .await
        .unwrap();
    let told: Vec<String> = events
        .all()
        .iter()
        .map(|event| match event {
            Event::LockTaken {
                token,
                taken_over_from: None,
            } => format!("lock {token}"),
            Event::RunStarted { steps } => format!("run {steps}"),
            Event::StepStarted {
                step, index, of, ..
            } => format!("start {} {index}/{of}", step.name),
            Event::Statement {
                step,
                index,
                of,
                line,
            } => {
                format!("statement {} {index}/{of} line {line}", step.name)
            }
            Event::StepFinished(run) => format!("finish {}", run.step.name),
            other => format!("{other:?}"),
        })
        .collect();
    let position = |text: &str| {
        told.iter()
            .position(|t| t == text)
            .unwrap_or_else(|| panic!("no `{text}` in {told:#?}"))
    };
    let expected = [
        "lock 1",
        "run 2",
        "start 0001_initial 1/2",
        "statement 0001_initial 1/1 line 1",
        "start 0002_fill 2/2",
        "statement 0002_fill 1/2 line 1",
        "statement 0002_fill 2/2 line 2",
        "finish 0002_fill",
    ];
    let places: Vec<usize> = expected.map(position).to_vec();
    assert!(places.is_sorted(), "{told:#?}");
    // With several steps in one transaction "finished" comes after its COMMIT.
    assert!(position("finish 0001_initial") > position("statement 0001_initial 1/1 line 1"));
    assert!(position("finish 0001_initial") < position("finish 0002_fill"));
    assert_eq!(told.len(), 9, "{told:#?}");
}

async fn an_atomic_step_is_all_or_nothing(db: Db) {
    let database = TestDatabase::create(db).await;
    database
        .migrate(history(&[("0001_initial.sql", ITEM)]))
        .await;
    let before = database.dump(migrate_tests::Scope::WithoutLedger).await;
    let files = [
        ("0001_initial.sql", ITEM),
        (
            "0002_fill.sql",
            "INSERT INTO item VALUES (1, 'a');\n\nINSERT INTO item VALUES (1, 'again');\n\
             INSERT INTO item VALUES (2, 'b');",
        ),
    ];
    let error = database.refused(history(&files)).await;
    assert_eq!(error.code(), ErrorCode::StepFailed, "{error}");
    assert!(error.message().contains("statement 2 of 3"), "{error}");
    assert!(error.message().contains("0002_fill.sql:3"), "{error}");
    assert_eq!(
        database.dump(migrate_tests::Scope::WithoutLedger).await,
        before
    );
    assert_eq!(database.ledger_row("1", "0002_fill").await, None);
    assert!(database.is_unlocked().await);
}

async fn a_failure_says_how_far_it_came(db: Db) {
    let database = TestDatabase::create(db).await;
    let files = [
        ("0001_initial.sql", ITEM),
        ("0002_fill.sql", "INSERT INTO item VALUES (1, 'a')"),
        ("0003_bad.sql", "INSERT INTO item VALUES (1, 'b')"),
        ("0004_more.sql", "INSERT INTO item VALUES (2, 'b')"),
        ("0005_last.sql", "INSERT INTO item VALUES (3, 'b')"),
    ];
    let error = database.refused(history(&files)).await;
    let progress = error.progress().expect("progress");
    assert_eq!(names(&progress.applied), ["0001_initial", "0002_fill"]);
    assert_eq!(progress.failed.as_ref().unwrap().name, "0003_bad");
    let remaining: Vec<&str> = progress
        .remaining
        .iter()
        .map(|id| id.name.as_str())
        .collect();
    assert_eq!(remaining, ["0004_more", "0005_last"]);
    let left = progress.left_behind.as_deref().unwrap();
    assert!(left.contains("rolled back"), "{left}");
    let json = serde_json::to_value(&error).unwrap();
    assert_eq!(json["code"], "step_failed");
    assert_eq!(json["progress"]["failed"], "shop.0003_bad");
    assert_eq!(json["progress"]["remaining"][1], "shop.0005_last");
}

async fn the_next_run_continues(db: Db) {
    let database = TestDatabase::create(db).await;
    let bad = [
        ("0001_initial.sql", ITEM),
        ("0002_fill.sql", "INSERT INTO nowhere VALUES (1, 'a')"),
        ("0003_more.sql", "INSERT INTO item VALUES (2, 'b')"),
    ];
    database.refused(history(&bad)).await;
    let good = [
        bad[0],
        ("0002_fill.sql", "INSERT INTO item VALUES (1, 'a')"),
        bad[2],
    ];
    assert_eq!(
        database.migrate(history(&good)).await,
        ["0002_fill", "0003_more"]
    );
}

async fn one_run_of_many_steps_reports_each(db: Db) {
    let database = TestDatabase::create(db).await;
    let fill = Function::new("fill_v1_2026_01_02", |cx| {
        Box::pin(async move {
            cx.execute("INSERT INTO item VALUES (?, ?)", &[1.into(), "a".into()])
                .await?;
            migrate_tests::done("one item".to_owned())
        })
    })
    .after(&["0001_initial"])
    .build();
    let history = steps(&[("0001_initial.sql", ITEM)])
        .function(fill)
        .build()
        .unwrap();
    let report = database.migrator(history).run().await.unwrap();
    let run = &report.steps[1];
    assert_eq!(run.outcome, StepOutcome::Applied);
    assert_eq!((run.rows, run.result.as_deref()), (None, Some("one item")));
    assert!(!run.refreshed);
}

async fn a_failed_step_is_shown_and_then_forgotten(db: Db) {
    let database = TestDatabase::create(db).await;
    let bad = [
        ("0001_initial.sql", ITEM),
        ("0002_fill.sql", "INSERT INTO nowhere VALUES (1)"),
    ];
    let bad_history = history(&bad);
    database.refused(bad_history.clone()).await;
    let status = database.migrator(bad_history).status().await.unwrap();
    assert_eq!(status.steps[1].state, State::Failed);
    assert!(
        status.steps[1]
            .error
            .as_deref()
            .unwrap()
            .contains("nowhere"),
        "{status:?}"
    );
    assert_eq!((status.pending, status.lock.is_none()), (1, true));
    let good = history(&[
        bad[0],
        ("0002_fill.sql", "INSERT INTO item VALUES (1, 'a')"),
    ]);
    database.migrate(good.clone()).await;
    let migrator = database.migrator(good);
    let status = migrator.status().await.unwrap();
    assert_eq!(status.steps[1].state, State::Applied);
    assert_eq!(status.steps[1].error, None);
    let outcomes: Vec<String> = migrator
        .history(Some("0002"))
        .await
        .unwrap()
        .into_iter()
        .map(|e| e.outcome)
        .collect();
    assert_eq!(outcomes, ["applied", "failed"]);
}

async fn plans_what_it_will_do(db: Db) {
    let database = TestDatabase::create(db).await;
    let fill = Function::sql("fill_v1_2026_01_02", "INSERT INTO item VALUES (1, 'a')")
        .after(&["0001_initial"])
        .description("Fills it.")
        .build();
    let history = steps(&[
        ("0001_initial.sql", ITEM),
        (
            "0002_more.sql",
            "-- migrate: atomic = false\nINSERT INTO item VALUES (2, 'b')",
        ),
        ("0003_last.sql", "INSERT INTO item VALUES (3, 'c')"),
    ])
    .function(fill)
    .build()
    .unwrap();
    let plan = database.migrator(history).plan().await.unwrap();
    let modes: Vec<(&str, Mode)> = plan
        .steps
        .iter()
        .map(|step| (step.step.name.as_str(), step.mode))
        .collect();
    let ddl = if db.capabilities().transactional_ddl {
        Mode::Atomic
    } else {
        Mode::ImplicitCommit
    };
    let expected = [
        ("0001_initial", ddl),
        ("fill_v1_2026_01_02", Mode::Atomic),
        ("0002_more", Mode::NonAtomic),
        ("0003_last", Mode::Atomic),
    ];
    assert_eq!(modes, expected);
    assert_eq!(plan.steps[1].description.as_deref(), Some("Fills it."));
    assert!(
        !database.has_table("migrate_meta").await,
        "a plan writes nothing"
    );
}

async fn an_empty_history_is_refused(db: Db) {
    let database = TestDatabase::create(db).await;
    let error = database.refused(History::builder().build().unwrap()).await;
    assert_eq!(error.code(), ErrorCode::UnknownStep);
    assert!(!error.helps().is_empty());
    assert!(!database.has_table("migrate_meta").await);
}

async fn apps_share_one_ledger(db: Db) {
    let database = TestDatabase::create(db).await;
    let shop = History::builder()
        .sql("shop", "0001_initial.sql", ITEM)
        .build()
        .unwrap();
    let other = History::builder()
        .sql("other", "0001_initial.sql", "CREATE TABLE other (id INT)")
        .build()
        .unwrap();
    database.migrate(shop.clone()).await;
    assert_eq!(database.migrate(other).await, ["0001_initial"]);
    // Rows of an app that this binary lacks are somebody else's.
    let report = database.migrator(shop.clone()).run().await.unwrap();
    assert_eq!((report.steps.len(), report.warnings.len()), (0, 0));
    let status = database.migrator(shop).status().await.unwrap();
    assert_eq!(status.steps.len(), 2);
    assert_eq!(status.steps[1].state, State::OtherApp);
}
