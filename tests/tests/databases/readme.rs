//! What the README shows is what happens: its sessions are typed again, and its lists compared
//! with the code.
//!
//! A session is a ```console block after `<!-- session -->`; a line that begins with `$ ` is a
//! command, the lines after it what it prints. All of them share one folder, as they would for a
//! reader. Times are not compared. `README_OVERWRITE=1` writes what was printed; read it.

use std::path::{Path, PathBuf};

use migrate_core::ErrorCode;
use migrate_tests::Starter;

use crate::databases::example::program;

/// How a README starts an example.
const CALL: &str = "cargo run -q -p";

/// The examples that the README's sessions start.
const EXAMPLES: [&str; 2] = ["quickstart", "journeys"];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sessions_print_what_the_readme_says() {
    let (path, _) = readme();
    let folder = tempfile::TempDir::with_prefix("migrate-readme-").expect("no temporary folder");
    type_again(&path, async |command: &str| {
        run(command, folder.path()).await
    })
    .await;
}

/// Types the sessions of a README again.
pub(super) async fn type_again(path: &Path, mut run: impl AsyncFnMut(&str) -> String) {
    let text = std::fs::read_to_string(path).expect("the README can be read");
    let mut written = String::new();
    let mut wrong = Vec::new();
    let mut lines = text.lines().peekable();
    let (mut announced, mut commands) = (false, 0);
    while let Some(line) = lines.next() {
        written.push_str(line);
        written.push('\n');
        let session = announced && line == "```console";
        announced = line == "<!-- session -->";
        while session && let Some(command) = lines.next_if(|line| *line != "```") {
            let mut expected = String::new();
            while let Some(line) = lines.next_if(|line| !line.starts_with("$ ") && *line != "```") {
                expected.push_str(line);
                expected.push('\n');
            }
            let printed = run(command).await;
            if comparable(&printed) != comparable(&expected) {
                wrong.push(format!("{command}\n{printed}"));
            }
            commands += 1;
            written.push_str(&format!("{command}\n{}\n", printed.trim_end()));
        }
    }
    assert!(commands >= 5, "the README has lost its sessions");
    if std::env::var_os("README_OVERWRITE").is_some() {
        std::fs::write(path, written).expect("the README can be written");
    } else {
        assert!(
            wrong.is_empty(),
            "not what {} says:\n{}",
            path.display(),
            wrong.join("\n")
        );
    }
}

#[test]
fn lists_every_error_code() {
    let (_, text) = readme();
    let missing: Vec<_> = ErrorCode::ALL
        .iter()
        .filter(|code| !text.contains(&format!("| `{code}` |")))
        .collect();
    assert!(missing.is_empty(), "not in README.md: {missing:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn lists_every_verb() {
    let (_, text) = readme();
    let help = Starter::new(program("quickstart"))
        .arg("migrate")
        .arg("--help");
    let help = help.run().await.stdout;
    let verbs: Vec<_> = help
        .lines()
        .skip_while(|line| *line != "Verbs:")
        .skip(1)
        .map_while(|line| line.split_whitespace().next())
        .collect();
    assert!(verbs.len() > 10, "{help}");
    for verb in verbs {
        assert!(
            text.contains(&format!("| `{verb}")),
            "not in README.md: {verb}"
        );
    }
}

/// What is suggested to who comes from another tool is understood here.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn suggests_words_that_are_understood() {
    let (_, text) = readme();
    let section = text
        .lines()
        .skip_while(|line| *line != "## Coming from another tool")
        .skip(1)
        .take_while(|line| !line.starts_with("## "));
    let here = section.filter_map(|line| line.trim_end_matches(" |").rsplit_once("| "));
    let commands = here.flat_map(|(_, cell)| cell.split('`').skip(1).step_by(2));
    let mut typed = 0;
    for command in commands {
        let Some(words) = command.strip_prefix("migrate") else {
            continue;
        };
        // Help is printed where all that stands before it is understood.
        let mut starter = Starter::new(program("quickstart")).arg("migrate");
        for word in words.split_whitespace() {
            starter = starter.arg(word);
        }
        let exit = starter.arg("--help").run().await;
        assert_eq!(exit.code, Some(0), "`{command}`: {}", exit.stderr);
        // Whatever is no verb would be an app.
        let first = words.split_whitespace().next().unwrap_or_default();
        if first.starts_with(|letter: char| letter.is_ascii_lowercase()) {
            let usage = format!("migrate {first} ");
            assert!(exit.stdout.contains(&usage), "`{command}`: {}", exit.stdout);
        }
        typed += 1;
    }
    assert!(typed > 30, "only {typed} commands were found");
}

