//! Real processes: the environment, arguments, signals and pipes.
//!
//! The program starts itself as the service; `SHOP` in the environment says which one.

// What stands beside the test functions is test code too, which clippy does not see.
#![allow(clippy::expect_used, clippy::panic)]

#[path = "../support/mod.rs"]
mod support;

use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, Command, ExitCode, Output, Stdio};

use migrate_cli::Cli;
use support::{Database, TempFolder, history};

fn main() -> ExitCode {
    let cli = || Cli::new(history::shop()).program("shop migrate");
    match std::env::var("SHOP").as_deref() {
        Ok("main") => return cli().main(),
        Ok("default") => return cli().default_url("sqlite::memory:").main(),
        Ok("squash") => return Cli::new(history::slow_squash()).main(),
        Ok("slow") => return Cli::new(history::slow()).main(),
        Ok("back") => return Cli::new(history::slow_back(true, false)).main(),
        Ok("back mended") => return Cli::new(history::slow_back(true, true)).main(),
        Ok("pieces") => return Cli::new(history::slow_back(false, false)).main(),
        Ok("pieces mended") => return Cli::new(history::slow_back(false, true)).main(),
        Ok("service") => return cli().handle().unwrap_or(ExitCode::from(42)),
        Ok("async") => return inside_a_runtime(cli()),
        _ => {}
    }
    main_and_handle_look_at_the_first_argument();
    main_works_inside_a_runtime();
    the_database_is_found_and_never_printed();
    a_reader_that_goes_away_is_no_failure();
    #[cfg(unix)]
    signals_stop_and_leave_nothing_locked();
    #[cfg(unix)]
    signals_stop_a_way_back_which_then_goes_on();
    #[cfg(unix)]
    a_forced_end_names_what_is_left();
    #[cfg(target_os = "linux")]
    ctrl_c_at_a_question_ends_the_command();
    cargo_finds_the_binary();
    ExitCode::SUCCESS
}

fn inside_a_runtime(cli: Cli) -> ExitCode {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .expect("a runtime");
    runtime.block_on(async { cli.main() })
}

fn shop(service: &str) -> Command {
    let mut command = Command::new(std::env::current_exe().expect("this program"));
    command
        .env("SHOP", service)
        .env_remove("DATABASE_URL")
        .env_remove("CARGO_MANIFEST_DIR");
    command
}

fn code(command: &mut Command) -> i32 {
    finished(command).status.code().expect("an exit code")
}

fn finished(command: &mut Command) -> Output {
    command
        .stdin(Stdio::null())
        .output()
        .expect("the program starts")
}

fn main_and_handle_look_at_the_first_argument() {
    let database = Database::new();
    let url = database.url();
    assert_eq!(
        code(shop("main").args(["migrate", "status", "--database-url", &url])),
        0
    );
    assert_eq!(
        code(shop("main").args(["status", "--database-url", &url])),
        0
    );
    assert_eq!(code(shop("main").args(["statsu"])), 2);
    assert_eq!(code(&mut shop("service")), 42);
    assert_eq!(code(shop("service").args(["status"])), 42, "not ours");
    assert_eq!(
        code(shop("service").args(["migrate", "--check", "--database-url", &url])),
        3
    );
}

fn main_works_inside_a_runtime() {
    let database = Database::new();
    let url = database.url();
    assert_eq!(
        code(shop("async").args(["migrate", "--database-url", &url])),
        0
    );
}

fn the_database_is_found_and_never_printed() {
    let missing = finished(&mut shop("main"));
    assert_eq!(missing.status.code(), Some(2));
    let stderr = String::from_utf8_lossy(&missing.stderr);
    assert!(
        stderr.starts_with("error[no_database_url]: no database is named\nhelp: "),
        "{stderr}"
    );

    let database = Database::new();
    let empty = finished(shop("main").env("DATABASE_URL", ""));
    assert_eq!(empty.status.code(), Some(2), "an empty variable is none");
    assert!(String::from_utf8_lossy(&empty.stderr).starts_with("error[no_database_url]"));
    assert_eq!(code(shop("main").env("DATABASE_URL", database.url())), 0);
    assert_eq!(
        code(
            shop("main")
                .env("DATABASE_URL", database.url())
                .arg("--check")
        ),
        0
    );
    assert_eq!(
        code(shop("default").arg("--check")),
        3,
        "the default is an empty database"
    );
    assert_eq!(
        code(
            shop("default")
                .env("DATABASE_URL", database.url())
                .arg("--check")
        ),
        0
    );

    for words in [
        vec!["status"],
        vec!["--help"],
        vec!["--json"],
        vec!["-v", "3", "plan"],
    ] {
        let ran = finished(
            shop("main")
                .env("DATABASE_URL", "postgres://me:geheim@h/d")
                .args(words),
        );
        let said = [ran.stdout, ran.stderr].concat();
        assert!(!String::from_utf8_lossy(&said).contains("geheim"));
    }
}

