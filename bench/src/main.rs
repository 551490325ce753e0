//! Measures migrate-core beside sqlx, refinery and diesel; see README.md. Started by `./run`.

use std::fmt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use compile::Repetitions;
use packages::Packages;
use server::Server;
use table::Promises;

mod compile;
mod machine;
mod measure;
mod packages;
mod proxy;
mod server;
mod sqlite;
mod startup;
mod table;
mod wire;

/// Why the run cannot go on.
pub(crate) struct Failure(pub(crate) String);

impl<E: std::error::Error> From<E> for Failure {
    fn from(error: E) -> Self {
        let mut text = error.to_string();
        let mut source = error.source();
        while let Some(error) = source {
            text += &format!(": {error}");
            source = error.source();
        }
        Self(text)
    }
}

impl fmt::Debug for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The parts, in the order in which they run.
const PARTS: [&str; 4] = ["compile", "postgres", "sqlite", "startup"];

struct Arguments {
    parts: Vec<String>,
    quick: bool,
}

impl Arguments {
    fn parse() -> Result<Self, Failure> {
        let (flags, mut parts): (Vec<String>, Vec<String>) = std::env::args()
            .skip(1)
            .partition(|word| word.starts_with('-'));
        let unknown = flags.iter().find(|flag| *flag != "--quick");
        let unknown = unknown.or(parts.iter().find(|part| !PARTS.contains(&part.as_str())));
        if let Some(unknown) = unknown {
            return Err(Failure(format!(
                "`{unknown}` is not known: bench/run [--quick] [{}]",
                PARTS.join("|")
            )));
        }
        if parts.is_empty() {
            parts = PARTS.map(str::to_owned).into();
        }
        Ok(Self {
            parts,
            quick: !flags.is_empty(),
        })
    }

    fn has(&self, part: &str) -> bool {
        self.parts.iter().any(|wanted| wanted == part)
    }
}

fn main() -> ExitCode {
    match measure_all() {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(failure) => {
            eprintln!("bench: {failure:?}");
            ExitCode::from(2)
        }
    }
}

fn measure_all() -> Result<bool, Failure> {
    let arguments = Arguments::parse()?;
    let bench = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let target = bench.join("target");
    let mut server = match std::env::var("DATABASE_URL") {
        Ok(url) if arguments.has("postgres") => Some(Server::connect(&url)?),
        _ => None,
    };
    println!("## Benchmark\n");
    machine::print(
        &bench,
        server.as_ref().map(|server| server.version.as_str()),
    )?;
    let packages = packages::generate(&bench, &target)?;
    let mut promises = Promises::default();
    compile::prebuild(&packages)?;
    if arguments.has("compile") {
        let repetitions = if arguments.quick {
            Repetitions {
                edits: 3,
                cleans: 1,
            }
        } else {
            Repetitions {
                edits: 11,
                cleans: 3,
            }
        };
        compile::compile(&packages, repetitions, &mut promises)?;
    }
    run_programs(
        &arguments,
        &packages,
        &target,
        server.as_mut(),
        &mut promises,
    )?;
    if arguments.has("startup") {
        startup::startup(&startup_program(&bench, &target)?, &mut promises)?;
    }
    let kept = promises.print();
    println!("\nLoad average at the end: {}", machine::load());
    Ok(kept)
}

/// The parts that start the programs which the compile part, or this one, has built.
fn run_programs(
    arguments: &Arguments,
    packages: &Packages,
    target: &Path,
    server: Option<&mut Server>,
    promises: &mut Promises,
) -> Result<(), Failure> {
    let (postgres, sqlite) = (arguments.has("postgres"), arguments.has("sqlite"));
    if !postgres && !sqlite {
        return Ok(());
    }
    compile::build_programs(packages)?;
    let repetitions = if arguments.quick { 1 } else { 3 };
    match server {
        Some(server) if postgres => wire::wire(packages, server, repetitions, promises)?,
        _ if postgres => promises.skipped("PostgreSQL: DATABASE_URL is not set"),
        _ => {}
    }
    if sqlite {
        sqlite::sqlite(packages, target, repetitions, promises)?;
    }
    Ok(())
}

fn startup_program(bench: &Path, target: &Path) -> Result<PathBuf, Failure> {
    let build = target.join("build");
    measure::run(
        Command::new("cargo")
            .args([
                "build",
                "--quiet",
                "--offline",
                "--release",
                "--package",
                "bench-startup",
            ])
            .current_dir(bench)
            .env("CARGO_TARGET_DIR", &build),
    )?;
    Ok(build.join("release/bench-startup"))
}
