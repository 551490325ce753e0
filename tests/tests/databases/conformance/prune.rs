//! Rows without a step are forgotten when asked, and not while a squash still needs them.

use migrate_core::{ErrorCode, History};
use migrate_tests::{Db, Scope, TestDatabase, each_database, history};

use super::back::{lines, recorded};
use super::sql::ITEM;

each_database! {
    all: forgets_rows_without_a_step, a_squash_keeps_what_it_names, an_unknown_app_is_refused;
}

const FIRST: (&str, &str) = ("0001_initial.sql", ITEM);
const SECOND: (&str, &str) = ("0002_fill.sql", "INSERT INTO item VALUES (1, 'a')");

async fn forgets_rows_without_a_step(db: Db) {
    let database = TestDatabase::create(db).await;
    database.migrate(history(&[FIRST, SECOND])).await;
    database
        .migrate(
            History::builder()
                .sql("other", "0001_mine.sql", "SELECT 1")
                .build()
                .unwrap(),
        )
        .await;
    let migrator = database.migrator(history(&[FIRST]));
    let before = database.dump(Scope::Everything).await;
    let found = migrator.prunable("shop").await.unwrap();
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
        migrator.prune("shop", Some("squashed")).await.unwrap(),
        found
    );
    assert_eq!(recorded(&database).await, ["0001_initial", "0001_mine"]);
    assert_eq!(
        lines(&database, "0002_fill").await,
        ["run applied", "prune removed"]
    );
    let history = migrator.history(None).await.unwrap();
    assert_eq!(history[0].reason.as_deref(), Some("squashed"));
    assert_eq!(
        database.count("SELECT count(*) FROM item").await,
        1,
        "only the record"
    );
    assert!(migrator.prune("shop", None).await.unwrap().is_empty());
    assert!(database.is_unlocked().await);
}

async fn a_squash_keeps_what_it_names(db: Db) {
    let database = TestDatabase::create(db).await;
    database.migrate(history(&[FIRST, SECOND])).await;
    let squash = format!(
        "-- migrate: replaces = [\"0001_initial\", \"0002_fill\"]\n{ITEM};\nINSERT INTO item VALUES (1, 'a');"
    );
    let migrator = database.migrator(history(&[("0003_squashed.sql", &squash)]));
    for error in [
        migrator.prunable("shop").await.unwrap_err(),
        migrator.prune("shop", None).await.unwrap_err(),
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
    assert_eq!(retired.prune("shop", None).await.unwrap().len(), 2);
    assert_eq!(recorded(&database).await, ["0003_squashed"]);
}

async fn an_unknown_app_is_refused(db: Db) {
    let database = TestDatabase::create(db).await;
    database.migrate(history(&[FIRST])).await;
    let migrator = database.migrator(history(&[FIRST]));
    let error = migrator.prune("shpo", None).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::UnknownApp, "{error}");
    assert!(error.to_string().contains("`shop`"), "{error}");
}
