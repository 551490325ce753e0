//! Ways back that commit statement by statement: half undone is a state of its own, which the next
//! command finishes, and which nothing else mistakes for applied or for undone.

use migrate_core::report::{Direction, Mode, State, StepOutcome};
use migrate_core::{ErrorCode, History, RunStep};
use migrate_tests::{
    Db, Function, Scope, TestDatabase, done, each_database, history, request, steps,
};

use super::back::{lenient, lines, recorded};
use super::sql::ITEM;

each_database! {
    all: a_way_back_resumes_at_the_failing_statement, it_resumes_when_the_rest_was_corrected,
        it_refuses_when_a_finished_statement_was_edited, half_undone_is_neither_nor,
        half_undone_can_be_settled_by_hand, a_function_that_commits_as_it_goes_runs_again,
        ddl_goes_back_statement_by_statement_where_it_must,
        rebuilt_tables_are_checked_on_the_way_back;
}

/// A table, and a step whose way back has three statements; `second` is the middle one.
fn files(second: &str) -> [(String, String); 2] {
    let first = format!("-- migrate: up\n{ITEM};\n-- migrate: down\nDROP TABLE item;");
    let fill = format!(
        "-- migrate: atomic = false\n-- migrate: up\nINSERT INTO item VALUES (1, 'a');\n\
         -- migrate: down\nUPDATE item SET id = id + 10;\n{second};\nDELETE FROM item;"
    );
    [
        ("0001_initial.sql".to_owned(), first),
        ("0002_fill.sql".to_owned(), fill),
    ]
}

fn of(files: &[(String, String)]) -> History {
    let files: Vec<_> = files
        .iter()
        .map(|(n, t)| (n.as_str(), t.as_str()))
        .collect();
    history(&files)
}

const BROKEN: &str = "UPDATE nowhere SET id = 1";

/// A database in which the way back of `0002_fill` failed at its second statement.
async fn half_undone(db: Db) -> (TestDatabase, History) {
    let database = TestDatabase::create(db).await;
    let history = of(&files(BROKEN));
    database.migrate(history.clone()).await;
    let error = database.refused_to(history.clone(), "shop zero").await;
    assert_eq!(error.code(), ErrorCode::StepFailed, "{error}");
    assert!(
        error
            .message()
            .contains("statement 2 of 3 (shop/0002_fill.sql:6)"),
        "{error}"
    );
    let progress = error.progress().expect("how far it came");
    assert!(progress.applied.is_empty(), "{progress:?}");
    assert_eq!(
        progress.failed.as_ref().map(|id| id.name.as_str()),
        Some("0002_fill")
    );
    let left = progress.left_behind.as_deref().unwrap_or_default();
    assert!(left.contains("half undone"), "{left}");
    assert_eq!(progress.remaining.len(), 1, "{progress:?}");
    assert_eq!(
        recorded(&database).await,
        ["0001_initial", "0002_fill reverting"]
    );
    assert_eq!(
        lines(&database, "0002_fill").await,
        ["run applied", "undo failed"]
    );
    let row = database
        .ledger_row("done, total, error", "0002_fill")
        .await
        .unwrap();
    assert_eq!(row[..2], [Some("1".to_owned()), Some("3".to_owned())]);
    assert!(row[2].is_some());
    assert!(database.is_unlocked().await);
    (database, history)
}

async fn a_way_back_resumes_at_the_failing_statement(db: Db) {
    for words in ["undo", "shop zero", "shop 0001"] {
        let (database, history) = half_undone(db).await;
        database.execute("CREATE TABLE nowhere (id INT)").await;
        let plan = database
            .migrator(history.clone())
            .plan_to(&request(words))
            .await
            .unwrap();
        assert_eq!(plan.direction, Direction::Backwards);
        assert_eq!(plan.steps[0].resumes_after, Some((1, 3)));
        assert_eq!(plan.steps[0].mode, Mode::NonAtomic);
        let report = database.migrate_to(history, words).await;
        assert_eq!(report.steps[0].outcome, StepOutcome::Reverted);
        // The first statement has not run again: the row went from 1 to 11 and was deleted.
        if words == "shop zero" {
            assert!(recorded(&database).await.is_empty());
        } else {
            assert_eq!(recorded(&database).await, ["0001_initial"]);
            assert_eq!(database.count("SELECT count(*) FROM item").await, 0);
        }
        assert_eq!(
            lines(&database, "0002_fill").await,
            ["run applied", "undo failed", "undo reverted"]
        );
    }
}

