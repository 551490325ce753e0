//! The harness itself, against the real servers: what lies here would make every test lie.

use migrate_tests::{
    Act, Connection, Db, Fault, Proxy, Scope, ServerLog, Starter, TestDatabase, When, each_database,
};

each_database! {
    all: makes_and_drops_databases, dumps_show_what_changed, dumps_leave_the_ledger_out;
    servers: lists_and_ends_sessions, logs_count_statements, proxies_count_round_trips,
        cuts_before_and_after_a_message, ends_the_session_at_a_message, freezes_and_releases,
        kills_a_process_at_a_message;
}

const TABLE: &str = "CREATE TABLE item (id INT NOT NULL PRIMARY KEY, name VARCHAR(20))";

async fn makes_and_drops_databases(db: Db) {
    let (a, b) = (
        TestDatabase::create(db).await,
        TestDatabase::create(db).await,
    );
    a.execute(TABLE).await;
    b.execute(TABLE).await;
    a.execute("INSERT INTO item VALUES (1, 'one'), (2, NULL)")
        .await;
    let rows = a.rows("SELECT id, name FROM item ORDER BY id").await;
    assert_eq!(
        rows,
        [
            [Some("1".into()), Some("one".into())],
            [Some("2".into()), None]
        ]
    );
    assert_eq!(
        b.scalar("SELECT count(*) FROM item").await.as_deref(),
        Some("0")
    );
    let url = a.url().to_owned().replace("mode=rwc", "mode=rw");
    // A session in a transaction does not keep the database alive.
    let mut open = a.connect().await;
    open.execute("BEGIN; SELECT * FROM item").await;
    drop(a);
    assert!(Connection::try_open(db, &url).await.is_err());
}

async fn dumps_show_what_changed(db: Db) {
    let database = TestDatabase::create(db).await;
    let mut seen = vec![database.dump(Scope::Everything).await];
    for change in [
        TABLE,
        "INSERT INTO item VALUES (1, 'a')",
        "INSERT INTO item VALUES (2, NULL)",
        "UPDATE item SET name = 'NULL' WHERE id = 2",
        "CREATE INDEX item_name ON item (name)",
        "ALTER TABLE item ADD COLUMN price INT DEFAULT 3",
        "CREATE VIEW cheap AS SELECT id FROM item WHERE price < 5",
        "CREATE TABLE other (item INT NOT NULL, FOREIGN KEY (item) REFERENCES item (id))",
        "INSERT INTO other VALUES (1)",
        "DROP VIEW cheap",
    ] {
        database.execute(change).await;
        seen.push(database.dump(Scope::Everything).await);
        assert_eq!(
            seen.last(),
            Some(&database.dump(Scope::Everything).await),
            "not stable"
        );
    }
    let unique: std::collections::HashSet<_> = seen.iter().collect();
    assert_eq!(unique.len(), seen.len(), "{}", seen.join("\n=====\n"));
}

async fn dumps_leave_the_ledger_out(db: Db) {
    let database = TestDatabase::create(db).await;
    database.execute(TABLE).await;
    let before = database.dump(Scope::WithoutLedger).await;
    database
        .execute(
            "CREATE TABLE migrate_steps (id INT NOT NULL PRIMARY KEY, note VARCHAR(20) UNIQUE)",
        )
        .await;
    database
        .execute("INSERT INTO migrate_steps VALUES (1, 'x')")
        .await;
    assert_eq!(database.dump(Scope::WithoutLedger).await, before);
    assert_ne!(database.dump(Scope::Everything).await, before);
}

async fn lists_and_ends_sessions(db: Db) {
    let database = TestDatabase::create(db).await;
    let mut connection = database.connect().await;
    connection.execute("SELECT 1").await;
    let sessions = database.sessions().await;
    assert_eq!(sessions.len(), 1);
    database.kill_session(sessions[0]).await;
    assert!(connection.try_execute("SELECT 1").await.is_err());
    assert!(database.sessions().await.is_empty());
}

async fn logs_count_statements(db: Db) {
    let database = TestDatabase::create(db).await;
    let Some(mut log) = ServerLog::watch(&database) else {
        return;
    };
    let other = TestDatabase::create(db).await;
    let mut connection = database.connect().await;
    connection.execute("SELECT 1 AS\n first_one").await;
    other.execute("SELECT 2 AS elsewhere").await;
    let found = log.statements();
    let ours: Vec<_> = found
        .iter()
        .filter(|logged| logged.text.contains("first_one"))
        .collect();
    assert_eq!(ours.len(), 1, "{found:?}");
    assert_eq!(ours[0].text, "SELECT 1 AS\n first_one");
    assert_eq!(vec![ours[0].session], database.sessions().await);
    assert!(!found.iter().any(|logged| logged.text.contains("elsewhere")));
    log.mark();
    assert!(log.statements().is_empty());
}

