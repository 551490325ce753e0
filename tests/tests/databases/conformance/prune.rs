//! Rows without a step are forgotten when asked, and not while a squash still needs them.

use migrate_core::{ErrorCode, History, Prune, RunStep};
use migrate_tests::{Db, Function, Scope, TestDatabase, each_database, history, steps};

use super::back::{lines, recorded};
use super::sql::ITEM;

each_database! {
    all: forgets_rows_without_a_step, keeps_what_a_newer_binary_applied,
        keeps_what_a_newer_binary_has_begun,
        a_late_data_migration_tells_nothing_of_files, nothing_goes_that_was_not_agreed_to, a_squash_keeps_what_it_names, what_another_app_took_is_no_newer_binarys,
        an_unknown_app_is_refused;
}

const FIRST: (&str, &str) = ("0001_initial.sql", ITEM);
const SECOND: (&str, &str) = ("0002_fill.sql", "INSERT INTO item VALUES (1, 'a')");
const THIRD: (&str, &str) = ("0003_more.sql", "INSERT INTO item VALUES (2, 'b')");

async fn forgets_rows_without_a_step(db: Db) {
    let database = TestDatabase::create(db).await;
    database.migrate(history(&[FIRST, SECOND, THIRD])).await;
    database
        .migrate(
            History::builder()
                .sql("other", "0001_mine.sql", "SELECT 1")
                .build()
                .unwrap(),
        )
        .await;
    let migrator = database.migrator(history(&[FIRST, THIRD]));
    let before = database.dump(Scope::Everything).await;
    let found = migrator.prunable("shop", Prune::Older).await.unwrap();
    assert_eq!(
        found.iter().map(ToString::to_string).collect::<Vec<_>>(),
        ["shop.0002_fill"]
    );
    assert_eq!(
        database.dump(Scope::Everything).await,
        before,
        "it only looked"
    );
    assert_eq!(
        migrator
            .prune("shop", Prune::Older, Some("squashed"))
            .await
            .unwrap(),
        found
    );
    assert_eq!(
        recorded(&database).await,
        ["0001_initial", "0001_mine", "0003_more"]
    );
    assert_eq!(
        lines(&database, "0002_fill").await,
        ["run applied", "prune removed"]
    );
    let history = migrator.history(None).await.unwrap();
    assert_eq!(history[0].reason.as_deref(), Some("squashed"));
    assert_eq!(
        database.count("SELECT count(*) FROM item").await,
        2,
        "only the record"
    );
    assert!(
        migrator
            .prune("shop", Prune::Older, None)
            .await
            .unwrap()
            .is_empty()
    );
    assert!(database.is_unlocked().await);
}

async fn keeps_what_a_newer_binary_applied(db: Db) {
    let database = TestDatabase::create(db).await;
    database.migrate(history(&[FIRST, SECOND, THIRD])).await;
    let everything = database.dump(Scope::Everything).await;
    // This one knows the second file only: the first was deleted, the third is not yet known.
    let older = database.migrator(history(&[SECOND]));
    for error in [
        older.prunable("shop", Prune::Older).await.unwrap_err(),
        older.prune("shop", Prune::Older, None).await.unwrap_err(),
    ] {
        assert_eq!(error.code(), ErrorCode::StepMissing, "{error}");
        assert!(error.message().contains("`shop.0003_more`"), "{error}");
        assert!(!error.message().contains("0001_initial"), "{error}");
        let help = error.helps().join(" ");
        assert!(help.contains("`migrate shop --prune --force`"), "{error}");
    }
    assert_eq!(database.dump(Scope::Everything).await, everything);
    assert!(database.is_unlocked().await);
    let all = older.prune("shop", Prune::All, None).await.unwrap();
    assert_eq!(all.len(), 2, "{all:?}");
    assert_eq!(recorded(&database).await, ["0002_fill"]);

    // Where nothing that it knows is applied, everything came after.
    let none = database.migrator(history(&[("0009_none.sql", "SELECT 1")]));
    let error = none.prune("shop", Prune::Older, None).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::StepMissing, "{error}");
}

/// A step that stopped half-way has no place among those that were applied.
async fn keeps_what_a_newer_binary_has_begun(db: Db) {
    let database = TestDatabase::create(db).await;
    let half = "-- migrate: atomic = false\nINSERT INTO item VALUES (3, 'c');\nSELECT nothing FROM nowhere;";
    let newer = database.migrator(history(&[FIRST, ("0002_half.sql", half)]));
    newer.run().await.unwrap_err();
    let older = database.migrator(history(&[FIRST]));
    let error = older.prune("shop", Prune::Older, None).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::StepMissing, "{error}");
    assert!(error.message().contains("`shop.0002_half`"), "{error}");
    assert_eq!(
        recorded(&database).await,
        ["0001_initial", "0002_half failed"]
    );
}

