//! Binary and database disagree: edited, missing, newer, out of order, under each policy.

use migrate_core::{ErrorCode, History, Policies, Policy};
use migrate_tests::{Db, Function, Scope, TestDatabase, each_database, history, names, steps};

use super::sql::ITEM;

each_database! {
    all: an_edited_step_stops_the_run, an_edited_step_under_each_policy,
        what_does_not_count_is_not_an_edit, an_edited_function_shows_its_difference,
        formerly_accepts, a_missing_step_under_each_policy, a_newer_step_under_each_policy,
        out_of_order_under_each_policy, a_deleted_function_is_only_a_warning,
        verify_is_strict_whatever_the_policies, each_edited_step_shows_its_difference,
        an_interrupted_step_that_was_edited_is_in_the_plan, the_difference_is_silent_about_order,
        a_mended_way_back_is_an_edit_only_within_the_file;
}

const FILES: [(&str, &str); 3] = [
    ("0001_initial.sql", ITEM),
    (
        "0002_fill.sql",
        "INSERT INTO item VALUES (1, 'first');\nINSERT INTO item VALUES (2, 'second');\n",
    ),
    ("0003_more.sql", "INSERT INTO item VALUES (3, 'c')"),
];

const EDITED: (&str, &str) = (
    "0002_fill.sql",
    "INSERT INTO item VALUES (1, 'first');\nINSERT INTO item VALUES (2, 'SECOND');\n",
);

fn all(policy: Policy) -> Policies {
    let mut policies = Policies::default();
    policies.edited = policy;
    policies.missing = policy;
    policies.newer = policy;
    policies.out_of_order = policy;
    policies
}

async fn an_edited_step_stops_the_run(db: Db) {
    let database = TestDatabase::create(db).await;
    database.migrate(history(&FILES[..2])).await;
    let before = database.dump(Scope::Everything).await;
    let edited = history(&[FILES[0], EDITED, FILES[2]]);
    let error = database.refused(edited.clone()).await;
    assert_eq!(error.code(), ErrorCode::StepEdited, "{error}");
    let text = error.to_string();
    assert_eq!(
        text.matches("v1:sha256:").count(),
        2,
        "both checksums: {text}"
    );
    for part in [
        "shop.0002_fill",
        "-INSERT INTO item VALUES (2, 'second');",
        "+INSERT INTO item VALUES (2, 'SECOND');",
        "put the text back",
        "migrate accept shop.0002_fill",
    ] {
        assert!(text.contains(part), "no `{part}` in {text}");
    }
    assert_eq!(database.dump(Scope::Everything).await, before);
    let plan = database.migrator(edited).plan().await.unwrap();
    assert_eq!(plan.problems[0].code, ErrorCode::StepEdited);
    assert!(plan.problems[0].message.contains("'SECOND'"));
}

async fn each_edited_step_shows_its_difference(db: Db) {
    let database = TestDatabase::create(db).await;
    database.migrate(history(&FILES)).await;
    let third = ("0003_more.sql", "INSERT INTO item VALUES (4, 'c')");
    let edited = history(&[FILES[0], EDITED, third]);
    let plan = database.migrator(edited.clone()).plan().await.unwrap();
    let problems: Vec<&str> = plan.problems.iter().map(|p| p.message.as_str()).collect();
    assert_eq!(problems.len(), 2);
    let text = database.refused(edited).await.to_string();
    for (place, line) in [
        "+INSERT INTO item VALUES (2, 'SECOND');",
        "+INSERT INTO item VALUES (4, 'c')",
    ]
    .into_iter()
    .enumerate()
    {
        assert!(problems[place].contains(line), "{problems:?}");
        assert!(text.contains(line), "{text}");
    }
}

