//! Whether a debug build is older than the migration files beside it.

use std::fs;
use std::path::Path;

use migrate_source::checksum::normalise;

use crate::embedded::Migrations;

/// One sentence for each file that this binary does not have as it stands in its folder.
pub(crate) fn stale_folders(migrations: &'static Migrations) -> Vec<String> {
    let mut found = Vec::new();
    for folder in migrations.folders() {
        let Some(app) = migrations.apps().find(|app| app.label == folder.label) else {
            continue;
        };
        let Ok(entries) = fs::read_dir(folder.path) else {
            continue;
        };
        for entry in entries.flatten() {
            let name = entry.file_name().to_string_lossy().into_owned();
            if Path::new(&name)
                .extension()
                .is_none_or(|extension| extension != "sql")
            {
                continue;
            }
            let Ok(text) = fs::read_to_string(entry.path()) else {
                continue;
            };
            match app.files().find(|file| file.name == name) {
                None => found.push(format!("{}/{name} is not in this binary", app.label)),
                // The order counts here, although it does not for the checksum.
                Some(file) if normalise(file.text) != normalise(&text) => {
                    found.push(format!(
                        "{}/{name} was changed after this binary was built",
                        app.label
                    ));
                }
                Some(_) => {}
            }
        }
    }
    found.sort();
    found
}
