//! `run NAME`: the order of its decisions, and what it leaves in each case.

use migrate_core::report::StepOutcome;
use migrate_core::{ErrorCode, Event, History, RunStep, StepError};
use migrate_tests::{Connection, Db, Function, Scope, TestDatabase, done, each_database, steps};

use super::sql::ITEM;

each_database! {
    all: runs_once, fake_wins_over_everything, force_runs_again_and_refreshes,
        force_of_a_pending_one_adds_its_row, a_failed_forced_run_leaves_the_old_row,
        a_dry_run_of_one_step, what_was_applied_meanwhile_is_not_judged, refuses_what_cannot_run, names_are_found_like_a_user_writes_them;
}

const NAME: &str = "work_v1_2026_01_02";

fn with(function: Function) -> History {
    let function = function.after(&["0001_initial"]).build();
    steps(&[("0001_initial.sql", ITEM)])
        .function(function)
        .build()
        .unwrap()
}

fn adds_one() -> Function {
    Function::new(NAME, |cx| {
        Box::pin(async move {
            let sql = "INSERT INTO item SELECT count(*) + 1, 'x' FROM item";
            done(cx.execute(sql, &[]).await?)
        })
    })
    .manual()
}

/// A database with the table and nothing else.
async fn with_table(db: Db) -> TestDatabase {
    let database = TestDatabase::create(db).await;
    database.migrate(with(adds_one())).await;
    database
}

async fn items(database: &TestDatabase) -> i64 {
    database.count("SELECT count(*) FROM item").await
}

/// Outcomes of the runs of the step, oldest first.
async fn runs(database: &TestDatabase) -> Vec<String> {
    let sql = format!("SELECT action, outcome FROM migrate_runs WHERE name = '{NAME}' ORDER BY id");
    let rows = database.rows(&sql).await;
    rows.into_iter()
        .map(|row| row.into_iter().flatten().collect::<Vec<_>>().join(" "))
        .collect()
}

async fn runs_once(db: Db) {
    let database = with_table(db).await;
    let migrator = database.migrator(with(adds_one()));
    let run = migrator.run_step(NAME, RunStep::Run).await.unwrap();
    assert_eq!(
        (run.outcome, run.rows, run.refreshed),
        (StepOutcome::Applied, Some(1), false)
    );
    let before = database.dump(Scope::Everything).await;
    let again = migrator.run_step(NAME, RunStep::Run).await.unwrap();
    assert_eq!(
        (again.outcome, again.rows),
        (StepOutcome::AlreadyApplied, None)
    );
    assert_eq!(database.dump(Scope::Everything).await, before);
    assert_eq!(
        (items(&database).await, runs(&database).await),
        (1, vec!["run applied".to_owned()])
    );
}

async fn fake_wins_over_everything(db: Db) {
    let database = TestDatabase::create(db).await;
    // Not even the table is there: recording needs nothing of what the step needs.
    let migrator = database.migrator(with(adds_one()));
    let run = migrator.run_step(NAME, RunStep::Fake).await.unwrap();
    assert_eq!(run.outcome, StepOutcome::Faked);
    let row = database.ledger_row("state, faked", NAME).await.unwrap();
    assert_eq!(row, [Some("applied".to_owned()), Some("1".to_owned())]);
    let again = migrator.run_step(NAME, RunStep::Fake).await.unwrap();
    assert_eq!(again.outcome, StepOutcome::AlreadyApplied);
    assert_eq!(runs(&database).await, ["fake applied"]);
    let status = migrator.status().await.unwrap();
    let entry = status
        .steps
        .iter()
        .find(|entry| entry.step.name == NAME)
        .unwrap();
    assert!(entry.faked);
}

async fn force_runs_again_and_refreshes(db: Db) {
    let database = with_table(db).await;
    let migrator = database.migrator(with(adds_one()));
    migrator.run_step(NAME, RunStep::Run).await.unwrap();
    database
        .execute("UPDATE migrate_steps SET applied_at = '2020-01-02 03:04:05'")
        .await;
    let old = database.ledger_row("applied_at", NAME).await.unwrap();
    let run = migrator.run_step(NAME, RunStep::Force).await.unwrap();
    assert_eq!((run.outcome, run.refreshed), (StepOutcome::Forced, true));
    assert_eq!(items(&database).await, 2);
    assert_ne!(database.ledger_row("applied_at", NAME).await.unwrap(), old);
    let sql = format!("SELECT count(*), max(runs) FROM migrate_steps WHERE name = '{NAME}'");
    assert_eq!(
        database.rows(&sql).await,
        [[Some("1".to_owned()), Some("2".to_owned())]]
    );
    assert_eq!(runs(&database).await, ["run applied", "force applied"]);
}

async fn force_of_a_pending_one_adds_its_row(db: Db) {
    let database = with_table(db).await;
    let migrator = database.migrator(with(adds_one()));
    let run = migrator.run_step(NAME, RunStep::Force).await.unwrap();
    assert_eq!((run.outcome, run.refreshed), (StepOutcome::Forced, false));
    assert_eq!(runs(&database).await, ["force applied"]);
}