/// A down part is in the file that counts; a file of its own is not.
async fn a_mended_way_back_is_an_edit_only_within_the_file(db: Db) {
    let database = TestDatabase::create(db).await;
    let part = |down: &str| {
        format!(
            "-- migrate: up\n{}\n-- migrate: down\n{down};\n",
            FILES[1].1
        )
    };
    let of = |down: &str| history(&[FILES[0], ("0002_fill.sql", &part(down))]);
    database.migrate(of("DELETE FROM item")).await;
    let mended = of("DELETE FROM item WHERE id < 3");
    let error = database.refused(mended.clone()).await;
    assert_eq!(error.code(), ErrorCode::StepEdited, "{error}");
    let migrator = database.migrator(mended.clone());
    migrator.accept("0002_fill", "mended").await.unwrap();
    assert!(database.migrate(mended).await.is_empty());

    let database = TestDatabase::create(db).await;
    let of = |down: &str| history(&[FILES[0], FILES[1], ("0002_fill.down.sql", down)]);
    database.migrate(of("DELETE FROM item")).await;
    let mended = of("DELETE FROM item WHERE id < 3");
    assert!(database.migrate(mended).await.is_empty());
}

/// Lines of the header about order alone do not count, so they are no part of the difference.
async fn the_difference_is_silent_about_order(db: Db) {
    let text = |order: &str, parts: bool, word: &str| {
        let (up, down) = match parts {
            true => ("-- migrate: up\n", "-- migrate: down\nDELETE FROM item;\n"),
            false => ("", ""),
        };
        format!("{order}-- Two rows.\n{up}INSERT INTO item VALUES (2, '{word}');\n{down}")
    };
    for parts in [false, true] {
        let database = TestDatabase::create(db).await;
        let of = |text: &str| history(&[FILES[0], ("0002_fill.sql", text), FILES[2]]);
        let order = "-- migrate: after = \"0001_initial\"\n";
        database.migrate(of(&text("", parts, "second"))).await;
        let edited = database.migrator(of(&text(order, parts, "SECOND")));
        let shown = &edited.plan().await.unwrap().problems[0].message;
        let lines: Vec<&str> = shown
            .lines()
            .filter_map(|line| line.strip_prefix("  "))
            .filter(|line| line.starts_with(['+', '-']))
            .collect();
        let expected = [
            "--- as applied",
            "+++ in this binary",
            "-INSERT INTO item VALUES (2, 'second');",
            "+INSERT INTO item VALUES (2, 'SECOND');",
        ];
        assert_eq!(lines, expected, "{shown}");
    }
}

async fn an_interrupted_step_that_was_edited_is_in_the_plan(db: Db) {
    let database = TestDatabase::create(db).await;
    let text = |first: &str, last: &str| {
        format!("-- migrate: atomic = false\nINSERT INTO item VALUES (7, '{first}');\n{last};\n")
    };
    let broken = text("a", "INSERT INTO nowhere VALUES (1)");
    database
        .refused(history(&[FILES[0], ("0002_work.sql", &broken)]))
        .await;
    let corrected = text("a", "INSERT INTO item VALUES (8, 'b')");
    let corrected = history(&[FILES[0], ("0002_work.sql", &corrected)]);
    let migrator = database.migrator(corrected);
    assert!(migrator.plan().await.unwrap().problems.is_empty());
    assert!(migrator.status().await.unwrap().problems.is_empty());

    let edited = text("CHANGED", "INSERT INTO item VALUES (8, 'b')");
    let edited = history(&[FILES[0], ("0002_work.sql", &edited)]);
    let refused = database.refused(edited.clone()).await;
    assert_eq!(refused.code(), ErrorCode::StepEdited, "{refused}");
    assert!(refused.progress().is_none(), "before anything ran");
    let migrator = database.migrator(edited);
    let tried = migrator.dry_run().await.unwrap_err();
    assert_eq!(tried.code(), ErrorCode::StepEdited, "{tried}");
    for problems in [
        migrator.plan().await.unwrap().problems,
        migrator.status().await.unwrap().problems,
        migrator.verify().await.unwrap().problems,
    ] {
        assert_eq!(problems.len(), 1);
        assert_eq!(problems[0].code, ErrorCode::StepEdited);
        assert!(
            refused
                .message()
                .starts_with(problems[0].message.lines().next().unwrap())
        );
    }
    let plan = migrator.plan().await.unwrap();
    assert!(plan.problems[0].message.contains("'CHANGED'"), "{plan:?}");
}

