//! What only SQLite has: one writer, commits that its file counts, tables that are rebuilt.

use migrate_core::{ErrorCode, Migrator};
use migrate_tests::{Db, Function, Scope, TestDatabase, history, names, steps};
use sqlx::sqlite::{SqliteConnectOptions, SqlitePoolOptions};
use sqlx::{Connection as _, SqliteConnection};

use super::sql::ITEM;

/// The file's change counter, which each transaction that writes raises by one; elsewhere 0.
/// See "File change counter" in SQLite's file format.
pub(super) fn changes(database: &TestDatabase) -> u32 {
    if database.db() != Db::Sqlite {
        return 0;
    }
    let url = url::Url::parse(database.url()).unwrap();
    let bytes = std::fs::read(url.path()).unwrap();
    u32::from_be_bytes(bytes[24..28].try_into().unwrap())
}

async fn create() -> TestDatabase {
    TestDatabase::create(Db::Sqlite).await
}

const FILES: [(&str, &str); 5] = [
    ("0001_initial.sql", ITEM),
    ("0002_two.sql", "INSERT INTO item VALUES (2, 'x')"),
    ("0003_three.sql", "INSERT INTO item VALUES (3, 'x')"),
    (
        "0004_four.sql",
        "INSERT INTO item VALUES (4, 'x'); INSERT INTO item VALUES (5, 'x')",
    ),
    ("0005_five.sql", "INSERT INTO item VALUES (6, 'x')"),
];

#[tokio::test]
async fn a_step_that_may_not_write_its_progress_is_refused() {
    let database = create().await;
    let text = "PRAGMA query_only = ON; SELECT 1;";
    let half = format!("-- migrate: atomic = false\n{text}");
    let before = database.dump(Scope::Everything).await;
    let migrator = database.migrator(history(&[FILES[0], ("0002_half.sql", &half)]));
    let error = migrator.run().await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::InvalidStep, "{error}");
    assert!(error.message().contains("PRAGMA query_only"), "{error}");
    assert_eq!(database.dump(Scope::Everything).await, before);
    // In one that is atomic the setting ends before anything is recorded.
    let names = database
        .migrate(history(&[FILES[0], ("0002_whole.sql", text), FILES[2]]))
        .await;
    assert_eq!(names.len(), 3);
}

/// Commits of one run.
async fn commits(database: &TestDatabase, count: usize) -> u32 {
    let before = changes(database);
    database.migrate(history(&FILES[..count])).await;
    changes(database) - before
}

#[tokio::test]
async fn an_atomic_step_is_one_commit() {
    let (one, three) = (create().await, create().await);
    commits(&one, 2).await;
    commits(&three, 2).await;
    assert_eq!(commits(&three, 5).await - commits(&one, 3).await, 2);
}

#[tokio::test]
async fn a_fresh_database_takes_one_transaction() {
    let (two, five) = (create().await, create().await);
    assert_eq!(commits(&two, 2).await, commits(&five, 5).await);
}

const REBUILD: &str =
    "CREATE TABLE parent_new (id INTEGER PRIMARY KEY, name TEXT NOT NULL DEFAULT '');
INSERT INTO parent_new (id, name) SELECT id, coalesce(name, '') FROM parent;
DROP TABLE parent;
ALTER TABLE parent_new RENAME TO parent;";

const PARENT: &str = "CREATE TABLE parent (id INTEGER PRIMARY KEY, name TEXT);
CREATE TABLE child (parent INTEGER NOT NULL REFERENCES parent (id) ON DELETE CASCADE);
INSERT INTO parent VALUES (1, 'a'), (2, NULL);
INSERT INTO child VALUES (1), (1), (2);";

