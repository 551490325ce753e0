//! Which steps of a folder may have one number: a squash and what it replaces, as long as both are
//! there.

use super::FolderFile;
use crate::sql_file::parse_sql_file;

/// Whether one of the two steps replaces the other, at once or through a squash between them.
///
/// The headers are read only for two steps that do have one number, which is rare.
pub(super) fn may_share(files: &[FolderFile], one: &FolderFile, other: &FolderFile) -> bool {
    let replaced: Vec<(&str, Vec<String>)> = files
        .iter()
        .map(|file| (file.name.step.as_str(), names_replaced(file)))
        .collect();
    let (one, other) = (one.name.step.as_str(), other.name.step.as_str());
    reaches(&replaced, one, other) || reaches(&replaced, other, one)
}

/// The names in `replaces`; nothing for a file that cannot be read, which is reported as such.
fn names_replaced(file: &FolderFile) -> Vec<String> {
    let header = parse_sql_file(&file.text, file.name.database).map(|sql| sql.header);
    let replaces = header.map(|header| header.replaces).unwrap_or_default();
    replaces.into_iter().map(|step| step.name).collect()
}

fn reaches(replaced: &[(&str, Vec<String>)], from: &str, to: &str) -> bool {
    let mut seen = vec![from];
    let mut next = 0;
    while let Some(&here) = seen.get(next) {
        for name in replaced
            .iter()
            .filter(|(step, _)| *step == here)
            .flat_map(|(_, names)| names)
        {
            if name == to {
                return true;
            }
            if !seen.contains(&name.as_str()) {
                seen.push(name);
            }
        }
        next += 1;
    }
    false
}
