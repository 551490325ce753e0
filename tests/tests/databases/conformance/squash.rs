//! Squashes are proven on databases made for it: what they leave behind is what the steps leave
//! behind that they replace.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use migrate_core::report::SquashReport;
use migrate_core::{ErrorCode, Event, HistoryBuilder, LedgerName, Migrator, SquashCheck, Target};
use migrate_tests::{Db, Function, Scope, TestDatabase, each_database, steps};

use super::refusals::do_as_told;
use super::sql::{ITEM, Role};

each_database! {
    all: a_true_squash_shows_no_difference, every_difference_of_the_schema_is_told,
         rows_are_compared_but_for_what_cannot_be_equal, the_seed_goes_where_both_ways_are_the_same,
         steps_find_the_ledger_under_the_name_that_they_know,
         what_fails_on_one_side_says_on_which, without_squashes_there_is_nothing_to_compare,
         what_would_leave_its_database_is_not_tried, what_a_run_that_died_has_left_is_told;
    servers: the_right_to_create_databases_is_needed;
}

const REPLACES: &str = "-- migrate: replaces = [\"0001_a\", \"0002_b\", \"0003_c\"]\n";
const VIEW: &str = "CREATE VIEW names AS SELECT name FROM item WHERE name IS NOT NULL";
const NOTE: &str = "ALTER TABLE item ADD note VARCHAR(20) NOT NULL DEFAULT 'none'";
const CHILD: &str = "CREATE TABLE child (id INT NOT NULL PRIMARY KEY, item INT, price DECIMAL(8,2), \
     CONSTRAINT of_item FOREIGN KEY (item) REFERENCES item (id) ON DELETE CASCADE, CONSTRAINT dear CHECK (price > 0)); \
     CREATE UNIQUE INDEX child_item ON child (item)";
const ROWS: &str = "INSERT INTO item (id, name) VALUES (1, 'one'), (2, NULL); INSERT INTO child VALUES (1, 1, 2.50)";

/// Three files and a squash with this text.
fn squashed(text: &str) -> HistoryBuilder {
    steps(&[
        ("0001_a.sql", &format!("{ITEM};")),
        ("0002_b.sql", &format!("{NOTE}; {CHILD};")),
        ("0003_c.sql", &format!("{VIEW}; {ROWS};")),
        ("0001_squashed_0003.sql", &format!("{REPLACES}{text}")),
    ])
}

async fn check(
    database: &TestDatabase,
    history: HistoryBuilder,
    check: &SquashCheck,
) -> SquashReport {
    let migrator = database.migrator(history.build().unwrap());
    let report = migrator.verify_squashes(check).await.unwrap();
    // What other processes left is told as well.
    let mut warnings = report.warnings.iter();
    let own = warnings.find(|warning| !warning.contains("was left by a run that was killed"));
    assert_eq!(own, None);
    report
}

/// What differs, by name.
fn what(report: &SquashReport) -> Vec<&str> {
    let differences = report.differences.iter();
    differences
        .map(|difference| difference.what.as_str())
        .collect()
}