#[tokio::test]
async fn children_survive_a_rebuild() {
    let rebuild = format!("-- migrate: foreign_keys = off\n{REBUILD}");
    let piecewise = format!("-- migrate: foreign_keys = off, atomic = false\n{REBUILD}");
    for text in [&rebuild, &piecewise] {
        // On a fresh database, and on one where the rows were there before.
        for first in [1, 2] {
            let database = create().await;
            let files = [
                ("0001_parent.sql", PARENT),
                ("0002_rebuild.sql", text.as_str()),
            ];
            let all = steps(&files).build();
            let Ok(all) = all else {
                // Refusing the combination is as good.
                assert!(text.contains("atomic = false"));
                continue;
            };
            if first == 1 {
                database.migrate(history(&files[..1])).await;
            }
            database.migrate(all).await;
            assert_eq!(
                database.count("SELECT count(*) FROM child").await,
                3,
                "{text}"
            );
            assert_eq!(
                database
                    .count("SELECT count(*) FROM parent WHERE name = ''")
                    .await,
                1
            );
            let row = database.ledger_row("state", "0002_rebuild").await.unwrap();
            assert_eq!(row[0].as_deref(), Some("applied"));
        }
    }
}

#[tokio::test]
async fn a_rebuild_without_the_directive_is_refused() {
    let database = create().await;
    let files = [("0001_parent.sql", PARENT), ("0002_rebuild.sql", REBUILD)];
    database.migrate(history(&files[..1])).await;
    let before = database.dump(Scope::Everything).await;
    let error = database.refused(history(&files)).await;
    assert_eq!(error.code(), ErrorCode::InvalidStep, "{error}");
    assert!(error.to_string().contains("foreign_keys = off"), "{error}");
    assert_eq!(database.dump(Scope::Everything).await, before);
}

#[tokio::test]
async fn orphans_are_refused_before_the_commit() {
    let database = create().await;
    let orphans = "-- migrate: foreign_keys = off\nDELETE FROM parent WHERE id = 1;";
    let files = [("0001_parent.sql", PARENT), ("0002_orphans.sql", orphans)];
    database.migrate(history(&files[..1])).await;
    let before = database.dump(Scope::WithoutLedger).await;
    let error = database.refused(history(&files)).await;
    assert_eq!(error.code(), ErrorCode::StepFailed, "{error}");
    assert!(
        error.message().contains("2 rows without their parent"),
        "{error}"
    );
    assert!(error.message().contains("`child`"), "{error}");
    assert_eq!(database.dump(Scope::WithoutLedger).await, before);
    assert!(database.is_unlocked().await);
}

#[tokio::test]
async fn foreign_keys_are_on_again_afterwards() {
    let database = create().await;
    let rebuild = format!("-- migrate: foreign_keys = off\n{REBUILD}");
    let fails = format!("{rebuild}\nINSERT INTO nowhere VALUES (1);");
    let mut connection = match database.connect().await {
        migrate_tests::Connection::Sqlite(connection) => connection,
        other => panic!("{other:?}"),
    };
    for text in [&fails, &rebuild] {
        let all = history(&[("0001_parent.sql", PARENT), ("0002_rebuild.sql", text)]);
        let result = Migrator::new(&mut connection, all).run().await;
        assert_eq!(result.is_ok(), text == &rebuild, "{result:?}");
        let on: i64 = sqlx::query_scalar("PRAGMA foreign_keys")
            .fetch_one(&mut connection)
            .await
            .unwrap();
        assert_eq!(on, 1);
    }
}

#[tokio::test]
async fn an_in_memory_database_lives_in_its_pool() {
    for url in [
        "sqlite::memory:",
        "sqlite:file:shared?mode=memory&cache=shared",
    ] {
        let pool = SqlitePoolOptions::new()
            .max_connections(1)
            .connect(url)
            .await
            .unwrap();
        let function = Function::sql("fill_v1_2026_01_02", "INSERT INTO item VALUES (1, 'a')")
            .after(&["0001_initial"])
            .build();
        let all = steps(&FILES[..1]).function(function).build().unwrap();
        let report = Migrator::new(&pool, all.clone()).run().await.unwrap();
        assert_eq!(names(&report.steps), ["0001_initial", "fill_v1_2026_01_02"]);
        assert!(
            Migrator::new(&pool, all)
                .run()
                .await
                .unwrap()
                .steps
                .is_empty()
        );
        let items: i64 = sqlx::query_scalar("SELECT count(*) FROM item")
            .fetch_one(&pool)
            .await
            .unwrap();
        assert_eq!(items, 1);
    }
}

