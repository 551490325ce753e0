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
        "current",
        "list",
        "plan",
        "graph",
        "run",
        "undo",
        "mark",
        "unmark",
        "accept",
        "resolve",
        "history",
        "verify",
        "sql",
        "new",
        "merge",
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
        "users --fake --fake-initial",
        "users zero --fake-initial",
        "users 0002 --dry-run --fake",
        "users zero --dry-run --single-transaction",
        "undo --dry-run --plan",
        "undo --dry-run --fake",
        "--prune",
        "users 0002 --prune",
        "users --prune --fake",
        "users status",
        "users.0001 0002",
        "usres zero",
        "users 0001 0002",
        "status --verbosity 4",
        "status --wait soon",
        "resolve x --why y",
        "lock",
        "lock relaese",
        "run",
        "squash users",
        "status --color",
        "status --color alwyas",
        "status --json=yes",
        "status -x",
        "status --wait 1s --wait 2s",
        "mark a b",
        "sql users 0001 0002",
        "resolve x --done --not-done --why y",
        "run x --database-url",
        "users --databse-url=postgres://me:geheim@host/shop",
        "run 'a\nb' c",
        "run --name",
        "--ledger-prefix status --nope",
        "lock --ledger-prefix status --nope",
        "lock --ledger-prefix=x status --nope",
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
        "run --json",
        "status --json --colour never",
        "--format json status --wait soon",
        "lock --json",
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
        let message = document["error"]["message"].as_str().expect("a text");
        assert!(
            !message.contains('\n') && !message.contains("error"),
            "{message}"
        );
    }
}

/// Every field that a golden document has is in the documentation.
#[test]
fn every_field_is_documented() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let page = std::fs::read_to_string(root.join("../docs/json.md")).expect("docs/json.md");
    let goldens = std::fs::read_dir(root.join("tests/golden")).expect("golden files");
    let mut seen = 0;
    for file in goldens.map(|file| file.expect("a file").path()) {
        if file
            .extension()
            .is_some_and(|extension| extension == "json")
        {
            let text = std::fs::read_to_string(&file).expect("text");
            let document = serde_json::from_str(&text).expect("JSON");
            seen += check_fields(&document, &page, &file);
        }
    }
    assert!(seen > 100, "only {seen} fields were seen");
}

fn check_fields(value: &serde_json::Value, page: &str, file: &std::path::Path) -> usize {
    match value {
        serde_json::Value::Object(fields) => fields
            .iter()
            .map(|(name, value)| {
                let named = [
                    format!("`{name}`"),
                    format!(".{name}`"),
                    format!("\"{name}\""),
                ];
                let documented = named.iter().any(|text| page.contains(text));
                assert!(
                    documented,
                    "{}: `{name}` is not in docs/json.md",
                    file.display()
                );
                1 + check_fields(value, page, file)
            })
            .sum(),
        serde_json::Value::Array(values) => values
            .iter()
            .map(|value| check_fields(value, page, file))
            .sum(),
        _ => 0,
    }
}
