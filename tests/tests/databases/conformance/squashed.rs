//! Squashes: one step in place of several, whichever of them a database has.

use migrate_core::report::{Action, Direction, State, StepOutcome};
use migrate_core::{Fake, History, Policies, Policy};
use migrate_tests::{Db, Scope, TestDatabase, each_database, history, names, request};

use super::back::{lines, recorded};

each_database! {
    all: a_fresh_database_records_all_that_is_replaced, an_old_database_only_records_the_squash,
        the_way_back_removes_all_of_them, half_undone_it_stands_for_nothing,
        a_squash_is_recorded_and_forgotten_as_a_fake, a_step_inside_takes_its_record_along,
        a_squash_of_a_squash_records_all_of_them, marks_and_unmarks_go_for_all_of_them,
        the_total_is_what_status_counts;
}

const ONE: (&str, &str) = (
    "0001_initial.sql",
    "-- migrate: up\nCREATE TABLE item (id INT NOT NULL PRIMARY KEY);\n-- migrate: down\nDROP TABLE item;",
);
const TWO: (&str, &str) = (
    "0002_more.sql",
    "-- migrate: up\nCREATE TABLE line (item INT NOT NULL);\n-- migrate: down\nDROP TABLE line;",
);
const SQUASH: &str = "-- migrate: replaces = [\"0001_initial\", \"0002_more\"]\n-- migrate: up\n\
     CREATE TABLE item (id INT NOT NULL PRIMARY KEY);\nCREATE TABLE line (item INT NOT NULL);\n\
     -- migrate: down\nDROP TABLE line;\nDROP TABLE item;";
const SQUASHED: &str = "0001_squashed_0002_more";
const ROWS: [&str; 3] = ["0001_initial", SQUASHED, "0002_more"];

/// The squash, with or without what it replaces; and a step after it.
fn after(squash: &str, both: bool) -> History {
    let squash = ("0001_squashed_0002_more.sql", squash);
    let last = (
        "0003_last.sql",
        "-- migrate: up\nSELECT 1;\n-- migrate: down\nSELECT 1;\n",
    );
    let mut files = vec![squash, last];
    if both {
        files.splice(0..0, [ONE, TWO]);
    }
    history(&files)
}

fn of(both: bool) -> History {
    after(SQUASH, both)
}

async fn a_fresh_database_records_all_that_is_replaced(db: Db) {
    let old = TestDatabase::create(db).await;
    old.migrate(history(&[ONE, TWO])).await;
    for both in [true, false] {
        let database = TestDatabase::create(db).await;
        let report = database.migrator(of(both)).run().await.unwrap();
        assert_eq!(names(&report.steps), [SQUASHED, "0003_last"]);
        assert_eq!(report.steps[0].outcome, StepOutcome::Applied);
        let mut all = ROWS.to_vec();
        all.push("0003_last");
        assert_eq!(recorded(&database).await, all);
        assert_eq!(report.applied_total, 2);
        assert_eq!(
            database.dump(Scope::WithoutLedger).await,
            old.dump(Scope::WithoutLedger).await
        );
        assert_eq!(lines(&database, SQUASHED).await, ["run applied"]);
        assert_eq!(lines(&database, "0002_more").await, ["squash recorded"]);
        // The squash is the last of them, and what is after it is later still.
        let order = database
            .rows("SELECT name FROM migrate_steps ORDER BY seq")
            .await;
        let order: Vec<_> = order.iter().filter_map(|row| row[0].as_deref()).collect();
        assert_eq!(order, ["0001_initial", "0002_more", SQUASHED, "0003_last"]);
        // Neither binary has anything left to do.
        for again in [of(true), of(false)] {
            assert_eq!(database.migrate(again).await.len(), 0);
        }
    }
}

