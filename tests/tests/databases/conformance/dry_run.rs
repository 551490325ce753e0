//! A dry run executes, counts and rolls back; the database stays as it was to the last row.

use migrate_core::report::{NotTried, StepOutcome, TableChange};
use migrate_core::{ErrorCode, LedgerName, StepError};
use migrate_tests::{
    Db, Events, Function, Scope, TestDatabase, done, each_database, history, steps,
};

use super::sql::ITEM;

each_database! {
    all: leaves_everything_as_it_was, counts_rows_per_table, a_fresh_database_stays_fresh,
        goes_up_to_the_first_that_cannot_be_rolled_back, an_error_is_the_runs_own,
        deferred_constraints_fire, orphans_are_counted_step_by_step,
        deferred_triggers_count_once, is_refused_while_a_run_holds_the_lock,
        runs_what_a_step_runs;
    servers: ddl_in_a_function_changes_nothing;
}

const NAME: &str = "work_v1_2026_01_02";

/// A database with a table of three rows, whose history has gone on since.
async fn with_rows(db: Db) -> TestDatabase {
    let database = TestDatabase::create(db).await;
    database.migrate(history(&START)).await;
    database
}

const START: [(&str, &str); 2] = [
    ("0001_initial.sql", ITEM),
    (
        "0002_fill.sql",
        "INSERT INTO item VALUES (1, 'a'), (2, 'b'), (3, 'c')",
    ),
];

async fn leaves_everything_as_it_was(db: Db) {
    let database = with_rows(db).await;
    // Its author has never heard of dry runs.
    let function = Function::new(NAME, |cx| {
        Box::pin(async move {
            cx.execute("DELETE FROM item WHERE id = ?", &[3.into()])
                .await?;
            done(cx.execute("UPDATE item SET name = 'x'", &[]).await?)
        })
    })
    .after(&["0002_fill"])
    .build();
    let third = "INSERT INTO item VALUES (4, 'd');\nINSERT INTO item VALUES (5, 'e');";
    let history = steps(&START)
        .sql("shop", "0003_more.sql", third)
        .function(function)
        .build()
        .unwrap();
    let before = database.dump(Scope::Everything).await;
    let events = Events::default();
    let migrator = database.migrator(history).observer(events.clone());
    for _ in 0..2 {
        let report = migrator.dry_run().await.unwrap();
        assert_eq!(report.steps.len(), 2, "{report:?}");
        assert_eq!(report.steps[0].run.step.name, NAME);
        assert_eq!(report.steps[0].run.outcome, StepOutcome::DryRun);
        assert_eq!(report.steps[0].run.rows, Some(2));
        assert!(report.not_tried.is_empty());
        assert_eq!(database.dump(Scope::Everything).await, before);
    }
    assert!(!events.all().is_empty());
    assert_eq!(migrator.run().await.unwrap().steps.len(), 2);
}

async fn counts_rows_per_table(db: Db) {
    let database = with_rows(db).await;
    let third = "INSERT INTO item VALUES (4, 'd'), (5, 'e');\nUPDATE item SET name = 'x' WHERE id = 1;\n\
                 DELETE FROM item WHERE id IN (2, 3);";
    let history = history(&[
        START[0],
        START[1],
        ("0003_more.sql", third),
        ("0004_none.sql", "DELETE FROM item WHERE id = 77"),
    ]);
    let report = database.migrator(history).dry_run().await.unwrap();
    let counted = &report.steps[0];
    if counted.tables.is_empty() {
        // Where tables cannot be told apart there is the sum.
        assert_eq!(counted.rows_total, Some(5), "{counted:?}");
    } else {
        let [
            TableChange {
                table,
                inserted,
                updated,
                deleted,
                ..
            },
        ] = counted.tables.as_slice()
        else {
            panic!("{counted:?}");
        };
        assert_eq!(
            (table.as_str(), inserted, updated, deleted),
            ("item", &2, &1, &2)
        );
    }
    let nothing = &report.steps[1];
    assert_eq!(
        (nothing.tables.len(), nothing.rows_total.unwrap_or(0)),
        (0, 0),
        "{nothing:?}"
    );
}

async fn a_fresh_database_stays_fresh(db: Db) {
    let database = TestDatabase::create(db).await;
    let before = database.dump(Scope::Everything).await;
    let function = Function::sql(NAME, "INSERT INTO item VALUES (1, 'a')")
        .after(&["0001_initial"])
        .build();
    let fresh = steps(&START[..1]).function(function).build().unwrap();
    let report = database.migrator(fresh.clone()).dry_run().await.unwrap();
    if db.capabilities().transactional_ddl {
        assert_eq!((report.steps.len(), report.not_tried.len()), (2, 0));
    } else {
        assert_eq!((report.steps.len(), report.not_tried.len()), (0, 2));
    }
    assert_eq!(database.dump(Scope::Everything).await, before);
    // With a ledger of another name and, where there are schemas, in a schema still to be made.
    let schema = db.capabilities().schemas.then_some("ops");
    let name = LedgerName::new(schema, "own").unwrap();
    database
        .migrator(fresh.clone())
        .ledger(name.clone())
        .dry_run()
        .await
        .unwrap();
    assert_eq!(database.dump(Scope::Everything).await, before);
    database.migrator(fresh).ledger(name).run().await.unwrap();
}

