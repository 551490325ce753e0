//! Which steps of a folder may have one number: a squash and what it replaces, as long as both are
//! there.

use super::FolderFile;
use crate::order::Replaced;
use crate::sql_file::parse_sql_file;

/// Whether one of the two steps replaces the other, at once or through a squash between them.
///
/// The headers are read only for two steps that do have one number, which is rare.
pub(super) fn may_share(files: &[FolderFile], one: &FolderFile, other: &FolderFile) -> bool {
    let names: Vec<Vec<String>> = files.iter().map(names_replaced).collect();
    let steps = files.iter().zip(&names);
    let steps = steps.map(|(file, names)| {
        let names = names.iter().map(String::as_str);
        (file.name.step.as_str(), names)
    });
    Replaced::new(steps).are_alternatives(&one.name.step, &other.name.step)
}

/// The names in `replaces`; nothing for a file that cannot be read, which is reported as such.
fn names_replaced(file: &FolderFile) -> Vec<String> {
    let header = parse_sql_file(&file.text, file.name.database).map(|sql| sql.header);
    let replaces = header.map(|header| header.replaces).unwrap_or_default();
    replaces.into_iter().map(|step| step.name).collect()
}
