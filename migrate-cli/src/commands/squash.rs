//! `squash`: joins SQL files of an app into fewer, and proves that they do the same. Several apps at
//! once are in `apps`.

mod apps;

use std::fs;
use std::path::{Path, PathBuf};

use clap::Args;
use migrate_core::SquashCheck;
use migrate_core::report::SquashReport;
use migrate_source::folder::{Folder, FolderError, read_folder};
use serde::Serialize;

use crate::context::Context;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::progress::Narration;
use crate::render::human::squash::{
    Advice, render_advice, render_compared, render_differences, render_parts,
};
use crate::render::units;
use crate::sources::discover::{discover_for, named, shown};
use crate::sources::squash::{Squash, Wanted, check_app, plan, write};
use crate::view::View;

/// Join SQL files of an app into fewer, which replace them; prove that they do the same.
#[derive(Clone, Debug, Args)]
#[command(after_help = "\
Statements are taken over as they are. Data migrations stay between the files
where they were, unless they are elidable: those are dropped. Under
--functions-last they run after files that they ran before, so that an app can
become one file; --verify shows whether they mind. Files that are not atomic
stay as they are. Until the replaced files are deleted, both stand
side by side, and each database takes the way that fits what it has.

--verify runs the replaced steps on one new database and the squashes on
another, and compares schemas and rows: temporary files on SQLite, on a server
databases of their own, named first and dropped afterwards. The database of the
URL is not touched. Functions run for real there.

Examples:
  migrate squash users 0001 0004
  migrate squash users 0001 0004 --name initial
  migrate squash users 0001 0004 --print      writes nothing
  migrate squash --verify
  migrate squash --verify --seed users.sql --ignore users.created_at
  migrate squash --apps users,billing         each from its first file to its last
  migrate squash --apps users,billing --functions-last --reset

Exit codes: 0 written, or no difference; 1 failed, or different; 2 usage")]
pub(crate) struct SquashArgs {
    /// The app.
    #[arg(value_name = "APP", required_unless_present_any = ["verify", "apps"])]
    app: Option<String>,

    /// The first SQL file; 0001 is enough.
    #[arg(value_name = "FROM", required_unless_present_any = ["verify", "apps"])]
    from: Option<String>,

    /// The last SQL file.
    #[arg(value_name = "TO", required_unless_present_any = ["verify", "apps"])]
    to: Option<String>,

    /// What is put behind the numbers in the new name.
    #[arg(long, value_name = "NAME")]
    name: Option<String>,

    /// Let data migrations run after the joined files, instead of between them.
    #[arg(long)]
    functions_last: bool,

    /// Print what would be written, and write nothing.
    #[arg(long)]
    print: bool,

    /// The app's migration folder, instead of looking for it.
    #[arg(long, value_name = "FOLDER")]
    folder: Option<PathBuf>,

    /// Compare what the squashes of this binary do with what they replace.
    #[arg(long, conflicts_with_all = ["app", "name", "print", "folder", "apps", "functions_last"])]
    verify: bool,

    /// Several apps at once, each as a whole; tried on new databases before anything is written.
    #[arg(long, value_name = "APP,APP", value_delimiter = ',', conflicts_with_all = ["app", "folder"])]
    apps: Vec<String>,

    /// Move the replaced files away, for databases that are made anew.
    #[arg(long, requires = "apps")]
    reset: bool,

    /// Where they are moved to [default: .squashed/DATE in each folder].
    #[arg(long, value_name = "FOLDER", requires = "reset")]
    backup: Option<PathBuf>,

    /// Write without having tried it.
    #[arg(long, requires = "apps")]
    untried: bool,

    /// SQL that fills the tables before the first squash; at the end if that is the start.
    #[arg(long, value_name = "FILE", conflicts_with = "app")]
    seed: Option<PathBuf>,

    /// The step behind which the seed is executed; both ways must have it.
    #[arg(long, value_name = "STEP", requires = "seed")]
    seed_after: Option<String>,

    /// A column whose values cannot be equal: a time, a random id. Repeatable.
    #[arg(
        long,
        value_name = "TABLE.COLUMN",
        value_delimiter = ',',
        requires = "verify"
    )]
    ignore: Vec<String>,
}

#[derive(Serialize)]
struct Written<'a> {
    written: bool,
    folder: String,
    #[serde(flatten)]
    squash: &'a Squash,
}

pub(crate) async fn run(context: &mut Context, args: &SquashArgs) -> Result<View, Failure> {
    match (&args.app, &args.from, &args.to) {
        (Some(app), Some(from), Some(to)) => {
            let wanted = Wanted {
                app,
                from,
                to,
                name: args.name.as_deref(),
                functions_last: args.functions_last,
            };
            write_squash(context, args, &wanted)
        }
        _ if !args.apps.is_empty() => apps::run(context, args).await,
        // Clap lets nothing else pass.
        _ => verify(context, args).await,
    }
}

