//! What a SQL step ran goes back with it, and so stands in the plan that is agreed to.

use migrate_core::report::StepId;
use migrate_core::{ErrorCode, Event, Fake, History, Request};
use migrate_tests::{Connection, Db, Function, TestDatabase, each_database, request, steps};

use super::back::recorded;
use super::sql::ITEM;

each_database! {
    all: what_a_step_ran_is_in_the_plan, what_was_run_after_the_plan_is_not_undone,
        what_was_run_before_the_lock_is_not_undone;
}

const NAME: &str = "work_v1_2026_01_02";

/// A table, and a step that runs a data migration.
fn shop() -> History {
    let first = format!("-- migrate: up\n{ITEM};\n-- migrate: down\nDROP TABLE item;");
    let second = format!(
        "-- migrate: run = \"{NAME}\"\n-- migrate: up\nINSERT INTO item VALUES (1, 'a');\n\
         -- migrate: down\nDELETE FROM item WHERE id = 1;"
    );
    let function = Function::sql(NAME, "INSERT INTO item VALUES (2, 'b')")
        .after(&["0001_initial"])
        .manual()
        .reverse_sql("DELETE FROM item WHERE id = 2");
    steps(&[("0001_initial.sql", &first), ("0002_runs.sql", &second)])
        .function(function.build())
        .build()
        .unwrap_or_else(|error| panic!("{error}"))
}

/// The ways back of the last step.
fn undo() -> [Request; 2] {
    [request("undo"), request("undo").fake(Fake::All)]
}

async fn what_a_step_ran_is_in_the_plan(db: Db) {
    for undo in undo() {
        let database = TestDatabase::create(db).await;
        database.migrate(shop()).await;
        let migrator = database.migrator(shop());
        let plan = migrator.plan_to(&undo).await.unwrap();
        assert_eq!(plan.steps.len(), 1);
        assert_eq!(plan.steps[0].runs, [StepId::new("shop", NAME)]);
        let agreed = undo.agreed(&plan);
        let both = [NAME, "0002_runs"].map(|name| StepId::new("shop", name));
        assert_eq!(agreed.agreed.as_deref(), Some(both.as_slice()));
        migrator.migrate(&agreed).await.unwrap();
        assert_eq!(recorded(&database).await, ["0001_initial"]);
    }
    // Forwards the records of a fake are written with that of the step as well.
    let database = TestDatabase::create(db).await;
    let fake = request("").fake(Fake::All);
    let plan = database.migrator(shop()).plan_to(&fake).await.unwrap();
    assert_eq!(plan.steps[1].runs, [StepId::new("shop", NAME)]);
}

async fn what_was_run_after_the_plan_is_not_undone(db: Db) {
    for undo in undo() {
        let database = TestDatabase::create(db).await;
        database.migrate(shop()).await;
        let migrator = database.migrator(shop());
        migrator.unmark(NAME, None).await.unwrap();
        let plan = migrator.plan_to(&undo).await.unwrap();
        assert!(plan.steps[0].runs.is_empty(), "{plan:?}");
        migrator.mark(NAME, None).await.unwrap();
        let error = migrator.migrate(&undo.agreed(&plan)).await.unwrap_err();
        refused(&database, &error).await;
    }
}

async fn what_was_run_before_the_lock_is_not_undone(db: Db) {
    const SET: &str = "UPDATE migrate_steps SET state =";
    for undo in undo() {
        let database = TestDatabase::create(db).await;
        database.migrate(shop()).await;
        let set = |state: &str| format!("{SET} '{state}' WHERE name = '{NAME}'");
        database.execute(&set("failed")).await;
        let (url, applied) = (database.url().to_owned(), set("applied"));
        let meanwhile = move |event: &Event| {
            if matches!(event, Event::LockTaken { .. }) {
                let (url, applied) = (url.clone(), applied.clone());
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
        let migrator = database.migrator(shop()).observer(meanwhile);
        let error = migrator.migrate(&undo).await.unwrap_err();
        refused(&database, &error).await;
    }
}

async fn refused(database: &TestDatabase, error: &migrate_core::Error) {
    assert_eq!(error.code(), ErrorCode::NotPossible, "{error}");
    assert!(error.message().contains(NAME), "{error}");
    assert_eq!(
        recorded(database).await,
        ["0001_initial", "0002_runs", NAME]
    );
    assert_eq!(database.count("SELECT count(*) FROM item").await, 2);
    assert!(database.is_unlocked().await);
}