async fn a_failed_forced_run_leaves_the_old_row(db: Db) {
    for atomic in [true, false] {
        let database = with_table(db).await;
        let migrator = database.migrator(with(adds_one()));
        migrator.run_step(NAME, RunStep::Run).await.unwrap();
        database
            .execute("UPDATE migrate_steps SET applied_at = '2020-01-02 03:04:05'")
            .await;
        let columns =
            "state, applied_at, checksum, runs, error, rows_affected, result, duration_ms";
        let old = database.ledger_row(columns, NAME).await.unwrap();
        let fails = Function::new(NAME, |_| Box::pin(async { Err(StepError::msg("no")) })).manual();
        let fails = with(if atomic { fails } else { fails.non_atomic() });
        let error = database
            .migrator(fails)
            .run_step(NAME, RunStep::Force)
            .await
            .unwrap_err();
        assert_eq!(error.code(), ErrorCode::StepFailed);
        assert_eq!(database.ledger_row(columns, NAME).await.unwrap(), old);
        assert_eq!(runs(&database).await, ["run applied", "force failed"]);
        assert!(database.is_unlocked().await);
        // Still applied: a plain run is a silent success.
        let run = migrator.run_step(NAME, RunStep::Run).await.unwrap();
        assert_eq!(run.outcome, StepOutcome::AlreadyApplied);
    }
}

async fn a_dry_run_of_one_step(db: Db) {
    let database = with_table(db).await;
    let migrator = database.migrator(with(adds_one()));
    let before = database.dump(Scope::Everything).await;
    let report = migrator.dry_run_step(NAME, false).await.unwrap();
    assert_eq!(report.steps[0].run.outcome, StepOutcome::DryRun);
    assert_eq!(report.steps[0].run.result.as_deref(), Some("1"));
    assert_eq!(database.dump(Scope::Everything).await, before);
    migrator.run_step(NAME, RunStep::Run).await.unwrap();
    let before = database.dump(Scope::Everything).await;
    assert!(
        migrator
            .dry_run_step(NAME, false)
            .await
            .unwrap()
            .steps
            .is_empty()
    );
    assert_eq!(
        migrator.dry_run_step(NAME, true).await.unwrap().steps.len(),
        1
    );
    assert_eq!(database.dump(Scope::Everything).await, before);
}

/// Another version of the function, applied while this process waited for the lock.
async fn what_was_applied_meanwhile_is_not_judged(db: Db) {
    let of = |checksum: &str| adds_one().source(checksum, "async fn step() {}");
    let database = TestDatabase::create(db).await;
    let theirs = with(of("v1:sha256:1111"));
    database.migrate(theirs.clone()).await;
    let run = database.migrator(theirs).run_step(NAME, RunStep::Run).await;
    assert_eq!(run.unwrap().outcome, StepOutcome::Applied);
    let set = |state| format!("UPDATE migrate_steps SET state = '{state}' WHERE name = '{NAME}'");
    database.execute(&set("failed")).await;
    let url = database.url().to_owned();
    let meanwhile = move |event: &Event| {
        if matches!(event, Event::LockTaken { .. }) {
            let (url, applied) = (url.clone(), set("applied"));
            let other = std::thread::spawn(move || {
                let runtime = tokio::runtime::Builder::new_current_thread()
                    .enable_all()
                    .build()
                    .unwrap();
                runtime.block_on(async {
                    Connection::open(db, &url).await.execute(&applied).await;
                });
            });
            other.join().unwrap();
        }
    };
    let migrator = database
        .migrator(with(of("v1:sha256:2222")))
        .observer(meanwhile);
    let run = migrator.run_step(NAME, RunStep::Run).await.unwrap();
    assert_eq!(run.outcome, StepOutcome::AppliedMeanwhile);
    assert_eq!(items(&database).await, 1);
}

async fn refuses_what_cannot_run(db: Db) {
    let database = TestDatabase::create(db).await;
    let migrator = database.migrator(with(adds_one()));
    for how in [RunStep::Run, RunStep::Force] {
        let error = migrator.run_step(NAME, how).await.unwrap_err();
        assert_eq!(error.code(), ErrorCode::DependencyNotApplied, "{error}");
        assert!(
            error
                .helps()
                .iter()
                .any(|h| h.contains("migrate mark shop.0001_initial")),
            "{error}"
        );
    }
    let error = migrator.dry_run_step(NAME, false).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::DependencyNotApplied, "{error}");
    let error = migrator
        .run_step("0001_initial", RunStep::Run)
        .await
        .unwrap_err();
    assert_eq!(error.code(), ErrorCode::NotPossible, "{error}");
    let error = migrator
        .run_step("wrok_v1_2026_01_02", RunStep::Run)
        .await
        .unwrap_err();
    assert_eq!(error.code(), ErrorCode::UnknownStep, "{error}");
    assert!(error.helps()[0].contains(NAME), "{error}");
    assert!(
        !database.has_table("migrate_meta").await,
        "nothing was begun"
    );
}

async fn names_are_found_like_a_user_writes_them(db: Db) {
    let database = TestDatabase::create(db).await;
    let other = Function::sql("work_v1_2026_01_02", "DELETE FROM item")
        .app("other")
        .manual()
        .build();
    let own = adds_one().after(&["0001_initial"]).build();
    let history = steps(&[("0001_initial.sql", ITEM)])
        .function(own)
        .function(other)
        .build()
        .unwrap();
    let migrator = database.migrator(history);
    migrator.run().await.unwrap();
    for name in ["shop.work_v1_2026_01_02", "shop.work"] {
        migrator.run_step(name, RunStep::Run).await.unwrap();
    }
    for name in ["work_v1_2026_01_02", "work"] {
        let error = migrator.run_step(name, RunStep::Run).await.unwrap_err();
        assert_eq!(error.code(), ErrorCode::AmbiguousStep, "{name}: {error}");
    }
    for name in ["", ".", "shop.", "shop.work.x", "'; --", "nowhere.work"] {
        let error = migrator.run_step(name, RunStep::Run).await.unwrap_err();
        assert!(
            matches!(
                error.code(),
                ErrorCode::UnknownStep | ErrorCode::AmbiguousStep
            ),
            "{name}: {error}"
        );
    }
}
