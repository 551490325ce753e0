//! The lock: waiting, looking, releasing.

use std::sync::atomic::Ordering;
use std::time::Duration;

use crate::support::history::{self, GO_ON, UNDER_WAY};
use crate::support::{Database, golden};

#[tokio::test]
async fn a_free_lock_is_free() {
    let database = Database::new();
    database
        .session("lock_fresh.txt", &["lock status", "lock release"])
        .await;
    database.migrate("").await;
    database
        .session("lock_free.txt", &["lock status", "lock release"])
        .await;
    let ran = database.migrate("lock status --json").await;
    golden::check("lock_status.json", &golden::normalize_json(ran.json()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_live_holder_keeps_the_lock_until_it_is_taken_away() {
    let database = Database::new();
    database
        .migrate_with(history::without_tidy_names(), "")
        .await;
    let holder = {
        let output = migrate_cli::Output::memory();
        let cli = database.cli(history::slow(), &output);
        tokio::spawn(async move { (cli.run_from::<&str>([]).await, output.stderr()) })
    };
    while !UNDER_WAY.load(Ordering::SeqCst) {
        assert!(!holder.is_finished(), "{:?}", holder.await);
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let mut transcript = String::new();
    for words in [
        "lock status",
        "status",
        "lock release",
        "lock release --force",
        "mark waits_2026_11_20 --wait 1s",
        "lock release --force --yes",
    ] {
        let ran = database.migrate_with(history::slow(), words).await;
        transcript.push_str(&ran.transcript(words));
        transcript.push('\n');
        if words == "lock status" {
            let json = database
                .migrate_with(history::slow(), "lock status --json")
                .await
                .json();
            golden::check("lock_status_held.json", &golden::normalize_json(json));
        }
    }
    GO_ON.store(true, Ordering::SeqCst);
    let (exit, stderr) = holder.await.expect("the holder ends");
    transcript.push_str(&format!(
        "the holder\n--- stderr\n{stderr}exit code: {}\n",
        exit.code()
    ));
    golden::check("lock_held.txt", &golden::normalize(&transcript));
}
