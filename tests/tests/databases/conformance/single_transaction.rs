//! All steps in one transaction, or none: where the database and every step allow it.

use migrate_core::report::StepOutcome;
use migrate_core::{ErrorCode, Event, Fake, History, Request};
use migrate_tests::{
    Connection, Db, Events, Function, Scope, TestDatabase, each_database, history, names, request,
    steps,
};

use super::back::{lenient, recorded};
use super::sql::{ITEM, STEAL};

each_database! {
    all: all_or_nothing, back_as_well, refused_with_the_reason_of_each_step,
        announced_after_the_commit_only, what_one_step_sets_the_next_does_not_see,
        records_take_part, a_stolen_token_takes_all_back, a_commit_that_fails_takes_all_back;
}

const NAME: &str = "fill_v1_2026_01_02";
const FIRST: (&str, &str) = ("0001_initial.sql", ITEM);

fn single(words: &str) -> Request {
    request(words).single_transaction(true)
}

/// Three steps after the first; `last` is the last one's text.
fn shop(last: &str) -> History {
    steps(&[
        FIRST,
        (
            "0002_fill.sql",
            "-- migrate: up\nINSERT INTO item VALUES (2, 'b');\n-- migrate: down\nDELETE FROM item WHERE id = 2;",
        ),
        ("0003_last.sql", last),
    ])
    .function(
        Function::sql(NAME, "INSERT INTO item VALUES (1, 'a')")
            .after(&["0002_fill"])
            .before(&["0003_last"])
            .reverse_sql("DELETE FROM item WHERE id = 1")
            .build(),
    )
    .build()
    .unwrap_or_else(|error| panic!("{error}"))
}

const LAST: &str = "-- migrate: up\nINSERT INTO item VALUES (3, 'c');\n-- migrate: down\nDELETE FROM item WHERE id = 3;";

/// The table is there: on the databases that commit DDL at once it cannot take part.
async fn with_table(db: Db) -> TestDatabase {
    let database = TestDatabase::create(db).await;
    database.migrate(history(&[FIRST])).await;
    database
}

async fn all_or_nothing(db: Db) {
    let database = with_table(db).await;
    let before = database.dump(Scope::WithoutLedger).await;
    let broken = shop("INSERT INTO item VALUES (3, 'c');\nINSERT INTO nowhere VALUES (1);");
    let events = Events::default();
    let migrator = database.migrator(broken).observer(events.clone());
    let error = migrator.migrate(&single("")).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::StepFailed, "{error}");
    assert!(
        error
            .message()
            .contains("statement 2 of 2 (shop/0003_last.sql:2)"),
        "{error}"
    );
    let progress = error.progress().expect("how far it came");
    assert!(progress.applied.is_empty(), "{progress:?}");
    assert_eq!(
        progress.failed.as_ref().map(|id| id.name.as_str()),
        Some("0003_last")
    );
    assert_eq!(
        progress.left_behind.as_deref(),
        Some("nothing: it was rolled back")
    );
    let remaining: Vec<_> = progress
        .remaining
        .iter()
        .map(|id| id.name.as_str())
        .collect();
    assert_eq!(remaining, ["0002_fill", NAME]);
    assert_eq!(database.dump(Scope::WithoutLedger).await, before);
    assert_eq!(recorded(&database).await, ["0001_initial"]);
    let finished = |event: &Event| matches!(event, Event::StepFinished(_));
    assert!(!events.all().iter().any(finished), "nothing was done");
    assert!(database.is_unlocked().await);

    let report = database
        .migrator(shop(LAST))
        .migrate(&single(""))
        .await
        .unwrap();
    assert_eq!(names(&report.steps), ["0002_fill", NAME, "0003_last"]);
    assert!(
        report
            .steps
            .iter()
            .all(|run| run.outcome == StepOutcome::Applied)
    );
    assert_eq!(database.count("SELECT sum(id) FROM item").await, 6);
    assert_eq!(report.applied_total, 4);
}

