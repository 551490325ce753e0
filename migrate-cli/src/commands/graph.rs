//! `graph`: the steps and what comes after what, as a picture.

use std::fs;
use std::path::PathBuf;

use clap::{Args, ValueEnum};
use migrate_core::report::Status;
use migrate_source::name::nearest;
use serde::Serialize;

use crate::context::Context;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::graph::{Graph, dot, mermaid, svg};
use crate::progress::Narration;
use crate::render::units;
use crate::view::View;

/// Draw the steps and what comes after what: DOT, Mermaid or SVG.
#[derive(Clone, Debug, Args)]
#[command(after_help = "\
Each app is a cluster. With a database the steps have the colours of their
states; without one, or with --no-db, they have none. A squash stands for the
steps that it replaces. Edges that follow from others are left out.

Examples:
  migrate graph --as svg --out migrations.svg
  migrate graph | dot -Tpng -o migrations.png
  migrate graph users billing --as mermaid --no-db
  migrate graph --json | jq '.result.edges'

Exit codes: 0 done, 1 failed, 2 usage")]
pub(crate) struct GraphArgs {
    /// These apps only.
    #[arg(value_name = "APP")]
    apps: Vec<String>,

    /// The language of the picture [default: dot].
    #[arg(
        long = "as",
        value_enum,
        value_name = "dot|mermaid|svg",
        hide_possible_values = true,
        default_value_t,
        hide_default_value = true
    )]
    language: Language,

    /// Write it into this file instead of to stdout.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,

    /// Do not ask the database for states.
    #[arg(long)]
    no_db: bool,
}

/// The languages of pictures.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, ValueEnum)]
#[serde(rename_all = "snake_case")]
enum Language {
    /// Graphviz.
    #[default]
    Dot,
    /// What GitHub and many wikis draw.
    Mermaid,
    /// A picture that browsers show.
    Svg,
}

#[derive(Serialize)]
struct Drawn<'a> {
    #[serde(flatten)]
    graph: &'a Graph,
    #[serde(rename = "as")]
    language: Language,
    path: Option<String>,
    text: Option<&'a str>,
}

pub(crate) async fn run(context: &mut Context, args: &GraphArgs) -> Result<View, Failure> {
    let apps = context.steps()?.apps();
    if let Some(app) = args.apps.iter().find(|app| !apps.contains(app)) {
        let shown = app.escape_debug();
        let failure = Failure::usage(format!("this binary has no app `{shown}`"));
        return Err(match nearest(app, apps.iter().map(String::as_str)) {
            Some(near) => failure.help(format!("did you mean `migrate graph {near}`?")),
            None => failure.help(format!("apps: {}", apps.join(", "))),
        });
    }
    let with_states = !args.no_db && context.names_a_database();
    let mut graph = match with_states {
        true => {
            let connected = context.connect(Narration::Quiet)?;
            let status: Status = connected.drive(connected.migrator.status()).await?;
            Graph::with_states(connected.migrator.steps()?, &status)
        }
        false => Graph::of(context.steps()?),
    };
    if !args.apps.is_empty() {
        graph.keep(&args.apps);
    }
    let text = match args.language {
        Language::Dot => dot::render(&graph),
        Language::Mermaid => mermaid::render(&graph),
        Language::Svg => svg::render(&graph),
    };
    let drawn = |path: Option<String>| Drawn {
        graph: &graph,
        language: args.language,
        text: path.is_none().then_some(text.as_str()),
        path,
    };
    let Some(path) = &args.out else {
        return Ok(View::of(&drawn(None)).data(&text));
    };
    fs::write(path, &text).map_err(|error| {
        let message = format!("cannot write {}: {error}", path.display());
        Failure::new(Exit::Failed, "io", message)
    })?;
    let path = path.display().to_string();
    let steps = units::len(graph.nodes.len(), "step");
    let apps = units::len(graph.apps.len(), "app");
    Ok(View::of(&drawn(Some(path.clone())))
        .data(&path)
        .note(format!("Drew {steps} of {apps}.")))
}