async fn goes_up_to_the_first_that_cannot_be_rolled_back(db: Db) {
    let database = with_rows(db).await;
    let history = history(&[
        START[0],
        START[1],
        ("0003_more.sql", "INSERT INTO item VALUES (4, 'd')"),
        (
            "0004_piecewise.sql",
            "-- migrate: atomic = false\nINSERT INTO item VALUES (5, 'e')",
        ),
        ("0005_after.sql", "INSERT INTO item VALUES (6, 'f')"),
    ]);
    let before = database.dump(Scope::Everything).await;
    let report = database.migrator(history).dry_run().await.unwrap();
    assert_eq!(report.steps.len(), 1);
    let reasons: Vec<(&str, &str)> = report
        .not_tried
        .iter()
        .map(|NotTried { step, reason, .. }| (step.name.as_str(), reason.as_str()))
        .collect();
    assert_eq!(reasons[0].0, "0004_piecewise");
    assert!(reasons[0].1.contains("not atomic"), "{reasons:?}");
    assert_eq!(
        reasons[1],
        ("0005_after", "comes after `shop.0004_piecewise`")
    );
    assert_eq!(database.dump(Scope::Everything).await, before);
}

async fn an_error_is_the_runs_own(db: Db) {
    let database = with_rows(db).await;
    let before = database.dump(Scope::Everything).await;
    let bad = history(&[
        START[0],
        START[1],
        (
            "0003_bad.sql",
            "INSERT INTO item VALUES (9, 'x');\nINSERT INTO item VALUES (1, 'x')",
        ),
    ]);
    let error = database.migrator(bad).dry_run().await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::StepFailed, "{error}");
    assert!(error.message().contains("0003_bad"), "{error}");
    let fails = Function::new(NAME, |_| Box::pin(async { Err(StepError::msg("no")) }));
    let fails = steps(&START)
        .function(fails.after(&["0002_fill"]).build())
        .build()
        .unwrap();
    let error = database.migrator(fails).dry_run().await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::StepFailed, "{error}");
    let edited = history(&[START[0], ("0002_fill.sql", "DELETE FROM item")]);
    let error = database.migrator(edited).dry_run().await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::StepEdited, "{error}");
    assert_eq!(database.dump(Scope::Everything).await, before);
}

/// A table whose rows must point at items, which only COMMIT checks.
const DEFERRED: &str = "CREATE TABLE part (item INT NOT NULL, CONSTRAINT part_of FOREIGN KEY (item) \
                        REFERENCES item (id) DEFERRABLE INITIALLY DEFERRED)";

async fn deferred_constraints_fire(db: Db) {
    if db == Db::MySql {
        // There are none: every constraint is checked at once, as `an_error_is_the_runs_own` shows.
        return;
    }
    let database = with_rows(db).await;
    database.execute(DEFERRED).await;
    let before = database.dump(Scope::Everything).await;
    let sql = ("0003_orphan.sql", "INSERT INTO part VALUES (77)");
    let bad = history(&[START[0], START[1], sql]);
    let error = database.migrator(bad.clone()).dry_run().await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::StepFailed, "{error}");
    assert!(error.message().contains("0003_orphan"), "{error}");
    assert_eq!(database.dump(Scope::Everything).await, before);
    // The run itself says the same, for SQL and for functions.
    let before = database.dump(Scope::WithoutLedger).await;
    let error = database.refused(bad).await;
    assert_eq!(error.code(), ErrorCode::StepFailed, "{error}");
    assert!(error.message().contains("0003_orphan"), "{error}");
    let function = Function::sql(NAME, "INSERT INTO part VALUES (77)").after(&["0002_fill"]);
    let bad = steps(&START).function(function.build()).build().unwrap();
    let error = database.refused(bad).await;
    assert_eq!(error.code(), ErrorCode::StepFailed, "{error}");
    assert!(error.message().contains(NAME), "{error}");
    assert_eq!(database.dump(Scope::WithoutLedger).await, before);
    assert!(database.is_unlocked().await);
}

/// A step is not credited with the orphans that one before it removed.
async fn orphans_are_counted_step_by_step(db: Db) {
    if db != Db::Sqlite {
        // The others let no orphans be made.
        return;
    }
    let database = with_rows(db).await;
    database.execute(DEFERRED).await;
    database
        .execute("PRAGMA foreign_keys = OFF; INSERT INTO part VALUES (71), (72), (73)")
        .await;
    let files = |last| {
        history(&[
            START[0],
            START[1],
            ("0003_tidy.sql", "DELETE FROM part"),
            ("0004_last.sql", last),
        ])
    };
    let good = "INSERT INTO part VALUES (1)";
    let report = database.migrator(files(good)).dry_run().await.unwrap();
    assert_eq!(report.steps.len(), 2, "{report:?}");
    let bad = files("INSERT INTO part VALUES (77), (78)");
    let error = database.migrator(bad.clone()).dry_run().await.unwrap_err();
    assert!(
        error.message().contains("2 rows without their parent"),
        "{error}"
    );
    let run = database.refused(bad).await;
    assert!(run.message().contains("0004_last"), "{run}");
}

