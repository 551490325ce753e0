//! What thousands of steps cost a process that starts, without a compiler or a server.

use std::path::Path;
use std::process::Command;

use crate::Failure;
use crate::table::{Promises, Table};

const SIZES: [usize; 2] = [1_000, 10_000];

/// CPU time in milliseconds: joining and ordering the steps; a whole start with nothing pending.
struct Measured {
    history: f64,
    no_op: f64,
}

/// Measures and prints.
pub(crate) fn startup(program: &Path, promises: &mut Promises) -> Result<(), Failure> {
    let mut table = Table::new(&[
        "steps",
        "the steps joined and in order, CPU ms",
        "microseconds per step",
        "start with nothing pending on SQLite, CPU ms",
        "microseconds per step",
    ]);
    let mut measured = Vec::new();
    for steps in SIZES {
        eprintln!("bench: start-up with {steps} steps");
        let this = measure(program, steps)?;
        let per_step = |millis: f64| format!("{:.2}", millis * 1e3 / steps as f64);
        table.row(&[
            steps.to_string(),
            format!("{:.2}", this.history),
            per_step(this.history),
            format!("{:.2}", this.no_op),
            per_step(this.no_op),
        ]);
        measured.push(this);
    }
    table.print("migrate-core, a start with many steps (best of five, within one process)");
    if let [few, many] = &measured[..] {
        let (history, no_op) = (many.history / few.history, many.no_op / few.no_op);
        promises.timed(
            history < 20.0 && no_op < 20.0,
            format!(
                "ten times the steps cost a start ten times the time: {history:.1} and {no_op:.1}"
            ),
        );
    }
    Ok(())
}

fn measure(program: &Path, steps: usize) -> Result<Measured, Failure> {
    let output = Command::new(program).arg(steps.to_string()).output()?;
    let text = String::from_utf8_lossy(&output.stdout);
    let figures: Vec<f64> = text.split_whitespace().flat_map(str::parse).collect();
    match figures[..] {
        [history, no_op] => Ok(Measured { history, no_op }),
        _ => Err(Failure(format!(
            "the start-up program: {}\n{}",
            output.status,
            String::from_utf8_lossy(&output.stderr)
        ))),
    }
}