fn a_reader_that_goes_away_is_no_failure() {
    let database = Database::new();
    let url = database.url();
    for (words, expected) in [
        (["status", "--json"], 0),
        (["list", "--all"], 0),
        (["plan", "-v2"], 0),
    ] {
        let (reader, writer) = std::io::pipe().expect("a pipe");
        drop(reader);
        let mut command = shop("main");
        command
            .args(words)
            .args(["--database-url", &url])
            .stdout(writer);
        let status = command
            .stderr(Stdio::null())
            .status()
            .expect("the program starts");
        assert_eq!(status.code(), Some(expected), "{words:?}");
    }
}

#[cfg(unix)]
fn signals_stop_and_leave_nothing_locked() {
    for (signal, name, expected) in [("INT", "Ctrl-C", 130), ("TERM", "SIGTERM", 143)] {
        let database = Database::new();
        let mut child = shop("slow")
            .args(["migrate", "--database-url", &database.url()])
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program starts");
        let mut stderr = BufReader::new(child.stderr.take().expect("piped"));
        wait_for_line(&mut stderr, "under way");
        kill(&child, signal);
        let status = child.wait().expect("it ends");
        let mut rest = String::new();
        stderr.read_to_string(&mut rest).expect("text");
        assert_eq!(status.code(), Some(expected), "{rest}");
        assert!(
            rest.contains(&format!("warning: {name}: stopping")),
            "{rest}"
        );
        assert!(rest.contains("error[cancelled]"), "{rest}");
        // What the stopped statement answered is no mistake of the step.
        assert!(!rest.contains("[step_failed]"), "{rest}");
        assert!(!rest.contains("correct the"), "{rest}");

        let words = [
            "lock",
            "status",
            "--json",
            "--database-url",
            &database.url(),
        ];
        let lock = finished(shop("main").args(words));
        let lock: serde_json::Value = serde_json::from_slice(&lock.stdout).expect("JSON");
        assert_eq!(lock["result"]["held"], false, "{rest}");
    }
}

#[cfg(unix)]
fn signals_stop_a_way_back_which_then_goes_on() {
    for (service, signal, expected) in [
        ("back", "INT", 130),
        ("back", "TERM", 143),
        ("pieces", "INT", 130),
        ("pieces", "TERM", 143),
    ] {
        let database = Database::new();
        let url = database.url();
        let ran = |service: &str, words: &str| {
            let words = words.split_whitespace();
            let mut command = shop(service);
            command.args(words).args(["--database-url", &url]);
            finished(&mut command)
        };
        assert_eq!(ran(service, "migrate").status.code(), Some(0));
        let mut child = shop(service)
            .args(["undo", "--yes", "-v", "3", "--database-url", &url])
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program starts");
        let mut stderr = BufReader::new(child.stderr.take().expect("piped"));
        wait_for_line(&mut stderr, "statement 1 of 3");
        kill(&child, signal);
        let status = child.wait().expect("it ends");
        let mut rest = String::new();
        stderr.read_to_string(&mut rest).expect("text");
        assert_eq!(status.code(), Some(expected), "{rest}");
        assert!(rest.contains("error[cancelled]"), "{rest}");
        // What the stopped statement answered is no mistake of the step.
        assert!(!rest.contains("[step_failed]"), "{rest}");
        assert!(!rest.contains("correct the"), "{rest}");

        let state = || {
            let status = ran(service, "status --json").stdout;
            let status: serde_json::Value = serde_json::from_slice(&status).expect("JSON");
            assert_eq!(status["result"]["lock"], serde_json::Value::Null);
            status["result"]["steps"][0]["state"].to_string()
        };
        let mended = format!("{service} mended");
        if service == "back" {
            assert_eq!(state(), "\"applied\"", "{rest}");
        } else {
            assert_eq!(state(), "\"half_reverted\"", "{rest}");
            let refused = ran(&mended, "migrate --edited allow");
            let said = String::from_utf8_lossy(&refused.stderr).into_owned();
            assert!(said.contains("error[half_reverted]"), "{said}");
            let plan = ran(&mended, "undo --plan --edited allow").stdout;
            let plan = String::from_utf8_lossy(&plan).into_owned();
            assert!(plan.contains(", resumes after 1 of 3"), "{plan}");
        }
        // The statement that is done already would find nothing to delete.
        let undone = ran(&mended, "undo --yes --edited allow");
        let said = String::from_utf8_lossy(&undone.stderr).into_owned();
        assert_eq!(undone.status.code(), Some(0), "{said}");
        assert_eq!(state(), "\"pending\"", "{said}");
    }
}