/// A connection through the proxy, and how many messages it took to get it.
async fn through(proxy: &Proxy, db: Db) -> (Connection, usize) {
    let connection = Connection::open(db, proxy.url()).await;
    (connection, proxy.messages().len())
}

async fn proxies_count_round_trips(db: Db) {
    let database = TestDatabase::create(db).await;
    let proxy = Proxy::start(&database).await;
    let (mut connection, connecting) = through(&proxy, db).await;
    let trips = proxy.round_trips();
    connection.execute("SELECT 1").await;
    connection.execute("SELECT 2").await;
    assert_eq!(proxy.round_trips() - trips, 2);
    assert_eq!(proxy.messages().len() - connecting, 2);
    assert!(
        proxy
            .statements()
            .ends_with(&["SELECT 1".into(), "SELECT 2".into()])
    );
    // A result larger than any buffer on the way.
    let rows = connection
        .rows("SELECT repeat('x', 1000000) UNION ALL SELECT repeat('y', 1000000)")
        .await;
    assert_eq!(rows.len(), 2);
    assert_eq!(proxy.round_trips() - trips, 3);
    connection.close().await;
    assert_eq!(
        proxy.round_trips() - trips,
        3,
        "a goodbye is not a round trip"
    );
}

async fn cuts_before_and_after_a_message(db: Db) {
    let database = TestDatabase::create(db).await;
    database.execute(TABLE).await;
    for (when, rows) in [(When::Before, "0"), (When::After, "1")] {
        let proxy = Proxy::start(&database).await;
        let (mut connection, connecting) = through(&proxy, db).await;
        proxy.arm(Fault {
            message: connecting + 1,
            connection: None,
            when,
            act: Act::Cut,
        });
        assert!(
            connection
                .try_execute("INSERT INTO item VALUES (1, 'a')")
                .await
                .is_err()
        );
        assert!(proxy.struck());
        assert_eq!(
            database
                .scalar("SELECT count(*) FROM item")
                .await
                .as_deref(),
            Some(rows)
        );
    }
}

async fn ends_the_session_at_a_message(db: Db) {
    let database = TestDatabase::create(db).await;
    database.execute(TABLE).await;
    for (when, rows) in [(When::Before, "0"), (When::After, "1")] {
        let proxy = Proxy::start(&database).await;
        let (mut connection, connecting) = through(&proxy, db).await;
        proxy.arm(Fault {
            message: connecting + 1,
            connection: None,
            when,
            act: Act::EndSession,
        });
        connection
            .try_execute("INSERT INTO item VALUES (1, 'a')")
            .await
            .ok();
        assert!(
            connection.try_execute("SELECT 1").await.is_err(),
            "the session has ended"
        );
        assert!(proxy.struck());
        assert_eq!(
            database
                .scalar("SELECT count(*) FROM item")
                .await
                .as_deref(),
            Some(rows)
        );
    }
}

async fn freezes_and_releases(db: Db) {
    let database = TestDatabase::create(db).await;
    database.execute(TABLE).await;
    let proxy = Proxy::start(&database).await;
    let (mut connection, connecting) = through(&proxy, db).await;
    // The process that is stopped stands for the client; ours must go on to look.
    let sleeper = Starter::new("sleep").arg("60").start().await;
    let act = Act::Freeze(sleeper.pid());
    proxy.arm(Fault {
        message: connecting + 1,
        connection: None,
        when: When::Before,
        act,
    });
    let insert = tokio::spawn(async move {
        connection.execute("INSERT INTO item VALUES (1, 'a')").await;
    });
    proxy.strike().await;
    assert_eq!(
        database
            .scalar("SELECT count(*) FROM item")
            .await
            .as_deref(),
        Some("0")
    );
    proxy.release();
    insert.await.unwrap();
    assert_eq!(
        database
            .scalar("SELECT count(*) FROM item")
            .await
            .as_deref(),
        Some("1")
    );
}

async fn kills_a_process_at_a_message(db: Db) {
    let database = TestDatabase::create(db).await;
    let proxy = Proxy::start(&database).await;
    let (mut connection, connecting) = through(&proxy, db).await;
    let sleeper = Starter::new("sleep").arg("60").start().await;
    let act = Act::Kill(sleeper.pid());
    proxy.arm(Fault {
        message: connecting + 2,
        connection: None,
        when: When::After,
        act,
    });
    connection.execute("SELECT 1").await;
    assert!(connection.try_execute("SELECT 2").await.is_err());
    assert!(sleeper.wait().await.was_killed());
}
