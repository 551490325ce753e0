//! Runs a program and says what it cost; medians.

use std::ffi::OsStr;
use std::process::{Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use nix::sys::resource::{UsageWho, getrusage};

use crate::Failure;

/// What one process and those that it waited for took.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cost {
    /// From start to end, in milliseconds.
    pub(crate) wall: f64,
    /// User and system time of all cores, in milliseconds. Other load moves it little.
    pub(crate) cpu: f64,
}

/// The commands of this run, so that a failure can be repeated by hand.
fn shown(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words
        .map(OsStr::to_string_lossy)
        .collect::<Vec<_>>()
        .join(" ")
}

/// Runs a command to its end, which must be a success.
pub(crate) fn run(command: &mut Command) -> Result<Cost, Failure> {
    let before = cpu_of_children()?;
    let started = Instant::now();
    let output = command
        .stdin(Stdio::null())
        .output()
        .map_err(|error| Failure(format!("{}: {error}", shown(command))))?;
    let wall = started.elapsed().as_secs_f64() * 1e3;
    let cpu = cpu_of_children()? - before;
    check(command, output.status, &output.stderr)?;
    Ok(Cost { wall, cpu })
}

/// As [`run`], but given up, and killed, after `limit`: then there is no cost.
pub(crate) fn run_within(command: &mut Command, limit: Duration) -> Result<Option<Cost>, Failure> {
    // `timeout` puts the command into a group of its own and ends all of it.
    let mut timed = Command::new("timeout");
    timed.arg(limit.as_secs().to_string());
    timed.arg(command.get_program()).args(command.get_args());
    for (key, value) in command.get_envs() {
        match value {
            Some(value) => timed.env(key, value),
            None => timed.env_remove(key),
        };
    }
    if let Some(folder) = command.get_current_dir() {
        timed.current_dir(folder);
    }
    let before = cpu_of_children()?;
    let started = Instant::now();
    let output = timed.stdin(Stdio::null()).output()?;
    const GIVEN_UP: i32 = 124;
    if output.status.code() == Some(GIVEN_UP) {
        return Ok(None);
    }
    let wall = started.elapsed().as_secs_f64() * 1e3;
    let cpu = cpu_of_children()? - before;
    check(command, output.status, &output.stderr)?;
    Ok(Some(Cost { wall, cpu }))
}

fn check(command: &Command, status: ExitStatus, stderr: &[u8]) -> Result<(), Failure> {
    if status.success() {
        return Ok(());
    }
    let text = String::from_utf8_lossy(stderr);
    Err(Failure(format!("{}: {status}\n{text}", shown(command))))
}

/// Of all processes that have ended and been waited for, in milliseconds.
fn cpu_of_children() -> Result<f64, Failure> {
    let usage = getrusage(UsageWho::RUSAGE_CHILDREN)
        .map_err(|error| Failure(format!("getrusage: {error}")))?;
    let millis = [usage.user_time(), usage.system_time()]
        .map(|time| time.tv_sec() as f64 * 1e3 + time.tv_usec() as f64 / 1e3);
    Ok(millis.iter().sum())
}

/// The median; not a number for no values.
pub(crate) fn median(values: impl IntoIterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.into_iter().collect();
    values.sort_by(f64::total_cmp);
    let half = values.len() / 2;
    match values.len() {
        0 => f64::NAN,
        length if length % 2 == 1 => values[half],
        _ => f64::midpoint(values[half - 1], values[half]),
    }
}

/// The medians of several runs.
pub(crate) fn typical(costs: &[Cost]) -> Cost {
    Cost {
        wall: median(costs.iter().map(|cost| cost.wall)),
        cpu: median(costs.iter().map(|cost| cost.cpu)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_median_is_the_middle() {
        assert!(median([]).is_nan());
        assert!((median([3.0, 1.0, 2.0]) - 2.0).abs() < 1e-9);
        assert!((median([4.0, 1.0, 2.0, 3.0]) - 2.5).abs() < 1e-9);
    }
}