fn write_squash(
    context: &Context,
    args: &SquashArgs,
    wanted: &Wanted<'_>,
) -> Result<View, Failure> {
    let project = context.project();
    let paint = context.paint_err();
    let history = context.history()?;
    check_app(history, wanted.app)?;
    let folder = folder_of(&project, wanted.app, args)?;
    let (squash, _) = plan(history, &folder, wanted)?;
    if squash.steps.is_empty() {
        return Err(squash.nothing_to_join());
    }
    let view = View::of(&Written {
        written: !args.print,
        folder: shown(&folder.path),
        squash: &squash,
    });
    if args.print {
        return Ok(view
            .data(texts(&squash))
            .note(render_parts(paint, &squash))
            .note(render_advice(paint, &Advice::Nothing)));
    }
    let written = write(&folder.path, &squash)?;
    let paths: String = written.iter().map(|path| shown(path) + "\n").collect();
    Ok(view
        .data(paths)
        .note(render_parts(paint, &squash))
        .note(render_advice(paint, &Advice::Replace(&[&squash]))))
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

fn folder_of(project: &Path, app: &str, args: &SquashArgs) -> Result<Folder, Failure> {
    let path = match &args.folder {
        Some(folder) => named(project, folder),
        None => find(project, app)?,
    };
    read_folder(&path).map_err(|errors| {
        let first = errors.first().map(FolderError::to_string);
        Failure::usage(first.unwrap_or_default())
            .help("`cargo migrate check` shows every mistake in its place")
    })
}

fn find(project: &Path, app: &str) -> Result<PathBuf, Failure> {
    let (_, folders) = discover_for(project, Some(app))?;
    let found: Vec<&PathBuf> = folders
        .iter()
        .filter(|folder| folder.is_of(app))
        .map(|folder| &folder.path)
        .collect();
    match found.as_slice() {
        [path] => Ok((*path).clone()),
        [] => Err(Failure::usage(format!(
            "the files of `{app}` are neither in this package nor in its workspace"
        ))
        .help("an app of a crate from elsewhere is squashed where that crate is developed")
        .help("or name the folder: `--folder ../users/migrations`")),
        several => {
            let failure = Failure::usage(format!("several folders hold files of an app `{app}`"));
            let names = several
                .iter()
                .map(|path| format!("`--folder {}`", shown(path)));
            Err(names.fold(failure, Failure::help))
        }
    }
}

/// What `--seed` and `--ignore` say.
fn check_of(args: &SquashArgs) -> Result<SquashCheck, Failure> {
    let mut check = SquashCheck::new();
    if let Some(path) = &args.seed {
        let sql = fs::read_to_string(path).map_err(|error| Failure::io("read", path, &error))?;
        check = check.seed(shown(path), sql);
    }
    if let Some(step) = &args.seed_after {
        check = check.seed_after(step);
    }
    Ok(args.ignore.iter().fold(check, SquashCheck::ignore))
}

async fn verify(context: &mut Context, args: &SquashArgs) -> Result<View, Failure> {
    let check = check_of(args)?;
    let connected = context.connect(Narration::Quiet)?;
    let report = connected
        .drive(connected.migrator.verify_squashes(&check))
        .await?;
    let view = View::of(&report)
        .data(render_differences(context.paint(), &report))
        .note(render_compared(context.paint_err(), &report));
    Ok(view.verdict(verdict(&report)))
}

/// Why a squash is not what it replaces.
fn verdict(report: &SquashReport) -> Option<Failure> {
    if report.differences.is_empty() {
        return None;
    }
    let differences = units::len(report.differences.len(), "difference");
    let failure = Failure::new(
        Exit::Failed,
        "squash_differs",
        format!("{differences} between the squashes and what they replace"),
    )
    .help("correct the text of the squash before any database has it");
    let columns = unequal_columns(report);
    Some(match columns.is_empty() {
        true => failure,
        false => failure.help(format!(
            "or, where values cannot be equal: `--ignore {}`",
            columns.join(",")
        )),
    })
}

/// The columns in which rows differ, as `--ignore` takes them.
fn unequal_columns(report: &SquashReport) -> Vec<String> {
    let rows = report.differences.iter().filter_map(|difference| {
        let table = difference.what.strip_prefix("rows of ")?;
        Some((table, &difference.columns))
    });
    rows.flat_map(|(table, columns)| {
        columns
            .iter()
            .map(move |column| format!("{table}.{column}"))
    })
    .collect()
}

/// Where there is no service, nobody knows which functions run between the files.
pub(crate) fn refuse_without_service() -> Failure {
    Failure::usage("which data migrations run between the files, only the service knows")
        .help("`migrate squash` with the same words: it is built with all of them")
}