#[test]
fn quotes_the_messages_of_the_compiler() {
    let (_, text) = readme();
    let messages = texts_below(concat!(env!("CARGO_MANIFEST_DIR"), "/ui"));
    let table = text
        .lines()
        .skip_while(|line| *line != "## What rustc catches")
        .skip(1)
        .take_while(|line| !line.starts_with("## "))
        .filter_map(|line| line.strip_prefix("| ")?.split(" | ").nth(1));
    // Code in one backquote has none inside; a message that quotes code has two around it.
    let quoted: Vec<&str> = table
        .flat_map(|cell| {
            let fence = if cell.contains("``") { "``" } else { "`" };
            cell.split(fence).skip(1).step_by(2).map(str::trim)
        })
        .collect();
    assert!(quoted.len() > 12, "the table has lost its messages");
    let invented: Vec<_> = quoted
        .iter()
        .filter(|message| !messages.contains(**message))
        .collect();
    assert!(invented.is_empty(), "no compiler says: {invented:#?}");
}

/// What the files `.stderr` in a folder and below it say.
fn texts_below(folder: impl AsRef<Path>) -> String {
    let mut texts = String::new();
    for entry in std::fs::read_dir(folder).expect("a folder").flatten() {
        let path = entry.path();
        if path.is_dir() {
            texts.push_str(&texts_below(&path));
        } else if path.extension().is_some_and(|end| end == "stderr") {
            texts.push_str(&std::fs::read_to_string(&path).expect("a text"));
        }
    }
    texts
}

fn readme() -> (PathBuf, String) {
    let path = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../README.md"));
    let text = std::fs::read_to_string(&path).expect("the README can be read");
    (path, text)
}

async fn run(line: &str, folder: &Path) -> String {
    let called = |example: &&&str| line.starts_with(&format!("$ {CALL} {example}"));
    let example = EXAMPLES.iter().find(called);
    let example = example
        .unwrap_or_else(|| panic!("`{CALL}` and one of {EXAMPLES:?} begin a command, not: {line}"));
    run_with(&program(example), example, line, folder).await
}

/// Runs a line of a session, with both outputs in one, as on a terminal.
pub(super) async fn run_with(program: &Path, package: &str, line: &str, folder: &Path) -> String {
    let call = format!("$ {CALL} {package}");
    let words = line.strip_prefix(&call);
    let words = words.unwrap_or_else(|| panic!("a session's command begins with `{call}`: {line}"));
    let words = words.strip_prefix(" --").unwrap_or(words);
    let exit = Starter::new("sh")
        .arg("-c")
        .arg(format!("\"$0\" {words} 2>&1"))
        .arg(program)
        .folder(folder)
        // As `cargo run` says it; the program's advice repeats how it was started.
        .env("CARGO_PKG_NAME", package)
        .env("CARGO_MANIFEST_DIR", folder)
        .run()
        .await;
    exit.stdout
}

/// The text without what differs from run to run: durations, dates, and the blanks that align them.
fn comparable(text: &str) -> String {
    let mut words: Vec<String> = Vec::new();
    // On a slow machine a step also says how far it is.
    let lines = text.lines().filter(|line| !line.contains(" left"));
    for word in lines.flat_map(str::split_whitespace) {
        let unit = word.trim_end_matches([',', ')', ';']);
        let amount = words.last().map(|last| last.trim_start_matches('('));
        let is_duration = matches!(unit, "ms" | "s" | "min")
            && amount.is_some_and(|amount| amount.parse::<f64>().is_ok());
        if is_duration {
            words.pop();
            words.push("TIME".to_owned());
        } else if word.starts_with("20") && word.len() == 10 && word.matches('-').count() == 2 {
            words.push("DATE".to_owned());
        } else if word.contains("migrate_scratch_") {
            words.push("SCRATCH".to_owned());
        } else if word.len() == 8 && word.matches(':').count() == 2 {
            words.push("CLOCK".to_owned());
        } else {
            words.push(word.to_owned());
        }
    }
    words.join(" ")
}
