//! The ledger changed on purpose: mark, unmark, accept; and SQL steps that run data migrations.

use migrate_core::report::StepOutcome;
use migrate_core::{ErrorCode, History, Marked, RunStep, StepError};
use migrate_tests::{Db, Function, TestDatabase, done, each_database, history, names, steps};

use super::sql::ITEM;

each_database! {
    all: unmark_finds_what_only_the_database_knows, mark_records_without_running, unmark_forgets, accept_takes_the_new_text,
        a_sql_step_runs_a_data_migration, already_applied_is_a_silent_success,
        an_inner_failure_takes_the_outer_back, a_non_atomic_one_resumes_at_its_function,
        an_atomic_step_may_not_run_a_non_atomic_one, lists_newest_first;
}

const NAME: &str = "work_v1_2026_01_02";

async fn mark_records_without_running(db: Db) {
    let database = TestDatabase::create(db).await;
    let files = [
        ("0001_initial.sql", ITEM),
        ("0002_bad.sql", "INSERT INTO nowhere VALUES (1)"),
    ];
    let migrator = database.migrator(history(&files));
    migrator.mark("0001", None).await.unwrap();
    assert_eq!(
        migrator.mark("0002", Some("it's there")).await.unwrap(),
        Marked::Recorded
    );
    assert_eq!(
        migrator.mark("0002", None).await.unwrap(),
        Marked::AlreadyApplied
    );
    let entry = &migrator.history(None).await.unwrap()[0];
    assert_eq!(
        (entry.action.as_str(), entry.outcome.as_str()),
        ("mark", "recorded")
    );
    assert_eq!(entry.reason.as_deref(), Some("it's there"));
    let row = database
        .ledger_row("state, faked", "0002_bad")
        .await
        .unwrap();
    assert_eq!(row, [Some("applied".to_owned()), Some("1".to_owned())]);
    // A typing error is never recorded.
    assert_eq!(
        migrator.mark("0003", None).await.unwrap_err().code(),
        ErrorCode::UnknownStep
    );
    assert_eq!(
        database.count("SELECT count(*) FROM migrate_steps").await,
        2
    );
    assert!(database.is_unlocked().await);
    assert!(!database.has_table("item").await);
}

async fn unmark_forgets(db: Db) {
    let database = TestDatabase::create(db).await;
    let files = [
        ("0001_initial.sql", ITEM),
        ("0002_more.sql", "INSERT INTO item VALUES (1, 'a')"),
    ];
    let migrator = database.migrator(history(&files));
    assert_eq!(
        migrator.unmark("0002", None).await.unwrap_err().code(),
        ErrorCode::NotPossible
    );
    assert!(!database.has_table("migrate_meta").await);
    migrator.run().await.unwrap();
    migrator
        .unmark("shop.0002_more", Some("again, please"))
        .await
        .unwrap();
    assert_eq!(
        migrator.unmark("0002", None).await.unwrap_err().code(),
        ErrorCode::NotPossible
    );
    database.execute("DELETE FROM item").await;
    assert_eq!(names(&migrator.run().await.unwrap().steps), ["0002_more"]);
    let actions: Vec<String> = migrator
        .history(Some("0002"))
        .await
        .unwrap()
        .into_iter()
        .map(|e| format!("{} {}", e.action, e.outcome))
        .collect();
    assert_eq!(actions, ["run applied", "unmark removed", "run applied"]);
    // A row that this binary has no step for can be forgotten, too.
    let migrator = database.migrator(history(&files[..1]));
    migrator.unmark("0002_more", None).await.unwrap();
    assert_eq!(database.ledger_row("1", "0002_more").await, None);
}

