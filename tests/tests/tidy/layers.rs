//! The layers of migrate-core: a module may use those of its own layer and of lower ones.

use crate::sources::{Source, rust_sources};

/// From the bottom up; modules on one line may use each other.
const LAYERS: &[&[&str]] = &[
    // Words that all the rest speaks in: errors, results, options, who a process is.
    &["redact", "error", "report", "policy", "goal", "holder"],
    &["event", "interrupt", "audit", "db_error"],
    // One connection without its type, and what a function is given.
    &["context", "session"],
    // What the macros write, and where to connect.
    &["embedded", "target"],
    // Pure: steps, their order, what differs from the ledger. Beside it what cancels a statement.
    &["domain", "stale", "cancel"],
    // The ledger and the SQL that differs between databases.
    &["dialect", "ledger"],
    &["lease"],
    &["heartbeat"],
    &["exec"],
    &["migrator"],
    &["ops"],
];

const CRATE: &str = "migrate-core/src/";

fn layer(module: &str) -> Option<usize> {
    LAYERS.iter().position(|modules| modules.contains(&module))
}

/// The module right below the crate root that a file belongs to.
fn module(path: &str) -> Option<&str> {
    let below = path.strip_prefix(CRATE)?;
    let module = below.split('/').next()?;
    Some(module.strip_suffix(".rs").unwrap_or(module))
}

fn files() -> impl Iterator<Item = &'static Source> {
    rust_sources()
        .iter()
        .filter(|source| module(&source.path).is_some_and(|m| m != "lib"))
}

/// Every use of a module that is not below.
pub(crate) fn broken() -> Vec<String> {
    let mut broken = Vec::new();
    for source in files() {
        let Some(own) = module(&source.path).and_then(layer) else {
            continue;
        };
        for (number, line) in source.code_lines() {
            for used in modules_named(line) {
                if layer(used).is_some_and(|other| other > own) {
                    broken.push(format!("{}:{number}: {}", source.path, line.trim()));
                }
            }
        }
    }
    broken
}

/// Lines of the domain that do I/O or wait. It plans; others do.
pub(crate) fn impure() -> Vec<String> {
    const WORDS: [&str; 4] = ["sqlx::", ".await", "std::fs", "tokio::"];
    let mut found = Vec::new();
    for source in files().filter(|source| module(&source.path) == Some("domain")) {
        for (number, line) in source.code_lines() {
            if WORDS.iter().any(|word| line.contains(word)) {
                found.push(format!("{}:{number}: {}", source.path, line.trim()));
            }
        }
    }
    found
}

/// Modules without a layer, and layers without a module.
pub(crate) fn missing() -> Vec<String> {
    let there: Vec<_> = files()
        .filter_map(|source| module(&source.path).map(str::to_owned))
        .collect();
    let named: Vec<&str> = LAYERS.iter().copied().flatten().copied().collect();
    let mut missing: Vec<_> = there
        .iter()
        .filter(|m| !named.contains(&m.as_str()))
        .cloned()
        .collect();
    missing.extend(
        named
            .iter()
            .filter(|m| !there.iter().any(|t| t == *m))
            .map(|m| (*m).to_owned()),
    );
    missing.dedup();
    missing
}

/// The modules in every `crate::module` of a line. What `lib.rs` re-exports has a capital or is
/// a macro, and is not seen: use the module it is defined in.
fn modules_named(line: &str) -> impl Iterator<Item = &str> {
    line.split("crate::").skip(1).map(|rest| {
        let end = rest
            .find(|c: char| !c.is_alphanumeric() && c != '_')
            .unwrap_or(rest.len());
        &rest[..end]
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_modules_of_a_line() {
        let found: Vec<_> =
            modules_named("use crate::ledger::Row; crate::plan::f(crate::Error)").collect();
        assert_eq!(found, ["ledger", "plan", "Error"]);
        assert_eq!(module("migrate-core/src/ledger/read.rs"), Some("ledger"));
        assert_eq!(module("migrate-core/src/plan.rs"), Some("plan"));
        assert_eq!(module("migrate-cli/src/plan.rs"), None);
    }
}
