//! How long planning takes: `cargo bench -p migrate-core --bench planning`.
//!
//! Histories of 1,000, 10,000 and 40,000 steps over 10 apps, each file after the one before and
//! every tenth after one of another app, with nothing applied, half, and all. Prints the
//! processor time of a plan and how it grows; exits with 1
//! where a thousand steps take 10 ms, or where the time grows more like the square of the steps.
//! The growth is taken between histories that are both larger than the caches.

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a benchmark prints what it measures"
)]

use std::hint::black_box;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use migrate_core::report::StepId;
use migrate_core::{Database, Error, Goal, History, Request};

const APPS: usize = 10;
const LIMIT: Duration = Duration::from_millis(10);
/// Of four times the steps: four would be linear, sixteen quadratic; caches take their share.
const GROWTH: f64 = 12.0;

/// A history, squashed up to a step of each app or not.
fn history(steps: usize, squashed: usize) -> Result<History, Error> {
    let mut builder = History::builder();
    for i in 0..steps {
        let (app, number) = (i % APPS, i / APPS + 1);
        let text = match number {
            n if n > 1 && n % 10 == 0 => format!(
                "-- migrate: after = \"app{}.{:04}_step\"\n-- migrate: up\nSELECT 1;\n-- migrate: down\nSELECT 2;\n",
                (app + 1) % APPS,
                number - 1
            ),
            _ => "-- migrate: up\nSELECT 1;\n-- migrate: down\nSELECT 2;\n".to_owned(),
        };
        builder = builder.sql(
            &format!("app{app}"),
            &format!("{number:04}_step.sql"),
            &text,
        );
    }
    for app in (0..APPS).filter(|_| squashed > 0) {
        let replaced: Vec<String> = (1..=squashed)
            .map(|number| format!("\"{number:04}_step\""))
            .collect();
        let text = format!(
            "-- migrate: replaces = [{}]\n-- migrate: up\nSELECT 1;\n-- migrate: down\nSELECT 2;\n",
            replaced.join(", ")
        );
        builder = builder.sql(&format!("app{app}"), "0001_squashed.sql", &text);
    }
    builder.build()
}

/// The time that this thread has had on a processor; on other systems than Linux the time of day.
fn spent(since: Instant) -> Duration {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    let nanoseconds = text.split(' ').next().and_then(|field| field.parse().ok());
    nanoseconds.map_or_else(|| since.elapsed(), Duration::from_nanos)
}

/// How long something takes on average: on a busy machine the fairest figure. The kernel counts
/// in ticks, so it is repeated until those do not matter.
fn average(mut work: impl FnMut() -> Result<(), Error>) -> Result<Duration, Error> {
    let since = Instant::now();
    work()?;
    let start = spent(since);
    let mut runs = 0;
    loop {
        work()?;
        runs += 1;
        let taken = spent(since).saturating_sub(start);
        if taken > Duration::from_millis(300) {
            return Ok(taken / runs);
        }
    }
}

/// What is planned: its name, how much of the history is applied, the goal, the steps squashed.
fn cases() -> [(&'static str, f64, Goal, usize); 7] {
    let step = |name: &str| Goal::typed(Some("app0"), Some(name));
    [
        ("everything, from nothing", 0.0, Goal::Latest, 0),
        ("everything, half applied", 0.5, Goal::Latest, 0),
        ("everything, nothing to do", 1.0, Goal::Latest, 0),
        (
            "one app, from nothing",
            0.0,
            Goal::typed(Some("app0"), None),
            0,
        ),
        ("back to the first step", 1.0, step("0001"), 0),
        ("an app to zero", 1.0, step("zero"), 0),
        ("everything, squashes half applied", 0.02, Goal::Latest, 9),
    ]
}

fn planned(history: &History, applied: f64, goal: &Goal) -> Result<Duration, Error> {
    let count = history.iter().count() as f64 * applied;
    let plain = history.iter().filter(|step| step.replaces().is_empty());
    let rows: Vec<StepId> = plain
        .take(count as usize)
        .map(|step| step.id().clone())
        .collect();
    let request = Request::to(goal.clone());
    average(|| {
        black_box(history.plan(&rows, &request, Database::Postgres)?);
        Ok(())
    })
}

fn measure() -> Result<bool, Error> {
    let mut kept = true;
    let mut line = |name: &str, [few, many, most]: [Duration; 3], limit: Duration| {
        let ratio = most.as_secs_f64() / many.as_secs_f64();
        kept &= few < limit && ratio < GROWTH;
        println!("| {name} | {few:.2?} | {many:.2?} | {most:.2?} | {ratio:.1} |");
    };
    println!(
        "| planning | 1,000 steps | 10,000 | 40,000 | 40,000 : 10,000 |\n|---|---|---|---|---|"
    );
    for (name, applied, goal, squashed) in cases() {
        let time = |steps| planned(&history(steps, squashed)?, applied, &goal);
        let times = [time(1_000)?, time(10_000)?, time(40_000)?];
        line(name, times, LIMIT);
    }
    let build = |steps| average(|| history(steps, 0).map(|_| ()));
    let times = [build(1_000)?, build(10_000)?, build(40_000)?];
    line("reading and ordering the history", times, Duration::MAX);
    Ok(kept)
}

fn main() -> ExitCode {
    match measure() {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => {
            eprintln!("planning: slower than promised");
            ExitCode::FAILURE
        }
        Err(error) => {
            eprintln!("planning: {error}");
            ExitCode::FAILURE
        }
    }
}
