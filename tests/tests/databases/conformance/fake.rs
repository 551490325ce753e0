//! Records without execution, and execution that a database from before its ledger does not need.

use migrate_core::report::{Direction, StepOutcome};
use migrate_core::{ErrorCode, Fake, History};
use migrate_tests::{
    Db, Function, Scope, TestDatabase, each_database, history, names, request, steps,
};

use super::back::{lines, recorded};

each_database! {
    all: records_without_executing_and_forgets_without_undoing, forgets_what_is_half_undone,
        what_a_step_runs_is_recorded_with_it,
        first_steps_whose_tables_exist_are_recorded, first_steps_that_had_begun_are_finished,
        a_table_without_its_column_is_refused, a_plan_says_which_first_steps_are_recorded,
        what_is_only_recorded_fits_any_transaction,
        names_are_compared_as_the_database_does, later_steps_run_although_their_tables_exist;
    servers: tables_of_another_schema_do_not_count;
}

const NAME: &str = "fill_v1_2026_01_02";

fn shop() -> History {
    steps(&[
        (
            "0001_initial.sql",
            "-- migrate: up\nCREATE TABLE item (id INT NOT NULL PRIMARY KEY);\nALTER TABLE item ADD name VARCHAR(100);\n\
             -- migrate: down\nDROP TABLE item;",
        ),
        ("0002_more.sql", "INSERT INTO item VALUES (2, 'b');"),
    ])
    .function(
        Function::sql(NAME, "INSERT INTO item VALUES (1, 'a')")
            .after(&["0001_initial"])
            .build(),
    )
    .build()
    .unwrap_or_else(|error| panic!("{error}"))
}

async fn records_without_executing_and_forgets_without_undoing(db: Db) {
    let database = TestDatabase::create(db).await;
    let empty = database.dump(Scope::WithoutLedger).await;
    let migrator = database.migrator(shop());
    let report = migrator
        .migrate(&request("shop 0001").fake(Fake::All))
        .await
        .unwrap();
    assert_eq!(names(&report.steps), ["0001_initial"]);
    let report = migrator
        .migrate(&request("").fake(Fake::All))
        .await
        .unwrap();
    assert_eq!(report.steps.len(), 2);
    for run in &report.steps {
        assert_eq!(run.outcome, StepOutcome::Faked, "{run:?}");
    }
    assert_eq!(report.applied_total, 3);
    assert_eq!(database.dump(Scope::WithoutLedger).await, empty);
    assert_eq!(
        recorded(&database).await,
        ["0001_initial", "0002_more", NAME]
    );
    let row = database
        .ledger_row("faked, checksum", "0001_initial")
        .await
        .unwrap();
    assert_eq!(row[0].as_deref(), Some("1"));
    assert!(
        row[1]
            .as_deref()
            .is_some_and(|checksum| !checksum.is_empty())
    );
    assert_eq!(lines(&database, "0002_more").await, ["fake applied"]);
    assert!(migrator.run().await.unwrap().steps.is_empty());

    // Two of them have no way back: only their records go, and that needs none.
    let report = migrator
        .migrate(&request("shop zero").fake(Fake::All))
        .await
        .unwrap();
    assert_eq!(report.direction, Direction::Backwards);
    assert_eq!(report.steps.len(), 3);
    for run in &report.steps {
        assert_eq!(run.outcome, StepOutcome::FakeReverted, "{run:?}");
    }
    assert!(recorded(&database).await.is_empty());
    for name in ["0001_initial", "0002_more", NAME] {
        assert_eq!(
            lines(&database, name).await,
            ["fake applied", "fake_undo reverted"]
        );
    }
    assert_eq!(database.dump(Scope::WithoutLedger).await, empty);
    assert!(database.is_unlocked().await);
}

async fn forgets_what_is_half_undone(db: Db) {
    let database = TestDatabase::create(db).await;
    let text = "-- migrate: atomic = false\n-- migrate: up\nCREATE TABLE item (id INT);\n\
                -- migrate: down\nDELETE FROM item;\nDROP TABLE nowhere;";
    let files = [("0001_initial.sql", text)];
    database.migrate(history(&files)).await;
    database.refused_to(history(&files), "undo").await;
    assert_eq!(recorded(&database).await, ["0001_initial reverting"]);
    let undo = request("undo").fake(Fake::All);
    database
        .migrator(history(&files))
        .migrate(&undo)
        .await
        .unwrap();
    assert!(recorded(&database).await.is_empty());
}

