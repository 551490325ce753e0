//! Looking writes nothing, needs SELECT alone, and never takes a ledger out of sight for none.

use migrate_core::report::State;
use migrate_core::{ErrorCode, Fake, History, LedgerName, Migrator, Request, Target};
use migrate_tests::{Db, Scope, TestDatabase, each_database, history, steps};

use super::sql::{ITEM, Role};

each_database! {
    all: looking_at_a_fresh_database_writes_nothing, looking_writes_nothing,
        a_ledger_created_half_way_is_completed;
    servers: select_is_enough_to_look, without_rights_it_is_not_fresh,
        a_role_that_may_not_create_is_told_so, a_ledger_elsewhere_is_pointed_at;
}

const FILES: [(&str, &str); 3] = [
    ("0001_initial.sql", ITEM),
    ("0002_two.sql", "INSERT INTO item VALUES (1, 'a')"),
    ("0003_three.sql", "INSERT INTO item VALUES (2, 'b')"),
];

/// Everything that only looks.
async fn look(migrator: &Migrator<'_>) -> Result<(), migrate_core::Error> {
    migrator.status().await?;
    migrator.plan().await?;
    migrator.verify().await?;
    migrator.list(None).await?;
    migrator.history(None).await?;
    migrator.lock_status().await?;
    Ok(())
}

async fn looking_at_a_fresh_database_writes_nothing(db: Db) {
    let database = TestDatabase::create(db).await;
    let before = database.dump(Scope::Everything).await;
    let migrator = database.migrator(history(&FILES));
    look(&migrator).await.unwrap();
    let status = migrator.status().await.unwrap();
    assert!(!status.ledger && status.lock.is_none());
    assert_eq!(status.pending, 3);
    assert!(
        status
            .steps
            .iter()
            .all(|entry| entry.state == State::Pending)
    );
    assert!(!migrator.release_lock(true).await.unwrap().held);
    assert_eq!(database.dump(Scope::Everything).await, before);
}

async fn looking_writes_nothing(db: Db) {
    let database = TestDatabase::create(db).await;
    database.migrate(history(&FILES[..2])).await;
    let before = database.dump(Scope::Everything).await;
    let changes = super::sqlite::changes(&database);
    look(&database.migrator(history(&FILES))).await.unwrap();
    assert_eq!(database.dump(Scope::Everything).await, before);
    assert_eq!(super::sqlite::changes(&database), changes);
}

async fn a_ledger_created_half_way_is_completed(db: Db) {
    let database = TestDatabase::create(db).await;
    database.migrate(history(&FILES[..1])).await;
    // The version row is written last; without it the creation was cut short.
    database.execute("DELETE FROM migrate_meta").await;
    assert_eq!(
        database.migrate(history(&FILES)).await,
        ["0002_two", "0003_three"]
    );
    database.execute("DROP TABLE migrate_meta").await;
    assert_eq!(database.migrate(history(&FILES)).await.len(), 0);
}

async fn select_is_enough_to_look(db: Db) {
    let database = TestDatabase::create(db).await;
    database.migrate(history(&FILES[..2])).await;
    let role = Role::create(&database).await;
    role.grant_select(&database).await;
    let before = database.dump(Scope::Everything).await;
    let target = || Target::from_url(&role.url(&database)).unwrap();
    let migrator = Migrator::new(target(), history(&FILES));
    look(&migrator).await.unwrap();
    assert_eq!(migrator.status().await.unwrap().pending, 1);
    let other = steps(&FILES).sql("other", "0001_item.sql", "CREATE TABLE item (id INT)");
    let initial = Request::default().fake(Fake::Initial);
    let other = Migrator::new(target(), other.build().unwrap());
    let plan = other.plan_to(&initial).await.unwrap();
    let faked = plan.steps.iter().filter(|step| step.faked);
    assert_eq!(faked.count(), 1, "it looks at the catalogue");
    // Nothing pending: it may even run.
    assert!(
        Migrator::new(target(), history(&FILES[..2]))
            .run()
            .await
            .unwrap()
            .steps
            .is_empty()
    );
    for error in [
        migrator.run().await.unwrap_err(),
        migrator.mark("0003", None).await.unwrap_err(),
    ] {
        assert_eq!(error.code(), ErrorCode::PermissionDenied, "{error}");
        let help = error.helps().join(" ");
        assert!(help.contains("GRANT") && help.contains("UPDATE"), "{error}");
        assert!(
            help.contains("migrate_steps") && help.contains(&role.name),
            "{error}"
        );
    }
    let error = migrator.dry_run().await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::PermissionDenied, "{error}");
    assert_eq!(database.dump(Scope::Everything).await, before);
}

