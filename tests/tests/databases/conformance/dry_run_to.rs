//! A dry run to a goal goes the way that a run would go, backwards as well, and leaves nothing of it.

use migrate_core::report::{Action, Direction, DryRunReport, StepOutcome};
use migrate_core::{ErrorCode, Fake, History, Policies, Policy, Request, RunStep};
use migrate_tests::{
    Db, Events, Function, Scope, TestDatabase, done, each_database, history, request, steps,
};

use super::back::{lenient, recorded};
use super::sql::ITEM;

each_database! {
    all: a_way_back_leaves_everything_as_it_was, goes_to_the_goal_and_no_further,
        the_way_back_goes_up_to_the_first_that_cannot_be_rolled_back,
        a_squash_goes_back_as_one_and_may_only_be_recorded,
        what_a_run_refuses_is_refused_in_its_words, a_failing_way_back_gives_the_runs_own_error,
        what_is_half_undone_is_not_begun_anew, what_was_interrupted_is_not_begun_anew,
        is_refused_while_a_run_holds_the_lock, only_what_was_agreed_to_is_tried,
        one_transaction_is_refused_as_by_a_run, records_are_no_way_to_try,
        what_the_policies_let_pass_is_told, each_step_begins_with_the_sessions_own_settings,
        rows_of_a_table_that_is_emptied_count, a_reverse_is_told_that_it_is_tried,
        deferred_constraints_fire_on_the_way_back, tables_with_deferred_constraints_may_go,
        one_step_is_refused_as_by_a_run;
    servers: what_needs_a_commit_between_two_steps_is_no_failure_of_the_step;
}

const NAME: &str = "work_v1_2026_01_02";
const MANUAL: &str = "mend_v1_2026_01_02";

/// A table; the others only change rows, so that each can be rolled back everywhere.
const FIRST: &str = "-- migrate: up\nCREATE TABLE item (id INT NOT NULL PRIMARY KEY, name VARCHAR(100));\n\
     -- migrate: down\nDROP TABLE item;";
const FILL: &str = "-- migrate: up\nINSERT INTO item VALUES (1, 'a'), (2, 'b'), (3, 'c');\n\
     -- migrate: down\nDELETE FROM item WHERE id < 4;";

/// Rows that a SQL step, a data migration, and one that a SQL step runs put there and take away.
/// Each way back does nothing unless the ones before it were gone.
fn shop() -> History {
    let last = format!(
        "-- migrate: after = [\"0002_fill\"]\n-- migrate: run = \"{MANUAL}\"\n\
         -- migrate: up\nINSERT INTO item VALUES (5, 'e');\n\
         -- migrate: down\nDELETE FROM item WHERE name = 'e';"
    );
    steps(&[
        ("0001_initial.sql", FIRST),
        ("0002_fill.sql", FILL),
        ("0003_last.sql", &last),
    ])
    .function(
        Function::sql(NAME, "UPDATE item SET name = 'x' WHERE id = 1")
            .after(&["0002_fill"])
            .before(&["0003_last"])
            .reverse_sql("UPDATE item SET name = 'a' WHERE name = 'x'")
            .build(),
    )
    .function(
        Function::sql(MANUAL, "UPDATE item SET name = 'f' WHERE id = 5")
            .manual()
            .after(&["0002_fill"])
            .reverse_sql("UPDATE item SET name = 'e' WHERE name = 'f'")
            .build(),
    )
    .build()
    .unwrap_or_else(|error| panic!("{error}"))
}

async fn try_to(database: &TestDatabase, history: History, words: &str) -> DryRunReport {
    match database.migrator(history).dry_run_to(&request(words)).await {
        Ok(report) => report,
        Err(error) => panic!("{words}: {error}"),
    }
}

fn tried(report: &DryRunReport) -> Vec<&str> {
    let steps = report.steps.iter();
    steps.map(|step| step.run.step.name.as_str()).collect()
}

