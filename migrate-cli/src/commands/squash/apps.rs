//! `squash --apps`: condenses several apps at once, each as a whole, in the order in which they depend
//! on each other, and tries it on new databases before anything is written.

use std::path::{Path, PathBuf};

use migrate_core::report::{SquashReport, StepId, StepKind};
use migrate_core::{History, Step};
use migrate_source::folder::Folder;
use serde::Serialize;

use super::{SquashArgs, check_of, folder_of, texts, verdict};
use crate::context::Context;
use crate::failure::Failure;
use crate::progress::Narration;
use crate::render::human::squash::{
    Advice, render_advice, render_compared, render_differences, render_parts,
};
use crate::render::units;
use crate::sources::discover::shown;
use crate::sources::squash::{Squash, Wanted, check_app, move_away, plan, write_all};
use crate::view::View;

/// What is put behind the numbers unless `--name` says otherwise.
const NAME: &str = "initial";

#[derive(Serialize)]
struct Condensed<'a> {
    written: bool,
    apps: Vec<App<'a>>,
    graph: Vec<Node>,
    tried: Option<&'a SquashReport>,
    moved: Vec<String>,
}

#[derive(Serialize)]
struct App<'a> {
    folder: String,
    #[serde(flatten)]
    squash: &'a Squash,
}

impl<'a> App<'a> {
    fn of((folder, squash): &'a (Folder, Squash)) -> Self {
        Self {
            folder: shown(&folder.path),
            squash,
        }
    }
}

/// One step of a new database.
#[derive(Serialize)]
struct Node {
    step: StepId,
    after: Vec<StepId>,
}

pub(super) async fn run(context: &mut Context, args: &SquashArgs) -> Result<View, Failure> {
    let (planned, history) = plan_all(context, args)?;
    let squashes: Vec<&Squash> = planned.iter().map(|(_, squash)| squash).collect();
    let live = history.only_squashes()?;
    let graph = graph(&live);
    let mut text = String::new();
    if args.print {
        squashes
            .iter()
            .for_each(|squash| text.push_str(&texts(squash)));
        text.push('\n');
    }
    text.push_str(&render_graph(&graph));
    let tried = match args.untried {
        true => None,
        false => Some(try_out(context, args, history).await?),
    };
    let paint = context.paint_err();
    let failed = tried.as_ref().and_then(verdict);
    let is_written = !args.print && failed.is_none();
    let moved = match is_written {
        true => write_planned(context, args, &planned)?,
        false => Vec::new(),
    };
    let condensed = Condensed {
        written: is_written,
        apps: planned.iter().map(App::of).collect(),
        graph,
        tried: tried.as_ref(),
        moved: moved.iter().map(|path| shown(path)).collect(),
    };
    if let Some(tried) = &tried {
        text.push_str(&render_differences(context.paint(), tried));
    }
    let mut view = View::of(&condensed).data(text);
    for squash in &squashes {
        view = view.note(render_parts(paint, squash));
    }
    if let Some(tried) = &tried {
        view = view.note(render_compared(paint, tried));
    }
    for path in parents(&moved) {
        view = view.note(format!("The replaced files are in {}.", shown(&path)));
    }
    let advice = match (is_written, args.reset) {
        (false, _) => Advice::Nothing,
        (true, true) => Advice::Reset(&squashes),
        (true, false) => Advice::Replace(&squashes),
    };
    Ok(view.note(render_advice(paint, &advice)).verdict(failed))
}

/// Writes what was planned; under `--reset` says where the replaced files are then.
fn write_planned(
    context: &Context,
    args: &SquashArgs,
    planned: &[(Folder, Squash)],
) -> Result<Vec<PathBuf>, Failure> {
    let replaced = planned.iter().flat_map(|(_, squash)| &squash.steps);
    let replaced: usize = replaced.map(|step| step.replaces.len()).sum();
    if args.reset {
        let apps = args.apps.join(",");
        context.confirm(
            &format!(
                "Move the files of {} away? Databases that have them applied must be made anew.",
                units::len(replaced, "replaced step")
            ),
            &format!("squash --apps {apps} --reset"),
        )?;
    }
    let files: Vec<(&Path, &Squash)> = planned
        .iter()
        .map(|(folder, squash)| (folder.path.as_path(), squash))
        .filter(|(_, squash)| !squash.steps.is_empty())
        .collect();
    write_all(&files)?;
    let mut moved = Vec::new();
    for (folder, squash) in planned.iter().filter(|_| args.reset) {
        if !squash.steps.is_empty() {
            moved.extend(move_away(folder, squash, args.backup.as_deref())?);
        }
    }
    Ok(moved)
}

/// Plans app after app: each on the history in which those before it are condensed already.
fn plan_all(
    context: &Context,
    args: &SquashArgs,
) -> Result<(Vec<(Folder, Squash)>, History), Failure> {
    let project = context.project();
    let mut history = context.history()?.clone();
    for app in &args.apps {
        check_app(&history, app)?;
    }
    let mut planned = Vec::new();
    for app in in_order(&history, &args.apps) {
        let live = history.only_squashes()?;
        let of_app = |step: &&Step| step.kind() == StepKind::Sql && step.id().app == app;
        let (Some(first), Some(last)) = (live.iter().find(of_app), live.iter().rfind(of_app))
        else {
            continue;
        };
        let wanted = Wanted {
            app: &app,
            from: &first.id().name,
            to: &last.id().name,
            name: Some(args.name.as_deref().unwrap_or(NAME)),
            functions_last: args.functions_last,
        };
        let folder = folder_of(&project, &app, args)?;
        let (squash, with) = plan(&history, &folder, &wanted)?;
        history = with;
        planned.push((folder, squash));
    }
    if planned.is_empty() {
        return Err(Failure::usage("these apps have no SQL files"));
    }
    match planned.iter().find(|(_, squash)| squash.steps.is_empty()) {
        Some((_, squash)) if planned.iter().all(|(_, squash)| squash.steps.is_empty()) => {
            Err(squash.nothing_to_join())
        }
        _ => Ok((planned, history)),
    }
}

/// The apps in the order in which their first steps run.
fn in_order(history: &History, wanted: &[String]) -> Vec<String> {
    let mut order: Vec<String> = Vec::new();
    for step in history.iter() {
        let app = &step.id().app;
        if wanted.contains(app) && !order.contains(app) {
            order.push(app.clone());
        }
    }
    order
}

fn graph(live: &History) -> Vec<Node> {
    live.iter()
        .map(|step| Node {
            step: step.id().clone(),
            after: step.after().to_vec(),
        })
        .collect()
}

fn render_graph(graph: &[Node]) -> String {
    let mut text = String::new();
    for node in graph {
        text.push_str(&format!("{}\n", node.step));
        for after in &node.after {
            text.push_str(&format!("  after {after}\n"));
        }
    }
    text
}

/// Runs both ways on new databases, with the files that are to be written.
async fn try_out(
    context: &mut Context,
    args: &SquashArgs,
    history: History,
) -> Result<SquashReport, Failure> {
    let check = check_of(args)?;
    context.put_history(history);
    let connected = context.connect(Narration::Quiet)?;
    connected
        .drive(connected.migrator.verify_squashes(&check))
        .await
}

fn parents(paths: &[PathBuf]) -> Vec<PathBuf> {
    let mut parents: Vec<PathBuf> = paths
        .iter()
        .filter_map(|path| Some(path.parent()?.to_owned()))
        .collect();
    parents.dedup();
    parents
}
