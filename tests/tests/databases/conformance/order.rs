//! The order of steps: `after`, `before`, several apps; data migrations as early as they may.

use migrate_core::{ErrorCode, History};
use migrate_tests::{Db, Function, TestDatabase, each_database, steps};

use super::sql::ITEM;

each_database! {
    all: data_migrations_run_as_early_as_they_may, before_and_after_hold_across_apps,
        a_late_data_migration_is_not_out_of_order, what_comes_after_a_manual_one_waits;
}

const FIVE: [(&str, &str); 5] = [
    ("0001_initial.sql", ITEM),
    ("0002_two.sql", "INSERT INTO item VALUES (2, 'two')"),
    ("0003_three.sql", "INSERT INTO item VALUES (3, 'three')"),
    ("0004_four.sql", "INSERT INTO item VALUES (4, 'four')"),
    ("0005_five.sql", "INSERT INTO item VALUES (5, 'five')"),
];

async fn data_migrations_run_as_early_as_they_may(db: Db) {
    let database = TestDatabase::create(db).await;
    let early = Function::sql("zz_early_v1_2026_01_02", "UPDATE item SET name = 'seen'")
        .after(&["0002_two"])
        .build();
    let next = Function::sql("aa_next_v1_2026_01_03", "DELETE FROM item WHERE id = 2")
        .after(&["zz_early_v1_2026_01_02"])
        .build();
    let history = steps(&FIVE).function(next).function(early).build().unwrap();
    let order = [
        "0001_initial",
        "0002_two",
        "zz_early_v1_2026_01_02",
        "aa_next_v1_2026_01_03",
        "0003_three",
        "0004_four",
        "0005_five",
    ];
    assert_eq!(database.migrate(history).await, order);
    // The rows that came later were not there yet.
    assert_eq!(
        database
            .count("SELECT count(*) FROM item WHERE name = 'seen'")
            .await,
        0
    );
    assert_eq!(database.count("SELECT count(*) FROM item").await, 3);
}

async fn before_and_after_hold_across_apps(db: Db) {
    let database = TestDatabase::create(db).await;
    let split = Function::sql("split_v1_2026_01_02", "DELETE FROM item")
        .after(&["0001_initial", "billing.0001_initial"])
        .before(&["0002_two"])
        .build();
    let history = steps(&FIVE[..2])
        .sql("billing", "0001_initial.sql", "CREATE TABLE bill (id INT)")
        .sql(
            "billing",
            "0002_more.sql",
            "-- migrate: after = [\"0001_initial\", \"shop.0002_two\"]\nINSERT INTO bill VALUES (1)",
        )
        .function(split)
        .build()
        .unwrap();
    let report = database.migrator(history).run().await.unwrap();
    let order: Vec<String> = report
        .steps
        .iter()
        .map(|run| run.step.to_string())
        .collect();
    let expected = [
        "shop.0001_initial",
        "billing.0001_initial",
        "shop.split_v1_2026_01_02",
        "shop.0002_two",
        "billing.0002_more",
    ];
    assert_eq!(order, expected);
}

async fn a_late_data_migration_is_not_out_of_order(db: Db) {
    let database = TestDatabase::create(db).await;
    database.migrate(steps(&FIVE).build().unwrap()).await;
    let late = Function::sql("late_v1_2026_01_02", "DELETE FROM item")
        .after(&["0002_two"])
        .before(&["0004_four"])
        .build();
    let history = steps(&FIVE).function(late).build().unwrap();
    assert_eq!(database.migrate(history).await, ["late_v1_2026_01_02"]);
}

async fn what_comes_after_a_manual_one_waits(db: Db) {
    let database = TestDatabase::create(db).await;
    let manual = Function::sql("manual_v1_2026_01_02", "INSERT INTO item VALUES (9, 'm')")
        .after(&["0001_initial"])
        .manual()
        .build();
    let history = |needs: bool| -> History {
        let second = if needs {
            "-- migrate: after = [\"0001_initial\", \"manual_v1_2026_01_02\"]\nDELETE FROM item"
        } else {
            "DELETE FROM item"
        };
        steps(&[FIVE[0], ("0002_two.sql", second)])
            .function(manual)
            .build()
            .unwrap()
    };
    let error = database.refused(history(true)).await;
    assert_eq!(error.code(), ErrorCode::DependencyNotApplied);
    assert!(
        error
            .helps()
            .iter()
            .any(|help| help.contains("migrate run shop.manual_v1_2026_01_02"))
    );
    assert!(
        !database.has_table("item").await,
        "refused before the first statement"
    );
    assert_eq!(
        database.migrate(history(false)).await,
        ["0001_initial", "0002_two"]
    );
}
