//! The list of commands. Each file: flags, then the operation, then the view.

pub(crate) mod accept;
pub(crate) mod current;
pub(crate) mod goal;
mod going;
pub(crate) mod graph;
pub(crate) mod history;
pub(crate) mod list;
pub(crate) mod lock;
pub(crate) mod mark;
pub(crate) mod merge;
pub(crate) mod migrate;
pub(crate) mod new;
pub(crate) mod plan;
mod prune;
pub(crate) mod resolve;
pub(crate) mod run;
pub(crate) mod sql;
pub(crate) mod squash;
pub(crate) mod status;
mod trying;
pub(crate) mod undo;
pub(crate) mod unmark;
pub(crate) mod verify;

use crate::args::Verb;
use crate::context::Context;
use crate::failure::Failure;
use crate::view::View;

/// The command's name in the JSON document.
pub(crate) fn name(verb: Option<&Verb>) -> &'static str {
    match verb {
        None => "migrate",
        Some(Verb::Status(_)) => "status",
        Some(Verb::List(_)) => "list",
        Some(Verb::Plan(_)) => "plan",
        Some(Verb::Run(_)) => "run",
        Some(Verb::Undo(_)) => "undo",
        Some(Verb::Current(_)) => "current",
        Some(Verb::Graph(_)) => "graph",
        Some(Verb::Merge(_)) => "merge",
        Some(Verb::Mark(_)) => "mark",
        Some(Verb::Unmark(_)) => "unmark",
        Some(Verb::Accept(_)) => "accept",
        Some(Verb::Resolve(_)) => "resolve",
        Some(Verb::History(_)) => "history",
        Some(Verb::Verify(_)) => "verify",
        Some(Verb::Sql(_)) => "sql",
        Some(Verb::New(_)) => "new",
        Some(Verb::Squash(_)) => "squash",
        Some(Verb::Lock(args)) => args.name(),
    }
}

/// Does what was typed.
pub(crate) async fn dispatch(
    context: &mut Context,
    bare: migrate::BareArgs,
    verb: Option<Verb>,
) -> Result<View, Failure> {
    let Some(verb) = verb else {
        return migrate::run(context, bare).await;
    };
    bare.refuse_before_verb(name(Some(&verb)))?;
    match verb {
        Verb::Status(args) => status::run(context, &args).await,
        Verb::List(args) => list::run(context, &args).await,
        Verb::Plan(args) => plan::run(context, &args).await,
        Verb::Run(args) => run::run(context, &args).await,
        Verb::Undo(args) => undo::run(context, &args).await,
        Verb::Current(_) => current::run(context).await,
        Verb::Graph(args) => graph::run(context, &args).await,
        Verb::Merge(args) => merge::run(context, &args).await,
        Verb::Mark(args) => mark::run(context, &args).await,
        Verb::Unmark(args) => unmark::run(context, &args).await,
        Verb::Accept(args) => accept::run(context, &args).await,
        Verb::Resolve(args) => resolve::run(context, &args).await,
        Verb::History(args) => history::run(context, &args).await,
        Verb::Verify(args) => verify::run(context, args).await,
        Verb::Sql(args) => sql::run(context, &args),
        Verb::New(args) => new::run(context, &args),
        Verb::Squash(args) => squash::run(context, &args).await,
        Verb::Lock(args) => lock::run(context, &args).await,
    }
}
