//! The end of a squash: other apps name it, its line `replaces` is deleted, the old records are forgotten.

use migrate_core::{ErrorCode, History, Policies, Policy, Prune};
use migrate_tests::{Db, Scope, TestDatabase, each_database};

use super::back::recorded;

each_database! {
    all: a_squash_is_retired, a_header_may_not_put_an_applied_step_after_a_pending_one;
}

const ONE: (&str, &str) = (
    "0001_initial.sql",
    "CREATE TABLE item (id INT NOT NULL PRIMARY KEY);",
);
const TWO: (&str, &str) = ("0002_more.sql", "CREATE TABLE line (item INT NOT NULL);");
const REPLACES: &str = "-- migrate: replaces = [\"0001_initial\", \"0002_more\"]\n";
const SQUASHED: &str =
    "CREATE TABLE item (id INT NOT NULL PRIMARY KEY);\nCREATE TABLE line (item INT NOT NULL);\n";
const OLD_NAME: &str = "shop.0002_more";
const NEW_NAME: &str = "shop.0001_squashed_0002_more";

/// The app `shop`, and `bill`, whose first step comes after one of `shop`.
fn with_bill(shop: &[(&str, &str)], named: &str) -> History {
    let text = format!("-- migrate: after = [\"{named}\"]\nCREATE TABLE bill (id INT);\n");
    let builder = shop
        .iter()
        .fold(History::builder(), |builder, (file, text)| {
            builder.sql("shop", file, text)
        });
    let builder = builder.sql("bill", "0001_first.sql", &text);
    builder.build().unwrap()
}

/// Each release on the same database, and the last one on a fresh one as well.
async fn a_squash_is_retired(db: Db) {
    const FILE: &str = "0001_squashed_0002_more.sql";
    let squash = [REPLACES, SQUASHED].concat();
    let database = TestDatabase::create(db).await;
    let old = with_bill(&[ONE, TWO], OLD_NAME);
    let ran = database.migrate(old).await;
    assert_eq!(ran, ["0001_initial", "0002_more", "0001_first"]);
    let before = database.dump(Scope::WithoutLedger).await;

    let both = with_bill(&[ONE, TWO, (FILE, &squash)], OLD_NAME);
    assert_eq!(database.migrate(both).await, ["0001_squashed_0002_more"]);
    // The old files are deleted, then other apps name the squash.
    for named in [OLD_NAME, NEW_NAME] {
        let without_files = with_bill(&[(FILE, &squash)], named);
        assert!(database.migrate(without_files).await.is_empty(), "{named}");
    }
    let retired = || with_bill(&[(FILE, SQUASHED)], NEW_NAME);
    // The old records stand for nothing any more: the run asks for what forgets them.
    let error = database.refused(retired()).await;
    assert_eq!(error.code(), ErrorCode::StepMissing, "{error}");
    assert!(
        error.to_string().contains("migrate shop --prune"),
        "{error}"
    );
    let migrator = database.migrator(retired());
    // Of the second one as well, whose number is later than any of this binary.
    let plan = migrator.plan().await.unwrap();
    let [warning] = &plan.warnings[..] else {
        panic!("{plan:?}");
    };
    for part in ["shop.0001_squashed_0002_more", "`migrate shop --prune`"] {
        assert!(warning.contains(part), "{warning}");
    }
    let mut policies = Policies::default();
    policies.newer = Policy::Deny;
    let strict = database.migrator(retired()).policies(policies);
    let plan = strict.plan().await.unwrap();
    assert_eq!(plan.problems.len(), 2, "{plan:?}");
    for problem in &plan.problems {
        let help = problem.help.join(" ");
        assert!(help.contains("`migrate shop --prune`"), "{problem:?}");
    }
    assert_eq!(
        migrator
            .prune("shop", Prune::Older, None)
            .await
            .unwrap()
            .len(),
        2
    );
    assert!(database.migrate(retired()).await.is_empty());
    // Replicas of the release before go on.
    let before_that = with_bill(&[(FILE, &squash)], NEW_NAME);
    assert!(database.migrate(before_that).await.is_empty());
    assert!(migrator.verify().await.unwrap().problems.is_empty());
    assert_eq!(
        recorded(&database).await,
        ["0001_first", "0001_squashed_0002_more"]
    );

    let fresh = TestDatabase::create(db).await;
    let ran = fresh.migrate(retired()).await;
    assert_eq!(ran, ["0001_squashed_0002_more", "0001_first"]);
    for database in [database, fresh] {
        assert_eq!(database.dump(Scope::WithoutLedger).await, before);
    }
}

/// The order is no part of the checksum, but a step that ran too early is still refused.
async fn a_header_may_not_put_an_applied_step_after_a_pending_one(db: Db) {
    let database = TestDatabase::create(db).await;
    database
        .migrate(with_bill(&[ONE], "shop.0001_initial"))
        .await;
    let error = database.refused(with_bill(&[ONE, TWO], OLD_NAME)).await;
    assert_eq!(error.code(), ErrorCode::InconsistentHistory, "{error}");
    for part in ["`bill.0001_first`", "`shop.0002_more`"] {
        assert!(error.message().contains(part), "{error}");
    }
    // Within an app it is a file out of order.
    let third = |named: &str| {
        let text = format!("-- migrate: after = \"{named}\"\nSELECT 1;\n");
        let builder = History::builder().sql("shop", ONE.0, ONE.1);
        let builder = builder.sql("shop", "0003_last.sql", &text);
        let with_two = match named {
            "0002_more" => builder.sql("shop", TWO.0, TWO.1),
            _ => builder,
        };
        with_two.build().unwrap()
    };
    let database = TestDatabase::create(db).await;
    database.migrate(third("0001_initial")).await;
    let error = database.refused(third("0002_more")).await;
    assert_eq!(error.code(), ErrorCode::OutOfOrder, "{error}");
    assert!(error.message().contains("`shop.0003_last`"), "{error}");
}
