//! Odd texts, empty ones and huge ones, inside SQL, in kept sources and in errors.

use migrate_core::{ErrorCode, StepError};
use migrate_tests::{Db, Function, TestDatabase, done, each_database, history, steps};

use super::sql::ITEM;

each_database! {
    all: comments_do_not_swallow_what_follows, empty_files_are_refused_and_merges_are_steps, odd_texts_arrive_whole,
        texts_of_functions_may_hold_anything, syntax_errors_are_the_steps_own,
        a_step_of_5000_statements, a_history_of_1000_steps, long_names_are_kept_apart;
}

async fn comments_do_not_swallow_what_follows(db: Db) {
    let database = TestDatabase::create(db).await;
    let files = [
        (
            "0001_initial.sql",
            "CREATE TABLE item (id INT NOT NULL PRIMARY KEY, name VARCHAR(100)) -- the end",
        ),
        ("0002_line.sql", "INSERT INTO item VALUES (1, 'a') -- ; no"),
        (
            "0003_block.sql",
            "INSERT INTO item VALUES (2, 'a'); /* ; */ -- end",
        ),
        (
            "0004_semicolons.sql",
            ";;INSERT INTO item VALUES (3, 'a');;\n;",
        ),
        (
            "0005_inside.sql",
            "INSERT INTO item -- one\nVALUES /* two */ (4, '-- three');",
        ),
        (
            "0006_atomic.sql",
            "-- migrate: atomic = false\nINSERT INTO item VALUES (5, 'a') -- end",
        ),
    ];
    assert_eq!(database.migrate(history(&files)).await.len(), 6);
    assert_eq!(database.count("SELECT sum(id) FROM item").await, 15);
    for (name, _) in files {
        let name = name.strip_suffix(".sql").unwrap();
        assert!(database.ledger_row("1", name).await.is_some(), "{name}");
    }
}

async fn empty_files_are_refused_and_merges_are_steps(db: Db) {
    for empty in [
        "",
        " \n\n\t",
        "-- nothing to do any more",
        "/* nothing; at; all */",
        ";",
        "-- migrate: atomic = false\n-- nothing",
        "-- migrate: after = [\"0001_a\"]",
        "-- migrate: up\n-- nothing\n-- migrate: down\nSELECT 1;",
    ] {
        let files = [("0001_a.sql", "SELECT 1"), ("0002_empty.sql", empty)];
        let error = steps(&files).build().unwrap_err();
        assert_eq!(error.code(), ErrorCode::InvalidStep, "{empty}");
        assert!(
            error
                .message()
                .contains("0002_empty.sql: the file has no statement"),
            "{error}"
        );
    }
    let files = [
        ("0001_a.sql", "SELECT 1"),
        ("0002_b.sql", "-- migrate: after = [\"0001_a\"]\nSELECT 2"),
        ("0003_c.sql", "-- migrate: after = [\"0001_a\"]\nSELECT 3"),
        (
            "0004_merge.sql",
            "-- migrate: after = [\"0002_b\", \"0003_c\"]\n",
        ),
        ("0005_d.sql", "SELECT 5"),
    ];
    let database = TestDatabase::create(db).await;
    assert_eq!(database.migrate(history(&files)).await.len(), 5);
    // A second time, bit by bit: these go another way than a fresh database's. Two branches come
    // with the step that joins them.
    let again = TestDatabase::create(db).await;
    for (count, new) in [(1, 1), (2, 1), (4, 2), (5, 1)] {
        assert_eq!(again.migrate(history(&files[..count])).await.len(), new);
    }
    assert_eq!(again.migrate(history(&files)).await.len(), 0);
}

const ODD: [&str; 9] = [
    "it's",
    "?",
    "$1 $2",
    ":name",
    "%s {0}",
    "\u{1F980} \u{10FFFF}",
    "\"double\" `back`",
    "tab\tline\nend",
    "-- ; /*",
];

async fn odd_texts_arrive_whole(db: Db) {
    let database = TestDatabase::create(db).await;
    let values: Vec<String> = ODD
        .iter()
        .enumerate()
        .map(|(i, text)| format!("({i}, '{}')", text.replace('\'', "''")))
        .collect();
    let fill = format!("INSERT INTO item VALUES\n{};", values.join(",\n"));
    // A backslash means different things in the databases' literals; in a comment nothing.
    let sql = format!("{fill}\n-- C:\\dir\\ ' \" ` ? $1 \u{1F980} \\' \\\\");
    let files = [("0001_initial.sql", ITEM), ("0002_fill.sql", &sql)];
    database.migrate(history(&files)).await;
    for (i, text) in ODD.iter().enumerate() {
        let sql = format!("SELECT name FROM item WHERE id = {i}");
        assert_eq!(database.scalar(&sql).await.as_deref(), Some(*text));
    }
    let kept = database.ledger_row("source", "0002_fill").await.unwrap();
    assert_eq!(kept[0].as_deref().map(str::trim_end), Some(sql.as_str()));
    assert_eq!(database.migrate(history(&files)).await.len(), 0);
    assert!(
        database
            .migrator(history(&files))
            .verify()
            .await
            .unwrap()
            .problems
            .is_empty()
    );
}

