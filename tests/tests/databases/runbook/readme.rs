//! What the README of the example shows of a squash is what happens.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use super::copies::{COPIES, write_copy};
use crate::databases::example::program;
use crate::databases::readme::{run_with, type_again};

/// Where a reader would build again, the program of the copy that was squashed in the same way goes on.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sessions_print_what_the_readme_says() {
    let path = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../examples/journeys/README.md"
    );
    let folder = tempfile::TempDir::with_prefix("migrate-readme-").expect("no temporary folder");
    let folder = folder.path().join("readme");
    write_copy(&folder);
    let mut current = program("journeys");
    type_again(Path::new(path), async |command: &str| {
        if command.contains("--reset") {
            // The other way of going on begins from the same place.
            write_copy(&folder);
            current = program("journeys");
        }
        // Its advice repeats how it was called, which is as `cargo run` calls it.
        let called = folder.with_file_name("target").join("journeys");
        fs::create_dir_all(folder.with_file_name("target")).expect("a folder");
        let _ = fs::remove_file(&called);
        symlink(&current, &called).expect("a link");
        let printed = run_with(&called, "journeys", command, &folder).await;
        if command.contains("--reset") {
            current.clone_from(&COPIES.reset.program);
        } else if command.contains("--apps") {
            current.clone_from(&COPIES.squashed.program);
        }
        printed
    })
    .await;
}