/// Runs a history under each policy: denied with a code, warned of, let pass in silence.
async fn under_each_policy(
    database: &TestDatabase,
    history: History,
    code: ErrorCode,
    about: &str,
) {
    let error = database
        .migrator(history.clone())
        .policies(all(Policy::Deny))
        .run()
        .await
        .unwrap_err();
    assert_eq!(error.code(), code, "{error}");
    assert!(error.message().contains(about), "{error}");
    assert!(!error.helps().is_empty());
    for (policy, warnings) in [(Policy::Warn, 1), (Policy::Allow, 0)] {
        let migrator = database.migrator(history.clone()).policies(all(policy));
        let plan = migrator.plan().await.unwrap();
        assert_eq!(
            (plan.problems.len(), plan.warnings.len()),
            (0, warnings),
            "{policy:?}"
        );
        if plan.steps.is_empty() {
            let report = migrator.run().await.unwrap();
            assert_eq!(report.warnings.len(), warnings, "{policy:?}");
            assert!(
                report
                    .warnings
                    .iter()
                    .all(|warning| warning.contains(about))
            );
        }
    }
}

async fn an_edited_step_under_each_policy(db: Db) {
    let database = TestDatabase::create(db).await;
    database.migrate(history(&FILES)).await;
    let edited = history(&[FILES[0], EDITED, FILES[2]]);
    under_each_policy(&database, edited, ErrorCode::StepEdited, "shop.0002_fill").await;
}

async fn what_does_not_count_is_not_an_edit(db: Db) {
    let database = TestDatabase::create(db).await;
    database.migrate(history(&FILES)).await;
    for same in [
        FILES[1].1.replace('\n', "\r\n"),
        format!("\u{feff}{}", FILES[1].1),
        format!("{}\n\n  ", FILES[1].1.replace(";\n", ";  \n")),
        FILES[1].1.trim_end().to_owned(),
        format!("-- migrate: after = [\"0001_initial\"]\n{}", FILES[1].1),
        format!(
            "-- migrate: before = \"0003_more\", after = []\n{}",
            FILES[1].1
        ),
    ] {
        let files = [FILES[0], ("0002_fill.sql", same.as_str()), FILES[2]];
        assert_eq!(database.migrate(history(&files)).await.len(), 0, "{same:?}");
    }
    for other in [
        FILES[1].1.replace("'first'", "'first '"),
        FILES[1].1.replace("INSERT", "insert"),
        format!("-- a comment\n{}", FILES[1].1),
        format!("{}-- after = \"0001_initial\"\n", FILES[1].1),
    ] {
        let files = [FILES[0], ("0002_fill.sql", other.as_str()), FILES[2]];
        assert_eq!(
            database.refused(history(&files)).await.code(),
            ErrorCode::StepEdited,
            "{other:?}"
        );
    }
}

fn with_function(checksum: &str, source: &str, formerly: &[&str]) -> History {
    let function = Function::sql("work_v1_2026_01_02", "DELETE FROM item")
        .after(&["0001_initial"])
        .source(checksum, source)
        .formerly(formerly)
        .build();
    steps(&FILES[..1]).function(function).build().unwrap()
}

async fn an_edited_function_shows_its_difference(db: Db) {
    let database = TestDatabase::create(db).await;
    database
        .migrate(with_function(
            "v1:sha256:aa",
            "fn work() {\n    one();\n}",
            &[],
        ))
        .await;
    let error = database
        .refused(with_function(
            "v1:sha256:bb",
            "fn work() {\n    two();\n}",
            &[],
        ))
        .await;
    assert_eq!(error.code(), ErrorCode::StepEdited);
    let text = error.to_string();
    for part in [
        "v1:sha256:aa",
        "v1:sha256:bb",
        "-    one();",
        "+    two();",
        "formerly = [\"v1:sha256:aa\"]",
        "migrate accept shop.work_v1_2026_01_02",
    ] {
        assert!(text.contains(part), "no `{part}` in {text}");
    }
}

