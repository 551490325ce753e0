//! What a run costs: statements with nothing to do, round trips and commits of a step.

use migrate_tests::{Db, Proxy, ServerLog, TestDatabase, each_database, history};

use super::sql::ITEM;

each_database! {
    all: nothing_pending_writes_nothing;
    servers: nothing_pending_is_one_statement, an_atomic_step_is_one_round_trip;
}

/// File names and texts of a history of so many steps.
fn files(count: usize) -> Vec<(String, String)> {
    (1..=count)
        .map(|i| match i {
            1 => ("0001_initial.sql".to_owned(), ITEM.to_owned()),
            _ => (
                format!("{i:04}_step.sql"),
                format!("INSERT INTO item VALUES ({i}, 'x')"),
            ),
        })
        .collect()
}

fn of(files: &[(String, String)]) -> migrate_core::History {
    let files: Vec<(&str, &str)> = files
        .iter()
        .map(|(n, t)| (n.as_str(), t.as_str()))
        .collect();
    history(&files)
}

/// Statements by their session, less those that connecting alone sends.
fn beyond_connecting(log: &ServerLog, connecting: &[String]) -> Vec<String> {
    let mut rest = connecting.to_vec();
    log.statements()
        .into_iter()
        .map(|logged| logged.text)
        .filter(|text| match rest.iter().position(|known| known == text) {
            Some(place) => {
                rest.remove(place);
                false
            }
            None => true,
        })
        .collect()
}

async fn nothing_pending_is_one_statement(db: Db) {
    let database = TestDatabase::create(db).await;
    let Some(mut log) = ServerLog::watch(&database) else {
        panic!("the servers of `tests/run` write logs");
    };
    let connection = database.connect().await;
    connection.close().await;
    let connecting: Vec<String> = log.statements().into_iter().map(|s| s.text).collect();
    for count in [3, 500] {
        let files = files(count);
        database.migrate(of(&files)).await;
        log.mark();
        assert_eq!(database.migrate(of(&files)).await.len(), 0);
        let sent = beyond_connecting(&log, &connecting);
        assert_eq!(sent.len(), 1, "{count} steps: {sent:#?}");
        assert!(sent[0].starts_with("SELECT"), "{sent:?}");
        let read = log.statements();
        for part in ["CREATE", "UPDATE", "BEGIN", "FOR UPDATE"] {
            assert!(!read.iter().any(|s| s.text.contains(part)), "{read:?}");
        }
    }
}

async fn nothing_pending_writes_nothing(db: Db) {
    let database = TestDatabase::create(db).await;
    let files = files(3);
    database.migrate(of(&files)).await;
    let before = database.dump(migrate_tests::Scope::Everything).await;
    let changes = super::sqlite::changes(&database);
    for _ in 0..3 {
        database.migrate(of(&files)).await;
    }
    assert_eq!(
        database.dump(migrate_tests::Scope::Everything).await,
        before
    );
    assert_eq!(super::sqlite::changes(&database), changes);
}

async fn an_atomic_step_is_one_round_trip(db: Db) {
    if !db.capabilities().scripts {
        return;
    }
    let database = TestDatabase::create(db).await;
    let proxy = Proxy::start(&database).await;
    let files = files(12);
    let mut trips = Vec::new();
    for count in [1, 2, 12] {
        let before = proxy.round_trips();
        let target = migrate_core::Target::from_url(proxy.url()).unwrap();
        let report = migrate_core::Migrator::new(target, of(&files[..count]))
            .run()
            .await
            .unwrap();
        trips.push((report.steps.len(), proxy.round_trips() - before));
    }
    // The runs of one step and of ten differ by nine round trips and nothing else.
    let [(_, first), (1, one), (10, ten)] = trips[..] else {
        panic!("{trips:?}");
    };
    assert_eq!(ten - one, 9, "{trips:?}: {:#?}", proxy.statements());
    assert!(first > one, "the first creates the ledger");
    let steps = proxy
        .statements()
        .into_iter()
        .filter(|text| text.contains("INSERT INTO item"));
    assert_eq!(steps.count(), 11, "each in one message, not prepared");
}
