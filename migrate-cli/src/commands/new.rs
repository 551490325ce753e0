//! `new`: writes the next SQL file, or the next Rust function.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use clap::Args;
use migrate_source::Database;
use migrate_source::folder::{INDEX_FILE, write_index};
use migrate_source::name::nearest;
use serde::Serialize;

use crate::context::Context;
use crate::failure::Failure;
use crate::render::paint::Paint;
use crate::sources::calendar::today;
use crate::sources::discover::{
    MigrationFolder, discover, discover_for, named, project_root, shown,
};
use crate::sources::new_step::{RustStep, SqlStep, known_files};
use crate::view::View;

/// Start a new step: the next SQL file, or a Rust function with --rust.
#[derive(Clone, Debug, Args)]
#[command(after_help = "\
A SQL file gets the next number and is written into the index. A function gets
today's date and comes after the app's last SQL file; it is printed, or
appended with --into.

Examples:
  migrate new add_email                                 migrations/0003_add_email.sql
  migrate new add_email_index --non-atomic
  migrate new email_not_null --after lower_emails_v1_2026_11_20
  migrate new lower_emails_v1 --rust >> src/backfills.rs
  migrate new lower_emails_v1 --rust --into src/backfills.rs

Exit codes: 0 written, 1 failed, 2 usage")]
pub(crate) struct NewArgs {
    /// What the step does, in a few words.
    #[arg(value_name = "DESCRIPTION")]
    name: String,

    /// A Rust function; else a SQL file.
    #[arg(long)]
    rust: bool,

    /// Append the function to this file.
    #[arg(long, value_name = "FILE", requires = "rust")]
    into: Option<PathBuf>,

    /// The app, where the package has several.
    #[arg(long, value_name = "APP", conflicts_with = "folder")]
    app: Option<String>,

    /// The migration folder, instead of looking for it.
    #[arg(long, value_name = "FOLDER")]
    folder: Option<PathBuf>,

    /// A step that must come first; 0002 is enough for a SQL file. Repeatable.
    #[arg(long, value_name = "STEP", value_delimiter = ',')]
    after: Vec<String>,

    /// For one database only: sqlite, postgres or mysql.
    #[arg(long, value_name = "DATABASE")]
    database: Option<Database>,

    /// Statement by statement, outside a transaction.
    #[arg(long)]
    non_atomic: bool,

    /// A SQL file with a way back.
    #[arg(long, conflicts_with = "rust")]
    reversible: bool,

    /// A SQL file that runs this data migration at its end.
    #[arg(long, value_name = "STEP", conflicts_with = "rust")]
    run: Option<String>,

    /// A function that only runs by name.
    #[arg(long, requires = "rust")]
    manual: bool,

    /// The date in a function's name [default: today, UTC].
    #[arg(long, value_name = "YYYY_MM_DD", requires = "rust")]
    date: Option<String>,
}

/// What was written, or is to be pasted.
#[derive(Debug, Serialize)]
struct Written<'a> {
    kind: &'static str,
    app: Option<&'a str>,
    step: &'a str,
    path: Option<String>,
    index: Option<String>,
    text: &'a str,
}

pub(crate) fn run(context: &mut Context, args: &NewArgs) -> Result<View, Failure> {
    write_new(&context.project(), args, context.paint_err())
}

/// The same without a service: see [`crate::cargo`].
pub(crate) fn write_new(project: &Path, args: &NewArgs, paint: Paint) -> Result<View, Failure> {
    let folder = choose(project, args)?;
    match args.rust {
        true => write_rust(&folder, args, paint),
        false => write_sql(&folder, args, paint),
    }
}

fn choose(project: &Path, args: &NewArgs) -> Result<MigrationFolder, Failure> {
    if let Some(path) = &args.folder {
        let path = named(project, path);
        let known = discover(&project_root(project))?
            .into_iter()
            .find(|folder| folder.path == path);
        let unknown = || MigrationFolder {
            path,
            app: None,
            one_of_several: false,
        };
        return Ok(known.unwrap_or_else(unknown));
    }
    let (root, mut folders) = discover_for(project, args.app.as_deref())?;
    if let Some(app) = &args.app {
        let labels: Vec<String> = folders
            .iter()
            .filter_map(|folder| folder.app.clone())
            .collect();
        folders.retain(|folder| folder.is_of(app));
        if folders.is_empty() {
            return Err(unknown_app(app, &labels));
        }
    }
    match folders.len() {
        0 => Err(Failure::usage(format!("there is no migration folder below {}", shown(&root)))
            .help("write `migrate_core::embed_migrations!();` at the root of your crate, which embeds the folder `migrations`")
            .help("or name a folder: `--folder migrations`")),
        1 => Ok(folders.remove(0)),
        _ => Err(several(&folders)),
    }
}