/// How many rows each step changed.
fn changed(report: &DryRunReport) -> Vec<u64> {
    let sum = |step: &migrate_core::report::DryRunStep| {
        let tables = step.tables.iter();
        step.rows_total
            .unwrap_or_else(|| tables.map(|t| t.inserted + t.updated + t.deleted).sum())
    };
    report.steps.iter().map(sum).collect()
}

async fn a_way_back_leaves_everything_as_it_was(db: Db) {
    let database = TestDatabase::create(db).await;
    database.migrate(shop()).await;
    let before = database.dump(Scope::Everything).await;
    let events = Events::default();
    for _ in 0..2 {
        let migrator = database.migrator(shop()).observer(events.clone());
        let report = migrator.dry_run_to(&request("shop 0001")).await.unwrap();
        assert_eq!(report.direction, Direction::Backwards);
        assert_eq!(tried(&report), ["0003_last", NAME, "0002_fill"]);
        assert!(report.not_tried.is_empty());
        for step in &report.steps {
            assert_eq!(step.action, Action::Revert);
            assert_eq!(step.run.outcome, StepOutcome::DryRun);
        }
        // The row of the last step is changed once and deleted; its function goes along.
        assert_eq!(changed(&report), [2, 1, 3]);
        let along = &report.steps[0].runs;
        assert_eq!(along.len(), 1);
        assert_eq!(
            (along[0].step.name.as_str(), along[0].outcome, along[0].rows),
            (MANUAL, StepOutcome::DryRun, Some(1))
        );
        assert_eq!(report.steps[1].run.rows, Some(1), "what `reverse` returned");
        assert_eq!(database.dump(Scope::Everything).await, before);
    }
    assert!(!events.all().is_empty());
    let report = try_to(&database, shop(), "undo").await;
    assert_eq!(tried(&report), ["0003_last"]);
    assert_eq!(database.dump(Scope::Everything).await, before);

    // The run itself does the same.
    let report = database.migrate_to(shop(), "shop 0001").await;
    assert_eq!(report.steps.len(), 4);
    assert_eq!(database.count("SELECT count(*) FROM item").await, 0);
}

async fn goes_to_the_goal_and_no_further(db: Db) {
    let database = TestDatabase::create(db).await;
    database.migrate_to(shop(), "shop 0001").await;
    let before = database.dump(Scope::Everything).await;
    for (words, expected) in [
        ("shop 0002", vec!["0002_fill"]),
        ("shop 0003", vec!["0002_fill", NAME, "0003_last"]),
        ("shop", vec!["0002_fill", NAME, "0003_last"]),
        ("shop 0001", vec![]),
    ] {
        let report = try_to(&database, shop(), words).await;
        assert_eq!(report.direction, Direction::Forwards);
        assert_eq!(tried(&report), expected, "{words}");
        let applies = |step: &migrate_core::report::DryRunStep| step.action == Action::Apply;
        assert!(report.steps.iter().all(applies));
        assert_eq!(database.dump(Scope::Everything).await, before);
    }
    let fresh = TestDatabase::create(db).await;
    let before = fresh.dump(Scope::Everything).await;
    for words in ["shop zero", "undo"] {
        assert!(try_to(&fresh, shop(), words).await.steps.is_empty());
    }
    assert_eq!(fresh.dump(Scope::Everything).await, before);
}

