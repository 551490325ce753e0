//! A start with many steps: `APP STEPS` prints two CPU times in milliseconds, the best of five.
//!
//! The first is what joining and ordering the steps takes, the second what a whole start with
//! nothing pending takes on SQLite. The steps create nothing, so the database stays small and the
//! times are those of the framework.

use std::error::Error;
use std::fmt::Write as _;

use migrate_core::{App, History, Migrations, Migrator};
use nix::sys::resource::{UsageWho, getrusage};
use sqlx::SqlitePool;

const TURNS: usize = 5;

fn main() -> Result<(), Box<dyn Error>> {
    let steps = std::env::args().nth(1).ok_or("usage: APP STEPS")?;
    let migrations = embedded(steps.parse()?);
    let mut history = f64::INFINITY;
    for _ in 0..TURNS {
        let started = cpu()?;
        History::embedded(migrations)?;
        history = history.min(cpu()? - started);
    }
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let no_op = runtime.block_on(no_op(migrations))?;
    println!("{history} {no_op}");
    Ok(())
}

/// What `embed_migrations!` would have put into the binary.
fn embedded(steps: usize) -> &'static Migrations {
    let (mut names, mut texts): (String, Vec<&str>) = (String::new(), Vec::new());
    for number in 1..=steps {
        // Writing to a String does not fail.
        let _ = writeln!(names, "{number:05}_step.sql v1:sha256:{number:064x}");
        texts.push(text(number).leak());
    }
    let app = App::new("bench", "bench", names.leak(), texts.leak());
    Box::leak(Box::new(Migrations::new(
        "bench",
        vec![app].leak(),
        &[],
        &[],
    )))
}

fn text(number: usize) -> String {
    let mut text = format!("-- Step {number} of many.\n");
    for line in 0..5 {
        // Writing to a String does not fail.
        let _ = writeln!(
            text,
            "SELECT {line}, 'some text that is as long as a column''s';"
        );
    }
    text
}

async fn no_op(migrations: &'static Migrations) -> Result<f64, Box<dyn Error>> {
    let pool = SqlitePool::connect("sqlite::memory:").await?;
    Migrator::new(&pool, migrations).run().await?;
    let mut best = f64::INFINITY;
    for _ in 0..TURNS {
        let started = cpu()?;
        let report = Migrator::new(&pool, migrations).run().await?;
        best = best.min(cpu()? - started);
        if !report.steps.is_empty() {
            return Err("the second start found something to do".into());
        }
    }
    Ok(best)
}

/// User and system time of this process, all its threads, in milliseconds.
fn cpu() -> Result<f64, Box<dyn Error>> {
    let usage = getrusage(UsageWho::RUSAGE_SELF)?;
    let millis = [usage.user_time(), usage.system_time()]
        .map(|time| time.tv_sec() as f64 * 1e3 + time.tv_usec() as f64 / 1e3);
    Ok(millis.iter().sum())
}
