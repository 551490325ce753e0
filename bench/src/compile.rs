//! Compile time of the app crate, its dependencies being built.

use std::time::Duration;

use crate::Failure;
use crate::measure::{Cost, median, run, run_within, typical};
use crate::packages::{ALTERNATIONS, Package, Packages, Peer, SIZES};
use crate::table::{Promises, Table, millis, ratio};

/// After this a release build is given up.
const RELEASE_LIMIT: Duration = Duration::from_secs(240);

/// How often each thing is measured.
#[derive(Clone, Copy)]
pub(crate) struct Repetitions {
    pub(crate) edits: usize,
    pub(crate) cleans: usize,
}

/// What was measured of one package.
#[derive(Default)]
struct Measured {
    unchanged: Vec<Cost>,
    edited: Vec<Cost>,
    clean: Vec<Cost>,
    release: Option<Cost>,
}

/// Builds the dependencies of every peer, for `check` and for release.
pub(crate) fn prebuild(packages: &Packages) -> Result<(), Failure> {
    let hint = |Failure(text)| {
        Failure(format!(
            "{text}\nThe dependencies could not be built. `cargo fetch` in bench/ gets them; \
             diesel needs the library libpq (Debian: libpq-dev)."
        ))
    };
    for peer in Peer::ALL {
        eprintln!("bench: building the dependencies of {}", peer.name());
        let package = packages.get(peer, SIZES[0])?;
        run(&mut package.cargo(&["check"])).map_err(hint)?;
        run(&mut package.cargo(&["build", "--release"])).map_err(hint)?;
    }
    Ok(())
}

/// Builds the programs that the other parts run. Those that take too long are missing.
pub(crate) fn build_programs(packages: &Packages) -> Result<(), Failure> {
    for package in &packages.all {
        eprintln!("bench: building {}", package.name);
        run_within(&mut package.cargo(&["build", "--release"]), RELEASE_LIMIT)?;
    }
    Ok(())
}

/// Measures and prints.
pub(crate) fn compile(
    packages: &Packages,
    repetitions: Repetitions,
    promises: &mut Promises,
) -> Result<(), Failure> {
    let mut measured: Vec<(&Package, Measured)> = Vec::new();
    for package in &packages.all {
        run(&mut package.cargo(&["check"]))?;
        measured.push((package, Measured::default()));
    }
    // Whatever else the machine does meets all peers alike: they take turns.
    for turn in 0..repetitions.edits {
        eprintln!("bench: check, turn {} of {}", turn + 1, repetitions.edits);
        for (package, measured) in &mut measured {
            measured
                .unchanged
                .push(run(&mut package.cargo(&["check"]))?);
            package.edit_sql(turn)?;
            measured.edited.push(run(&mut package.cargo(&["check"]))?);
        }
    }
    for turn in 0..repetitions.cleans {
        eprintln!(
            "bench: clean check, turn {} of {}",
            turn + 1,
            repetitions.cleans
        );
        for (package, measured) in &mut measured {
            run(&mut package.cargo(&["clean"]))?;
            measured.clean.push(run(&mut package.cargo(&["check"]))?);
        }
    }
    for (package, measured) in &mut measured {
        eprintln!("bench: release build of {}", package.name);
        run(&mut package.cargo(&["clean", "--release"]))?;
        let mut build = package.cargo(&["build", "--release"]);
        measured.release = run_within(&mut build, RELEASE_LIMIT)?;
    }
    print_sizes(&measured, repetitions);
    verdicts(&measured, promises);
    alternating(packages, repetitions)
}

fn of(measured: &[(&Package, Measured)], peer: Peer, steps: usize) -> usize {
    let mut all = measured.iter();
    all.position(|(package, _)| package.peer == peer && package.steps == steps)
        .unwrap_or_default()
}

fn print_sizes(measured: &[(&Package, Measured)], repetitions: Repetitions) {
    let mut table = Table::new(&[
        "steps",
        "framework",
        "check, nothing changed, ms",
        "check, one file edited, ms",
        "CPU ms",
        "ratio",
        "CPU ratio",
        "check, clean, ms",
        "ratio",
        "release build, s",
        "ratio",
    ]);
    for (package, this) in measured {
        let diesel = &measured[of(measured, Peer::Diesel, package.steps)].1;
        let (edited, base) = (typical(&this.edited), typical(&diesel.edited));
        let (clean, clean_base) = (typical(&this.clean), typical(&diesel.clean));
        let seconds = |cost: Option<Cost>| cost.map_or(f64::NAN, |cost| cost.wall / 1e3);
        let release = match this.release {
            Some(_) => format!("{:.1}", seconds(this.release)),
            None => format!("> {}", RELEASE_LIMIT.as_secs()),
        };
        table.row(&[
            package.steps.to_string(),
            package.peer.name().to_owned(),
            millis(typical(&this.unchanged).wall),
            millis(edited.wall),
            millis(edited.cpu),
            ratio(edited.wall, base.wall),
            ratio(edited.cpu, base.cpu),
            millis(clean.wall),
            ratio(clean.wall, clean_base.wall),
            release,
            ratio(seconds(this.release), seconds(diesel.release)),
        ]);
    }
    table.print(&format!(
        "Compile time of the app crate (medians of {} edits and {} clean checks, one release build; ratios to diesel)",
        repetitions.edits, repetitions.cleans
    ));
}

