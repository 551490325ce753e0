//! From views to text: the only place that formats, for people or for programs.

pub(crate) mod human;
pub(crate) mod json;
pub(crate) mod paint;
pub(crate) mod table;
pub(crate) mod units;

use std::io;

use crate::args::Format;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::Output;
use crate::program::Program;
use crate::secret::mask;
use crate::view::View;
use human::failure::render_failure;

/// Writes the end of a command, whichever it was, and says how the process ends.
pub(crate) fn conclude(
    output: &Output,
    format: Format,
    program: &Program,
    command: &str,
    result: &Result<View, Failure>,
) -> Exit {
    let exit = match result {
        Ok(view) => view.exit(),
        Err(failure) => failure.exit,
    };
    let failure = match result {
        Ok(view) => view.verdict.as_ref(),
        Err(failure) => Some(failure),
    };
    let failure = failure.map(Failure::masked);
    let view = result.as_ref().ok();
    let written = match format {
        Format::Json => {
            let result = view.map(|view| view.result.as_str());
            output.data(&json::document(command, result, failure.as_ref()))
        }
        Format::Human => write_human(output, program, view, failure.as_ref()),
    };
    match written {
        Ok(()) => exit,
        Err(error) => {
            output.note(&format!("error[io]: cannot write to stdout: {error}"));
            Exit::Failed
        }
    }
}

fn write_human(
    output: &Output,
    program: &Program,
    view: Option<&View>,
    failure: Option<&Failure>,
) -> io::Result<()> {
    if let Some(view) = view {
        output.data(&view.data)?;
        output.note(&mask(&program.localize(&view.notes)));
    }
    if let Some(failure) = failure {
        output.note(&render_failure(output.paint_err(), failure, program));
    }
    Ok(())
}

/// Writes that the words could not be parsed.
pub(crate) fn refused(output: &Output, program: &Program, json: bool, failure: &Failure) -> Exit {
    let failure = &failure.masked();
    match json {
        // The exit code tells the same when stdout is gone.
        true => drop(output.data(&json::document("migrate", None, Some(failure)))),
        false => output.note(&render_failure(output.paint_err(), failure, program)),
    }
    failure.exit
}
