//! Steps that are recorded by hand before what they come after, and data migrations that only a
//! squash tells of.

use migrate_core::report::StepOutcome;
use migrate_core::{Error, ErrorCode, Event, History, Marked, Policies, Policy, RunStep};
use migrate_tests::{Db, Events, Function, TestDatabase, each_database, history, steps};

use super::back::recorded;
use super::sql::ITEM;

each_database! {
    all: a_record_that_stops_every_run_is_refused, a_policy_lets_it_pass,
        a_record_across_apps_is_refused, what_a_part_of_a_squash_waits_for_is_named, in_order_nothing_is_said,
        data_migrations_are_recorded_with_a_warning,
        a_part_of_a_lost_squash_is_refused, what_is_forgotten_under_others_is_warned_of,
        what_a_squash_stands_for_does_not_run_again, a_gone_name_leads_to_its_squash;
}

const NAME: &str = "work_v1_2026_01_02";

fn has_help(error: &Error, part: &str) -> bool {
    error.helps().iter().any(|help| help.contains(part))
}

fn three() -> History {
    history(&[
        ("0001_initial.sql", ITEM),
        ("0002_more.sql", "INSERT INTO item VALUES (1, 'a')"),
        ("0003_last.sql", "INSERT INTO item VALUES (2, 'a')"),
    ])
}

/// What was warned of.
fn warnings(events: &Events) -> Vec<String> {
    let events = events.all().into_iter();
    let warnings = events.filter_map(|event| match event {
        Event::Warning { message } => Some(message),
        _ => None,
    });
    warnings.collect()
}

async fn a_record_that_stops_every_run_is_refused(db: Db) {
    let database = TestDatabase::create(db).await;
    let migrator = database.migrator(three());
    for reason in [None, Some("it is there")] {
        let error = migrator.mark("0003", reason).await.unwrap_err();
        assert_eq!(error.code(), ErrorCode::OutOfOrder, "{error}");
        for name in ["shop.0001_initial", "shop.0002_more"] {
            assert!(error.message().contains(name), "{error}");
            assert!(has_help(&error, &format!("migrate mark {name}")), "{error}");
        }
        assert!(has_help(&error, "migrate shop 0003_last --fake"), "{error}");
        assert!(has_help(&error, "--out-of-order allow"), "{error}");
    }
    assert!(
        !database.has_table("migrate_meta").await,
        "nothing was begun"
    );
    // As it says.
    for name in ["0001", "0002", "0003"] {
        migrator.mark(name, None).await.unwrap();
    }
    assert!(database.migrate(three()).await.is_empty());
}

async fn a_policy_lets_it_pass(db: Db) {
    for policy in [Policy::Warn, Policy::Allow] {
        let mut policies = Policies::default();
        policies.out_of_order = policy;
        let database = TestDatabase::create(db).await;
        let events = Events::default();
        let migrator = database
            .migrator(three())
            .policies(policies)
            .observer(events.clone());
        migrator.mark("0002", None).await.unwrap();
        assert_eq!(recorded(&database).await, ["0002_more"]);
        let [warning] = &warnings(&events)[..] else {
            panic!("{events:?}");
        };
        assert!(warning.contains("`shop.0001_initial`"), "{warning}");
        migrator.run().await.unwrap();
    }
}

async fn a_record_across_apps_is_refused(db: Db) {
    let of = || {
        History::builder()
            .sql("shop", "0001_initial.sql", ITEM)
            .sql(
                "bills",
                "0001_initial.sql",
                "-- migrate: after = [\"shop.0001_initial\"]\nINSERT INTO item VALUES (1, 'a')",
            )
            .build()
            .unwrap()
    };
    let mut policies = Policies::default();
    policies.out_of_order = Policy::Allow;
    let database = TestDatabase::create(db).await;
    let migrator = database.migrator(of()).policies(policies);
    let error = migrator.mark("bills.0001", None).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::InconsistentHistory, "{error}");
    assert!(error.message().contains("`shop.0001_initial`"), "{error}");
    assert!(
        has_help(&error, "migrate mark shop.0001_initial"),
        "{error}"
    );
    assert!(!has_help(&error, "--out-of-order"), "{error}");
    migrator.mark("shop.0001", None).await.unwrap();
    migrator.mark("bills.0001", None).await.unwrap();
    // What leads out of a history that is inconsistent already.
    migrator.unmark("shop.0001", None).await.unwrap();
    let error = migrator.run().await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::InconsistentHistory, "{error}");
    migrator.mark("shop.0001", None).await.unwrap();
    assert!(migrator.run().await.unwrap().steps.is_empty());
}