async fn texts_of_functions_may_hold_anything(db: Db) {
    let database = TestDatabase::create(db).await;
    let odd = "it's ? $1 \\ \u{1F980} \"q\" `b` \0 end";
    let kept = odd.replace('\0', "");
    let says = Function::new("says_v1_2026_01_02", move |_| {
        Box::pin(async move { done(odd) })
    })
    .source("v1:sha256:1", odd)
    .build();
    let fails = Function::new("xfails_v1_2026_01_03", move |_| {
        Box::pin(async move { Err(StepError::msg(odd)) })
    })
    .source("v1:sha256:2", odd)
    .build();
    let history = steps(&[]).function(says).function(fails).build().unwrap();
    let migrator = database.migrator(history).app_version(odd);
    let error = migrator.run().await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::StepFailed, "{error}");
    let name = &error.progress().unwrap().failed.as_ref().unwrap().name;
    assert_eq!(name, "xfails_v1_2026_01_03", "{error}");
    assert!(error.message().contains("\u{1F980}"), "{error}");
    let row = database
        .ledger_row("result, source, app_version", "says_v1_2026_01_02")
        .await
        .unwrap();
    for text in row {
        assert_eq!(
            text.as_deref().map(|t| t.replace('\0', "")),
            Some(kept.clone())
        );
    }
    let failed = migrator.history(Some("xfails")).await.unwrap();
    let error = failed[0].error.as_deref().unwrap();
    assert!(
        error.contains("it's ? $1 \\ \u{1F980}") && error.ends_with(" end"),
        "{error}"
    );
}

async fn syntax_errors_are_the_steps_own(db: Db) {
    let database = TestDatabase::create(db).await;
    let first = ("0001_initial.sql", ITEM);
    for second in [
        "INSERT INTO item VALUES (1, 'a');\nINSERT INTU item VALUES (2, 'b');",
        "-- migrate: atomic = false\nINSERT INTO item VALUES (3, 'a');\nINSERT INTU item VALUES (4, 'b');",
    ] {
        let error = database
            .refused(history(&[first, ("0002_fill.sql", second)]))
            .await;
        assert_eq!(error.code(), ErrorCode::StepFailed, "{error}");
        assert!(error.message().contains("0002_fill"), "{error}");
        assert!(error.message().contains("syntax"), "{error}");
        let line = second.lines().count();
        assert!(
            error.message().contains(&format!("0002_fill.sql:{line}")),
            "{error}"
        );
        assert!(database.is_unlocked().await);
    }
}

async fn a_step_of_5000_statements(db: Db) {
    let database = TestDatabase::create(db).await;
    let many: String = (0..5000)
        .map(|i| format!("INSERT INTO item VALUES ({i}, 'a text of some length, as rows have');\n"))
        .collect();
    let files = [("0001_initial.sql", ITEM), ("0002_fill.sql", &many)];
    database.migrate(history(&files)).await;
    assert_eq!(database.count("SELECT count(*) FROM item").await, 5000);
    let piecewise = many.replace("INSERT INTO item VALUES (", "INSERT INTO item VALUES (1");
    let piecewise = format!(
        "-- migrate: atomic = false\nDELETE FROM item;\n{}",
        piecewise.lines().take(1000).collect::<Vec<_>>().join("\n")
    );
    let files = [files[0], files[1], ("0003_again.sql", &piecewise)];
    database.migrate(history(&files)).await;
    assert_eq!(database.count("SELECT count(*) FROM item").await, 1000);
}

async fn a_history_of_1000_steps(db: Db) {
    let database = TestDatabase::create(db).await;
    let files: Vec<(String, String)> = (1..=1000)
        .map(|i| match i {
            1 => ("0001_initial.sql".to_owned(), ITEM.to_owned()),
            _ => (
                format!("{i:04}_step.sql"),
                format!("INSERT INTO item VALUES ({i}, 'x')"),
            ),
        })
        .collect();
    let files: Vec<(&str, &str)> = files
        .iter()
        .map(|(n, t)| (n.as_str(), t.as_str()))
        .collect();
    assert_eq!(database.migrate(history(&files)).await.len(), 1000);
    assert_eq!(database.count("SELECT count(*) FROM item").await, 999);
    let migrator = database.migrator(history(&files));
    assert_eq!(migrator.run().await.unwrap().applied_total, 1000);
    assert_eq!(migrator.verify().await.unwrap().compared, 1000);
    assert_eq!(migrator.status().await.unwrap().pending, 0);
}

async fn long_names_are_kept_apart(db: Db) {
    let database = TestDatabase::create(db).await;
    let long = "x".repeat(200);
    let one = format!("0001_{long}a.sql");
    let two = format!("0002_{long}b.sql");
    let files = [
        (one.as_str(), ITEM),
        (two.as_str(), "INSERT INTO item VALUES (1, 'a')"),
    ];
    match steps(&files).build() {
        // Either they are refused before anything runs ..
        Err(error) => assert_eq!(error.code(), ErrorCode::InvalidStep),
        // .. or they work.
        Ok(history) => {
            assert_eq!(database.migrate(history.clone()).await.len(), 2);
            assert_eq!(database.migrate(history).await.len(), 0);
        }
    }
}
