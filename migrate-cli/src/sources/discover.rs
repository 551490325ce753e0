//! Finds the migration folders of a package or workspace: those that `embed_migrations!` names,
//! and those that hold an index file.

use std::fs;
use std::path::{Component, Path, PathBuf};

use migrate_source::folder::INDEX_FILE;

use super::invocation::find_embedded;
use crate::failure::Failure;

/// Folders that hold no sources of the user's.
const SKIPPED: [&str; 2] = ["target", "node_modules"];

/// A migration folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct MigrationFolder {
    /// Where it is.
    pub(crate) path: PathBuf,
    /// The app's label, if an `embed_migrations!` names the folder.
    pub(crate) app: Option<String>,
    /// Whether the package embeds other apps as well, so that a function must name its own.
    pub(crate) one_of_several: bool,
}

impl MigrationFolder {
    /// Whether it is known to hold the files of this app.
    pub(crate) fn is_of(&self, app: &str) -> bool {
        self.app.as_deref() == Some(app)
    }
}

/// All migration folders below a folder, sorted by path.
pub(crate) fn discover(root: &Path) -> Result<Vec<MigrationFolder>, Failure> {
    let mut walk = Walk::default();
    walk.visit(root, &package_above(root))?;
    let Walk {
        mut declared,
        indexed,
    } = walk;
    for path in indexed {
        if !declared.iter().any(|folder| folder.path == path) {
            declared.push(MigrationFolder {
                path,
                app: None,
                one_of_several: false,
            });
        }
    }
    declared.sort_by(|a, b| (&a.path, &a.app).cmp(&(&b.path, &b.app)));
    declared.dedup_by(|a, b| a.path == b.path);
    Ok(declared)
}

/// The migration folders of a project; those of its whole workspace where an app is looked for that
/// the project does not have: its crate may be another than that of the service. With the folder below
/// which they are.
pub(crate) fn discover_for(
    project: &Path,
    app: Option<&str>,
) -> Result<(PathBuf, Vec<MigrationFolder>), Failure> {
    let root = project_root(project);
    let own = discover(&root)?;
    match app.zip(workspace_root(&root)) {
        Some((app, workspace)) if !own.iter().any(|folder| folder.is_of(app)) => {
            Ok((workspace.to_owned(), discover(workspace)?))
        }
        _ => Ok((root.clone(), own)),
    }
}

/// A folder that was typed: as seen from the project, or from the current folder, where it is shown.
pub(crate) fn named(project: &Path, folder: &Path) -> PathBuf {
    let inside = project.join(folder);
    let current = std::env::current_dir().unwrap_or_default().join(folder);
    match !inside.is_dir() && current.is_dir() {
        true => current,
        false => inside,
    }
}

/// The workspace that a package is a member of.
fn workspace_root(package: &Path) -> Option<&Path> {
    let is_workspace = |folder: &&Path| {
        fs::read_to_string(folder.join("Cargo.toml")).is_ok_and(|manifest| {
            let mut lines = manifest.lines().map(str::trim_start);
            lines.any(|line| line.starts_with("[workspace]") || line.starts_with("[workspace."))
        })
    };
    package.ancestors().find(is_workspace)
}

/// The package or workspace that a folder is in: the nearest with a `Cargo.toml`.
pub(crate) fn project_root(folder: &Path) -> PathBuf {
    let root = folder
        .ancestors()
        .find(|above| above.join("Cargo.toml").is_file());
    root.unwrap_or(folder).to_owned()
}

/// A path as shown: from the current folder, if it lies below.
pub(crate) fn shown(path: &Path) -> String {
    let current = std::env::current_dir().unwrap_or_default();
    let below = path.strip_prefix(&current).unwrap_or(path);
    match below.as_os_str().is_empty() {
        true => ".".to_owned(),
        false => below.display().to_string(),
    }
}

#[derive(Clone, Debug)]
struct Package {
    root: PathBuf,
    name: Option<String>,
}