async fn the_way_back_goes_up_to_the_first_that_cannot_be_rolled_back(db: Db) {
    let database = TestDatabase::create(db).await;
    let piecewise = "-- migrate: atomic = false\n-- migrate: up\nINSERT INTO item VALUES (8, 'h');\n\
                     -- migrate: down\nDELETE FROM item WHERE id = 8;";
    let files = [
        ("0001_initial.sql", FIRST),
        ("0002_piecewise.sql", piecewise),
        ("0003_fill.sql", FILL),
    ];
    database.migrate(history(&files)).await;
    let before = database.dump(Scope::Everything).await;
    let report = try_to(&database, history(&files), "shop zero").await;
    assert_eq!(tried(&report), ["0003_fill"]);
    let reasons = report.not_tried.iter();
    let reasons: Vec<_> = reasons
        .map(|step| (step.step.name.as_str(), step.action, step.reason.as_str()))
        .collect();
    let last = match db.capabilities().transactional_ddl {
        true => "comes after `shop.0002_piecewise`",
        false => "has DDL or a call, which this database commits at once",
    };
    assert_eq!(
        reasons,
        [
            (
                "0002_piecewise",
                Action::Revert,
                "is not atomic: its statements commit as they go"
            ),
            ("0001_initial", Action::Revert, last),
        ]
    );
    assert_eq!(database.dump(Scope::Everything).await, before);

    // DDL on the way back, where the way there had none.
    let files = [
        ("0001_initial.sql", FIRST),
        (
            "0002_drop.sql",
            "-- migrate: up\nINSERT INTO item VALUES (1, 'a');\n\
             -- migrate: down\nALTER TABLE item ADD COLUMN price INT;\nDELETE FROM item;",
        ),
    ];
    let database = TestDatabase::create(db).await;
    database.migrate(history(&files)).await;
    let before = database.dump(Scope::Everything).await;
    let report = try_to(&database, history(&files), "shop zero").await;
    if db.capabilities().transactional_ddl {
        assert_eq!(tried(&report), ["0002_drop", "0001_initial"]);
    } else {
        assert!(report.steps.is_empty());
        let reason = &report.not_tried[0].reason;
        assert!(reason.starts_with("has DDL"), "{reason}");
    }
    assert_eq!(database.dump(Scope::Everything).await, before);
}

/// Rows only, so that they can be rolled back everywhere.
const SQUASH: &str = "-- migrate: replaces = [\"0002_fill\", \"0003_more\"]\n-- migrate: up\n\
     INSERT INTO item VALUES (1, 'a'), (2, 'b'), (3, 'c');\nINSERT INTO item VALUES (4, 'd');\n\
     -- migrate: down\nDELETE FROM item WHERE id = 4;\nDELETE FROM item WHERE id < 4;";

async fn a_squash_goes_back_as_one_and_may_only_be_recorded(db: Db) {
    let more = "-- migrate: up\nINSERT INTO item VALUES (4, 'd');\n-- migrate: down\nDELETE FROM item WHERE id = 4;";
    let old = [
        ("0001_initial.sql", FIRST),
        ("0002_fill.sql", FILL),
        ("0003_more.sql", more),
    ];
    let squashed = [old[0], ("0002_squashed.sql", SQUASH)];
    let database = TestDatabase::create(db).await;
    database.migrate(history(&old)).await;
    let before = database.dump(Scope::Everything).await;
    let report = try_to(&database, history(&squashed), "shop").await;
    assert_eq!(tried(&report), ["0002_squashed"]);
    assert_eq!(report.steps[0].action, Action::Record);
    assert_eq!(changed(&report), [0]);
    // Once as what its steps' rows say, once with a row of its own.
    for recorded_before in [false, true] {
        if recorded_before {
            database.migrate(history(&squashed)).await;
        }
        let before = database.dump(Scope::Everything).await;
        let report = try_to(&database, history(&squashed), "shop 0001").await;
        assert_eq!(tried(&report), ["0002_squashed"]);
        assert_eq!(report.steps[0].action, Action::Revert);
        assert_eq!(changed(&report), [4]);
        assert_eq!(database.dump(Scope::Everything).await, before);
    }
    assert_ne!(database.dump(Scope::Everything).await, before);
}