/// A newer binary applies something between the question and its answer.
async fn nothing_goes_that_was_not_agreed_to(db: Db) {
    let database = TestDatabase::create(db).await;
    database.migrate(history(&[FIRST, SECOND])).await;
    let older = database.migrator(history(&[FIRST]));
    let agreed = older.prunable("shop", Prune::All).await.unwrap();
    assert_eq!(agreed.len(), 1, "{agreed:?}");
    database.migrate(history(&[FIRST, SECOND, THIRD])).await;
    let everything = database.dump(Scope::Everything).await;
    let prune = older.prune_agreed("shop", Prune::All, &agreed, None);
    let error = prune.await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::NotPossible, "{error}");
    assert!(error.message().contains("`shop.0003_more`"), "{error}");
    assert!(!error.helps().is_empty(), "{error}");
    assert_eq!(database.dump(Scope::Everything).await, everything);
    assert!(database.is_unlocked().await);
    // What went meanwhile need not go any more.
    let newer = database.migrator(history(&[FIRST, SECOND, THIRD]));
    newer.unmark("0003_more", None).await.unwrap();
    newer.unmark("0002_fill", None).await.unwrap();
    let prune = older.prune_agreed("shop", Prune::All, &agreed, None);
    assert!(prune.await.unwrap().is_empty());
}

/// A data migration runs by name whenever somebody asks for it.
async fn a_late_data_migration_tells_nothing_of_files(db: Db) {
    const NAME: &str = "fill_v1_2026_01_02";
    let with_function = |files: &[(&str, &str)]| {
        let function = Function::sql(NAME, "INSERT INTO item VALUES (3, 'c')");
        let builder = steps(files).function(function.after(&["0001_initial"]).build());
        builder.build().unwrap_or_else(|error| panic!("{error}"))
    };
    let database = TestDatabase::create(db).await;
    database.migrate(with_function(&[FIRST, SECOND])).await;
    let older = database.migrator(with_function(&[FIRST]));
    database.execute("DELETE FROM item WHERE id = 3").await;
    older.run_step(NAME, RunStep::Force).await.unwrap();
    let error = older.prune("shop", Prune::Older, None).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::StepMissing, "{error}");
    assert!(error.message().contains("`shop.0002_fill`"), "{error}");
    assert_eq!(recorded(&database).await.len(), 3);
}

async fn a_squash_keeps_what_it_names(db: Db) {
    let database = TestDatabase::create(db).await;
    database.migrate(history(&[FIRST, SECOND])).await;
    let squash = format!(
        "-- migrate: replaces = [\"0001_initial\", \"0002_fill\"]\n{ITEM};\nINSERT INTO item VALUES (1, 'a');"
    );
    let migrator = database.migrator(history(&[("0003_squashed.sql", &squash)]));
    for error in [
        migrator.prunable("shop", Prune::Older).await.unwrap_err(),
        migrator
            .prune("shop", Prune::Older, None)
            .await
            .unwrap_err(),
    ] {
        assert_eq!(error.code(), ErrorCode::NotPossible, "{error}");
        assert!(error.message().contains("shop.0003_squashed"), "{error}");
        assert!(!error.helps().is_empty(), "{error}");
    }
    assert_eq!(recorded(&database).await, ["0001_initial", "0002_fill"]);
    // Recorded, and then no squash any more but a first step: now they may go.
    migrator.run().await.unwrap();
    let text = squash.split_once('\n').expect("a header").1;
    let retired = database.migrator(history(&[("0003_squashed.sql", text)]));
    assert_eq!(
        retired
            .prune("shop", Prune::Older, None)
            .await
            .unwrap()
            .len(),
        2
    );
    assert_eq!(recorded(&database).await, ["0003_squashed"]);
}

/// Then nothing of the app tells whether its records are old.
async fn what_another_app_took_is_no_newer_binarys(db: Db) {
    let squash = format!("-- migrate: replaces = [\"0001_initial\", \"bill.0001_first\"]\n{ITEM};");
    let both = History::builder()
        .sql("shop", "0001_initial.sql", ITEM)
        .sql(
            "bill",
            "0001_first.sql",
            "-- migrate: after = \"shop.0001_initial\"\nSELECT 1;",
        )
        .sql("shop", "0001_squashed_all.sql", &squash);
    let database = TestDatabase::create(db).await;
    database.migrate(both.build().unwrap()).await;
    let text = squash.split_once('\n').expect("a header").1;
    let retired = History::builder()
        .sql("shop", "0001_squashed_all.sql", text)
        .sql("bill", "0002_next.sql", "SELECT 2;");
    let retired = database.migrator(retired.build().unwrap());
    assert_eq!(
        retired
            .prune("shop", Prune::Older, None)
            .await
            .unwrap()
            .len(),
        1
    );
    let error = retired.prune("bill", Prune::Older, None).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::StepMissing, "{error}");
    assert!(!error.message().contains("looks like"), "{error}");
    let help = error.helps().join(" ");
    assert!(help.contains("a squash of another app"), "{error}");
    assert!(help.contains("`migrate bill --prune --force`"), "{error}");
    retired.prune("bill", Prune::All, None).await.unwrap();
    assert_eq!(recorded(&database).await, ["0001_squashed_all"]);
}

async fn an_unknown_app_is_refused(db: Db) {
    let database = TestDatabase::create(db).await;
    database.migrate(history(&[FIRST])).await;
    let migrator = database.migrator(history(&[FIRST]));
    let error = migrator
        .prune("shpo", Prune::Older, None)
        .await
        .unwrap_err();
    assert_eq!(error.code(), ErrorCode::UnknownApp, "{error}");
    assert!(error.to_string().contains("`shop`"), "{error}");
}