#[tokio::test]
async fn a_read_only_file_can_be_looked_at() {
    let database = create().await;
    database.migrate(history(&FILES[..2])).await;
    let url = database.url().replace("mode=rwc", "mode=ro");
    let before = database.dump(Scope::Everything).await;
    let target = || migrate_core::Target::from_url(&url).unwrap();
    let migrator = Migrator::new(target(), history(&FILES));
    assert_eq!(migrator.status().await.unwrap().pending, 3);
    assert_eq!(migrator.plan().await.unwrap().steps.len(), 3);
    assert!(migrator.verify().await.unwrap().problems.is_empty());
    assert_eq!(migrator.list(None).await.unwrap().len(), 5);
    assert_eq!(migrator.history(None).await.unwrap().len(), 2);
    assert!(!migrator.lock_status().await.unwrap().held);
    for error in [
        migrator.run().await.unwrap_err(),
        migrator.mark("0003", None).await.unwrap_err(),
        migrator.dry_run().await.unwrap_err(),
    ] {
        assert_eq!(error.code(), ErrorCode::ReadOnly, "{error}");
        assert!(!error.helps().is_empty());
    }
    // With nothing to do there is nothing to write.
    let done = Migrator::new(target(), history(&FILES[..2]));
    assert!(done.run().await.unwrap().steps.is_empty());
    assert_eq!(database.dump(Scope::Everything).await, before);
}

#[tokio::test]
async fn a_missing_file_is_an_error_and_is_not_created() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("none.sqlite");
    let url = format!("sqlite://{}", path.display());
    let target = migrate_core::Target::from_url(&url).unwrap();
    let error = Migrator::new(target, history(&FILES))
        .run()
        .await
        .unwrap_err();
    assert_eq!(error.code(), ErrorCode::ConnectFailed, "{error}");
    assert!(error.helps()[0].contains("mode=rwc"), "{error}");
    assert!(!path.exists());
    // A file that is no database.
    std::fs::write(&path, "hello, this is not a database at all, but a text").unwrap();
    let target = migrate_core::Target::from_url(&url).unwrap();
    let error = Migrator::new(target, history(&FILES))
        .run()
        .await
        .unwrap_err();
    assert!(error.message().contains("not a database"), "{error}");
}

#[tokio::test]
async fn odd_file_names_work() {
    let folder = tempfile::tempdir().unwrap();
    for name in [
        "with space.sqlite",
        "ümläut.sqlite",
        "quo'te\".sqlite",
        "UPPER.SQLITE",
    ] {
        let options = SqliteConnectOptions::new()
            .filename(folder.path().join(name))
            .create_if_missing(true);
        let pool = SqlitePoolOptions::new()
            .connect_with(options)
            .await
            .unwrap();
        let report = Migrator::new(&pool, history(&FILES)).run().await.unwrap();
        assert_eq!(report.steps.len(), 5);
        assert!(folder.path().join(name).exists());
    }
}

/// A step that goes on in the same session, as on a lent connection, finds its file attached.
#[tokio::test]
async fn a_step_goes_on_with_the_file_that_it_attached() {
    let (database, other) = (create().await, create().await);
    other.execute("CREATE TABLE far (id INT)").await;
    let path = url::Url::parse(other.url()).unwrap().path().to_owned();
    let text = |second: &str| {
        format!(
            "-- migrate: atomic = false\nATTACH '{path}' AS other;\n{second};\n\
             INSERT INTO other.far VALUES (1);\nDETACH other;"
        )
    };
    let files = |text| history(&[("0001_initial.sql", ITEM), ("0002_work.sql", text)]);
    let (broken, good) = (text("SELECT missing"), text("SELECT 1"));
    let mut lent = SqliteConnection::connect(database.url()).await.unwrap();
    let error = Migrator::new(&mut lent, files(&broken)).run().await;
    assert_eq!(error.unwrap_err().code(), ErrorCode::StepFailed);
    Migrator::new(&mut lent, files(&good)).run().await.unwrap();
    assert_eq!(other.count("SELECT count(*) FROM far").await, 1);
}