async fn it_resumes_when_the_rest_was_corrected(db: Db) {
    let (database, _) = half_undone(db).await;
    // What is left is another text now, and keeps the row.
    let corrected = "INSERT INTO item VALUES (5, 'b')";
    let mut files = files(corrected);
    files[1].1 = files[1]
        .1
        .replace("DELETE FROM item", "DELETE FROM item WHERE id = 5");
    // The text of the step itself is as it was applied; that the way back changed is no drift
    // that stops it, since it is the way back that is to be finished.
    let migrator = database.migrator(of(&files));
    migrator
        .migrate(&request("undo"))
        .await
        .unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(recorded(&database).await, ["0001_initial"]);
    assert_eq!(database.count("SELECT sum(id) FROM item").await, 11);
}

async fn it_refuses_when_a_finished_statement_was_edited(db: Db) {
    let (database, _) = half_undone(db).await;
    let mut edited = files("SELECT 1");
    edited[1].1 = edited[1].1.replace("id + 10", "id + 20");
    let before = database.dump(Scope::WithoutLedger).await;
    let error = database.refused_to(of(&edited), "undo").await;
    assert_eq!(error.code(), ErrorCode::StepEdited, "{error}");
    assert!(
        error.message().contains("the way back of `shop.0002_fill`"),
        "{error}"
    );
    assert_eq!(database.dump(Scope::WithoutLedger).await, before);
    assert_eq!(
        recorded(&database).await,
        ["0001_initial", "0002_fill reverting"]
    );
}

async fn half_undone_is_neither_nor(db: Db) {
    let (database, history) = half_undone(db).await;
    let migrator = database.migrator(history.clone());
    let state = migrator.status().await.unwrap().steps[1].clone();
    assert_eq!(
        (state.state, state.statements),
        (State::HalfReverted, Some((1, 3)))
    );
    // Forwards nothing runs: neither this step nor another.
    for words in ["", "shop", "shop 0002"] {
        let error = database.refused_to(history.clone(), words).await;
        assert_eq!(error.code(), ErrorCode::HalfReverted, "`{words}`: {error}");
        assert!(error.to_string().contains("migrate undo"), "{error}");
    }
    for error in [
        migrator.mark("0002_fill", None).await.unwrap_err(),
        migrator.unmark("0002_fill", None).await.unwrap_err(),
        migrator.accept("0002_fill", "why").await.unwrap_err(),
    ] {
        assert_eq!(error.code(), ErrorCode::HalfReverted, "{error}");
        assert!(
            error.message().contains("after 1 of 3 statements"),
            "{error}"
        );
        assert!(
            error
                .helps()
                .iter()
                .any(|help| help.contains("migrate undo")),
            "{error}"
        );
    }
    assert_eq!(
        recorded(&database).await,
        ["0001_initial", "0002_fill reverting"]
    );
}

async fn half_undone_can_be_settled_by_hand(db: Db) {
    let (database, history) = half_undone(db).await;
    let migrator = database.migrator(history);
    migrator.mark("0002_fill", Some("put back")).await.unwrap();
    assert_eq!(recorded(&database).await, ["0001_initial", "0002_fill"]);
    let row = database
        .ledger_row("done, intent, error", "0002_fill")
        .await
        .unwrap();
    assert_eq!(row, [None, None, None], "nothing of the way back is left");

    let (database, history) = half_undone(db).await;
    let migrator = database.migrator(history);
    migrator
        .unmark("0002_fill", Some("undone by hand"))
        .await
        .unwrap();
    assert_eq!(recorded(&database).await, ["0001_initial"]);
}

async fn a_function_that_commits_as_it_goes_runs_again(db: Db) {
    const NAME: &str = "fill_v1_2026_01_02";
    let history = |fails: bool| {
        let first = format!("-- migrate: up\n{ITEM};\n-- migrate: down\nDROP TABLE item;");
        let function = Function::sql(NAME, "INSERT INTO item VALUES (1, 'a')")
            .after(&["0001_initial"])
            .non_atomic()
            .reverse(move |cx| {
                Box::pin(async move {
                    cx.execute("DELETE FROM item WHERE id = 1", &[]).await?;
                    if fails {
                        return Err(migrate_core::StepError::msg("on purpose"));
                    }
                    done(())
                })
            });
        steps(&[("0001_initial.sql", &first)])
            .function(function.build())
            .build()
            .unwrap()
    };
    let database = TestDatabase::create(db).await;
    database.migrate(history(true)).await;
    let error = database.refused_to(history(true), "undo").await;
    assert_eq!(error.code(), ErrorCode::StepFailed, "{error}");
    let left = error
        .progress()
        .and_then(|progress| progress.left_behind.clone());
    assert!(left.unwrap_or_default().contains("`reverse`"), "{error}");
    assert_eq!(
        database.count("SELECT count(*) FROM item").await,
        0,
        "it had committed"
    );
    assert_eq!(
        recorded(&database).await,
        ["0001_initial".to_owned(), format!("{NAME} reverting")]
    );
    for how in [RunStep::Run, RunStep::Force, RunStep::Fake] {
        let error = database
            .migrator(history(true))
            .run_step(NAME, how)
            .await
            .unwrap_err();
        assert_eq!(error.code(), ErrorCode::HalfReverted, "{how:?}: {error}");
    }
    database.migrate_to(history(false), "undo").await;
    assert_eq!(recorded(&database).await, ["0001_initial"]);
    assert_eq!(database.migrate(history(false)).await, [NAME]);
}