fn package_above(folder: &Path) -> Package {
    for above in folder.ancestors() {
        if let Some(name) = package_name(above) {
            return Package {
                root: above.to_owned(),
                name: Some(name),
            };
        }
    }
    Package {
        root: folder.to_owned(),
        name: None,
    }
}

/// The name in the `[package]` table of a folder's `Cargo.toml`.
fn package_name(folder: &Path) -> Option<String> {
    let manifest = fs::read_to_string(folder.join("Cargo.toml")).ok()?;
    let mut in_package = false;
    for line in manifest.lines().map(str::trim) {
        if line.starts_with('[') {
            in_package = line
                .split('#')
                .next()
                .is_some_and(|line| line.trim() == "[package]");
        } else if in_package && let Some((key, value)) = line.split_once('=') {
            let name = value.trim().strip_prefix(['"', '\'']);
            if key.trim() == "name"
                && let Some(name) = name
            {
                return name.split(['"', '\'']).next().map(str::to_owned);
            }
        }
    }
    None
}

#[derive(Default)]
struct Walk {
    declared: Vec<MigrationFolder>,
    indexed: Vec<PathBuf>,
}

impl Walk {
    fn visit(&mut self, folder: &Path, package: &Package) -> Result<(), Failure> {
        let entered = package_name(folder).map(|name| Package {
            root: folder.to_owned(),
            name: Some(name),
        });
        let package = entered.as_ref().unwrap_or(package);
        if is_indexed(folder) {
            self.indexed.push(folder.to_owned());
        }
        let entries = fs::read_dir(folder).map_err(|error| Failure::io("read", folder, &error))?;
        let mut paths: Vec<PathBuf> = entries
            .filter_map(|entry| Some(entry.ok()?.path()))
            .collect();
        paths.sort();
        for path in paths {
            let name = path
                .file_name()
                .and_then(|name| name.to_str())
                .unwrap_or_default();
            // A link may lead out of the package, or round in a circle.
            if name.starts_with('.') || SKIPPED.contains(&name) || path.is_symlink() {
                continue;
            }
            if path.is_dir() {
                self.visit(&path, package)?;
            } else if name.ends_with(".rs") && may_be_crate_root(&path, package) {
                self.read_rust(&path, package);
            }
        }
        Ok(())
    }

    fn read_rust(&mut self, path: &Path, package: &Package) {
        // Text that cannot be read is no business of a scan for folders.
        let Ok(text) = fs::read_to_string(path) else {
            return;
        };
        let found = find_embedded(&text);
        let several = found.len() > 1;
        for embedded in found {
            let default = || package.name.as_ref().map(|name| name.replace('-', "_"));
            self.declared.push(MigrationFolder {
                path: tidy(&package.root.join(embedded.folder)),
                app: embedded.app.or_else(default),
                one_of_several: several,
            });
        }
    }
}

/// Below `tests`, only the files that cargo compiles by themselves: others are input of tests.
fn may_be_crate_root(path: &Path, package: &Package) -> bool {
    let Ok(inside) = path.strip_prefix(&package.root) else {
        return true;
    };
    let depth = inside.components().count();
    !inside.starts_with("tests") || depth == 2 || (depth == 3 && inside.ends_with("main.rs"))
}

/// An index names SQL files; any other `index.txt` is not ours.
fn is_indexed(folder: &Path) -> bool {
    fs::read_to_string(folder.join(INDEX_FILE)).is_ok_and(|text| {
        let mut names = text.lines().map(str::trim).filter(|line| !line.is_empty());
        let ours = text.contains("cargo migrate index");
        names.all(|line| line.starts_with('#') || line.ends_with(".sql"))
            && (ours || text.contains(".sql"))
    })
}

/// `a/./b` and `a/x/../b` as `a/b`, so that one folder is found once.
fn tidy(path: &Path) -> PathBuf {
    let mut out = PathBuf::new();
    for component in path.components() {
        match component {
            Component::CurDir => {}
            Component::ParentDir if out.file_name().is_some() => drop(out.pop()),
            other => out.push(other),
        }
    }
    out
}