async fn without_rights_it_is_not_fresh(db: Db) {
    let database = TestDatabase::create(db).await;
    database.migrate(history(&FILES[..2])).await;
    let role = Role::create(&database).await;
    role.grant_connect(&database).await;
    let before = database.dump(Scope::Everything).await;
    let migrator = Migrator::new(
        Target::from_url(&role.url(&database)).unwrap(),
        history(&FILES),
    );
    for error in [
        look(&migrator).await.unwrap_err(),
        migrator.run().await.unwrap_err(),
        migrator.dry_run().await.unwrap_err(),
        migrator.mark("0003", None).await.unwrap_err(),
        migrator.release_lock(true).await.unwrap_err(),
    ] {
        assert_eq!(error.code(), ErrorCode::PermissionDenied, "{error}");
        let help = error.helps().join(" ");
        assert!(help.contains("GRANT SELECT ON"), "{error}");
        assert!(
            help.contains("migrate_meta") && help.contains(&role.name),
            "{error}"
        );
    }
    assert_eq!(database.dump(Scope::Everything).await, before);
}

async fn a_role_that_may_not_create_is_told_so(db: Db) {
    let database = TestDatabase::create(db).await;
    let role = Role::create(&database).await;
    role.grant_connect(&database).await;
    let before = database.dump(Scope::Everything).await;
    let migrator = Migrator::new(
        Target::from_url(&role.url(&database)).unwrap(),
        history(&FILES),
    );
    let error = migrator.run().await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::PermissionDenied, "{error}");
    let help = error.helps().join(" ");
    assert!(
        help.contains("CREATE") && help.contains(&role.name),
        "{error}"
    );
    assert_eq!(
        database.dump(Scope::Everything).await,
        before,
        "nothing half-done"
    );
}

async fn a_ledger_elsewhere_is_pointed_at(db: Db) {
    if !db.capabilities().schemas {
        return;
    }
    let database = TestDatabase::create(db).await;
    let ops = || LedgerName::new(Some("ops"), "migrate").unwrap();
    database
        .migrator(history(&FILES))
        .ledger(ops())
        .run()
        .await
        .unwrap();
    let before = database.dump(Scope::Everything).await;
    let migrator = database.migrator(history(&FILES));
    for error in [
        migrator.run().await.unwrap_err(),
        migrator.status().await.unwrap_err(),
        migrator.plan().await.unwrap_err(),
        migrator.mark("0001", None).await.unwrap_err(),
    ] {
        assert_eq!(error.code(), ErrorCode::LedgerElsewhere, "{error}");
        assert!(
            error
                .helps()
                .iter()
                .any(|help| help.contains("--ledger-schema ops")),
            "{error}"
        );
    }
    assert_eq!(database.dump(Scope::Everything).await, before);
    // Out of sight for a role without rights on that schema, and still not fresh.
    let role = Role::create(&database).await;
    role.grant_connect(&database).await;
    database
        .execute(&format!(
            "GRANT USAGE, CREATE ON SCHEMA public TO {}",
            role.name
        ))
        .await;
    let target = || Target::from_url(&role.url(&database)).unwrap();
    let error = Migrator::new(target(), history(&FILES))
        .run()
        .await
        .unwrap_err();
    assert_eq!(error.code(), ErrorCode::LedgerElsewhere, "{error}");
    let named = Migrator::new(target(), history(&FILES)).ledger(ops());
    assert_eq!(
        named.run().await.unwrap_err().code(),
        ErrorCode::PermissionDenied
    );
    assert_eq!(
        named.status().await.unwrap_err().code(),
        ErrorCode::PermissionDenied
    );
    // Another prefix is another application's ledger.
    let own = LedgerName::new(None, "own").unwrap();
    let again = history(&[("0001_initial.sql", "SELECT 1")]);
    database.migrator(again).ledger(own).run().await.unwrap();
}

#[tokio::test]
async fn looking_does_not_create_a_sqlite_file() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("not_there.sqlite");
    let url = format!("sqlite:{}?mode=rwc", file.display());
    let history = History::builder()
        .sql("shop", "0001_initial.sql", "CREATE TABLE t (id INTEGER);")
        .build()
        .unwrap();
    let target = Target::from_url(&url).unwrap();
    let migrator = Migrator::new(target, history);
    let status = migrator.status().await.unwrap();
    assert_eq!((status.ledger, status.pending), (false, 1));
    assert_eq!(migrator.plan().await.unwrap().steps.len(), 1);
    assert_eq!(migrator.list(None).await.unwrap().len(), 1);
    assert!(!migrator.lock_status().await.unwrap().held);
    assert_eq!(migrator.dry_run().await.unwrap().steps.len(), 1);
    assert!(!file.exists());
    migrator.run().await.unwrap();
    assert!(file.exists());
}