async fn what_a_run_refuses_is_refused_in_its_words(db: Db) {
    let one_way = [
        ("0001_initial.sql", FIRST),
        ("0002_one_way.sql", "INSERT INTO item VALUES (2, 'b')"),
        (
            "0003_fill.sql",
            "-- migrate: up\nSELECT 1;\n-- migrate: down\nDELETE FROM item;",
        ),
    ];
    let database = TestDatabase::create(db).await;
    database.migrate(history(&one_way)).await;
    let before = database.dump(Scope::Everything).await;
    let migrator = database.migrator(history(&one_way));
    let zero = request("shop zero");
    let tried = migrator.dry_run_to(&zero).await.unwrap_err();
    assert_eq!(tried.code(), ErrorCode::Irreversible, "{tried}");
    let run = migrator.migrate(&zero).await.unwrap_err();
    assert_eq!(tried.message(), run.message());
    assert_eq!(tried.helps(), run.helps());
    let unknown = migrator
        .dry_run_to(&request("shop 0009"))
        .await
        .unwrap_err();
    assert_eq!(unknown.code(), ErrorCode::UnknownStep, "{unknown}");
    assert_eq!(database.dump(Scope::Everything).await, before);
}

async fn a_failing_way_back_gives_the_runs_own_error(db: Db) {
    let broken = "-- migrate: up\nINSERT INTO item VALUES (8, 'h');\n\
                  -- migrate: down\nDELETE FROM item WHERE id = 8;\nDELETE FROM nowhere;";
    let files = [("0001_initial.sql", FIRST), ("0002_broken.sql", broken)];
    let database = TestDatabase::create(db).await;
    database.migrate(history(&files)).await;
    let before = database.dump(Scope::Everything).await;
    let migrator = database.migrator(history(&files));
    let undo = request("undo");
    let tried = migrator.dry_run_to(&undo).await.unwrap_err();
    assert_eq!(database.dump(Scope::Everything).await, before);
    let run = migrator.migrate(&undo).await.unwrap_err();
    assert_eq!(tried.code(), ErrorCode::StepFailed, "{tried}");
    assert_eq!(tried.message(), run.message());
}

async fn what_is_half_undone_is_not_begun_anew(db: Db) {
    let text = |second: &str| {
        format!(
            "-- migrate: atomic = false\n-- migrate: up\nINSERT INTO item VALUES (8, 'h');\n\
             -- migrate: down\nUPDATE item SET id = id + 1;\n{second};"
        )
    };
    let (stuck, good) = (text("DELETE FROM nowhere"), text("DELETE FROM item"));
    // Nor where it is atomic by now.
    let atomic = good.replace("-- migrate: atomic = false\n", "");
    let database = TestDatabase::create(db).await;
    let files = |text| history(&[("0001_initial.sql", FIRST), ("0002_work.sql", text)]);
    database.migrate(files(&good)).await;
    let migrator = database.migrator(files(&stuck)).policies(lenient());
    migrator.migrate(&request("undo")).await.unwrap_err();
    assert_eq!(
        recorded(&database).await,
        ["0001_initial", "0002_work reverting"]
    );
    let before = database.dump(Scope::Everything).await;
    for text in [&good, &atomic] {
        let migrator = database.migrator(files(text)).policies(lenient());
        let report = migrator.dry_run_to(&request("undo")).await.unwrap();
        assert!(report.steps.is_empty());
        let reason = &report.not_tried[0].reason;
        assert!(
            reason.contains("statement by statement") || reason.contains("not atomic"),
            "{reason}"
        );
        let error = migrator.dry_run_to(&request("shop")).await.unwrap_err();
        assert_eq!(error.code(), ErrorCode::HalfReverted, "{error}");
    }
    assert_eq!(database.dump(Scope::Everything).await, before);
}

async fn what_was_interrupted_is_not_begun_anew(db: Db) {
    let begun = "-- migrate: atomic = false\nINSERT INTO item VALUES (1, 'a');\nINSERT INTO line VALUES (1);";
    let atomic = begun.replace("-- migrate: atomic = false\n", "");
    let database = TestDatabase::create(db).await;
    let files = |text| history(&[("0001_initial.sql", ITEM), ("0002_work.sql", text)]);
    database.refused(files(begun)).await;
    database.execute("CREATE TABLE line (id INT)").await;
    let before = database.dump(Scope::Everything).await;
    let report = database.migrator(files(&atomic)).dry_run().await.unwrap();
    assert!(report.steps.is_empty(), "{report:?}");
    assert_eq!(
        report.not_tried[0].reason,
        "was begun statement by statement and is finished so"
    );
    assert_eq!(database.dump(Scope::Everything).await, before);
}