async fn an_old_database_only_records_the_squash(db: Db) {
    for both in [true, false] {
        let database = TestDatabase::create(db).await;
        database.migrate(history(&[ONE, TWO])).await;
        let before = database.dump(Scope::WithoutLedger).await;
        let dry = database.migrator(of(both)).dry_run().await.unwrap();
        let tried: Vec<_> = dry
            .steps
            .iter()
            .map(|step| (step.run.step.name.as_str(), step.action))
            .collect();
        let expected = [(SQUASHED, Action::Record), ("0003_last", Action::Apply)];
        assert_eq!(tried, expected, "the squash is not executed");
        let report = database.migrator(of(both)).run().await.unwrap();
        assert_eq!(report.steps[0].outcome, StepOutcome::Recorded);
        assert_eq!(names(&report.steps), [SQUASHED, "0003_last"]);
        assert_eq!(report.applied_total, 2);
        assert_eq!(database.dump(Scope::WithoutLedger).await, before);
        assert_eq!(lines(&database, SQUASHED).await, ["squash recorded"]);
        assert_eq!(lines(&database, "0001_initial").await, ["run applied"]);
        assert_eq!(database.migrate(of(both)).await.len(), 0);
    }
}

async fn the_way_back_removes_all_of_them(db: Db) {
    for recorded_before in [true, false] {
        let database = TestDatabase::create(db).await;
        let empty = database.dump(Scope::WithoutLedger).await;
        database.migrate(history(&[ONE, TWO])).await;
        if recorded_before {
            database.migrate(of(false)).await;
        }
        let report = database.migrate_to(of(false), "shop zero").await;
        assert_eq!(report.direction, Direction::Backwards);
        assert_eq!(report.applied_total, 0);
        assert!(recorded(&database).await.is_empty());
        assert_eq!(database.dump(Scope::WithoutLedger).await, empty);
        let history = lines(&database, "0001_initial").await;
        assert_eq!(history, ["run applied", "undo removed"]);
        let history = lines(&database, SQUASHED).await;
        assert_eq!(history.last().map(String::as_str), Some("undo reverted"));
    }
}

/// While a squash is half undone, what it replaces does not look applied.
async fn half_undone_it_stands_for_nothing(db: Db) {
    for recorded_before in [true, false] {
        let database = TestDatabase::create(db).await;
        database.migrate(history(&[ONE, TWO])).await;
        let text = |last: &str| {
            let text = SQUASH.replace("DROP TABLE item;", &format!("DROP TABLE {last};"));
            format!("-- migrate: atomic = false\n{text}")
        };
        let broken = after(&text("nowhere"), false);
        if recorded_before {
            database.migrate(broken.clone()).await;
        }
        database.refused_to(broken.clone(), "shop zero").await;
        assert_eq!(recorded(&database).await, [format!("{SQUASHED} reverting")]);
        assert!(!database.has_table("line").await);
        let error = database.refused(broken).await;
        assert_eq!(
            error.code(),
            migrate_core::ErrorCode::HalfReverted,
            "{error}"
        );
        database
            .migrate_to(after(&text("item"), false), "shop zero")
            .await;
        assert!(recorded(&database).await.is_empty());
        assert!(!database.has_table("item").await);
    }
}

async fn a_squash_is_recorded_and_forgotten_as_a_fake(db: Db) {
    let database = TestDatabase::create(db).await;
    let migrator = database.migrator(of(false));
    migrator
        .migrate(&request("").fake(Fake::All))
        .await
        .unwrap();
    assert_eq!(recorded(&database).await[..3], ROWS);
    assert!(!database.has_table("item").await);
    migrator
        .migrate(&request("shop zero").fake(Fake::All))
        .await
        .unwrap();
    assert!(recorded(&database).await.is_empty());
}