async fn accept_takes_the_new_text(db: Db) {
    let database = TestDatabase::create(db).await;
    let old = history(&[("0001_initial.sql", ITEM)]);
    let new = history(&[("0001_initial.sql", &format!("{ITEM} /* v2 */"))]);
    let migrator = database.migrator(new.clone());
    let code = migrator.accept("0001", "why").await.unwrap_err().code();
    assert_eq!(code, ErrorCode::NotPossible, "not applied");
    database.migrate(old.clone()).await;
    let error = database
        .migrator(old.clone())
        .accept("0001", "why")
        .await
        .unwrap_err();
    assert_eq!(error.code(), ErrorCode::NotPossible, "not edited");
    assert_eq!(
        migrator.accept("0009", "why").await.unwrap_err().code(),
        ErrorCode::UnknownStep
    );
    migrator.accept("0001", "a comment").await.unwrap();
    assert_eq!(migrator.run().await.unwrap().steps.len(), 0);
    assert_eq!(database.refused(old).await.code(), ErrorCode::StepEdited);
    let row = database.ledger_row("source", "0001_initial").await.unwrap();
    assert!(row[0].as_deref().unwrap().contains("v2"));
    let entry = &migrator.history(None).await.unwrap()[0];
    assert_eq!(
        (entry.action.as_str(), entry.reason.as_deref()),
        ("accept", Some("a comment"))
    );
}

fn adds_two() -> Function {
    Function::sql(NAME, "INSERT INTO item VALUES (2, 'inner')")
        .after(&["0001_initial"])
        .manual()
}

fn runs_it(function: Function, header: &str) -> History {
    let second =
        format!("-- migrate: {header}run = \"{NAME}\"\nINSERT INTO item VALUES (1, 'outer');");
    steps(&[
        ("0001_initial.sql", ITEM),
        ("0002_two.sql", &second),
        ("0003_last.sql", "INSERT INTO item VALUES (3, 'last')"),
    ])
    .function(function.build())
    .build()
    .unwrap()
}

async fn a_sql_step_runs_a_data_migration(db: Db) {
    for (header, function) in [
        ("", adds_two()),
        ("atomic = false, ", adds_two()),
        ("atomic = false, ", adds_two().non_atomic()),
    ] {
        let database = TestDatabase::create(db).await;
        let report = database
            .migrator(runs_it(function, header))
            .run()
            .await
            .unwrap();
        assert_eq!(
            names(&report.steps),
            ["0001_initial", NAME, "0002_two", "0003_last"],
            "{header}"
        );
        assert_eq!(report.steps[1].rows, Some(1));
        assert_eq!(database.count("SELECT count(*) FROM item").await, 3);
        for step in [NAME, "0002_two"] {
            let row = database.ledger_row("state", step).await.unwrap();
            assert_eq!(row[0].as_deref(), Some("applied"));
        }
        // And on a ledger that is not fresh any more.
        let again = database
            .migrator(runs_it(adds_two(), header))
            .run()
            .await
            .unwrap();
        assert!(again.steps.is_empty());
    }
}

async fn already_applied_is_a_silent_success(db: Db) {
    for header in ["", "atomic = false, "] {
        let database = TestDatabase::create(db).await;
        let first = steps(&[("0001_initial.sql", ITEM)])
            .function(adds_two().build())
            .build()
            .unwrap();
        let migrator = database.migrator(first);
        migrator.run().await.unwrap();
        let run = migrator.run_step(NAME, RunStep::Run).await.unwrap();
        assert_eq!(run.outcome, StepOutcome::Applied);
        let report = database
            .migrator(runs_it(adds_two(), header))
            .run()
            .await
            .unwrap();
        assert_eq!(names(&report.steps), ["0002_two", "0003_last"]);
        assert_eq!(database.count("SELECT count(*) FROM item").await, 3);
    }
}

fn fails() -> Function {
    Function::new(NAME, |cx| {
        Box::pin(async move {
            cx.execute("INSERT INTO item VALUES (8, 'inner')", &[])
                .await?;
            Err(StepError::msg("inner failure"))
        })
    })
    .after(&["0001_initial"])
    .manual()
}

async fn an_inner_failure_takes_the_outer_back(db: Db) {
    let database = TestDatabase::create(db).await;
    let error = database.refused(runs_it(fails(), "")).await;
    assert_eq!(error.code(), ErrorCode::StepFailed, "{error}");
    assert!(error.message().contains("inner failure"), "{error}");
    assert_eq!(
        error.progress().unwrap().failed.as_ref().unwrap().name,
        "0002_two"
    );
    assert_eq!(database.count("SELECT count(*) FROM item").await, 0);
    assert_eq!(
        database.count("SELECT count(*) FROM migrate_steps").await,
        1
    );
}