async fn is_refused_while_a_run_holds_the_lock(db: Db) {
    let database = TestDatabase::create(db).await;
    database.migrate(shop()).await;
    database
        .execute("UPDATE migrate_lock SET holder = 'elsewhere\t1\t1\tboot\tspace\t9.9'")
        .await;
    database
        .execute("UPDATE migrate_lease SET expires_at = 9000000000000000")
        .await;
    let before = database.dump(Scope::Everything).await;
    let migrator = database.migrator(shop());
    let error = migrator.dry_run_to(&request("undo")).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::LockHeld, "{error}");
    assert_eq!(database.dump(Scope::Everything).await, before);
}

async fn only_what_was_agreed_to_is_tried(db: Db) {
    let database = TestDatabase::create(db).await;
    database.migrate(shop()).await;
    let migrator = database.migrator(shop());
    let plan = migrator.plan_to(&request("undo")).await.unwrap();
    let more = request("shop 0001").agreed(&plan);
    let error = migrator.dry_run_to(&more).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::NotPossible, "{error}");
    let agreed = request("undo").agreed(&plan);
    assert_eq!(migrator.dry_run_to(&agreed).await.unwrap().steps.len(), 1);
}

async fn one_transaction_is_refused_as_by_a_run(db: Db) {
    let files = [
        ("0001_initial.sql", ITEM),
        (
            "0002_piecewise.sql",
            "-- migrate: atomic = false\nINSERT INTO item VALUES (5, 'e')",
        ),
    ];
    let database = TestDatabase::create(db).await;
    let migrator = database.migrator(history(&files));
    let single = Request::default().single_transaction(true);
    let tried = migrator.dry_run_to(&single).await.unwrap_err();
    assert_eq!(tried.code(), ErrorCode::NotOneTransaction, "{tried}");
    let run = migrator.migrate(&single).await.unwrap_err();
    assert_eq!(tried.message(), run.message());
}

async fn records_are_no_way_to_try(db: Db) {
    let database = TestDatabase::create(db).await;
    let before = database.dump(Scope::Everything).await;
    for fake in [Fake::All, Fake::Initial] {
        let request = request("shop").fake(fake);
        let error = database.migrator(shop()).dry_run_to(&request).await;
        let error = error.unwrap_err();
        assert_eq!(error.code(), ErrorCode::NotPossible, "{error}");
        assert!(!error.helps().is_empty(), "{error}");
    }
    assert_eq!(database.dump(Scope::Everything).await, before);
}

async fn what_the_policies_let_pass_is_told(db: Db) {
    let database = TestDatabase::create(db).await;
    database.migrate(shop()).await;
    let edited = [
        ("0001_initial.sql", FIRST),
        ("0002_fill.sql", &FILL.replace("'b'", "'z'")),
    ];
    let mut policies = Policies::default();
    policies.edited = Policy::Warn;
    policies.missing = Policy::Allow;
    let migrator = database.migrator(history(&edited)).policies(policies);
    let plan = migrator.plan_to(&request("shop 0001")).await.unwrap();
    let report = migrator.dry_run_to(&request("shop 0001")).await.unwrap();
    assert!(!report.warnings.is_empty());
    assert_eq!(report.warnings, plan.warnings);
}

