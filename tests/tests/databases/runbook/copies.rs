//! Copies of the example outside of this workspace, squashed by its own program and built again. Cargo builds
//! all at once; DATABASE_URL decides later which database they meet.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;

use serde_json::Value;

use crate::databases::example::program;

/// The words of the command, but for what is done with the replaced files.
const SQUASH: [&str; 7] = [
    "migrate",
    "squash",
    "--apps",
    "users,evidence,journeys,llmchat,memory",
    "--functions-last",
    "--format",
    "json",
];

/// The histories that follow a squash.
pub(super) struct Copies {
    /// The replaced files stand beside the squashes.
    pub(super) squashed: Copy,
    /// The replaced files are moved away.
    pub(super) reset: Copy,
    /// Nothing names what was replaced any more.
    pub(super) clean: Copy,
}

/// A copy of the example, squashed and built.
pub(super) struct Copy {
    pub(super) folder: PathBuf,
    pub(super) program: PathBuf,
    /// What the squash said.
    pub(super) squash: Value,
    /// What rustc said of deprecated names.
    pub(super) deprecated: Vec<String>,
}

/// Squashed and built once for all tests.
pub(super) static COPIES: LazyLock<Copies> = LazyLock::new(|| {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("runbook");
    let reset = ["--reset", "--yes"];
    let squashes = [
        ("squashed", &[][..]),
        ("reset", &reset[..]),
        ("clean", &reset[..]),
    ];
    let [squashed, reset, clean] = squashes.map(|(name, words)| {
        let copy = folder.join(name);
        write_copy(&copy);
        (copy.clone(), squash(&copy, words))
    });
    forget(&clean.0);
    write_workspace(&folder);
    let messages = build(&folder);
    let built = |(folder, squash): (PathBuf, Value)| Copy {
        program: executable(&messages, &folder),
        deprecated: deprecated(&messages, &folder),
        folder,
        squash,
    };
    Copies {
        squashed: built(squashed),
        reset: built(reset),
        clean: built(clean),
    }
});

fn root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
}

/// Copies the example, under another name, or its program would be overwritten.
pub(super) fn write_copy(folder: &Path) {
    if folder.exists() {
        fs::remove_dir_all(folder).unwrap();
    }
    copy_all(&root().join("examples/journeys/src"), &folder.join("src"));
    let name = folder.file_name().unwrap().to_str().unwrap();
    let main = folder.join("src/main.rs");
    let text = fs::read_to_string(&main).unwrap();
    let crate_name = format!("use journeys_{name}::");
    fs::write(&main, text.replace("use journeys::", &crate_name)).unwrap();
    let root = root().display();
    let manifest = format!(
        "[package]\nname = \"journeys-{name}\"\nversion = \"0.1.0\"\nedition = \"2024\"\n\n\
         [dependencies]\n\
         migrate-cli = {{ path = \"{root}/migrate-cli\", default-features = false, features = [\"sqlite\", \"postgres\", \"mysql\"] }}\n\
         migrate-core = {{ path = \"{root}/migrate-core\", default-features = false, features = [\"sqlite\", \"postgres\", \"mysql\"] }}\n\
         serde = {{ version = \"1\", features = [\"derive\"] }}\n\
         serde_json = \"1\"\n\
         sqlx = {{ version = \"0.9\", default-features = false, features = [\"runtime-tokio\", \"any\", \"sqlite\", \"postgres\", \"mysql\"] }}\n\
         tokio = {{ version = \"1\", features = [\"rt\", \"time\", \"sync\", \"macros\", \"rt-multi-thread\"] }}\n"
    );
    fs::write(folder.join("Cargo.toml"), manifest).unwrap();
}

fn copy_all(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let copy = to.join(path.file_name().unwrap());
        if path.is_dir() {
            copy_all(&path, &copy);
        } else {
            fs::copy(&path, &copy).unwrap();
        }
    }
}

fn write_workspace(folder: &Path) {
    let manifest = "[workspace]\nresolver = \"3\"\nmembers = [\"squashed\", \"reset\", \"clean\"]\n\n\
                    [profile.dev]\ndebug = \"line-tables-only\"\n";
    fs::write(folder.join("Cargo.toml"), manifest).unwrap();
    fs::copy(root().join("Cargo.lock"), folder.join("Cargo.lock")).unwrap();
}

