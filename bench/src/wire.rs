//! Round trips, statements and time on PostgreSQL: a start with nothing to do, a fresh database,
//! and steps that are added to a database that has some.

use std::process::Command;

use crate::Failure;
use crate::measure::{Cost, run, typical};
use crate::packages::{Package, Packages, Peer, SIZES};
use crate::proxy::{Counts, Proxy};
use crate::server::Server;
use crate::table::{Promises, Table, millis, ratio};

/// What was measured of one package.
struct Measured<'p> {
    package: &'p Package,
    connect: Counts,
    no_op: Counts,
    fresh: Counts,
    /// The busiest connection of the fresh run: without a heartbeat.
    fresh_busiest: Counts,
    connect_cost: Vec<Cost>,
    no_op_cost: Vec<Cost>,
    fresh_cost: Vec<Cost>,
}

fn app(package: &Package, mode: &str, url: &str) -> Command {
    let mut command = Command::new(package.program());
    command.args([mode, url]);
    command
}

fn sum(counts: &[Counts]) -> Counts {
    counts.iter().fold(Counts::default(), |sum, one| Counts {
        round_trips: sum.round_trips + one.round_trips,
        statements: sum.statements + one.statements,
        bytes: sum.bytes + one.bytes,
    })
}

fn busiest(counts: &[Counts]) -> Counts {
    let busiest = counts.iter().max_by_key(|counts| counts.round_trips);
    busiest.copied().unwrap_or_default()
}

/// Measures and prints.
pub(crate) fn wire(
    packages: &Packages,
    server: &mut Server,
    repetitions: usize,
    promises: &mut Promises,
) -> Result<(), Failure> {
    let proxy = Proxy::start(server.address)?;
    let mut measured = Vec::new();
    for package in &packages.all {
        if package.program().exists() {
            eprintln!("bench: PostgreSQL, {}", package.name);
            measured.push(count(package, server, &proxy)?);
        }
    }
    time(&mut measured, server, repetitions)?;
    print_no_op(&measured);
    print_fresh(&measured);
    let added = added(packages, server, &proxy)?;
    print_slopes(&measured, &added);
    verdicts(&measured, &added, promises);
    server.drop()
}

fn count<'p>(
    package: &'p Package,
    server: &mut Server,
    proxy: &Proxy,
) -> Result<Measured<'p>, Failure> {
    let url = server.url(proxy.address)?;
    server.fresh()?;
    let counted = |mode: &str| -> Result<Vec<Counts>, Failure> {
        run(&mut app(package, mode, &url))?;
        proxy.take()
    };
    let connect = sum(&counted("connect")?);
    let fresh = counted("run")?;
    let no_op = sum(&counted("run")?);
    Ok(Measured {
        package,
        connect,
        no_op: no_op.beyond(connect),
        fresh: sum(&fresh).beyond(connect),
        fresh_busiest: busiest(&fresh),
        connect_cost: Vec::new(),
        no_op_cost: Vec::new(),
        fresh_cost: Vec::new(),
    })
}