/// The second signal does not wait until the database that was made to compare on is removed.
#[cfg(unix)]
fn a_forced_end_names_what_is_left() {
    let database = Database::new();
    let folder = TempFolder::new();
    let mut child = shop("squash")
        .args(["migrate", "squash", "--verify", "--database-url"])
        .arg(database.url())
        .env("TMPDIR", folder.path())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts");
    let mut stderr = BufReader::new(child.stderr.take().expect("piped"));
    let line = wait_for_line(&mut stderr, "Comparing on ");
    let name = line.split('`').nth(1).expect("a name").to_owned();
    // Both signals are there when it goes on.
    for signal in ["STOP", "INT", "TERM", "CONT"] {
        kill(&child, signal);
    }
    let status = child.wait().expect("it ends");
    let mut rest = String::new();
    stderr.read_to_string(&mut rest).expect("text");
    assert!(matches!(status.code(), Some(130 | 143)), "{rest}");
    assert!(rest.contains("stopped without waiting"), "{rest}");
    let removal = format!("help: `{name}` is left behind; to remove it: `rm -f '{name}-wal' ");
    assert!(rest.contains(&removal), "{rest}");
}

/// On a terminal made by `script`. Nothing is typed after Ctrl-C; who waits for it is ended.
#[cfg(target_os = "linux")]
fn ctrl_c_at_a_question_ends_the_command() {
    let database = Database::new();
    let url = database.url();
    assert_eq!(code(shop("back mended").args(["--database-url", &url])), 0);
    let program = std::env::current_exe().expect("this program");
    let mut child = Command::new("timeout")
        .args(["60", "script", "--quiet", "--return", "--command"])
        .arg(format!(
            "'{}' undo --database-url '{url}'",
            program.display()
        ))
        .arg("/dev/null")
        .env("SHOP", "back mended")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("script starts");
    let mut screen = child.stdout.take().expect("piped");
    let mut shown = Vec::new();
    while !shown.ends_with(b"[y/N] ") {
        let mut byte = [0];
        let read = screen.read(&mut byte).expect("text");
        assert!(read > 0, "{}", String::from_utf8_lossy(&shown));
        shown.extend(byte);
    }
    let mut keys = child.stdin.take().expect("piped");
    keys.write_all(b"\x03").expect("it reads");
    screen.read_to_end(&mut shown).expect("text");
    let shown = String::from_utf8_lossy(&shown);
    let status = child.wait().expect("it ends");
    assert_eq!(status.code(), Some(130), "{shown}");
    assert!(shown.contains("error[cancelled]"), "{shown}");
    assert!(shown.contains("nothing was changed"), "{shown}");
    let check = shop("back mended")
        .args(["--check", "--database-url", &url])
        .stdin(Stdio::null())
        .status();
    assert_eq!(check.expect("it starts").code(), Some(0), "{shown}");
}

fn wait_for_line(stderr: &mut impl BufRead, text: &str) -> String {
    let mut line = String::new();
    while !line.contains(text) {
        line.clear();
        let read = stderr.read_line(&mut line).expect("text");
        assert!(read > 0, "it ended before it said {text}");
    }
    line
}

fn kill(child: &Child, signal: &str) {
    let status = Command::new("kill")
        .args([format!("-{signal}"), child.id().to_string()])
        .status()
        .expect("kill starts");
    assert!(status.success());
}

fn cargo_finds_the_binary() {
    let folder = TempFolder::new();
    folder.write("Cargo.toml", "[package]\nname = \"x\"\n");
    folder.write("migrations/0001_initial.sql", "SELECT 1;\n");
    folder.write("src/lib.rs", "embed_migrations!(); this does not compile");
    let run = |words: &[&str]| {
        code(
            Command::new(env!("CARGO_BIN_EXE_cargo-migrate"))
                .args(words)
                .current_dir(folder.path()),
        )
    };
    assert_eq!(run(&["migrate", "check"]), 1, "the index is missing");
    assert_eq!(run(&["migrate", "index"]), 0);
    assert_eq!(run(&["migrate", "check"]), 0);
    assert_eq!(run(&["check"]), 0, "also without cargo");
    assert_eq!(run(&["migrate"]), 2);
}