/// The squash itself comes after nothing; what it stands for does.
async fn what_a_part_of_a_squash_waits_for_is_named(db: Db) {
    let after = "-- migrate: after = [\"bills.0001_initial\"]\nSELECT 1;";
    let squash = "-- migrate: replaces = [\"0001_initial\", \"0002_more\"]\nSELECT 1;";
    let of = History::builder()
        .sql("bills", "0001_initial.sql", ITEM)
        .sql("shop", "0001_initial.sql", "SELECT 1;")
        .sql("shop", "0002_more.sql", after)
        .sql("shop", "0001_squashed_0002_more.sql", squash);
    let database = TestDatabase::create(db).await;
    let migrator = database.migrator(of.build().unwrap());
    let error = migrator.mark("0001_squashed", None).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::InconsistentHistory, "{error}");
    assert!(error.message().contains("`bills.0001_initial`"), "{error}");
    assert!(!error.helps().is_empty(), "{error}");
    migrator.mark("bills.0001_initial", None).await.unwrap();
    migrator.mark("0001_squashed", None).await.unwrap();
    assert!(migrator.run().await.unwrap().steps.is_empty());
}

async fn in_order_nothing_is_said(db: Db) {
    let database = TestDatabase::create(db).await;
    database.migrate(three()).await;
    let events = Events::default();
    let migrator = database.migrator(three()).observer(events.clone());
    migrator.unmark("0003", None).await.unwrap();
    assert_eq!(migrator.mark("0003", None).await.unwrap(), Marked::Recorded);
    // In the middle, too: what it comes after is there.
    let other = database.migrator(three());
    other.unmark("0002", None).await.unwrap();
    assert_eq!(migrator.mark("0002", None).await.unwrap(), Marked::Recorded);
    assert_eq!(warnings(&events), [""; 0]);
}

async fn data_migrations_are_recorded_with_a_warning(db: Db) {
    let of = || {
        let function = Function::sql(NAME, "INSERT INTO item VALUES (3, 'c')");
        steps(&[("0001_initial.sql", ITEM)])
            .function(function.after(&["0001_initial"]).build())
            .build()
            .unwrap()
    };
    for fake in [false, true] {
        let database = TestDatabase::create(db).await;
        let events = Events::default();
        let migrator = database.migrator(of()).observer(events.clone());
        if fake {
            migrator.run_step(NAME, RunStep::Fake).await.unwrap();
        } else {
            migrator.mark(NAME, None).await.unwrap();
        }
        assert_eq!(recorded(&database).await, [NAME]);
        let [warning] = &warnings(&events)[..] else {
            panic!("{events:?}");
        };
        assert!(warning.contains("`shop.0001_initial`"), "{warning}");
        assert_eq!(database.migrate(of()).await, ["0001_initial"]);
    }
}

async fn what_is_forgotten_under_others_is_warned_of(db: Db) {
    let database = TestDatabase::create(db).await;
    database.migrate(three()).await;
    let events = Events::default();
    let migrator = database.migrator(three()).observer(events.clone());
    migrator.unmark("0003", None).await.unwrap();
    assert_eq!(warnings(&events), [""; 0], "nothing comes after it");
    migrator.mark("0003", None).await.unwrap();
    migrator.unmark("0002", None).await.unwrap();
    let [warning] = &warnings(&events)[..] else {
        panic!("{events:?}");
    };
    assert!(warning.contains("the next run is refused"), "{warning}");
    assert!(warning.contains("`shop.0003_last`"), "{warning}");
    assert_eq!(
        migrator.run().await.unwrap_err().code(),
        ErrorCode::OutOfOrder
    );
}

