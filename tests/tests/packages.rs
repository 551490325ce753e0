//! Builds whole packages, as users write them, and counts the steps that each binary has at run
//! time: nothing may be lost in silence, whatever the edition, the lints, the place of a function or the
//! way crates are put together.
//!
//! The packages are generated in the target folder and share it with this workspace, so that
//! `migrate-core` and its dependencies are built once.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "these are tests"
)]

#[path = "packages/matrix.rs"]
mod matrix;
#[path = "packages/mistakes.rs"]
mod mistakes;
#[path = "packages/squashed.rs"]
mod squashed;
#[path = "packages/workspace.rs"]
mod workspace;

use mistakes::{MISTAKES, Mistake};
use workspace::{Package, Workspace};

#[test]
fn every_binary_has_every_step() {
    let workspace = Workspace::new("matrix", "");
    let packages = matrix::packages();
    workspace.write(&packages);
    workspace
        .cargo(&["build", "--workspace", "--bins", "-j2"])
        .expect_success();
    for (binary, expected) in matrix::EXPECTED {
        assert_eq!(
            workspace.steps(binary, "debug"),
            *expected,
            "steps of {binary}"
        );
    }
}

#[test]
fn a_hundred_alternations_of_files_and_functions_compile() {
    let workspace = Workspace::new("alternations", "");
    workspace.write(&[matrix::alternations(100)]);
    workspace
        .cargo(&["build", "--bins", "-j2"])
        .expect_success();
    let steps = workspace.steps("alternations", "debug");
    assert_eq!(steps.len(), 200);
    let functions = steps.iter().filter(|step| step.contains("fill_")).count();
    assert_eq!(functions, 100);
}

#[test]
fn fat_lto_keeps_every_step() {
    let profile = "[profile.release]\nlto = \"fat\"\ncodegen-units = 1\nopt-level = 1\n";
    let workspace = Workspace::new("lto", profile);
    workspace.write(&matrix::without_database());
    workspace
        .cargo(&["build", "--release", "--bins", "-j2"])
        .expect_success();
    assert_eq!(
        workspace.steps("lto-service", "release"),
        [
            "lto_library.0001_initial",
            "lto_library.fill_2026_11_20",
            "lto_service.clean_2026_11_20"
        ],
    );
}

#[test]
fn edited_and_new_files_are_noticed() {
    let workspace = Workspace::new("tracked", "");
    let package = |files: &[(&str, &str)], index: &str| {
        let mut package = Package::binary("tracked", "migrate_core::embed_migrations!();");
        for (name, text) in files {
            package = package.file(&format!("migrations/{name}"), text);
        }
        package.file("migrations/index.txt", index)
    };
    let build = || workspace.cargo(&["build", "--bins", "-j2"]);

    workspace.write(&[package(&[("0001_a.sql", "SELECT 1;\n")], "0001_a.sql\n")]);
    build().expect_success();
    assert_eq!(workspace.steps("tracked", "debug"), ["tracked.0001_a"]);

    let two = [("0001_a.sql", "SELECT 1;\n"), ("0002_b.sql", "SELECT 2;\n")];
    workspace.write(&[package(&two, "0001_a.sql\n0002_b.sql\n")]);
    build().expect_success();
    assert_eq!(
        workspace.steps("tracked", "debug"),
        ["tracked.0001_a", "tracked.0002_b"]
    );

    let edited = [("0001_a.sql", "SELECT 1;\n"), ("0002_b.sql", "BEGIN;\n")];
    workspace.write(&[package(&edited, "0001_a.sql\n0002_b.sql\n")]);
    assert!(build().stderr.contains("0002_b.sql:1:1: BEGIN would end"));

    workspace.write(&[package(&two, "0001_a.sql\n0002_b.sql\n")]);
    build().expect_success();
    let edited = [("0001_a.sql", "BEGIN;\n"), ("0002_b.sql", "SELECT 2;\n")];
    workspace.write(&[package(&edited, "0001_a.sql\n0002_b.sql\n")]);
    assert!(build().stderr.contains("0001_a.sql:1:1: BEGIN would end"));
}

/// Files that a squash replaces are deleted, and so is a function; other crates, and functions and files of the
/// same one, still name them.
#[test]
fn replaced_names_stay_valid_and_are_reported_with_what_to_write_instead() {
    let workspace = Workspace::new("squashed", "");
    workspace.write(&squashed::packages());
    for (package, expected) in squashed::WARNINGS {
        let warnings = workspace.warnings(package);
        let as_expected = warnings.len() == expected.len()
            && warnings
                .iter()
                .zip(*expected)
                .all(|(warning, (place, end))| {
                    warning.code.as_deref() == Some("deprecated")
                        && warning.place == *place
                        && warning.message.ends_with(end)
                });
        assert!(as_expected, "warnings of {package}: {warnings:#?}");
    }
    for (binary, expected) in squashed::EXPECTED {
        assert_eq!(
            workspace.steps(binary, "debug"),
            *expected,
            "steps of {binary}"
        );
    }
}

/// Errors whose text is rustc's own and changes with it, or has a date: one error, its code, and
/// the place of it are compared.
#[test]
fn mistakes_that_rustc_words_are_one_error_at_the_right_place() {
    let workspace = Workspace::new("mistakes", "");
    workspace.write(&mistakes::packages());
    for Mistake {
        name,
        code,
        place,
        text,
    } in MISTAKES
    {
        let errors = workspace.errors("mistakes", name);
        let [error] = errors.as_slice() else {
            panic!("{name}: not one error: {errors:#?}")
        };
        assert_eq!(error.code.as_deref(), *code, "{name}: {error:#?}");
        assert_eq!(error.place, *place, "{name}: {error:#?}");
        assert!(error.message.contains(text), "{name}: {error:#?}");
    }
}