fn verdicts(measured: &[(&Package, Measured)], promises: &mut Promises) {
    let largest = SIZES[SIZES.len() - 1];
    let ours = &measured[of(measured, Peer::Ours, largest)].1;
    let diesel = &measured[of(measured, Peer::Diesel, largest)].1;
    // Turn by turn, so that load which both met does not count.
    let turns = ours.edited.iter().zip(&diesel.edited);
    let wall = median(turns.clone().map(|(ours, diesel)| ours.wall / diesel.wall));
    let cpu = median(turns.map(|(ours, diesel)| ours.cpu / diesel.cpu));
    promises.timed(
        wall <= 1.0,
        format!("check after an edit at {largest} steps takes no longer than with diesel: {wall:.2} of its time, {cpu:.2} of its CPU time"),
    );
    let cost = |peer, steps| typical(&measured[of(measured, peer, steps)].1.edited).cpu;
    let per_step =
        |peer| (cost(peer, largest) - cost(peer, SIZES[0])) / (largest - SIZES[0]) as f64;
    let (ours_step, diesel_step) = (per_step(Peer::Ours), per_step(Peer::Diesel));
    promises.timed(
        ours_step <= diesel_step,
        format!("one more step costs check after an edit no more than with diesel: {:.0} and {:.0} microseconds of CPU time", ours_step * 1e3, diesel_step * 1e3),
    );
    let release = |steps| {
        measured[of(measured, Peer::Ours, steps)]
            .1
            .release
            .map_or(f64::NAN, |cost| cost.cpu)
    };
    let [few, some, many] = SIZES.map(release);
    // Linear: what the last 900 steps add is at most twice ten times what the 90 before added,
    // or too little to tell from noise, which is a tenth of the whole.
    let (added, bound) = (many - some, (20.0 * (some - few)).max(0.1 * few));
    promises.timed(
        added <= bound,
        format!("the release build grows linearly: {:.1}, {:.1}, {:.1} s of CPU time at {SIZES:?} steps", few / 1e3, some / 1e3, many / 1e3),
    );
}

/// SQL steps and functions in turn, each after the one before: rustc computes every rank.
fn alternating(packages: &Packages, repetitions: Repetitions) -> Result<(), Failure> {
    let (package, plain) = (
        &packages.alternating,
        packages.get(Peer::Ours, ALTERNATIONS)?,
    );
    eprintln!("bench: {} alternations", package.steps);
    run(&mut package.cargo(&["check"]))?;
    run(&mut plain.cargo(&["check"]))?;
    let (mut sql, mut function, mut clean, mut without) = (vec![], vec![], vec![], vec![]);
    for turn in 0..repetitions.edits {
        package.edit_sql(turn)?;
        sql.push(run(&mut package.cargo(&["check"]))?);
        package.edit_function(turn)?;
        function.push(run(&mut package.cargo(&["check"]))?);
        plain.edit_sql(repetitions.edits + turn)?;
        without.push(run(&mut plain.cargo(&["check"]))?);
    }
    for _ in 0..repetitions.cleans {
        run(&mut package.cargo(&["clean"]))?;
        clean.push(run(&mut package.cargo(&["check"]))?);
    }
    let mut table = Table::new(&["what", "ms", "CPU ms"]);
    for (what, costs) in [
        ("SQL files alone, one edited", &without),
        ("SQL files and functions, one file edited", &sql),
        ("SQL files and functions, one function edited", &function),
        ("SQL files and functions, clean", &clean),
    ] {
        let cost = typical(costs);
        table.row(&[what.to_owned(), millis(cost.wall), millis(cost.cpu)]);
    }
    table.print(&format!(
        "migrate-core with {ALTERNATIONS} SQL files and {ALTERNATIONS} functions in turn: check"
    ));
    Ok(())
}