fn unknown_app(app: &str, labels: &[String]) -> Failure {
    let failure = Failure::usage(format!(
        "no `embed_migrations!` names an app `{}`",
        app.escape_debug()
    ));
    match nearest(app, labels.iter().map(String::as_str)) {
        Some(near) => failure.help(format!("did you mean `--app {near}`?")),
        None if labels.is_empty() => failure,
        None => failure.help(format!("there are: {}", labels.join(", "))),
    }
}

fn several(folders: &[MigrationFolder]) -> Failure {
    let mut failure = Failure::usage("there are several migration folders");
    for folder in folders {
        let path = shown(&folder.path);
        let of_app = |app: &String| folders.iter().filter(|other| other.is_of(app)).count();
        failure = failure.help(match &folder.app {
            Some(app) if of_app(app) == 1 => format!("`--app {app}` for {path}"),
            _ => format!("`--folder {path}`"),
        });
    }
    failure
}

fn write_sql(folder: &MigrationFolder, args: &NewArgs, paint: Paint) -> Result<View, Failure> {
    let step = SqlStep {
        description: &args.name,
        after: &args.after,
        database: args.database,
        reversible: args.reversible,
        non_atomic: args.non_atomic,
        run: args.run.as_deref(),
    };
    let files = known_files(&folder.path)?;
    let name = step.name(&files)?;
    let text = step.text(&name, &files)?;
    let path = step.path(&folder.path, &name);
    fs::create_dir_all(&folder.path)
        .map_err(|error| Failure::io("create", &folder.path, &error))?;
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .open(&path)
        .map_err(|error| Failure::io("create", &path, &error))?;
    file.write_all(text.as_bytes())
        .map_err(|error| Failure::io("write", &path, &error))?;
    let index = folder.path.join(INDEX_FILE);
    write_index(&folder.path).map_err(|error| Failure::io("write", &index, &error))?;
    let result = Written {
        kind: "sql",
        app: folder.app.as_deref(),
        step: &name,
        path: Some(shown(&path)),
        index: Some(shown(&index)),
        text: &text,
    };
    Ok(View::of(&result)
        .data(shown(&path))
        .note(format!("Listed in {}.", shown(&index)))
        .note(format!(
            "{}: write its SQL, then `migrate`",
            paint.lead("next")
        )))
}

fn write_rust(folder: &MigrationFolder, args: &NewArgs, paint: Paint) -> Result<View, Failure> {
    let date = args
        .date
        .as_ref()
        .map(|date| date.replace('-', "_"))
        .unwrap_or_else(today);
    let step = RustStep {
        description: &args.name,
        date: &date,
        after: &args.after,
        database: args.database,
        non_atomic: args.non_atomic,
        manual: args.manual,
    };
    let name = step.name()?;
    let function = step.text(&name, folder, &known_files(&folder.path)?)?;
    let imports = step.imports();
    let whole = format!("{imports}\n{function}");
    let view = |path: Option<&Path>, text: &str| {
        View::of(&Written {
            kind: "data",
            app: folder.app.as_deref(),
            step: &name,
            path: path.map(shown),
            index: None,
            text,
        })
    };
    let next = format!("{}: write its body, then `migrate`", paint.lead("next"));
    let Some(path) = &args.into else {
        let note = "Paste it into a module of the crate that has `embed_migrations!`.";
        return Ok(view(None, &whole).data(&whole).note(note).note(next));
    };
    let is_new =
        append(path, &imports, &function).map_err(|error| Failure::io("write", path, &error))?;
    let mut shown_view = view(Some(path), &function)
        .data(shown(path))
        .note(format!("Appended {name} to {}.", shown(path)));
    if is_new {
        let module = path
            .file_stem()
            .and_then(|stem| stem.to_str())
            .unwrap_or("module");
        shown_view = shown_view.note(format!("The file is new: declare it with `mod {module};`."));
    } else {
        shown_view = shown_view.note(format!(
            "It needs: {}",
            imports.trim_end().replace('\n', " ")
        ));
    }
    Ok(shown_view.note(next))
}

/// Appends a function to a file; says whether the file is new.
fn append(path: &Path, imports: &str, function: &str) -> io::Result<bool> {
    let is_new = fs::metadata(path).map_or(true, |file| file.len() == 0);
    let mut file = OpenOptions::new().append(true).create(true).open(path)?;
    let head = if is_new { imports } else { "" };
    file.write_all(format!("{head}\n{function}").as_bytes())?;
    Ok(is_new)
}
