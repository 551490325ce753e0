//! What was measured, and on what.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::Failure;

/// The packages whose versions stand above the tables.
const PACKAGES: [&str; 8] = [
    "migrate-core",
    "sqlx",
    "refinery",
    "diesel",
    "diesel_migrations",
    "tokio-postgres",
    "rusqlite",
    "libsqlite3-sys",
];

/// Prints versions, processor and load.
pub(crate) fn print(bench: &Path, server: Option<&str>) -> Result<(), Failure> {
    let rustc = Command::new("rustc").arg("--version").output()?;
    let cores = std::thread::available_parallelism()?;
    let processor = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = processor
        .lines()
        .find_map(|line| line.strip_prefix("model name")?.split_once(": "))
        .map_or("unknown", |(_, model)| model);
    let memory = fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let memory = memory
        .lines()
        .find_map(|line| line.strip_prefix("MemTotal:")?.split_whitespace().next())
        .and_then(|kib| kib.parse::<f64>().ok())
        .map_or("unknown".to_owned(), |kib| {
            format!("{:.0} GiB", kib / 1024.0 / 1024.0)
        });
    println!(
        "- {cores} cores, {model}, {memory} of memory; load average at the start {}",
        load()
    );
    println!("- {}", String::from_utf8_lossy(&rustc.stdout).trim());
    println!(
        "- {}",
        versions(&fs::read_to_string(bench.join("Cargo.lock"))?).join(", ")
    );
    if let Some(server) = server {
        println!("- PostgreSQL {server}");
    }
    println!();
    Ok(())
}

/// The load average of the last minute.
pub(crate) fn load() -> String {
    let text = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    text.split(' ').next().unwrap_or("unknown").to_owned()
}

/// Names with versions, as Cargo.lock has them.
fn versions(lock: &str) -> Vec<String> {
    let version = |name: &str| {
        let entry = lock
            .split(&format!("name = \"{name}\"\nversion = \""))
            .nth(1)?;
        entry
            .split('"')
            .next()
            .map(|version| format!("{name} {version}"))
    };
    PACKAGES.into_iter().filter_map(version).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_versions_from_a_lock_file() {
        let lock = "[[package]]\nname = \"sqlx-core\"\nversion = \"0.1.0\"\n\n\
                    [[package]]\nname = \"sqlx\"\nversion = \"0.9.0\"\n";
        assert_eq!(versions(lock), ["sqlx 0.9.0"]);
    }
}
