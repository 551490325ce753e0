//! The examples as processes: built as a reader would build them, started where a test says.

use std::collections::HashMap;
use std::path::PathBuf;
use std::process::Command;
use std::sync::{LazyLock, Mutex};

use migrate_tests::Starter;
use serde_json::Value;

/// An example, ready to be started.
pub(crate) fn example(package: &'static str) -> Starter {
    Starter::new(program(package))
}

/// The path of an example's program.
///
/// Cargo tells a test the path of its own package's programs only, so this asks it for the
/// others'. With nothing to build that takes a moment.
pub(crate) fn program(package: &'static str) -> PathBuf {
    static BUILT: LazyLock<Mutex<HashMap<&str, PathBuf>>> = LazyLock::new(Mutex::default);
    let mut built = BUILT
        .lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner);
    built
        .entry(package)
        .or_insert_with(|| build(package))
        .clone()
}

fn build(package: &str) -> PathBuf {
    let output = Command::new(env!("CARGO"))
        .args(["build", "--quiet", "--message-format=json", "-p", package])
        .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
        .output()
        .expect("cargo can be started");
    let stdout = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success(),
        "{package} does not build:\n{stdout}"
    );
    let program = stdout
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok())
        .filter_map(|message| message["executable"].as_str().map(PathBuf::from))
        .next_back();
    program.expect("the package has a program")
}