async fn formerly_accepts(db: Db) {
    let database = TestDatabase::create(db).await;
    database
        .migrate(with_function("v1:sha256:aa", "one", &[]))
        .await;
    let later = with_function("v1:sha256:cc", "three", &["v1:sha256:aa", "v1:sha256:bb"]);
    assert_eq!(database.migrate(later.clone()).await.len(), 0);
    assert!(
        database
            .migrator(later)
            .verify()
            .await
            .unwrap()
            .problems
            .is_empty()
    );
    let other = with_function("v1:sha256:cc", "three", &["v1:sha256:bb"]);
    assert_eq!(database.refused(other).await.code(), ErrorCode::StepEdited);
}

async fn a_missing_step_under_each_policy(db: Db) {
    let database = TestDatabase::create(db).await;
    database.migrate(history(&FILES)).await;
    let without = history(&[FILES[0], ("0003_more.sql", FILES[2].1)]);
    under_each_policy(
        &database,
        without.clone(),
        ErrorCode::StepMissing,
        "shop.0002_fill",
    )
    .await;
    // Denied unless told otherwise.
    assert_eq!(
        database.refused(without).await.code(),
        ErrorCode::StepMissing
    );
}

async fn a_newer_step_under_each_policy(db: Db) {
    let database = TestDatabase::create(db).await;
    database.migrate(history(&FILES)).await;
    let older = history(&FILES[..2]);
    under_each_policy(
        &database,
        older.clone(),
        ErrorCode::StepMissing,
        "shop.0003_more",
    )
    .await;
    // As every old replica does during a rolling deploy: it starts, with a warning.
    let report = database.migrator(older).run().await.unwrap();
    assert_eq!((report.steps.len(), report.warnings.len()), (0, 1));
}

async fn out_of_order_under_each_policy(db: Db) {
    let database = TestDatabase::create(db).await;
    let without = history(&[FILES[0], FILES[2]]);
    database.migrate(without).await;
    let merged = history(&FILES);
    under_each_policy(
        &database,
        merged.clone(),
        ErrorCode::OutOfOrder,
        "shop.0002_fill",
    )
    .await;
    let report = database
        .migrator(merged)
        .policies(all(Policy::Warn))
        .run()
        .await
        .unwrap();
    assert_eq!(
        (names(&report.steps), report.warnings.len()),
        (vec!["0002_fill"], 1)
    );
}

async fn a_deleted_function_is_only_a_warning(db: Db) {
    let database = TestDatabase::create(db).await;
    let old = Function::sql("old_v1_2025_01_02", "DELETE FROM item")
        .after(&["0001_initial"])
        .build();
    let kept = Function::sql("kept_v1_2026_01_02", "DELETE FROM item")
        .after(&["0001_initial"])
        .build();
    let both = steps(&FILES[..1])
        .function(old)
        .function(kept)
        .build()
        .unwrap();
    database.migrate(both).await;
    let without = steps(&FILES[..1]).function(kept).build().unwrap();
    let report = database.migrator(without).run().await.unwrap();
    assert_eq!((report.steps.len(), report.warnings.len()), (0, 1));
    assert!(report.warnings[0].contains("old_v1_2025_01_02"));
}

async fn verify_is_strict_whatever_the_policies(db: Db) {
    let database = TestDatabase::create(db).await;
    database.migrate(history(&FILES)).await;
    let migrator = database.migrator(history(&FILES));
    let report = migrator.verify().await.unwrap();
    assert_eq!((report.compared, report.problems.len()), (3, 0));
    let drifted = history(&[FILES[0], EDITED]);
    let migrator = database.migrator(drifted).policies(all(Policy::Allow));
    let report = migrator.verify().await.unwrap();
    let mut codes: Vec<ErrorCode> = report.problems.iter().map(|problem| problem.code).collect();
    codes.sort_by_key(|code| code.as_str());
    assert_eq!(codes, [ErrorCode::StepEdited, ErrorCode::StepMissing]);
    let edited = report
        .problems
        .iter()
        .find(|p| p.code == ErrorCode::StepEdited)
        .unwrap();
    assert!(
        edited
            .message
            .contains("+INSERT INTO item VALUES (2, 'SECOND');"),
        "{}",
        edited.message
    );
}