async fn deferred_triggers_count_once(db: Db) {
    if db != Db::Postgres {
        // The others have none.
        return;
    }
    let database = with_rows(db).await;
    database
        .execute(
            "CREATE TABLE note (item INT); \
             CREATE FUNCTION notes() RETURNS trigger LANGUAGE plpgsql AS \
             'BEGIN INSERT INTO note VALUES (NEW.id); RETURN NULL; END'; \
             CREATE CONSTRAINT TRIGGER noted AFTER INSERT ON item \
             DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION notes()",
        )
        .await;
    let files = history(&[
        START[0],
        START[1],
        ("0003_more.sql", "INSERT INTO item VALUES (4, 'd')"),
        ("0004_more.sql", "INSERT INTO item VALUES (5, 'e')"),
    ]);
    let report = database.migrator(files).dry_run().await.unwrap();
    for step in &report.steps {
        let tables = step.tables.iter().map(|t| (t.table.as_str(), t.inserted));
        let tables: Vec<_> = tables.collect();
        assert_eq!(tables, [("item", 1), ("note", 1)], "{report:?}");
    }
    assert_eq!(report.steps.len(), 2, "{report:?}");
}

async fn is_refused_while_a_run_holds_the_lock(db: Db) {
    let database = with_rows(db).await;
    let pending = history(&[
        START[0],
        START[1],
        ("0003_more.sql", "INSERT INTO item VALUES (4, 'd')"),
    ]);
    database
        .execute("UPDATE migrate_lock SET holder = 'elsewhere\t1\t1\tboot\tspace\t9.9'")
        .await;
    let now = match db {
        Db::Sqlite => "unixepoch()",
        Db::Postgres => "extract(epoch FROM now())",
        Db::MySql => "UNIX_TIMESTAMP()",
    };
    database
        .execute(&format!(
            "UPDATE migrate_lease SET expires_at = ({now} + 60) * 1000000"
        ))
        .await;
    let before = database.dump(Scope::Everything).await;
    let error = database
        .migrator(pending.clone())
        .dry_run()
        .await
        .unwrap_err();
    assert_eq!(error.code(), ErrorCode::LockHeld, "{error}");
    assert!(
        error.message().contains("process 1 on elsewhere (9.9)"),
        "{error}"
    );
    assert_eq!(database.dump(Scope::Everything).await, before);
    database
        .execute("UPDATE migrate_lease SET expires_at = NULL")
        .await;
    assert_eq!(
        database
            .migrator(pending)
            .dry_run()
            .await
            .unwrap()
            .steps
            .len(),
        1
    );
}

async fn runs_what_a_step_runs(db: Db) {
    let database = with_rows(db).await;
    let function = Function::sql(NAME, "DELETE FROM item")
        .after(&["0002_fill"])
        .manual()
        .build();
    let third = format!("-- migrate: run = \"{NAME}\"\nINSERT INTO item VALUES (4, 'd')");
    let all = steps(&START)
        .sql("shop", "0003_more.sql", &third)
        .function(function)
        .build()
        .unwrap();
    let before = database.dump(Scope::Everything).await;
    let report = database.migrator(all).dry_run().await.unwrap();
    assert_eq!(report.steps.len(), 1);
    let step = &report.steps[0];
    let changed = step
        .rows_total
        .unwrap_or_else(|| step.tables.iter().map(|t| t.inserted + t.deleted).sum());
    assert_eq!(changed, 5);
    assert_eq!(database.dump(Scope::Everything).await, before);
}

async fn ddl_in_a_function_changes_nothing(db: Db) {
    let database = with_rows(db).await;
    let function = Function::new(NAME, |cx| {
        Box::pin(async move {
            cx.execute("DELETE FROM item", &[]).await?;
            cx.execute("CREATE TABLE made (id INT)", &[]).await?;
            done(())
        })
    })
    .after(&["0002_fill"])
    .build();
    let all = steps(&START).function(function).build().unwrap();
    let before = database.dump(Scope::Everything).await;
    let result = database.migrator(all).dry_run().await;
    assert_eq!(database.dump(Scope::Everything).await, before);
    if db.capabilities().transactional_ddl {
        assert_eq!(result.unwrap().steps.len(), 1);
    } else {
        let error = result.unwrap_err();
        assert_eq!(error.code(), ErrorCode::DryRunImpossible, "{error}");
        assert!(error.message().contains("nothing was changed"), "{error}");
    }
}