/// As in a run: what a step sets in its session does not reach the next one.
async fn each_step_begins_with_the_sessions_own_settings(db: Db) {
    let set = match db {
        // It takes the table out of sight.
        Db::Postgres => "SET search_path = pg_catalog",
        // It makes a text of what was a name.
        Db::MySql => "SET sql_mode = 'ANSI_QUOTES'",
        Db::Sqlite => "PRAGMA query_only = ON",
    };
    let files = [
        ("0001_initial.sql", FIRST),
        ("0002_set.sql", set),
        ("0003_more.sql", "INSERT INTO item VALUES (1, 'a')"),
    ];
    let database = TestDatabase::create(db).await;
    database.migrate(history(&files[..1])).await;
    let before = database.dump(Scope::Everything).await;
    let report = try_to(&database, history(&files), "shop").await;
    assert_eq!(tried(&report), ["0002_set", "0003_more"]);
    assert_eq!(database.dump(Scope::Everything).await, before);
}

async fn rows_of_a_table_that_is_emptied_count(db: Db) {
    let files = [
        ("0001_initial.sql", FIRST),
        (
            "0002_fill.sql",
            "-- migrate: up\nINSERT INTO item VALUES (1, 'a'), (2, 'b');\n\
             -- migrate: down\nUPDATE item SET name = 'x' WHERE id = 1;\nDELETE FROM item;",
        ),
    ];
    let database = TestDatabase::create(db).await;
    database.migrate(history(&files)).await;
    let report = try_to(&database, history(&files), "undo").await;
    assert_eq!(changed(&report), [3], "{report:?}");
}

async fn a_reverse_is_told_that_it_is_tried(db: Db) {
    let function = Function::sql(NAME, "SELECT 1")
        .after(&["0001_initial"])
        .reverse(|cx| Box::pin(async move { done(cx.dry_run().to_string()) }));
    let files = [("0001_initial.sql", FIRST)];
    let all = steps(&files).function(function.build()).build().unwrap();
    let database = TestDatabase::create(db).await;
    database.migrate(all.clone()).await;
    let report = try_to(&database, all.clone(), "undo").await;
    assert_eq!(report.steps[0].run.result.as_deref(), Some("true"));
    let report = database.migrate_to(all, "undo").await;
    assert_eq!(report.steps[0].result.as_deref(), Some("false"));
}

const PART: &str = "-- migrate: up\nCREATE TABLE part (item INT NOT NULL, CONSTRAINT part_of FOREIGN KEY (item) \
     REFERENCES item (id) DEFERRABLE INITIALLY DEFERRED);\n-- migrate: down\nDROP TABLE part;";

async fn deferred_constraints_fire_on_the_way_back(db: Db) {
    if db == Db::MySql {
        // There are none: every constraint is checked at once.
        return;
    }
    let files = [
        ("0001_initial.sql", FIRST),
        ("0002_part.sql", PART),
        ("0003_fill.sql", FILL),
    ];
    let database = TestDatabase::create(db).await;
    database.migrate(history(&files)).await;
    database.execute("INSERT INTO part VALUES (2)").await;
    let before = database.dump(Scope::Everything).await;
    let migrator = database.migrator(history(&files));
    let error = migrator.dry_run_to(&request("undo")).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::StepFailed, "{error}");
    let said = "the way back of `shop.0003_fill` would fail at COMMIT";
    assert!(error.message().contains(said), "{error}");
    assert_eq!(database.dump(Scope::Everything).await, before);
    let run = database.refused_to(history(&files), "undo").await;
    assert_eq!(run.code(), ErrorCode::StepFailed, "{run}");
}

