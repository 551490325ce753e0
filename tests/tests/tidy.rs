//! Keeps the shape of the sources: layers, sizes, and what must not be in them.
//!
//! Each rule is one test; what breaks it is listed with its place. `tidy/exceptions.rs` is the one
//! list of what is allowed all the same, each with its reason; an entry that nothing needs fails.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "these are tests"
)]

#[path = "tidy/dependencies.rs"]
mod dependencies;
#[path = "tidy/documents.rs"]
mod documents;
#[path = "tidy/exceptions.rs"]
mod exceptions;
#[path = "tidy/layers.rs"]
mod layers;
#[path = "tidy/sources.rs"]
mod sources;

use exceptions::{LONG_FILES, LONG_FUNCTIONS, PANICS};
use sources::{Source, repository, rust_sources};

/// Lines of a file, without its tests.
const FILE_BUDGET: usize = 400;
/// Lines of a function, from its signature to its closing brace.
const FUNCTION_BUDGET: usize = 60;

#[track_caller]
fn none(broken: &[String], rule: &str) {
    assert!(broken.is_empty(), "{rule}\n  {}", broken.join("\n  "));
}

#[test]
fn files_keep_their_budget() {
    let mut broken = Vec::new();
    let mut needed = Vec::new();
    for source in rust_sources() {
        let lines = source.lines_without_tests();
        if lines <= FILE_BUDGET {
            continue;
        }
        match LONG_FILES
            .iter()
            .find(|exception| exception.0 == source.path)
        {
            Some(exception) => needed.push(exception.0),
            None => broken.push(format!("{}: {lines} lines", source.path)),
        }
    }
    none(
        &broken,
        "longer than 400 lines without tests; split it by what it owns:",
    );
    let stale: Vec<_> = LONG_FILES
        .iter()
        .map(|e| e.0)
        .filter(|path| !needed.contains(path))
        .collect();
    assert!(
        stale.is_empty(),
        "no longer needed in LONG_FILES: {stale:?}"
    );
}

#[test]
fn functions_keep_their_budget() {
    let mut broken = Vec::new();
    let mut needed = Vec::new();
    for source in rust_sources() {
        for function in source.functions() {
            let lines = function.last - function.first + 1;
            if lines <= FUNCTION_BUDGET || source.is_test(function.first) {
                continue;
            }
            let found = (source.path.as_str(), function.name.as_str());
            match LONG_FUNCTIONS
                .iter()
                .find(|exception| (exception.0, exception.1) == found)
            {
                Some(exception) => needed.push((exception.0, exception.1)),
                None => broken.push(format!(
                    "{}:{}: {} has {lines} lines",
                    source.path, function.first, function.name
                )),
            }
        }
    }
    none(&broken, "longer than 60 lines; name the parts:");
    let stale: Vec<_> = LONG_FUNCTIONS
        .iter()
        .map(|e| (e.0, e.1))
        .filter(|function| !needed.contains(function))
        .collect();
    assert!(
        stale.is_empty(),
        "no longer needed in LONG_FUNCTIONS: {stale:?}"
    );
}

#[test]
fn modules_use_lower_layers_only() {
    none(
        &layers::broken(),
        "a module uses one that is not below it (tidy/layers.rs):",
    );
}

#[test]
fn the_domain_is_pure() {
    none(
        &layers::impure(),
        "in the domain, which plans and does no I/O:",
    );
}

#[test]
fn every_module_has_a_layer() {
    none(
        &layers::missing(),
        "not in the table of tidy/layers.rs, or no longer there:",
    );
}

