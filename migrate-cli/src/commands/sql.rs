//! `sql NAME`: the statements of a step.

use clap::Args;
use migrate_core::report::{Mode, StepId};
use serde::Serialize;

use crate::context::Context;
use crate::failure::Failure;
use crate::progress::Narration;
use crate::render::human::sql::render_sql;
use crate::view::View;

/// Print the SQL of a step as it would be executed.
#[derive(Clone, Debug, Args)]
#[command(after_help = "\
Does not connect: the URL only says for which database.

Examples:
  migrate sql users 0002
  migrate sql users.0002 --backwards

Exit codes: 0 done, 1 failed (also for a step that is a Rust function)")]
pub(crate) struct SqlArgs {
    /// The step, as `app.name` or a name that only one app has; or its app.
    #[arg(value_name = "NAME|APP")]
    name: String,

    /// The step's name within that app.
    #[arg(value_name = "NAME")]
    of_app: Option<String>,

    /// The SQL that undoes it.
    #[arg(long)]
    backwards: bool,
}

#[derive(Serialize)]
struct Sql<'a> {
    step: &'a StepId,
    mode: Mode,
    statements: Vec<Statement<'a>>,
    runs: &'a [StepId],
}

#[derive(Serialize)]
struct Statement<'a> {
    line: u32,
    text: &'a str,
}

pub(crate) fn run(context: &mut Context, args: &SqlArgs) -> Result<View, Failure> {
    let connected = context.connect(Narration::Quiet)?;
    let name = match &args.of_app {
        Some(name) => format!("{}.{name}", args.name),
        None => args.name.clone(),
    };
    let sql = connected.migrator.sql(&name, args.backwards)?;
    let statements = sql
        .statements
        .iter()
        .map(|statement| Statement {
            line: statement.line,
            text: &statement.text,
        })
        .collect();
    let result = Sql {
        step: &sql.step,
        mode: sql.mode,
        statements,
        runs: &sql.runs,
    };
    Ok(View::of(&result).data(render_sql(context.paint(), &sql)))
}