/// None of the databases made for comparing stays. Other tests may be in the middle of it.
async fn nothing_stays(database: &TestDatabase) {
    let sql = match database.db() {
        Db::Sqlite => return,
        Db::Postgres => "SELECT datname FROM pg_database WHERE datname LIKE 'migrate_scratch_%'",
        Db::MySql => {
            "SELECT schema_name FROM information_schema.schemata WHERE schema_name LIKE 'migrate_scratch_%'"
        }
    };
    let ours = database.rows(sql).await;
    for _ in 0..600 {
        let now = database.rows(sql).await;
        if !ours.iter().any(|name| now.contains(name)) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("these stay: {ours:?}");
}

async fn a_true_squash_shows_no_difference(db: Db) {
    let database = TestDatabase::create(db).await;
    let before = database.dump(Scope::Everything).await;
    let text = format!("{ITEM}; {NOTE}; {CHILD}; {VIEW}; {ROWS};");
    let report = check(&database, squashed(&text), &SquashCheck::new()).await;
    assert_eq!(what(&report), [""; 0], "{:#?}", report.differences);
    assert_eq!((report.tables, report.rows), (2, 3));
    assert!(report.facts > 10, "{}", report.facts);
    assert_eq!(report.squashes.len(), 1);
    assert_eq!(
        database.dump(Scope::Everything).await,
        before,
        "the database is not touched"
    );
    nothing_stays(&database).await;
}

async fn what_a_run_that_died_has_left_is_told(db: Db) {
    let database = TestDatabase::create(db).await;
    let text = format!("{ITEM}; {NOTE}; {CHILD}; {VIEW}; {ROWS};");
    let made: Arc<Mutex<Vec<String>>> = Arc::default();
    let seen = made.clone();
    let observe = move |event: &Event| {
        if let Event::ScratchStarted { name, remove } = event {
            assert!(remove.contains(name.as_str()), "{remove}");
            seen.lock().unwrap().push(name.clone());
        }
    };
    let migrator = database
        .migrator(squashed(&text).build().unwrap())
        .observer(observe);
    let nothing = SquashCheck::new();
    migrator.verify_squashes(&nothing).await.unwrap();
    let live = made.lock().unwrap()[0].clone();
    assert_eq!(made.lock().unwrap().len(), 2);
    // Of a process with this number that began at another time, as far as the name says.
    let parts: Vec<&str> = live.split('_').collect();
    let [.., pid, start, here, _] = parts.as_slice() else {
        panic!("{live}");
    };
    let dead = live.replace(
        &format!("_{pid}_{start}_{here}"),
        &format!("_{pid}_1_{here}"),
    );
    assert_ne!(dead, live);
    for name in [&live, &dead] {
        match db {
            Db::Sqlite => std::fs::write(name, "").unwrap(),
            _ => database.execute(&format!("CREATE DATABASE {name}")).await,
        }
    }
    let warnings = migrator.verify_squashes(&nothing).await.unwrap().warnings;
    for name in [&live, &dead] {
        match db {
            Db::Sqlite => std::fs::remove_file(name).expect("it was left alone"),
            _ => database.execute(&format!("DROP DATABASE {name}")).await,
        }
    }
    let told = |name: &str| warnings.iter().any(|warning| warning.contains(name));
    assert!(told(&dead) && !told(&live), "{warnings:?}");
}

async fn every_difference_of_the_schema_is_told(db: Db) {
    let database = TestDatabase::create(db).await;
    let one = |what: &str, text: String| {
        let (database, what) = (&database, what.to_owned());
        async move {
            let report = check(database, squashed(&text), &SquashCheck::new()).await;
            let told = report.differences.iter().any(|difference| {
                difference.what.contains(&what) && difference.replaced != difference.squashed
            });
            assert!(told, "{what}: {:#?}", report.differences);
        }
    };
    let whole = format!("{ITEM}; {NOTE}; {CHILD}; {VIEW}; {ROWS};");
    for (thing, from, to) in [
        (
            "column item.note",
            " NOT NULL DEFAULT 'none'",
            " NOT NULL DEFAULT 'some'",
        ),
        (
            "column item.note",
            " NOT NULL DEFAULT 'none'",
            " DEFAULT 'none'",
        ),
        ("column item.note", "VARCHAR(20)", "VARCHAR(21)"),
        ("child_item", "CREATE UNIQUE INDEX", "CREATE INDEX"),
        (
            "child_item",
            "CREATE UNIQUE INDEX child_item",
            "CREATE UNIQUE INDEX child_items",
        ),
        ("child", "ON DELETE CASCADE", "ON DELETE SET NULL"),
        ("child", "price > 0", "price > 1"),
        ("names", "WHERE name IS NOT NULL", "WHERE name IS NULL"),
        (
            "child",
            CHILD,
            "CREATE TABLE child (id INT, item INT, price DECIMAL(8,2))",
        ),
    ] {
        let text = whole.replace(from, to);
        assert_ne!(text, whole, "{from}");
        one(thing, text).await;
    }
}

async fn rows_are_compared_but_for_what_cannot_be_equal(db: Db) {
    let database = TestDatabase::create(db).await;
    let text = format!(
        "{ITEM}; {NOTE}; {CHILD}; {VIEW}; {};",
        ROWS.replace("'one'", "'two'")
    );
    let report = check(&database, squashed(&text), &SquashCheck::new()).await;
    assert_eq!(what(&report), ["rows of item"]);
    assert_eq!(report.differences[0].columns, ["name"]);
    assert!(
        report.differences[0].replaced[0].contains("one"),
        "{report:?}"
    );
    assert!(
        report.differences[0].squashed[0].contains("two"),
        "{report:?}"
    );
    let ignoring = SquashCheck::new().ignore("item.name");
    let report = check(&database, squashed(&text), &ignoring).await;
    assert_eq!(what(&report), [""; 0], "{:#?}", report.differences);
    let migrator = database.migrator(squashed(&text).build().unwrap());
    let unknown = SquashCheck::new().ignore("item.nam");
    let error = migrator.verify_squashes(&unknown).await.unwrap_err();
    assert_eq!(error.helps(), ["did you mean `item.name`?"]);
}

async fn the_seed_goes_where_both_ways_are_the_same(db: Db) {
    let database = TestDatabase::create(db).await;
    let history = |second: &str| {
        steps(&[
            ("0001_a.sql", &format!("{ITEM};")),
            ("0002_b.sql", &format!("{NOTE};")),
            ("0003_c.sql", "UPDATE item SET note = 'old' WHERE id = 1;"),
            (
                "0002_squashed_0003.sql",
                &format!("-- migrate: replaces = [\"0002_b\", \"0003_c\", \"mark_2026_01_01\"]\n{NOTE}; {second};"),
            ),
        ])
        // A squash may drop it: only a database with rows shows what that means.
        .function(
            Function::sql("mark_2026_01_01", "UPDATE item SET name = 'marked' WHERE id = 2")
                .after(&["0003_c"])
                .build(),
        )
    };
    let forgetful = history("UPDATE item SET note = 'old' WHERE id = 1");
    let right =
        "UPDATE item SET note = 'old' WHERE id = 1; UPDATE item SET name = 'marked' WHERE id = 2";
    // Without rows there is nothing that could differ.
    let report = check(&database, forgetful, &SquashCheck::new()).await;
    assert_eq!(what(&report), [""; 0]);
    let seed = SquashCheck::new().seed(
        "seed.sql",
        "INSERT INTO item VALUES (1, 'a');\nINSERT INTO item VALUES (2, 'b');\n",
    );
    let forgetful = history("UPDATE item SET note = 'old' WHERE id = 1");
    let report = check(&database, forgetful, &seed).await;
    assert_eq!(what(&report), ["rows of item"]);
    let report = check(&database, history(right), &seed).await;
    assert_eq!(
        (what(&report).len(), report.rows),
        (0, 2),
        "{:#?}",
        report.differences
    );
    let wrong = SquashCheck::new().seed("seed.sql", "\nINSERT INTO nothing VALUES (1);\n");
    let migrator = database.migrator(history(right).build().unwrap());
    let error = migrator.verify_squashes(&wrong).await.unwrap_err();
    assert!(error.message().contains("seed.sql:2"), "{error}");
    nothing_stays(&database).await;
}

async fn what_fails_on_one_side_says_on_which(db: Db) {
    let database = TestDatabase::create(db).await;
    let migrator = database.migrator(squashed("CREATE TABLE broken (").build().unwrap());
    let error = migrator
        .verify_squashes(&SquashCheck::new())
        .await
        .unwrap_err();
    assert_eq!(error.code(), ErrorCode::StepFailed, "{error}");
    assert!(
        error.message().starts_with("running the squashes: "),
        "{error}"
    );
    assert!(error.message().contains("0001_squashed_0003"), "{error}");
    nothing_stays(&database).await;
}

async fn without_squashes_there_is_nothing_to_compare(db: Db) {
    let database = TestDatabase::create(db).await;
    let refused = |history: HistoryBuilder| {
        let migrator = database.migrator(history.build().unwrap());
        async move {
            migrator
                .verify_squashes(&SquashCheck::new())
                .await
                .unwrap_err()
        }
    };
    let error = refused(steps(&[("0001_a.sql", ITEM)])).await;
    assert_eq!(error.code(), ErrorCode::NotPossible);
    assert!(error.message().starts_with("no squash"), "{error}");
    let text = format!("{REPLACES}{ITEM};");
    let error = refused(steps(&[
        ("0001_a.sql", ITEM),
        ("0001_squashed_0003.sql", &text),
    ]))
    .await;
    assert_eq!(error.code(), ErrorCode::NotPossible);
    assert!(error.message().contains("shop.0002_b"), "{error}");
}

/// From a database made for comparing, a statement that names the real one still reaches that.
async fn what_would_leave_its_database_is_not_tried(db: Db) {
    let database = TestDatabase::create(db).await;
    database
        .execute("CREATE TABLE account (id INT NOT NULL PRIMARY KEY)")
        .await;
    database.execute("INSERT INTO account VALUES (7)").await;
    let (reaches, named) = match db {
        Db::Sqlite => (
            "ATTACH 'elsewhere.sqlite' AS other".to_owned(),
            "another file",
        ),
        Db::Postgres => ("DROP ROLE IF EXISTS teller".to_owned(), "a role"),
        Db::MySql => {
            let rows = database.rows("SELECT DATABASE()").await;
            let own = rows[0][0].clone().unwrap();
            (format!("DELETE FROM {own}.account"), "the database `")
        }
    };
    let whole = format!("{ITEM}; {NOTE}; {CHILD}; {VIEW}; {ROWS};");
    let in_step = (db != Db::Sqlite).then(|| format!("{whole} {reaches};"));
    let in_seed = SquashCheck::new().seed("seed.sql", reaches);
    for (text, check) in [(Some(whole), in_seed), (in_step, SquashCheck::new())] {
        let Some(text) = text else { continue };
        let migrator = database.migrator(squashed(&text).build().unwrap());
        let error = migrator.verify_squashes(&check).await.unwrap_err();
        assert_eq!(error.code(), ErrorCode::NotPossible, "{error}");
        assert!(error.message().contains(named), "{error}");
    }
    assert_eq!(database.count("SELECT count(*) FROM account").await, 1);
}

async fn the_right_to_create_databases_is_needed(db: Db) {
    let database = TestDatabase::create(db).await;
    let role = Role::create(&database).await;
    role.grant_connect(&database).await;
    let target = Target::from_url(&role.url(&database)).unwrap();
    let text = format!("{ITEM}; {NOTE}; {CHILD}; {VIEW}; {ROWS};");
    let migrator = Migrator::new(target, squashed(&text).build().unwrap());
    let nothing = SquashCheck::new();
    let error = migrator.verify_squashes(&nothing).await.unwrap_err();
    do_as_told(&database, &role, &error).await;
    let report = migrator.verify_squashes(&nothing).await.unwrap();
    assert_eq!(what(&report), [""; 0]);
}

async fn steps_find_the_ledger_under_the_name_that_they_know(db: Db) {
    let database = TestDatabase::create(db).await;
    // As triggers of an application read what is said of audit.
    let copy = "CREATE TABLE seen AS SELECT * FROM our_own_steps WHERE 1 = 0";
    let history = steps(&[
        ("0001_a.sql", &format!("{copy};")),
        ("0002_b.sql", &format!("{ITEM};")),
        (
            "0001_squashed_0002.sql",
            &format!("-- migrate: replaces = [\"0001_a\", \"0002_b\"]\n{copy}; {ITEM};"),
        ),
    ]);
    let ledger = LedgerName::new(None, "our_own").unwrap();
    let migrator = database.migrator(history.build().unwrap()).ledger(ledger);
    let report = migrator.verify_squashes(&SquashCheck::new()).await.unwrap();
    assert_eq!(what(&report), [""; 0]);
    assert_eq!(
        report.tables, 2,
        "the ledger's own tables are not compared: {report:?}"
    );
}
