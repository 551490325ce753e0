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
    let written = match (format, result) {
        (Format::Json, Ok(view)) => output.data(&json::document(
            command,
            Some(&view.result),
            view.verdict.as_ref(),
        )),
        (Format::Json, Err(failure)) => output.data(&json::document(command, None, Some(failure))),
        (Format::Human, Ok(view)) => write_view(output, program, view),
        (Format::Human, Err(failure)) => {
            output.note(&render_failure(output.paint_err(), failure, program));
            Ok(())
        }
    };
    match written {
        Ok(()) => exit,
        Err(error) => {
            output.note(&format!("error[io]: cannot write to stdout: {error}"));
            Exit::Failed
        }
    }
}

fn write_view(output: &Output, program: &Program, view: &View) -> io::Result<()> {
    output.data(&view.data)?;
    output.note(&program.localize(&view.notes));
    if let Some(failure) = &view.verdict {
        output.note(&render_failure(output.paint_err(), failure, program));
    }
    Ok(())
}

/// Writes that the words could not be parsed.
pub(crate) fn refused(output: &Output, program: &Program, json: bool, failure: &Failure) -> Exit {
    match json {
        // The exit code tells the same when stdout is gone.
        true => drop(output.data(&json::document("migrate", None, Some(failure)))),
        false => output.note(&render_failure(output.paint_err(), failure, program)),
    }
    failure.exit
}
