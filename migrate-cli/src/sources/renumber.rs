//! Gives a SQL step another name, in its files and wherever a header names it.

use std::fs;
use std::path::{Path, PathBuf};

use migrate_source::folder::{INDEX_FILE, write_index};

use super::branches::SourceStep;
use super::discover::{MigrationFolder, shown};
use crate::failure::Failure;

/// A step that gets another name.
#[derive(Clone, Debug)]
pub(crate) struct Renaming<'a> {
    pub(crate) folder: &'a MigrationFolder,
    pub(crate) step: &'a SourceStep,
    pub(crate) to: String,
}

/// What was changed besides the files of the step itself.
#[derive(Clone, Debug, Default)]
pub(crate) struct Renamed {
    /// From and to, of each file.
    pub(crate) files: Vec<(PathBuf, PathBuf)>,
    /// SQL files whose header named it.
    pub(crate) headers: Vec<PathBuf>,
    /// Rust sources that name it, with the line: they are for people to change.
    pub(crate) mentions: Vec<(PathBuf, usize)>,
}

impl Renaming<'_> {
    /// Renames the files, mends the headers of all migration folders, and writes the index.
    pub(crate) fn carry_out(
        &self,
        root: &Path,
        folders: &[MigrationFolder],
    ) -> Result<Renamed, Failure> {
        let mut done = Renamed {
            files: self.files()?,
            ..Renamed::default()
        };
        // All new texts are known before the first file changes.
        let mut texts = Vec::new();
        for folder in folders {
            for path in sql_files(&folder.path)? {
                let text = fs::read_to_string(&path)
                    .map_err(|error| Failure::io("read", &path, &error))?;
                if let Some(mended) = self.mended(&text, folder.path == self.folder.path) {
                    texts.push((path, mended));
                }
            }
        }
        mentions(root, &self.names(), &mut done.mentions);
        for (path, text) in texts {
            fs::write(&path, text).map_err(|error| Failure::io("write", &path, &error))?;
            done.headers.push(path);
        }
        for (from, to) in &done.files {
            fs::rename(from, to).map_err(|error| Failure::io("rename", from, &error))?;
        }
        let index = self.folder.path.join(INDEX_FILE);
        write_index(&self.folder.path).map_err(|error| Failure::io("write", &index, &error))?;
        Ok(done)
    }

    /// The files of the step and what they will be called. None of those may be there already.
    fn files(&self) -> Result<Vec<(PathBuf, PathBuf)>, Failure> {
        let mut files = Vec::new();
        for from in &self.step.files {
            let name = from.file_name().and_then(|name| name.to_str());
            let Some(rest) = name.and_then(|name| name.strip_prefix(self.step.name.as_str()))
            else {
                continue;
            };
            let to = self.folder.path.join(format!("{}{rest}", self.to));
            if to.exists() {
                return Err(Failure::usage(format!("there is a {} already", shown(&to))));
            }
            files.push((from.clone(), to));
        }
        Ok(files)
    }

    /// How the step is named from elsewhere, and with that what it will be named.
    fn names(&self) -> Vec<(String, String)> {
        let plain = (self.step.name.clone(), self.to.clone());
        let with_app = self.folder.app.as_ref();
        let with_app =
            with_app.map(|app| (format!("{app}.{}", plain.0), format!("{app}.{}", plain.1)));
        std::iter::once(plain).chain(with_app).collect()
    }

    /// The text with the new name in its header, if it has the old one there.
    fn mended(&self, text: &str, same_app: bool) -> Option<String> {
        let names = self.names();
        // Without its app, the name means a step of the same folder.
        let names = if same_app {
            &names[..]
        } else {
            names.get(1..).unwrap_or_default()
        };
        with_names(text, names)
    }
}

/// The text with other names in its header, from the first to the second of each pair; `None` if
/// it has none of them there.
pub(crate) fn with_names(text: &str, names: &[(String, String)]) -> Option<String> {
    let mut out = String::with_capacity(text.len());
    let mut in_header = true;
    for line in text.split_inclusive('\n') {
        in_header &= line.trim().is_empty() || line.trim_start().starts_with("--");
        let mut line = line.to_owned();
        if in_header && line.contains("migrate") {
            for (from, to) in names {
                line = line.replace(&format!("\"{from}\""), &format!("\"{to}\""));
            }
        }
        out.push_str(&line);
    }
    (out != text).then_some(out)
}

fn sql_files(folder: &Path) -> Result<Vec<PathBuf>, Failure> {
    // A folder that `embed_migrations!` names need not be there yet.
    if !folder.is_dir() {
        return Ok(Vec::new());
    }
    let entries = fs::read_dir(folder).map_err(|error| Failure::io("read", folder, &error))?;
    let mut files: Vec<PathBuf> = entries
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.extension().is_some_and(|extension| extension == "sql"))
        .collect();
    files.sort();
    Ok(files)
}

/// Looks for quoted names in the Rust sources below a folder.
fn mentions(folder: &Path, names: &[(String, String)], found: &mut Vec<(PathBuf, usize)>) {
    let mut paths: Vec<PathBuf> = fs::read_dir(folder)
        .into_iter()
        .flatten()
        .filter_map(|entry| Some(entry.ok()?.path()))
        .collect();
    paths.sort();
    for path in paths {
        let name = path.file_name().and_then(|name| name.to_str());
        let hidden = name.is_none_or(|name| name.starts_with('.') || name == "target");
        if hidden || path.is_symlink() {
            continue;
        }
        if path.is_dir() {
            mentions(&path, names, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = fs::read_to_string(&path).unwrap_or_default();
            for (at, line) in text.lines().enumerate() {
                let names_it = |(name, _): &(String, String)| line.contains(&format!("\"{name}\""));
                if names.iter().any(names_it) {
                    found.push((path.clone(), at + 1));
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_change_in_the_header_alone() {
        let names = [("0003_b".to_owned(), "0005_b".to_owned())];
        let text = "-- what \"0003_b\" did\n\n-- migrate: after = [\"0003_b\", \"0003_bc\"]\r\nSELECT \"0003_b\";\n-- migrate: after = \"0003_b\"\n";
        let mended = with_names(text, &names).expect("a change");
        assert_eq!(mended, text.replacen("[\"0003_b\"", "[\"0005_b\"", 1));
        assert_eq!(with_names("SELECT '\"0003_b\"';", &names), None);
    }
}