/// What a SQL step runs is not in the plan by itself: its record comes and goes with the step's.
async fn what_a_step_runs_is_recorded_with_it(db: Db) {
    for single in [false, true] {
        let database = TestDatabase::create(db).await;
        let function = Function::sql(NAME, "INSERT INTO item VALUES (1, 'a')").manual();
        let history = steps(&[
            ("0001_initial.sql", "CREATE TABLE item (id INT)"),
            (
                "0002_runs.sql",
                "-- migrate: run = \"fill_v1_2026_01_02\"\nSELECT 1;",
            ),
        ])
        .function(function.after(&["0001_initial"]).build())
        .build()
        .unwrap();
        let migrator = database.migrator(history);
        let fake = |words: &str| request(words).fake(Fake::All).single_transaction(single);
        migrator.migrate(&fake("")).await.unwrap();
        assert_eq!(
            recorded(&database).await,
            ["0001_initial", "0002_runs", NAME]
        );
        assert_eq!(lines(&database, NAME).await, ["fake applied"]);
        let report = migrator.migrate(&fake("shop 0001")).await.unwrap();
        assert_eq!(names(&report.steps), [NAME, "0002_runs"]);
        assert_eq!(recorded(&database).await, ["0001_initial"]);
        assert_eq!(
            lines(&database, NAME).await,
            ["fake applied", "fake_undo reverted"]
        );
    }
}

/// The table is there because the step itself made it: its other statements must still run.
async fn first_steps_that_had_begun_are_finished(db: Db) {
    let database = TestDatabase::create(db).await;
    let files = [(
        "0001_initial.sql",
        "-- migrate: atomic = false\nCREATE TABLE item (id INT);\nINSERT INTO item SELECT id FROM old_item;",
    )];
    database.refused_to(history(&files), "").await;
    database.execute("CREATE TABLE old_item (id INT)").await;
    database.execute("INSERT INTO old_item VALUES (7)").await;
    let migrator = database.migrator(history(&files));
    let report = migrator
        .migrate(&request("").fake(Fake::Initial))
        .await
        .unwrap();
    assert_eq!(report.steps[0].outcome, StepOutcome::Resumed);
    assert_eq!(database.count("SELECT count(*) FROM item").await, 1);
}

async fn first_steps_whose_tables_exist_are_recorded(db: Db) {
    let database = TestDatabase::create(db).await;
    database
        .execute("CREATE TABLE item (id INT, name VARCHAR(100))")
        .await;
    let with = |fake| request("").fake(fake);
    // Without being asked to, nobody takes them for done.
    let error = database
        .migrator(shop())
        .migrate(&with(Fake::No))
        .await
        .unwrap_err();
    assert_eq!(error.code(), ErrorCode::StepFailed, "{error}");
    let database = TestDatabase::create(db).await;
    database
        .execute("CREATE TABLE item (id INT, name VARCHAR(100))")
        .await;
    let report = database
        .migrator(shop())
        .migrate(&with(Fake::Initial))
        .await
        .unwrap();
    let outcomes: Vec<_> = report.steps.iter().map(|run| run.outcome).collect();
    assert_eq!(
        outcomes,
        [
            StepOutcome::Faked,
            StepOutcome::Applied,
            StepOutcome::Applied
        ]
    );
    assert_eq!(lines(&database, "0001_initial").await, ["fake applied"]);
    assert_eq!(lines(&database, "0002_more").await, ["run applied"]);
    assert_eq!(database.count("SELECT count(*) FROM item").await, 2);

    // On a fresh database they run.
    let fresh = TestDatabase::create(db).await;
    let report = fresh
        .migrator(shop())
        .migrate(&with(Fake::Initial))
        .await
        .unwrap();
    assert!(
        report
            .steps
            .iter()
            .all(|run| run.outcome == StepOutcome::Applied)
    );
}

/// `CREATE TABLE` makes the table although another schema, or database, has one of that name.
async fn tables_of_another_schema_do_not_count(db: Db) {
    let database = TestDatabase::create(db).await;
    let other = TestDatabase::create(db).await;
    if db == Db::Postgres {
        // One schema for each tenant, and one for all.
        database.execute("CREATE TABLE public.item (id INT)").await;
        database.execute("CREATE SCHEMA tenant").await;
        let own = database.rows("SELECT current_database()::text").await;
        let own = own[0][0].clone().unwrap();
        database
            .execute(&format!(
                "ALTER DATABASE \"{own}\" SET search_path = tenant, public"
            ))
            .await;
    } else {
        other.execute("CREATE TABLE item (id INT)").await;
    }
    let files = [("0001_initial.sql", "CREATE TABLE item (id INT)")];
    let initial = request("").fake(Fake::Initial);
    for outcome in [StepOutcome::Applied, StepOutcome::Faked] {
        let migrator = database.migrator(history(&files));
        let report = migrator.migrate(&initial).await.unwrap();
        assert_eq!(report.steps[0].outcome, outcome);
        // Now the table is there, and nobody knows of it.
        migrator.unmark("shop.0001_initial", None).await.unwrap();
    }
}

async fn a_table_without_its_column_is_refused(db: Db) {
    let database = TestDatabase::create(db).await;
    database.execute("CREATE TABLE item (id INT)").await;
    let initial = request("").fake(Fake::Initial);
    let error = database
        .migrator(shop())
        .migrate(&initial)
        .await
        .unwrap_err();
    assert_eq!(error.code(), ErrorCode::NotPossible, "{error}");
    assert!(
        error
            .message()
            .contains("has table `item`, but not column `item.name`"),
        "{error}"
    );
    assert!(
        error
            .helps()
            .iter()
            .any(|help| help.contains("migrate mark shop.0001_initial"))
    );
    assert!(
        !database.has_table("migrate_meta").await,
        "nothing was begun"
    );
}