async fn back_as_well(db: Db) {
    let database = with_table(db).await;
    database.migrate(shop(LAST)).await;
    let full = database.dump(Scope::WithoutLedger).await;
    // The row that the first of the way back needs is gone: its DELETE does nothing, but the
    // step before it has a statement that fails.
    let broken = |last: &str| {
        let text = LAST.replace("DELETE FROM item WHERE id = 3;", last);
        shop(&text)
    };
    let fails = "DELETE FROM item WHERE id = 3;\nDELETE FROM nowhere;";
    let migrator = database.migrator(broken(fails)).policies(lenient());
    migrator.migrate(&single("shop 0001")).await.unwrap_err();
    assert_eq!(database.dump(Scope::WithoutLedger).await, full);
    assert_eq!(recorded(&database).await.len(), 4);
    let report = database
        .migrator(shop(LAST))
        .migrate(&single("shop 0001"))
        .await
        .unwrap();
    assert_eq!(names(&report.steps), ["0003_last", NAME, "0002_fill"]);
    assert_eq!(recorded(&database).await, ["0001_initial"]);
    assert_eq!(database.count("SELECT count(*) FROM item").await, 0);
}

async fn refused_with_the_reason_of_each_step(db: Db) {
    let database = TestDatabase::create(db).await;
    let sql = [
        FIRST,
        ("0002_ok.sql", "INSERT INTO item VALUES (2, 'b')"),
        (
            "0003_apart.sql",
            "-- migrate: atomic = false\nINSERT INTO item VALUES (3, 'c')",
        ),
        (
            "0004_rebuilt.sql",
            "-- migrate: foreign_keys = off\nINSERT INTO item VALUES (4, 'd')",
        ),
    ];
    let function = Function::sql(NAME, "SELECT 1")
        .after(&["0001_initial"])
        .non_atomic();
    let history = steps(&sql).function(function.build()).build().unwrap();
    let error = database
        .migrator(history)
        .migrate(&single(""))
        .await
        .unwrap_err();
    assert_eq!(error.code(), ErrorCode::NotOneTransaction, "{error}");
    let message = error.message();
    assert!(
        message.contains("`shop.0003_apart` is not atomic"),
        "{message}"
    );
    assert!(
        message.contains(&format!("`shop.{NAME}` is not atomic")),
        "{message}"
    );
    assert!(!message.contains("0002_ok"), "{message}");
    let ddl = !db.capabilities().transactional_ddl;
    assert_eq!(
        message.contains("`shop.0001_initial` has DDL"),
        ddl,
        "{message}"
    );
    let keys = !db.capabilities().server;
    assert_eq!(
        message.contains("`shop.0004_rebuilt` switches"),
        keys,
        "{message}"
    );
    assert!(!database.has_table("item").await, "nothing ran");
    assert!(
        !database.has_table("migrate_steps").await,
        "not even the ledger was made"
    );
}

async fn announced_after_the_commit_only(db: Db) {
    let database = with_table(db).await;
    let events = Events::default();
    let (seen, url) = (events.clone(), database.url().to_owned());
    // A new connection sees what is committed.
    let committed = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
    let into = std::sync::Arc::clone(&committed);
    let observer = move |event: &Event| {
        migrate_core::Observer::event(&seen, event);
        if matches!(event, Event::StepFinished(_)) {
            let url = url.clone();
            let look = std::thread::spawn(move || {
                let runtime = tokio::runtime::Builder::new_current_thread()
                    .enable_all()
                    .build()
                    .unwrap();
                runtime.block_on(async {
                    let count = "SELECT count(*) FROM item";
                    Connection::open(db, &url).await.rows(count).await
                })
            });
            into.lock()
                .unwrap()
                .push(look.join().unwrap()[0][0].clone());
        }
    };
    let migrator = database.migrator(shop(LAST)).observer(observer);
    migrator.migrate(&single("")).await.unwrap();
    let three = Some("3".to_owned());
    assert_eq!(
        *committed.lock().unwrap(),
        [three.clone(), three.clone(), three]
    );
    let order: Vec<_> = events
        .all()
        .into_iter()
        .filter_map(|event| match event {
            Event::StepStarted { step, .. } => Some(format!("{} begins", step.name)),
            Event::StepFinished(run) => Some(run.step.name),
            _ => None,
        })
        .collect();
    assert_eq!(
        order[..3],
        [
            "0002_fill begins",
            &format!("{NAME} begins"),
            "0003_last begins"
        ]
    );
    assert_eq!(order[3..], ["0002_fill", NAME, "0003_last"]);
}