/// The rest of the squash is gone from the binary: with this record alone it can never be
/// completed.
async fn a_part_of_a_lost_squash_is_refused(db: Db) {
    let squash = format!("-- migrate: replaces = [\"0001_initial\", \"0002_gone\"]\n{ITEM};");
    let files = [
        ("0001_initial.sql", ITEM),
        ("0001_squashed_0002.sql", squash.as_str()),
    ];
    let database = TestDatabase::create(db).await;
    let migrator = database.migrator(history(&files));
    let error = migrator.mark("0001_initial", None).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::SquashIncomplete, "{error}");
    assert!(!database.has_table("migrate_meta").await);
    migrator.mark("0001_squashed_0002", None).await.unwrap();
    assert!(migrator.run().await.unwrap().steps.is_empty());
}

const SQUASHED: &str = "0001_squashed_work";

/// A squash of a table and a data migration; those are in the binary, too, or not.
fn squashed(both: bool) -> History {
    let squash = format!("-- migrate: replaces = [\"0001_initial\", \"{NAME}\"]\n{ITEM};");
    let mut files = vec![("0001_squashed_work.sql", squash.as_str())];
    if both {
        files.insert(0, ("0001_initial.sql", ITEM));
    }
    let builder = steps(&files);
    let builder = match both {
        true => builder.function(
            Function::sql(NAME, "INSERT INTO item VALUES (3, 'c')")
                .after(&["0001_initial"])
                .build(),
        ),
        false => builder,
    };
    builder.build().unwrap_or_else(|error| panic!("{error}"))
}

async fn what_a_squash_stands_for_does_not_run_again(db: Db) {
    let database = TestDatabase::create(db).await;
    assert_eq!(database.migrate(squashed(true)).await, [SQUASHED]);
    let migrator = database.migrator(squashed(true));
    let through = |run: &migrate_core::report::StepRun| {
        let run = serde_json::to_value(run).unwrap();
        run["through"].as_str().map(str::to_owned)
    };
    let run = migrator.run_step(NAME, RunStep::Run).await.unwrap();
    assert_eq!(run.outcome, StepOutcome::AlreadyApplied);
    assert_eq!(through(&run), None, "it has a record of its own");
    // As pruning does.
    let prune = format!("DELETE FROM migrate_steps WHERE name <> '{SQUASHED}'");
    database.execute(&prune).await;
    for how in [RunStep::Run, RunStep::Fake] {
        let run = migrator.run_step(NAME, how).await.unwrap();
        assert_eq!(run.outcome, StepOutcome::AlreadyApplied, "{how:?}");
        let squash = format!("shop.{SQUASHED}");
        assert_eq!(through(&run).as_deref(), Some(squash.as_str()));
    }
    let error = migrator.run_step(NAME, RunStep::Force).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::NotPossible, "{error}");
    assert!(error.message().contains(SQUASHED), "{error}");
    assert!(
        migrator
            .dry_run_step(NAME, false)
            .await
            .unwrap()
            .steps
            .is_empty()
    );
    assert_eq!(database.count("SELECT count(*) FROM item").await, 0);
    assert_eq!(recorded(&database).await, [SQUASHED]);
    assert!(database.is_unlocked().await);

    // A part was taken back by another binary: by name it can run once more.
    database
        .migrator(squashed(true))
        .mark("0001_initial", None)
        .await
        .unwrap();
    let run = migrator.run_step(NAME, RunStep::Force).await.unwrap();
    assert_eq!(run.outcome, StepOutcome::Forced);
    assert_eq!(database.count("SELECT count(*) FROM item").await, 1);
}

async fn a_gone_name_leads_to_its_squash(db: Db) {
    let database = TestDatabase::create(db).await;
    database.migrate(squashed(true)).await;
    let migrator = database.migrator(squashed(false));
    for name in [
        NAME,
        "shop.work_v1_2026_01_02",
        "work",
        "0001_initial",
        "shop.0001_i",
    ] {
        for error in [
            migrator.run_step(name, RunStep::Run).await.unwrap_err(),
            migrator.mark(name, None).await.unwrap_err(),
            migrator.accept(name, "why").await.unwrap_err(),
        ] {
            assert_eq!(error.code(), ErrorCode::UnknownStep, "{error}");
            let squash = format!("the squash `shop.{SQUASHED}` stands for it");
            assert!(error.message().contains(&squash), "{error}");
        }
    }
    let error = migrator.mark("wrok_v1_2026_01_02", None).await.unwrap_err();
    assert!(!error.message().contains(SQUASHED), "{error}");
}