/// The binary has both: going back to a step inside the squash undoes what is after it there.
async fn a_step_inside_takes_its_record_along(db: Db) {
    for single in [false, true] {
        let database = TestDatabase::create(db).await;
        database.migrate(of(true)).await;
        let back = request("shop 0001_initial").single_transaction(single);
        let back = if db.capabilities().transactional_ddl {
            back
        } else {
            back.single_transaction(false)
        };
        let report = database.migrator(of(true)).migrate(&back).await.unwrap();
        assert_eq!(names(&report.steps), ["0003_last", "0002_more"]);
        assert_eq!(report.applied_total, 1);
        assert_eq!(recorded(&database).await, ["0001_initial"]);
        assert!(database.has_table("item").await);
        assert!(!database.has_table("line").await);
        assert_eq!(
            lines(&database, SQUASHED).await,
            ["run applied", "undo removed"]
        );
        let report = database.migrator(of(true)).run().await.unwrap();
        assert_eq!(report.applied_total, 2);
        assert_eq!(recorded(&database).await[..3], ROWS);
        assert!(database.has_table("line").await);
    }
}

async fn a_squash_of_a_squash_records_all_of_them(db: Db) {
    let outer = SQUASH.replace(
        "[\"0001_initial\", \"0002_more\"]",
        "[\"0001_squashed_0002_more\", \"0003_last\"]",
    );
    let of = || {
        history(&[
            ("0001_squashed_0002_more.sql", SQUASH),
            (
                "0003_last.sql",
                "-- migrate: up\nSELECT 1;\n-- migrate: down\nSELECT 1;\n",
            ),
            ("0001_squashed_0003_last.sql", &outer),
        ])
    };
    let database = TestDatabase::create(db).await;
    let report = database.migrator(of()).run().await.unwrap();
    assert_eq!(names(&report.steps), ["0001_squashed_0003_last"]);
    let mut all = ROWS.to_vec();
    all.insert(2, "0001_squashed_0003_last");
    all.push("0003_last");
    assert_eq!(recorded(&database).await, all);
    assert_eq!(report.applied_total, 1);
    let report = database.migrate_to(of(), "shop zero").await;
    assert_eq!(report.applied_total, 0);
    assert!(recorded(&database).await.is_empty());
    assert!(!database.has_table("item").await);
}

async fn the_total_is_what_status_counts(db: Db) {
    let database = TestDatabase::create(db).await;
    database.migrate(history(&[ONE, TWO])).await;
    // What is applied, once with and once without something to do; and a step of another binary.
    for (shop, words) in [
        (of(true), ""),
        (of(true), ""),
        (of(false), ""),
        (after(SQUASH, false), "shop 0001_squashed"),
        (of(true), "shop 0001_initial"),
        (of(true), ""),
    ] {
        let report = database.migrate_to(shop.clone(), words).await;
        let status = database.migrator(shop).status().await.unwrap();
        let applied = status.steps.iter();
        let applied = applied.filter(|entry| entry.state == State::Applied);
        assert_eq!(report.applied_total, applied.count(), "{words}: {status:?}");
    }
    let only = history(&[ONE]);
    let policies = {
        let mut policies = Policies::default();
        policies.newer = Policy::Allow;
        policies
    };
    let report = database.migrator(only).policies(policies).run().await;
    assert_eq!(
        report.unwrap().applied_total,
        4,
        "all of them are rows of others"
    );
}

async fn marks_and_unmarks_go_for_all_of_them(db: Db) {
    let database = TestDatabase::create(db).await;
    let migrator = database.migrator(of(false));
    migrator.mark(SQUASHED, Some("it is there")).await.unwrap();
    assert_eq!(recorded(&database).await, ROWS);
    assert_eq!(lines(&database, "0002_more").await, ["mark recorded"]);
    assert_eq!(database.migrate(of(false)).await, ["0003_last"]);
    migrator.unmark(SQUASHED, None).await.unwrap();
    assert_eq!(recorded(&database).await, ["0003_last"]);
    assert_eq!(
        lines(&database, "0001_initial").await,
        ["mark recorded", "unmark removed"]
    );

    // One that the squash replaces: the squash is not all there any more.
    let migrator = database.migrator(of(true));
    migrator.mark(SQUASHED, None).await.unwrap();
    migrator.unmark("0002_more", None).await.unwrap();
    assert_eq!(recorded(&database).await, ["0001_initial", "0003_last"]);
}