/// Whole processes without the proxy, the peers taking turns.
fn time(
    measured: &mut [Measured<'_>],
    server: &mut Server,
    repetitions: usize,
) -> Result<(), Failure> {
    let url = server.url(server.address)?;
    const NO_OPS: usize = 7;
    for turn in 0..repetitions {
        eprintln!(
            "bench: PostgreSQL, time, turn {} of {repetitions}",
            turn + 1
        );
        for one in measured.iter_mut() {
            server.fresh()?;
            one.fresh_cost
                .push(run(&mut app(one.package, "run", &url))?);
            for _ in 0..NO_OPS {
                one.connect_cost
                    .push(run(&mut app(one.package, "connect", &url))?);
                one.no_op_cost
                    .push(run(&mut app(one.package, "run", &url))?);
            }
        }
    }
    Ok(())
}

/// The counts of the smaller package's steps, then those that the larger adds, per step.
fn added(
    packages: &Packages,
    server: &mut Server,
    proxy: &Proxy,
) -> Result<Vec<(Peer, f64, f64)>, Failure> {
    let url = server.url(proxy.address)?;
    let mut all = Vec::new();
    for peer in Peer::ALL {
        let (few, some) = (packages.get(peer, SIZES[0])?, packages.get(peer, SIZES[1])?);
        server.fresh()?;
        run(&mut app(few, "run", &url))?;
        // One step's cost is a difference: with 90 steps to add, and with none.
        proxy.take()?;
        run(&mut app(some, "run", &url))?;
        let with = busiest(&proxy.take()?);
        let steps = (SIZES[1] - SIZES[0]) as f64;
        run(&mut app(some, "run", &url))?;
        let none = busiest(&proxy.take()?);
        all.push((
            peer,
            with.beyond(none).round_trips as f64 / steps,
            with.beyond(none).statements as f64 / steps,
        ));
    }
    Ok(all)
}

fn print_no_op(measured: &[Measured<'_>]) {
    let mut table = Table::new(&[
        "steps",
        "framework",
        "connect: round trips",
        "no-op: round trips",
        "statements",
        "KiB down",
        "whole process, ms",
        "ratio",
        "no-op alone, ms",
    ]);
    for one in measured {
        let (whole, connect) = (
            typical(&one.no_op_cost).wall,
            typical(&one.connect_cost).wall,
        );
        table.row(&[
            one.package.steps.to_string(),
            one.package.peer.name().to_owned(),
            one.connect.round_trips.to_string(),
            one.no_op.round_trips.to_string(),
            one.no_op.statements.to_string(),
            format!("{:.1}", one.no_op.bytes as f64 / 1024.0),
            millis(whole),
            ratio(
                whole,
                diesel(measured, one, |one| typical(&one.no_op_cost).wall),
            ),
            millis((whole - connect).max(0.0)),
        ]);
    }
    table.print("PostgreSQL, nothing pending (counts beyond connecting; ratio to diesel)");
}

/// A figure of diesel's package of the same size.
fn diesel(
    measured: &[Measured<'_>],
    beside: &Measured<'_>,
    figure: impl Fn(&Measured<'_>) -> f64,
) -> f64 {
    let mut all = measured.iter();
    let same = |one: &&Measured<'_>| {
        one.package.peer == Peer::Diesel && one.package.steps == beside.package.steps
    };
    all.find(same).map_or(f64::NAN, figure)
}

fn print_fresh(measured: &[Measured<'_>]) {
    let mut table = Table::new(&[
        "steps",
        "framework",
        "round trips",
        "statements",
        "whole process, ms",
        "ratio",
    ]);
    for one in measured {
        let whole = typical(&one.fresh_cost).wall;
        table.row(&[
            one.package.steps.to_string(),
            one.package.peer.name().to_owned(),
            one.fresh.round_trips.to_string(),
            one.fresh.statements.to_string(),
            millis(whole),
            ratio(
                whole,
                diesel(measured, one, |one| typical(&one.fresh_cost).wall),
            ),
        ]);
    }
    table.print("PostgreSQL, fresh database (counts beyond connecting; ratio to diesel)");
}

/// Round trips and statements of one more step on a fresh database, from one size to the next.
fn slope(measured: &[Measured<'_>], peer: Peer, from: usize, to: usize) -> Option<(f64, f64)> {
    let of = |steps| {
        let mut all = measured.iter();
        all.find(|one| one.package.peer == peer && one.package.steps == steps)
    };
    let (few, many) = (of(from)?.fresh_busiest, of(to)?.fresh_busiest);
    let (more, steps) = (many.beyond(few), (to - from) as f64);
    Some((
        more.round_trips as f64 / steps,
        more.statements as f64 / steps,
    ))
}

fn print_slopes(measured: &[Measured<'_>], added: &[(Peer, f64, f64)]) {
    let mut table = Table::new(&[
        "framework",
        "round trips per step, fresh, 10 to 100",
        "100 to 1000",
        "statements, 100 to 1000",
        "round trips per step added later",
        "statements",
    ]);
    let text = |value: f64| format!("{value:.2}");
    for &(peer, trips, statements) in added {
        let first = slope(measured, peer, SIZES[0], SIZES[1]);
        let second = slope(measured, peer, SIZES[1], SIZES[2]);
        let cell = |value: Option<f64>| value.map_or("-".to_owned(), text);
        table.row(&[
            peer.name().to_owned(),
            cell(first.map(|(trips, _)| trips)),
            cell(second.map(|(trips, _)| trips)),
            cell(second.map(|(_, statements)| statements)),
            text(trips),
            text(statements),
        ]);
    }
    table.print("PostgreSQL, per step (exact; two statements of each are the step's own)");
}

fn verdicts(measured: &[Measured<'_>], added: &[(Peer, f64, f64)], promises: &mut Promises) {
    let is_one = |value: f64| (value - 1.0).abs() < 1e-9;
    for one in measured.iter().filter(|one| one.package.peer == Peer::Ours) {
        let Counts {
            round_trips,
            statements,
            ..
        } = one.no_op;
        promises.exact(
            statements == 1 && round_trips == 1,
            format!(
                "PostgreSQL, nothing pending of {}: one statement in one round trip ({statements} in {round_trips})",
                one.package.steps
            ),
        );
    }
    for pair in SIZES.windows(2) {
        let trips =
            slope(measured, Peer::Ours, pair[0], pair[1]).map_or(f64::NAN, |(trips, _)| trips);
        promises.exact(
            is_one(trips),
            format!(
                "PostgreSQL, fresh, {} to {} steps: one round trip per step ({trips:.3})",
                pair[0], pair[1]
            ),
        );
    }
    for (_, trips, _) in added.iter().filter(|(peer, ..)| *peer == Peer::Ours) {
        // The lock is taken and given back around the steps, which is not a step's cost.
        let steps = SIZES[1] - SIZES[0];
        promises.exact(
            (trips - 1.0) * steps as f64 <= 12.0,
            format!("PostgreSQL, {steps} steps added later: one round trip per step and a dozen at most for the lock ({trips:.3} per step, lock included)"),
        );
    }
}
