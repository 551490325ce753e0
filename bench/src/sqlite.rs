//! Syncs and time on SQLite. A sync is what a commit costs on a real disk; strace counts them.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::Failure;
use crate::measure::{Cost, run, typical};
use crate::packages::{Package, Packages, Peer, SIZES};
use crate::table::{Promises, Table, millis, ratio};

struct Measured<'p> {
    package: &'p Package,
    fresh_syncs: Option<usize>,
    no_op_syncs: Option<usize>,
    fresh: Vec<Cost>,
    no_op: Vec<Cost>,
}

/// A database file in a folder of its own.
struct File(PathBuf);

impl File {
    fn fresh(&self) -> Result<(), Failure> {
        if self.0.exists() {
            fs::remove_dir_all(&self.0)?;
        }
        Ok(fs::create_dir_all(&self.0)?)
    }

    fn url(&self) -> String {
        format!("sqlite:{}?mode=rwc", self.0.join("database").display())
    }

    fn app(&self, package: &Package) -> Command {
        let mut command = Command::new(package.program());
        command.args(["run", &self.url()]);
        command
    }

    /// Runs under strace; how many times something was synced.
    fn syncs(&self, package: &Package) -> Result<usize, Failure> {
        let trace = self.0.join("trace");
        let mut command = Command::new("strace");
        command
            .args(["-f", "-e", "trace=fsync,fdatasync", "-o"])
            .arg(&trace);
        command.arg(package.program()).args(["run", &self.url()]);
        run(&mut command)?;
        let text = fs::read_to_string(&trace)?;
        // A call that another thread interrupted has two lines.
        Ok(text.lines().filter(|line| line.contains("sync(")).count())
    }
}

/// Measures and prints.
pub(crate) fn sqlite(
    packages: &Packages,
    target: &Path,
    repetitions: usize,
    promises: &mut Promises,
) -> Result<(), Failure> {
    let file = File(target.join("sqlite"));
    let strace = Command::new("strace")
        .arg("-V")
        .stdout(Stdio::null())
        .status();
    let strace = strace.is_ok_and(|status| status.success());
    let mut measured = Vec::new();
    for package in packages
        .all
        .iter()
        .filter(|package| package.program().exists())
    {
        eprintln!("bench: SQLite, {}", package.name);
        file.fresh()?;
        let count = || strace.then(|| file.syncs(package)).transpose();
        let (fresh_syncs, no_op_syncs) = (count()?, count()?);
        measured.push(Measured {
            package,
            fresh_syncs,
            no_op_syncs,
            fresh: Vec::new(),
            no_op: Vec::new(),
        });
    }
    const NO_OPS: usize = 7;
    for _ in 0..repetitions {
        for one in &mut measured {
            file.fresh()?;
            one.fresh.push(run(&mut file.app(one.package))?);
            for _ in 0..NO_OPS {
                one.no_op.push(run(&mut file.app(one.package))?);
            }
        }
    }
    print(&measured);
    if strace {
        verdicts(&measured, &added(packages, &file)?, promises);
    } else {
        promises
            .skipped("SQLite: syncs were not counted, because there is no strace (Debian: strace)");
    }
    Ok(fs::remove_dir_all(&file.0)?)
}

fn find<'m, 'p>(
    measured: &'m [Measured<'p>],
    peer: Peer,
    steps: usize,
) -> Option<&'m Measured<'p>> {
    let mut all = measured.iter();
    all.find(|one| one.package.peer == peer && one.package.steps == steps)
}

fn print(measured: &[Measured<'_>]) {
    let mut table = Table::new(&[
        "steps",
        "framework",
        "fresh: syncs",
        "whole process, ms",
        "ratio",
        "no-op: syncs",
        "whole process, ms",
        "ratio",
    ]);
    let count = |syncs: Option<usize>| syncs.map_or("-".to_owned(), |syncs| syncs.to_string());
    for one in measured {
        let diesel = find(measured, Peer::Diesel, one.package.steps);
        let (fresh_base, no_op_base) = diesel.map_or((f64::NAN, f64::NAN), |diesel| {
            (typical(&diesel.fresh).wall, typical(&diesel.no_op).wall)
        });
        let (fresh, no_op) = (typical(&one.fresh).wall, typical(&one.no_op).wall);
        table.row(&[
            one.package.steps.to_string(),
            one.package.peer.name().to_owned(),
            count(one.fresh_syncs),
            millis(fresh),
            ratio(fresh, fresh_base),
            count(one.no_op_syncs),
            millis(no_op),
            ratio(no_op, no_op_base),
        ]);
    }
    table.print("SQLite, rollback journal, each peer's defaults (ratios to diesel)");
}

/// Syncs per step that is added to a database that has some.
fn added(packages: &Packages, file: &File) -> Result<Vec<(Peer, f64)>, Failure> {
    let mut all = Vec::new();
    let mut table = Table::new(&["framework", "syncs per step added later"]);
    for peer in Peer::ALL {
        let (few, some) = (packages.get(peer, SIZES[0])?, packages.get(peer, SIZES[1])?);
        file.fresh()?;
        run(&mut file.app(few))?;
        let syncs = file.syncs(some)? as f64 / (SIZES[1] - SIZES[0]) as f64;
        table.row(&[peer.name().to_owned(), format!("{syncs:.2}")]);
        all.push((peer, syncs));
    }
    table.print(
        "SQLite, per step (4 are one commit with a rollback journal; taking a lock is included)",
    );
    Ok(all)
}

fn verdicts(measured: &[Measured<'_>], added: &[(Peer, f64)], promises: &mut Promises) {
    let ours = |steps| find(measured, Peer::Ours, steps);
    let fresh: Vec<Option<usize>> = SIZES.map(|steps| ours(steps)?.fresh_syncs).into();
    promises.exact(
        fresh.windows(2).all(|pair| pair[0] == pair[1]),
        format!("SQLite, fresh: all atomic steps in one transaction, so as many syncs for {SIZES:?} steps ({fresh:?})"),
    );
    let no_op: Vec<Option<usize>> = SIZES.map(|steps| ours(steps)?.no_op_syncs).into();
    promises.exact(
        no_op.iter().all(|syncs| *syncs == Some(0)),
        format!("SQLite, nothing pending: nothing is written ({no_op:?} syncs)"),
    );
    for (_, syncs) in added.iter().filter(|(peer, _)| *peer == Peer::Ours) {
        const COMMIT: f64 = 4.0;
        // A few commits more take and give back the lock.
        let steps = (SIZES[1] - SIZES[0]) as f64;
        promises.exact(
            (syncs - COMMIT) * steps <= 4.0 * COMMIT,
            format!("SQLite, {steps} steps added later: one commit per step and four at most for the lock ({syncs:.2} syncs per step, lock included)"),
        );
    }
}