/// The step is atomic; where its way back commits as it goes, that is so all the same.
async fn ddl_goes_back_statement_by_statement_where_it_must(db: Db) {
    let text = |last: &str| {
        format!(
            "-- migrate: up\nCREATE TABLE a (id INT);\nCREATE TABLE b (id INT);\n\
             -- migrate: down\nDROP TABLE b;\n{last};"
        )
    };
    let database = TestDatabase::create(db).await;
    let broken = history(&[("0001_initial.sql", text("DROP TABLE nowhere").as_str())]);
    database.migrate(broken.clone()).await;
    let plan = database
        .migrator(broken.clone())
        .plan_to(&request("undo"))
        .await
        .unwrap();
    let transactional = db.capabilities().transactional_ddl;
    let mode = if transactional {
        Mode::Atomic
    } else {
        Mode::ImplicitCommit
    };
    assert_eq!(plan.steps[0].mode, mode);
    database.refused_to(broken, "undo").await;
    assert_eq!(database.has_table("b").await, transactional);
    let state = if transactional {
        "0001_initial"
    } else {
        "0001_initial reverting"
    };
    assert_eq!(recorded(&database).await, [state]);
    let good = history(&[("0001_initial.sql", text("DROP TABLE a").as_str())]);
    database
        .migrator(good)
        .policies(lenient())
        .migrate(&request("undo"))
        .await
        .unwrap_or_else(|error| panic!("{error}"));
    assert!(!database.has_table("a").await);
    assert!(!database.has_table("b").await);
    assert!(recorded(&database).await.is_empty());
}

/// SQLite's foreign keys are off on the way back as well, and checked at its end.
async fn rebuilt_tables_are_checked_on_the_way_back(db: Db) {
    if db.capabilities().server {
        return;
    }
    for atomic in [true, false] {
        let header = if atomic {
            ""
        } else {
            "-- migrate: atomic = false\n"
        };
        let text = |delete: &str| {
            format!(
                "{header}-- migrate: foreign_keys = off\n-- migrate: up\n\
                 CREATE TABLE parent_2 (id INTEGER PRIMARY KEY, more INT);\n\
                 INSERT INTO parent_2 SELECT id, 0 FROM parent;\nDROP TABLE parent;\n\
                 ALTER TABLE parent_2 RENAME TO parent;\n-- migrate: down\n\
                 CREATE TABLE parent_1 (id INTEGER PRIMARY KEY);\n\
                 INSERT INTO parent_1 SELECT id FROM parent {delete};\nDROP TABLE parent;\n\
                 ALTER TABLE parent_1 RENAME TO parent;"
            )
        };
        let first = (
            "0001_initial.sql",
            "CREATE TABLE parent (id INTEGER PRIMARY KEY);\n\
             CREATE TABLE child (parent INT REFERENCES parent (id) ON DELETE CASCADE);\n\
             INSERT INTO parent VALUES (1), (2);\nINSERT INTO child VALUES (1), (2);",
        );
        let database = TestDatabase::create(db).await;
        let bad = text("WHERE id = 1");
        let history_of = |second: &str| history(&[first, ("0002_more.sql", second)]);
        database.migrate(history_of(&bad)).await;
        let error = database.refused_to(history_of(&bad), "undo").await;
        assert_eq!(error.code(), ErrorCode::StepFailed, "{error}");
        assert!(error.message().contains("without their parent"), "{error}");
        if atomic {
            assert_eq!(recorded(&database).await, ["0001_initial", "0002_more"]);
            let good = text("");
            let database = TestDatabase::create(db).await;
            database.migrate(history_of(&good)).await;
            database.migrate_to(history_of(&good), "undo").await;
            assert_eq!(database.count("SELECT count(*) FROM parent").await, 2);
            assert_eq!(
                database.count("SELECT count(*) FROM child").await,
                2,
                "no cascade"
            );
        } else {
            assert_eq!(
                recorded(&database).await,
                ["0001_initial", "0002_more reverting"]
            );
        }
    }
}
