//! A generated cargo workspace inside this workspace's target folder.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

/// What a generated package depends on, unless it says otherwise: the same features as this package, so
/// that nothing is built twice.
const DEPENDENCIES: &str = r#"
migrate-core = { path = "@ROOT@/migrate-core", features = ["sqlite", "postgres", "mysql"] }
sqlx = { version = "0.9", default-features = false, features = ["sqlite", "postgres", "mysql"] }
"#;

/// Prints the steps that the binary has.
const MAIN: &str = r#"
fn main() {
    match migrate_core::History::embedded(&MIGRATIONS) {
        Ok(history) => history.iter().for_each(|step| println!("{}", step.id())),
        Err(error) => println!("error: {error}"),
    }
}
"#;

/// A generated package.
pub(crate) struct Package {
    name: String,
    edition: &'static str,
    dependencies: String,
    files: Vec<(String, String)>,
}

impl Package {
    /// A package without sources.
    pub(crate) fn new(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            edition: "2024",
            dependencies: DEPENDENCIES.to_owned(),
            files: Vec::new(),
        }
    }

    /// A package that is only a binary, which prints its steps.
    pub(crate) fn binary(name: &str, source: &str) -> Self {
        Self::new(name).file("src/main.rs", &format!("{source}\n{MAIN}"))
    }

    /// A package with a library, and a binary that prints the library's steps.
    pub(crate) fn library(name: &str, source: &str) -> Self {
        let import = format!("use {}::MIGRATIONS;\n{MAIN}", name.replace('-', "_"));
        Self::new(name)
            .file("src/lib.rs", source)
            .file("src/main.rs", &import)
    }

    pub(crate) fn edition(mut self, edition: &'static str) -> Self {
        self.edition = edition;
        self
    }

    pub(crate) fn depends_on(mut self, name: &str) -> Self {
        self.dependencies += &format!("{name} = {{ path = \"../{name}\" }}\n");
        self
    }

    pub(crate) fn dependencies(mut self, dependencies: &str) -> Self {
        self.dependencies = dependencies.to_owned();
        self
    }

    pub(crate) fn file(mut self, path: &str, text: &str) -> Self {
        self.files.push((path.to_owned(), text.to_owned()));
        self
    }

    /// A folder of SQL files with its index.
    pub(crate) fn sql(mut self, folder: &str, files: &[(&str, &str)]) -> Self {
        let index: String = files.iter().map(|(name, _)| format!("{name}\n")).collect();
        for (name, text) in files {
            self = self.file(&format!("{folder}/{name}"), text);
        }
        self.file(&format!("{folder}/index.txt"), &index)
    }
}

/// An error or a warning of rustc.
#[derive(Debug)]
pub(crate) struct RustcError {
    pub(crate) code: Option<String>,
    pub(crate) message: String,
    /// The source text below the primary span.
    pub(crate) place: String,
}

/// What a run of cargo left.
pub(crate) struct Run {
    success: bool,
    stdout: String,
    pub(crate) stderr: String,
}

impl Run {
    pub(crate) fn expect_success(&self) {
        assert!(self.success, "{}", self.stderr);
    }

    /// What rustc says of one package with `--message-format=json`, without its summary.
    fn diagnostics(&self, package: &str, level: &str) -> Vec<RustcError> {
        let folder = format!("/{package}#");
        let lines = self.stdout.lines();
        let messages = lines.filter_map(|line| serde_json::from_str(line).ok());
        messages
            .filter(|message: &Value| {
                let id = message["package_id"].as_str();
                id.is_some_and(|id| id.contains(&folder))
            })
            .filter_map(|message| diagnostic(&message["message"], level))
            .collect()
    }
}

/// A generated workspace.
pub(crate) struct Workspace {
    folder: PathBuf,
    target: PathBuf,
    profile: &'static str,
}

impl Workspace {
    pub(crate) fn new(name: &str, profile: &'static str) -> Self {
        let temporary = Path::new(env!("CARGO_TARGET_TMPDIR"));
        let folder = temporary.join("packages").join(name);
        let target = temporary.parent().unwrap().to_owned();
        fs::create_dir_all(&folder).unwrap();
        Self {
            folder,
            target,
            profile,
        }
    }

