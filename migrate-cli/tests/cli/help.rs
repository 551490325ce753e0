//! Help and usage errors: snapshots of every verb.

use migrate_cli::{Cli, Output};

use crate::support::{golden, history, split};

async fn said(words: &str) -> (u8, String, String) {
    let output = Output::memory();
    let cli = Cli::new(history::shop())
        .program("shop migrate")
        .output(output.clone());
    let exit = cli.run_from(split(words)).await;
    (exit.code(), output.stdout(), output.stderr())
}

#[tokio::test]
async fn every_verb_has_help() {
    let mut text = String::new();
    for verb in [
        "",
        "status",
        "list",
        "plan",
        "run",
        "mark",
        "unmark",
        "accept",
        "resolve",
        "history",
        "verify",
        "sql",
        "new",
        "lock",
        "lock status",
        "lock release",
    ] {
        let words = format!("{verb} --help");
        let (code, stdout, stderr) = said(&words).await;
        assert_eq!((code, stderr.as_str()), (0, ""), "{verb}");
        assert!(
            stdout.lines().all(|line| line.chars().count() <= 100),
            "{verb} is too wide"
        );
        text.push_str(&format!(
            "$ shop migrate {}\n{stdout}\n",
            words.trim_start()
        ));
        let short = said(&format!("{verb} -h")).await;
        assert_eq!(short.1, stdout, "-h and --help are the same");
    }
    golden::check("help.txt", &text);
}

#[tokio::test]
async fn wrong_words_get_the_nearest_right_ones() {
    let mut text = String::new();
    for words in [
        "statsu",
        "nwe x",
        "lower_emails_v1_2026_11_20",
        "run x --dry-rnu",
        "--check status",
        "--dry-run --plan",
        "status --verbosity 4",
        "status --wait soon",
        "resolve x --why y",
        "lock",
        "postgres://me:geheim@host/shop",
    ] {
        let (code, stdout, stderr) = said(words).await;
        assert_eq!((code, stdout.as_str()), (2, ""), "{words}");
        assert!(!stderr.contains("geheim"), "{stderr}");
        text.push_str(&format!(
            "$ shop migrate {}\n{stderr}\n",
            words.replace("geheim", "secret")
        ));
    }
    golden::check("usage.txt", &text);
}

#[tokio::test]
async fn usage_errors_are_json_when_json_is_asked_for() {
    for words in [
        "--json statsu",
        "statsu --format json",
        "statsu --format=json",
        "--check status --json",
    ] {
        let (code, stdout, stderr) = said(words).await;
        assert_eq!((code, stderr.as_str()), (2, ""), "{words}");
        let document: serde_json::Value = serde_json::from_str(&stdout).expect("JSON");
        assert_eq!(document["ok"], false);
        assert_eq!(document["error"]["code"], "usage", "{words}");
    }
}