async fn a_non_atomic_one_resumes_at_its_function(db: Db) {
    let database = TestDatabase::create(db).await;
    let header = "atomic = false, ";
    let error = database.refused(runs_it(fails(), header)).await;
    assert!(error.message().contains("inner failure"), "{error}");
    assert_eq!(
        database.count("SELECT count(*) FROM item").await,
        1,
        "the outer's statement stays"
    );
    assert_eq!(
        database.ledger_row("1", NAME).await,
        None,
        "the inner one is atomic"
    );
    let report = database
        .migrator(runs_it(adds_two(), header))
        .run()
        .await
        .unwrap();
    assert_eq!(names(&report.steps), [NAME, "0002_two", "0003_last"]);
    assert_eq!(database.count("SELECT count(*) FROM item").await, 3);
}

async fn an_atomic_step_may_not_run_a_non_atomic_one(db: Db) {
    let database = TestDatabase::create(db).await;
    let error = database.refused(runs_it(adds_two().non_atomic(), "")).await;
    assert_eq!(error.code(), ErrorCode::InvalidStep, "{error}");
    assert!(error.helps()[0].contains("atomic = false"), "{error}");
    assert!(
        !database.has_table("item").await,
        "refused before anything runs"
    );
}

async fn lists_newest_first(db: Db) {
    let database = TestDatabase::create(db).await;
    let manual = Function::new("tidy_v1_2026_02_03", |_| Box::pin(async { done(()) })).manual();
    let files = [
        ("0001_initial.sql", ITEM),
        ("0002_more.sql", "INSERT INTO item VALUES (1, 'a')"),
    ];
    let all = steps(&files)
        .function(manual.description("Tidies.").build())
        .build()
        .unwrap();
    database.migrate(history(&files[..1])).await;
    database
        .execute("UPDATE migrate_steps SET applied_at = '2020-01-02 03:04:05'")
        .await;
    let migrator = database.migrator(all);
    migrator.run().await.unwrap();
    let list = migrator.list(None).await.unwrap();
    let shown: Vec<(&str, bool)> = list
        .iter()
        .map(|e| (e.step.name.as_str(), e.applied_at.is_some()))
        .collect();
    assert_eq!(
        shown,
        [
            ("0002_more", true),
            ("0001_initial", true),
            ("tidy_v1_2026_02_03", false)
        ]
    );
    assert_eq!(list[2].description.as_deref(), Some("Tidies."));
    assert_eq!(migrator.list(Some("TIDY")).await.unwrap().len(), 1);
    assert_eq!(migrator.list(Some("%")).await.unwrap().len(), 0);
}

async fn unmark_finds_what_only_the_database_knows(db: Db) {
    let database = TestDatabase::create(db).await;
    let three = [
        ("0001_initial.sql", ITEM),
        ("0008_gone.sql", "SELECT 1"),
        ("0009_gone.sql", "SELECT 1"),
    ];
    database.migrate(history(&three)).await;
    let migrator = database.migrator(history(&[three[0], ("0010_later.sql", "SELECT 1")]));
    let found = migrator.find_recorded("0009").await.unwrap();
    assert_eq!(found.to_string(), "shop.0009_gone");
    let several = migrator.unmark("000", None).await.unwrap_err();
    assert_eq!(several.code(), ErrorCode::AmbiguousStep, "{several}");
    let pending = migrator.unmark("0010", None).await.unwrap_err();
    assert_eq!(pending.code(), ErrorCode::NotPossible, "{pending}");
    assert!(
        pending
            .message()
            .contains("`shop.0010_later` is not recorded as applied")
    );
    let unknown = migrator.unmark("0077", None).await.unwrap_err();
    assert_eq!(unknown.code(), ErrorCode::UnknownStep, "{unknown}");
    migrator.unmark("0009", None).await.unwrap();
    migrator.unmark("shop.0008", None).await.unwrap();
    assert_eq!(
        database.count("SELECT count(*) FROM migrate_steps").await,
        1
    );
}