async fn what_one_step_sets_the_next_does_not_see(db: Db) {
    if !db.capabilities().scripts {
        return;
    }
    let database = with_table(db).await;
    let files = [
        FIRST,
        (
            "0002_sets.sql",
            "SET search_path = pg_catalog;\nSET work_mem = '77MB';\nCREATE TEMPORARY TABLE item_2 (id int);",
        ),
        (
            "0003_fill.sql",
            "INSERT INTO item SELECT 1, current_setting('work_mem') WHERE to_regclass('item_2') IS NULL",
        ),
    ];
    database
        .migrator(history(&files))
        .migrate(&single(""))
        .await
        .unwrap_or_else(|error| panic!("{error}"));
    let found = database.scalar("SELECT name FROM item").await;
    assert_ne!(found.as_deref(), Some("77MB"));
}

async fn records_take_part(db: Db) {
    let database = TestDatabase::create(db).await;
    let files = [
        FIRST,
        ("0002_one_way.sql", "INSERT INTO item VALUES (2, 'b')"),
    ];
    let migrator = database.migrator(history(&files));
    migrator.migrate(&single("").fake(Fake::All)).await.unwrap();
    assert_eq!(recorded(&database).await, ["0001_initial", "0002_one_way"]);
    assert!(!database.has_table("item").await);
    migrator
        .migrate(&single("shop zero").fake(Fake::All))
        .await
        .unwrap();
    assert!(recorded(&database).await.is_empty());
}

async fn a_stolen_token_takes_all_back(db: Db) {
    let database = with_table(db).await;
    let before = database.dump(Scope::WithoutLedger).await;
    // The records of the steps before it lock the token's row, so only this transaction itself
    // can change it.
    let steals = Function::sql("steal_v1_2026_01_03", STEAL);
    let history = steps(&[FIRST, ("0002_fill.sql", "INSERT INTO item VALUES (2, 'b')")])
        .function(steals.after(&["0002_fill"]).build())
        .build()
        .unwrap();
    let error = database
        .migrator(history)
        .migrate(&single(""))
        .await
        .unwrap_err();
    assert_eq!(error.code(), ErrorCode::LockLost, "{error}");
    assert_eq!(database.dump(Scope::WithoutLedger).await, before);
    assert_eq!(recorded(&database).await, ["0001_initial"]);
}

/// A deferred constraint is checked at COMMIT, after the last step.
async fn a_commit_that_fails_takes_all_back(db: Db) {
    if db == Db::MySql {
        return;
    }
    let database = with_table(db).await;
    let files = [
        FIRST,
        (
            "0002_line.sql",
            "CREATE TABLE line (item INT REFERENCES item (id) DEFERRABLE INITIALLY DEFERRED)",
        ),
        ("0003_fill.sql", "INSERT INTO line VALUES (7)"),
    ];
    let error = database
        .migrator(history(&files))
        .migrate(&single(""))
        .await
        .unwrap_err();
    assert!(!database.has_table("line").await, "{error}");
    assert_eq!(recorded(&database).await, ["0001_initial"]);
    assert!(
        error
            .progress()
            .is_some_and(|progress| progress.applied.is_empty()),
        "{error}"
    );
    assert!(database.is_unlocked().await);
}