#[test]
fn nothing_unwraps_outside_of_tests() {
    // Clippy has this rule too; it does not see what a macro expands to.
    let mut broken = Vec::new();
    let mut needed = Vec::new();
    for source in rust_sources().iter().filter(|source| source.is_published()) {
        for (number, line) in source.code_lines() {
            if !["unwrap()", ".expect(", "panic!("]
                .iter()
                .any(|text| line.contains(text))
            {
                continue;
            }
            let known = |e: &&(&str, &str, &str)| e.0 == source.path && line.contains(e.1);
            match PANICS.iter().find(known) {
                Some(exception) => needed.push(exception),
                None => broken.push(format!("{}:{number}: {}", source.path, line.trim())),
            }
        }
    }
    none(&broken, "can panic; return an error:");
    let stale: Vec<_> = PANICS
        .iter()
        .filter(|exception| !needed.contains(exception))
        .collect();
    assert!(stale.is_empty(), "no longer needed in PANICS: {stale:?}");
}

#[test]
fn every_file_says_what_it_owns() {
    let broken: Vec<_> = rust_sources()
        .iter()
        .filter(|source| !source.text.starts_with("//!") && !source.path.ends_with("tests.rs"))
        .map(|source| source.path.clone())
        .collect();
    none(&broken, "does not start with //! and what it owns:");
}

#[test]
fn nothing_is_left_for_later() {
    let markers = [
        concat!("TO", "DO"),
        concat!("FIX", "ME"),
        concat!("XX", "X:"),
        concat!("HA", "CK:"),
    ];
    let mut broken = Vec::new();
    for (path, text) in sources::texts() {
        for (index, line) in text.lines().enumerate() {
            if markers.iter().any(|marker| line.contains(marker)) {
                broken.push(format!("{path}:{}: {}", index + 1, line.trim()));
            }
        }
    }
    none(&broken, "marks work left undone; do it, or file an issue:");
}

#[test]
fn every_crate_takes_the_lints_of_the_workspace() {
    let broken: Vec<_> = dependencies::members()
        .into_iter()
        .filter(|manifest| {
            let text = std::fs::read_to_string(manifest).unwrap();
            !text.contains("[lints]\nworkspace = true")
        })
        .map(|manifest| manifest.display().to_string())
        .collect();
    none(&broken, "without `[lints] workspace = true`:");
}

#[test]
fn macros_never_reach_the_runtime() {
    let reached = dependencies::reached_from("migrate-macros");
    assert!(
        reached.contains("migrate-source"),
        "the walk over the dependencies is broken"
    );
    let broken: Vec<_> = reached
        .into_iter()
        .filter(|name| name.starts_with("sqlx") || name == "tokio" || name == "migrate-core")
        .collect();
    none(
        &broken,
        "a dependency of migrate-macros, which every build of a user waits for:",
    );
}

#[test]
fn source_needs_neither_a_database_nor_a_runtime() {
    let broken: Vec<_> = dependencies::reached_from("migrate-source")
        .into_iter()
        .filter(|name| name.starts_with("sqlx") || name == "tokio" || name.starts_with("migrate-"))
        .collect();
    none(&broken, "a dependency of migrate-source:");
}

#[test]
fn no_dependency_needs_a_newer_compiler_than_we_state() {
    none(
        &dependencies::newer_than_stated(),
        "needs a newer Rust than `rust-version` says:",
    );
}

#[test]
fn code_in_documents_is_compiled() {
    none(
        &documents::uncompiled_code(),
        "code in a document that no build has seen:",
    );
}

#[test]
fn the_walk_finds_the_sources() {
    let sources = rust_sources();
    let has = |path: &str| sources.iter().any(|source| source.path == path);
    assert!(
        has("migrate-core/src/lib.rs") && has("migrate-source/src/lib.rs"),
        "{:?}",
        repository()
    );
}

#[test]
fn tests_are_told_from_code() {
    let text = "//! A.\nfn a() {\n}\n#[cfg(test)]\nmod tests {\n    fn b() {}\n}\n";
    let source = Source::new("a/src/a.rs", text);
    assert_eq!(source.lines_without_tests(), 3);
    assert_eq!(source.functions().len(), 2);
    assert!(source.is_test(6) && !source.is_test(2));
    assert_eq!(source.code_lines().count(), 2);
}
