//! What cargo knows about the packages, ours and those we depend on.

use std::collections::{BTreeSet, HashMap};
use std::path::PathBuf;
use std::process::Command;
use std::sync::OnceLock;

use serde_json::Value;

use crate::sources::repository;

/// `cargo metadata`, of this platform's dependencies: those of others need not be downloaded.
fn metadata() -> &'static Value {
    static METADATA: OnceLock<Value> = OnceLock::new();
    METADATA.get_or_init(|| {
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let output = Command::new(cargo)
            .args([
                "metadata",
                "--format-version=1",
                "--all-features",
                "--offline",
            ])
            .args(["--filter-platform", &host()])
            .current_dir(repository())
            .output()
            .expect("cargo can be started");
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        serde_json::from_slice(&output.stdout).expect("cargo metadata is JSON")
    })
}

fn host() -> String {
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let output = Command::new(rustc)
        .arg("-vV")
        .output()
        .expect("rustc can be started");
    let text = String::from_utf8(output.stdout).expect("rustc speaks UTF-8");
    text.lines()
        .find_map(|line| line.strip_prefix("host: "))
        .expect("rustc names its host")
        .into()
}

fn text(value: &Value) -> &str {
    value.as_str().expect("a text in cargo's metadata")
}

fn list(value: &Value) -> &[Value] {
    value.as_array().expect("a list in cargo's metadata")
}

fn packages() -> HashMap<&'static str, &'static Value> {
    list(&metadata()["packages"])
        .iter()
        .map(|package| (text(&package["id"]), package))
        .collect()
}

/// The manifests of the packages of the workspace.
pub(crate) fn members() -> Vec<PathBuf> {
    let packages = packages();
    list(&metadata()["workspace_members"])
        .iter()
        .map(|id| PathBuf::from(text(&packages[text(id)]["manifest_path"])))
        .collect()
}

/// The names of all packages that a package of ours is built with, tests aside.
pub(crate) fn reached_from(name: &str) -> BTreeSet<String> {
    let packages = packages();
    let nodes: HashMap<&str, &Value> = list(&metadata()["resolve"]["nodes"])
        .iter()
        .map(|node| (text(&node["id"]), node))
        .collect();
    let start = packages
        .iter()
        .find(|(_, package)| text(&package["name"]) == name);
    let mut open = vec![*start.expect("a package of ours").0];
    let mut seen = BTreeSet::new();
    while let Some(id) = open.pop() {
        for dependency in list(&nodes[id]["deps"]) {
            let only_tests = list(&dependency["dep_kinds"])
                .iter()
                .all(|kind| kind["kind"] == "dev");
            let id = text(&dependency["pkg"]);
            if !only_tests && seen.insert(id) {
                open.push(id);
            }
        }
    }
    seen.into_iter()
        .map(|id| text(&packages[id]["name"]).to_owned())
        .collect()
}

/// Packages whose `rust-version` is above the workspace's. Without tests': a user never builds them.
pub(crate) fn newer_than_stated() -> Vec<String> {
    let packages = packages();
    let published = [
        "migrate-core",
        "migrate-macros",
        "migrate-source",
        "migrate-cli",
    ];
    let mut reached = BTreeSet::new();
    for name in published {
        reached.extend(reached_from(name));
    }
    let stated = packages
        .values()
        .find(|package| text(&package["name"]) == "migrate-core");
    let stated = version(&stated.expect("a package of ours")["rust_version"]);
    assert!(stated > (1, 0), "migrate-core states no rust-version");
    packages
        .values()
        .filter(|package| reached.contains(text(&package["name"])))
        .filter(|package| version(&package["rust_version"]) > stated)
        .map(|package| {
            format!(
                "{} {}",
                text(&package["name"]),
                text(&package["rust_version"])
            )
        })
        .collect()
}

/// Major and minor; a package that states none takes any.
fn version(value: &Value) -> (u32, u32) {
    let mut numbers = value
        .as_str()
        .unwrap_or("0.0")
        .split('.')
        .map_while(|n| n.parse().ok());
    (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0))
}