/// The plan and the run agree, and a plan writes nothing.
async fn a_plan_says_which_first_steps_are_recorded(db: Db) {
    let database = TestDatabase::create(db).await;
    let table = "CREATE TABLE item (id INT, name VARCHAR(100))";
    let initial = request("").fake(Fake::Initial);
    let migrator = database.migrator(shop());
    let plan = migrator.plan_to(&initial).await.unwrap();
    assert!(plan.steps.iter().all(|step| !step.faked), "{plan:?}");
    database.execute(table).await;
    let before = database.dump(Scope::Everything).await;
    let plan = migrator.plan_to(&initial).await.unwrap();
    let faked: Vec<bool> = plan.steps.iter().map(|step| step.faked).collect();
    assert_eq!(faked, [true, false, false]);
    assert!(plan.problems.is_empty(), "{plan:?}");
    let unasked = migrator.plan_to(&request("")).await.unwrap();
    assert!(unasked.steps.iter().all(|step| !step.faked), "{unasked:?}");
    let all = migrator
        .plan_to(&request("").fake(Fake::All))
        .await
        .unwrap();
    assert!(all.steps.iter().all(|step| step.faked), "{all:?}");
    assert_eq!(database.dump(Scope::Everything).await, before);

    database.execute("ALTER TABLE item DROP COLUMN name").await;
    let plan = migrator.plan_to(&initial).await.unwrap();
    assert!(!plan.steps[0].faked);
    let error = migrator.migrate(&initial).await.unwrap_err();
    assert_eq!(plan.problems.len(), 1);
    assert_eq!(plan.problems[0].code, error.code());
    assert_eq!(plan.problems[0].message, error.message());
    assert_eq!(plan.problems[0].help, error.helps());
}

/// A step that is not executed cannot stand in the way of a transaction.
async fn what_is_only_recorded_fits_any_transaction(db: Db) {
    let database = TestDatabase::create(db).await;
    let files = [
        (
            "0001_initial.sql",
            "-- migrate: atomic = false\nCREATE TABLE item (id INT)",
        ),
        ("0002_fill.sql", "INSERT INTO item VALUES (1)"),
    ];
    let migrator = database.migrator(history(&files));
    let initial = request("").fake(Fake::Initial).single_transaction(true);
    let error = migrator.migrate(&initial).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::NotOneTransaction, "{error}");
    assert!(
        !database.has_table("migrate_meta").await,
        "nothing was begun"
    );
    database.execute("CREATE TABLE item (id INT)").await;
    let plan = migrator.plan_to(&initial).await.unwrap();
    assert!(plan.problems.is_empty(), "{plan:?}");
    let report = migrator.migrate(&initial).await.unwrap();
    let outcomes: Vec<StepOutcome> = report.steps.iter().map(|step| step.outcome).collect();
    assert_eq!(outcomes, [StepOutcome::Faked, StepOutcome::Applied]);
}

async fn names_are_compared_as_the_database_does(db: Db) {
    let database = TestDatabase::create(db).await;
    let (made, named) = match db {
        // Unquoted names are folded, quoted ones are not.
        Db::Postgres => (
            "CREATE TABLE Item (\"Na me\" int)",
            "CREATE TABLE ITEM (id int); ALTER TABLE item ADD COLUMN IF NOT EXISTS \"Na me\" int",
        ),
        Db::Sqlite => (
            "CREATE TABLE Item (Name int)",
            "CREATE TABLE item (id int); ALTER TABLE ITEM ADD name int",
        ),
        Db::MySql => (
            "CREATE TABLE item (Name int)",
            "CREATE TABLE `item` (id int); ALTER TABLE item ADD (name int)",
        ),
    };
    database.execute(made).await;
    let files = [("0001_initial.sql", named)];
    let initial = request("").fake(Fake::Initial);
    let report = database
        .migrator(history(&files))
        .migrate(&initial)
        .await
        .unwrap();
    assert_eq!(report.steps[0].outcome, StepOutcome::Faked);
}

async fn later_steps_run_although_their_tables_exist(db: Db) {
    let database = TestDatabase::create(db).await;
    database
        .execute("CREATE TABLE item (id INT, name VARCHAR(100))")
        .await;
    database.execute("CREATE TABLE line (id INT)").await;
    let history = steps(&[
        ("0001_initial.sql", "CREATE TABLE item (id INT)"),
        ("0002_line.sql", "CREATE TABLE line (id INT)"),
    ]);
    let history = history.build().unwrap();
    let initial = request("").fake(Fake::Initial);
    let error = database
        .migrator(history)
        .migrate(&initial)
        .await
        .unwrap_err();
    assert_eq!(error.code(), ErrorCode::StepFailed, "{error}");
    let applied = &error.progress().expect("how far it came").applied;
    assert_eq!((applied.len(), applied[0].outcome), (1, StepOutcome::Faked));
}