/// The program of the example has the same files as the copy. The database is only what says where
/// to make the two on which the squash is tried.
fn squash(folder: &Path, words: &[&str]) -> Value {
    let database = folder.join("trial.sqlite");
    let output = Command::new(program("journeys"))
        .args(SQUASH)
        .args(words)
        .current_dir(folder)
        .env("CARGO_MANIFEST_DIR", folder)
        .env(
            "DATABASE_URL",
            format!("sqlite://{}?mode=rwc", database.display()),
        )
        .output()
        .unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{stderr}");
    assert!(!database.exists(), "the service's own database was touched");
    serde_json::from_slice(&output.stdout).unwrap()
}

/// Edits the sources as the squash says: functions name the squashes, the one that a squash dropped is deleted, and
/// no line says `replaces` any more.
fn forget(folder: &Path) {
    let edit = |file: &str, change: &dyn Fn(&str) -> String| {
        let path = folder.join("src").join(file);
        let text = fs::read_to_string(&path).unwrap();
        let changed = change(&text);
        assert_ne!(changed, text, "{file}");
        fs::write(path, changed).unwrap();
    };
    for (file, old, new) in [
        (
            "llmchat/checkpointer.rs",
            r#"["0002_messages"]"#,
            r#"["0001_squashed_0003_initial"]"#,
        ),
        (
            "memory/store.rs",
            r#"["0002_addressed"]"#,
            r#"["0001_squashed_0003_initial"]"#,
        ),
        (
            "journeys/load.rs",
            r#"["0004_opening", "memory.0001_initial"]"#,
            r#"["0001_squashed_0004_initial", "memory.0001_squashed_0003_initial"]"#,
        ),
    ] {
        edit(file, &|text| text.replace(old, new));
    }
    edit("users/mod.rs", &|text| {
        let (before, rest) = text.split_once("use migrate_core::").unwrap();
        let (_, rest) = rest.split_once('\n').unwrap();
        let (between, rest) = rest.split_once("/// Lower-cases").unwrap();
        let (_, behind) = rest.split_once("/// Creates a user").unwrap();
        format!("{before}{between}/// Creates a user{behind}")
    });
    for app in ["users", "evidence", "journeys", "llmchat", "memory"] {
        let migrations = folder.join("src").join(app).join("migrations");
        for entry in fs::read_dir(migrations).unwrap() {
            let name = entry.unwrap().file_name().into_string().unwrap();
            if name.ends_with(".sql") {
                edit(&format!("{app}/migrations/{name}"), &|text| {
                    let kept = text.split_inclusive('\n');
                    kept.filter(|line| !line.starts_with("-- migrate: replaces"))
                        .collect()
                });
            }
        }
    }
}

/// Builds them; what cargo and rustc say.
fn build(folder: &Path) -> Vec<Value> {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap();
    let output = Command::new(env!("CARGO"))
        .args([
            "build",
            "--bins",
            "-j2",
            "--offline",
            "--message-format=json",
        ])
        .current_dir(folder)
        .env("CARGO_TARGET_DIR", target)
        .output()
        .unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{stderr}");
    let stdout = String::from_utf8(output.stdout).unwrap();
    stdout
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

fn of<'a>(messages: &'a [Value], folder: &Path) -> impl Iterator<Item = &'a Value> {
    let folder = format!("{}#", folder.display());
    messages.iter().filter(move |message| {
        let id = message["package_id"].as_str();
        id.is_some_and(|id| id.contains(&folder))
    })
}

fn executable(messages: &[Value], folder: &Path) -> PathBuf {
    let mut paths = of(messages, folder).filter_map(|message| message["executable"].as_str());
    paths.next().expect("the copy has a program").into()
}

fn deprecated(messages: &[Value], folder: &Path) -> Vec<String> {
    let messages = of(messages, folder).map(|message| &message["message"]);
    let warnings = messages.filter(|message| message["level"] == "warning");
    // Two targets are built of each package, and the library's warnings are told once.
    let codes = warnings.filter(|message| message["code"]["code"] == "deprecated");
    codes
        .filter_map(|message| message["message"].as_str().map(str::to_owned))
        .collect()
}
