//! Killed at any point, the next run converges: the process, the server's session and the
//! connection, before and after every message that a run sends; on SQLite, before every write.
//!
//! "Converges" is `Expected::converges`: the next run succeeds at once, and the database is what
//! an uninterrupted run leaves, each statement executed once.

use migrate_tests::{Act, Db, Fault, Proxy, TestDatabase, When, each_database};
use rustix::process::{Pid, Signal};

use super::service::{Expected, WRITES, Way, for_each, service, writes_of_a_run};

each_database! {
    all: killed_before_every_write, killed_before_every_write_on_the_way_back;
    servers: killed_before_every_message, killed_after_every_message, cut_before_every_message,
        cut_after_every_message, session_ended_at_every_message, a_killed_run_may_stay_unreaped,
        killed_before_every_message_of_the_way_back, killed_after_every_message_of_the_way_back,
        session_ended_at_every_message_of_the_way_back;
}

/// What happens to a process, whose number is known only when it waits to be let go.
type ActOn = fn(Pid) -> Act;

async fn at_every_message(db: Db, way: Way, when: When, act: ActOn) {
    let expected = Expected::of_way(db, way).await;
    for_each(1..=expected.messages.len(), 4, |message| {
        let expected = expected.clone();
        async move {
            let database = way.begin(db).await;
            let after = interrupted(&database, way, message, when, act).await;
            expected.converges(&database, &after).await;
        }
    })
    .await;
}

/// Runs the service and interrupts it at one message; says how, for the panic message.
async fn interrupted(
    database: &TestDatabase,
    way: Way,
    message: usize,
    when: When,
    act: ActOn,
) -> String {
    let proxy = Proxy::start(database).await;
    let mut running = way.service(proxy.url()).hold().await;
    let act = act(running.pid());
    proxy.arm(Fault {
        message,
        connection: None,
        when,
        act,
    });
    running.release().await;
    let exit = running.wait().await;
    let text = proxy
        .messages()
        .get(message - 1)
        .map(|m| format!("{:?} {}", m.kind, m.text))
        .unwrap_or_default();
    // Nobody waits for an answer to a farewell: the process may end before the signal comes.
    let farewell = text.starts_with("Quit");
    let after = format!(
        "{act:?} {when:?} message {message}: {text}\nThe interrupted run exited with {:?}\n{}",
        exit.code, exit.stderr
    );
    assert!(
        proxy.struck() || exit.code == Some(0),
        "not reached: {after}"
    );
    if proxy.struck() && matches!(act, Act::Kill(_)) {
        let ended = farewell && exit.code == Some(0);
        assert!(exit.was_killed() || ended, "not killed: {after}");
    }
    assert!(!exit.stderr.contains("panicked"), "{after}");
    after
}

async fn killed_before_every_message(db: Db) {
    at_every_message(db, Way::There, When::Before, Act::Kill).await;
}

async fn killed_after_every_message(db: Db) {
    at_every_message(db, Way::There, When::After, Act::Kill).await;
}

async fn cut_before_every_message(db: Db) {
    at_every_message(db, Way::There, When::Before, |_| Act::Cut).await;
}

async fn cut_after_every_message(db: Db) {
    at_every_message(db, Way::There, When::After, |_| Act::Cut).await;
}

async fn session_ended_at_every_message(db: Db) {
    at_every_message(db, Way::There, When::Before, |_| Act::EndSession).await;
}

async fn killed_before_every_message_of_the_way_back(db: Db) {
    at_every_message(db, Way::Back, When::Before, Act::Kill).await;
}

async fn killed_after_every_message_of_the_way_back(db: Db) {
    at_every_message(db, Way::Back, When::After, Act::Kill).await;
}

async fn session_ended_at_every_message_of_the_way_back(db: Db) {
    at_every_message(db, Way::Back, When::Before, |_| Act::EndSession).await;
}

/// A container's init may not reap: a dead process that still has an entry is dead all the same.
async fn a_killed_run_may_stay_unreaped(db: Db) {
    let expected = Expected::of(db).await;
    let database = TestDatabase::create(db).await;
    let mut running = service(database.url())
        .env("FIXTURE_PAUSE_MS", "60000")
        .start()
        .await;
    assert_eq!(
        running.next_line().await.as_deref(),
        Some("in the function")
    );
    running.signal(Signal::KILL);
    expected
        .converges(&database, "a killed process that nobody reaped")
        .await;
    assert!(running.wait().await.was_killed());
}

async fn killed_before_every_write(db: Db) {
    at_every_write(db, Way::There).await;
}

async fn killed_before_every_write_on_the_way_back(db: Db) {
    at_every_write(db, Way::Back).await;
}

/// The process dies before the call is made.
async fn at_every_write(db: Db, way: Way) {
    if db.capabilities().server {
        // The server writes, and the messages are what can be interrupted.
        return;
    }
    let Some(writes) = writes_of_a_run(way).await else {
        return;
    };
    let expected = Expected::of_way(db, way).await;
    for_each(1..=writes, 4, |write| {
        let expected = expected.clone();
        async move {
            let database = way.begin(db).await;
            let starter = way
                .service(database.url())
                .signal_at_call(Signal::KILL, WRITES, write);
            let exit = starter.expect("strace was there").run().await;
            assert!(
                exit.was_killed() || exit.code == Some(0),
                "write {write}: {exit:?}"
            );
            expected
                .converges(&database, &format!("SIGKILL before write {write}"))
                .await;
        }
    })
    .await;
}
