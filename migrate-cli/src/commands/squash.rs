//! `squash`: joins SQL files of an app into fewer, and proves that they do the same.

use std::path::{Path, PathBuf};

use clap::Args;
use migrate_source::folder::{Folder, FolderError, read_folder};
use serde::Serialize;

use crate::context::Context;
use crate::failure::Failure;
use crate::render::human::squash::render_squash;
use crate::sources::discover::{discover, project_root, shown};
use crate::sources::squash::{Squash, Wanted, check_app, plan, write};
use crate::view::View;

/// Join SQL files of an app into fewer, which replace them.
#[derive(Clone, Debug, Args)]
#[command(after_help = "\
Statements are taken over as they are. Data migrations stay between the files
where they were, unless they are elidable: those are dropped. Files that are
not atomic stay as they are. Until the replaced files are deleted, both stand
side by side, and each database takes the way that fits what it has.

Examples:
  migrate squash users 0001 0004
  migrate squash users 0001 0004 --name initial
  migrate squash users 0001 0004 --print      writes nothing

Exit codes: 0 written, 1 failed, 2 usage")]
pub(crate) struct SquashArgs {
    /// The app.
    #[arg(value_name = "APP")]
    app: String,

    /// The first SQL file; 0001 is enough.
    #[arg(value_name = "FROM")]
    from: String,

    /// The last SQL file.
    #[arg(value_name = "TO")]
    to: String,

    /// What is put behind the numbers in the new name.
    #[arg(long, value_name = "NAME")]
    name: Option<String>,

    /// Print what would be written, and write nothing.
    #[arg(long)]
    print: bool,

    /// The app's migration folder, instead of looking for it.
    #[arg(long, value_name = "FOLDER")]
    folder: Option<PathBuf>,
}

#[derive(Serialize)]
struct Written<'a> {
    written: bool,
    folder: String,
    #[serde(flatten)]
    squash: &'a Squash,
}

pub(crate) fn run(context: &mut Context, args: &SquashArgs) -> Result<View, Failure> {
    let project = context.project();
    let paint = context.paint_err();
    let history = context.history()?;
    check_app(history, &args.app)?;
    let folder = folder_of(&project, args)?;
    let wanted = Wanted {
        app: &args.app,
        from: &args.from,
        to: &args.to,
        name: args.name.as_deref(),
    };
    let squash = plan(history, &folder, &wanted)?;
    let view = View::of(&Written {
        written: !args.print,
        folder: shown(&folder.path),
        squash: &squash,
    });
    if args.print {
        return Ok(view
            .data(texts(&squash))
            .note(render_squash(paint, &squash, false)));
    }
    let written = write(&folder.path, &squash)?;
    let paths: String = written.iter().map(|path| shown(path) + "\n").collect();
    Ok(view.data(paths).note(render_squash(paint, &squash, true)))
}

/// Every file under its name.
fn texts(squash: &Squash) -> String {
    let files: Vec<String> = squash
        .steps
        .iter()
        .flat_map(|step| &step.files)
        .map(|file| format!("==> {} <==\n{}", file.file, file.text))
        .collect();
    files.join("\n")
}

fn folder_of(project: &Path, args: &SquashArgs) -> Result<Folder, Failure> {
    let path = match &args.folder {
        Some(folder) => project.join(folder),
        None => find(&project_root(project), &args.app)?,
    };
    read_folder(&path).map_err(|errors| {
        let first = errors.first().map(FolderError::to_string);
        Failure::usage(first.unwrap_or_default())
            .help("`cargo migrate check` shows every mistake in its place")
    })
}

fn find(root: &Path, app: &str) -> Result<PathBuf, Failure> {
    let folders = discover(root)?;
    let found = folders
        .iter()
        .find(|folder| folder.app.as_deref() == Some(app));
    let unknown = || {
        Failure::usage(format!(
            "the files of `{app}` are not below {}",
            shown(root)
        ))
        .help("an app of another crate is squashed in that crate")
        .help("or name the folder: `--folder migrations`")
    };
    found.map(|folder| folder.path.clone()).ok_or_else(unknown)
}

/// Where there is no service, nobody knows which functions run between the files.
pub(crate) fn refuse_without_service() -> Failure {
    Failure::usage("which data migrations run between the files, only the service knows")
        .help("`migrate squash` with the same words: it is built with all of them")
}