/// In a run each step's constraints are checked before the next one begins, so that it may change
/// or drop the tables; and those that a step defers are its own affair.
async fn tables_with_deferred_constraints_may_go(db: Db) {
    if db == Db::MySql {
        return;
    }
    let rows = "-- migrate: up\nINSERT INTO part VALUES (4), (5);\n\
                INSERT INTO item VALUES (4, 'd'), (5, 'e');\n\
                -- migrate: down\nDELETE FROM item WHERE id > 3;\nDELETE FROM part;";
    let wider = "-- migrate: up\nALTER TABLE part ADD COLUMN price INT;\n\
                 -- migrate: down\nALTER TABLE part DROP COLUMN price;";
    // Its constraint is younger than the dry run.
    let line = "-- migrate: up\nCREATE TABLE line (item INT NOT NULL REFERENCES item (id) \
                DEFERRABLE INITIALLY DEFERRED);\n-- migrate: down\nDROP TABLE line;";
    let lines = "-- migrate: up\nINSERT INTO line VALUES (6);\nINSERT INTO item VALUES (6, 'f');\n\
                 -- migrate: down\nDELETE FROM item WHERE id = 6;\nDELETE FROM line;";
    let files = [
        ("0001_initial.sql", FIRST),
        ("0002_part.sql", PART),
        ("0003_rows.sql", rows),
        ("0004_wider.sql", wider),
        ("0005_line.sql", line),
        ("0006_lines.sql", lines),
        ("0007_more.sql", FILL),
    ];
    let database = TestDatabase::create(db).await;
    let before = database.dump(Scope::Everything).await;
    assert_eq!(
        tried(&try_to(&database, history(&files), "").await).len(),
        7
    );
    assert_eq!(database.dump(Scope::Everything).await, before);
    database.migrate(history(&files)).await;
    let before = database.dump(Scope::Everything).await;
    let report = try_to(&database, history(&files), "shop zero").await;
    assert_eq!(tried(&report).len(), 7, "{report:?}");
    assert_eq!(database.dump(Scope::Everything).await, before);
    database.migrate_to(history(&files), "shop zero").await;
}

async fn one_step_is_refused_as_by_a_run(db: Db) {
    let of = |checksum: &str| {
        let function = Function::sql(NAME, "DELETE FROM item").after(&["0001_initial"]);
        let function = function.source(checksum, "async fn step() {}");
        let files = [("0001_initial.sql", FIRST)];
        let function = function.non_atomic().reverse_sql("DELETE FROM nowhere");
        steps(&files).function(function.build()).build().unwrap()
    };
    let (old, new) = (of("v1:sha256:1111"), of("v1:sha256:2222"));
    let database = TestDatabase::create(db).await;
    database.migrate(old.clone()).await;
    let edited = database.migrator(new);
    let tried = edited.dry_run_step(NAME, true).await.unwrap_err();
    let run = edited.run_step(NAME, RunStep::Force).await.unwrap_err();
    assert_eq!(tried.code(), ErrorCode::StepEdited, "{tried}");
    assert_eq!(tried.message(), run.message());
    // Half undone it is neither applied nor to be run.
    database.refused_to(old.clone(), "undo").await;
    let half = database.migrator(old);
    let tried = half.dry_run_step(NAME, false).await.unwrap_err();
    let run = half.run_step(NAME, RunStep::Run).await.unwrap_err();
    assert_eq!(tried.code(), ErrorCode::HalfReverted, "{tried}");
    assert_eq!(tried.message(), run.message());
}

async fn what_needs_a_commit_between_two_steps_is_no_failure_of_the_step(db: Db) {
    if !db.capabilities().transactional_ddl {
        // There a step with DDL is not tried at all.
        return;
    }
    let files = [
        ("0001_initial.sql", "CREATE TYPE mood AS ENUM ('fine')"),
        ("0002_sad.sql", "ALTER TYPE mood ADD VALUE 'sad'"),
        (
            "0003_item.sql",
            "CREATE TABLE item (mood mood DEFAULT 'sad')",
        ),
    ];
    let database = TestDatabase::create(db).await;
    database.migrate(history(&files[..1])).await;
    let before = database.dump(Scope::Everything).await;
    let error = database.migrator(history(&files)).dry_run().await;
    let error = error.unwrap_err();
    assert_eq!(error.code(), ErrorCode::DryRunImpossible, "{error}");
    assert!(error.message().contains("`shop.0003_item`"), "{error}");
    assert_eq!(database.dump(Scope::Everything).await, before);
    assert_eq!(database.migrate(history(&files)).await.len(), 2);
}