    /// Writes the packages; files that are as they should be keep their time.
    pub(crate) fn write(&self, packages: &[Package]) {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
        let members: Vec<&str> = packages
            .iter()
            .map(|package| package.name.as_str())
            .collect();
        let manifest = format!(
            "[workspace]\nresolver = \"3\"\nmembers = {members:?}\n\n\
             [profile.dev]\ndebug = \"line-tables-only\"\n{}",
            self.profile
        );
        self.write_file("Cargo.toml", &manifest);
        fs::copy(root.join("Cargo.lock"), self.folder.join("Cargo.lock")).unwrap();
        for Package {
            name,
            edition,
            dependencies,
            files,
        } in packages
        {
            let dependencies = dependencies.replace("@ROOT@", &root.display().to_string());
            let manifest = format!(
                "[package]\nname = {name:?}\nversion = \"0.1.0\"\nedition = {edition:?}\n\n\
                 [features]\nextra = []\n\n[dependencies]\n{dependencies}"
            );
            let mut files = files.clone();
            files.push(("Cargo.toml".to_owned(), manifest));
            self.remove_others(&self.folder.join(name), &files, name);
            for (path, text) in &files {
                self.write_file(&format!("{name}/{path}"), text);
            }
        }
    }

    /// Removes what an earlier run has left behind.
    fn remove_others(&self, folder: &Path, files: &[(String, String)], package: &str) {
        for entry in fs::read_dir(folder).into_iter().flatten() {
            let path = entry.unwrap().path();
            let name = path.strip_prefix(self.folder.join(package)).unwrap();
            if path.is_dir() {
                self.remove_others(&path, files, package);
            } else if !files.iter().any(|(known, _)| Path::new(known) == name) {
                fs::remove_file(path).unwrap();
            }
        }
    }

    fn write_file(&self, path: &str, text: &str) {
        let path = self.folder.join(path);
        if fs::read_to_string(&path).is_ok_and(|known| known == text) {
            return;
        }
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    pub(crate) fn cargo(&self, arguments: &[&str]) -> Run {
        let output = Command::new(env!("CARGO"))
            .args(arguments)
            .args(["--offline", "--color=never"])
            .current_dir(&self.folder)
            .env("CARGO_TARGET_DIR", &self.target)
            .output()
            .unwrap();
        Run {
            success: output.status.success(),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// The steps that a binary prints, sorted.
    pub(crate) fn steps(&self, binary: &str, profile: &str) -> Vec<String> {
        let output = Command::new(self.target.join(profile).join(binary))
            .output()
            .unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        let mut steps: Vec<String> = text.lines().map(str::to_owned).collect();
        steps.sort();
        steps
    }

    /// The errors of one binary of a package, without rustc's summary.
    pub(crate) fn errors(&self, package: &str, binary: &str) -> Vec<RustcError> {
        let arguments = [
            "build",
            "-p",
            package,
            "--bin",
            binary,
            "--message-format=json",
        ];
        let run = self.cargo(&arguments);
        assert!(!run.success, "{binary} compiles");
        run.diagnostics(package, "error")
    }

    /// The warnings of a package that compiles.
    pub(crate) fn warnings(&self, package: &str) -> Vec<RustcError> {
        let run = self.cargo(&["build", "-p", package, "-j2", "--message-format=json"]);
        run.expect_success();
        run.diagnostics(package, "warning")
    }
}

fn diagnostic(message: &Value, level: &str) -> Option<RustcError> {
    let spans = message["spans"].as_array()?;
    let primary = spans.iter().find(|span| span["is_primary"] == true)?;
    if message["level"] != level {
        return None;
    }
    let line = &primary["text"][0];
    let column = |key: &str| usize::try_from(line[key].as_u64()?).ok()?.checked_sub(1);
    let place = line["text"]
        .as_str()?
        .get(column("highlight_start")?..column("highlight_end")?)?;
    Some(RustcError {
        code: message["code"]["code"].as_str().map(str::to_owned),
        message: message["message"].as_str()?.to_owned(),
        place: place.to_owned(),
    })
}
