//! Random histories of up to 200 steps in 6 apps, with squashes in a share of them, and random
//! ledgers, closed under dependencies and not.

use std::collections::BTreeMap;
use std::fmt;

use proptest::prelude::*;

use super::reference::{Asked, Names, Row, Rows, World, app, id, kind};
use super::*;
use crate::policy::Policy;

const APPS: [&str; 6] = ["zoo", "shop", "billing", "users", "memory", "chat"];

/// What chance says of one step; references are shares of what came before.
#[derive(Clone, Debug)]
struct Chance {
    app: usize,
    kind: u8,
    references: Vec<(f64, bool)>,
    /// Whether it names its references at all, if it is a file.
    written: bool,
    squash: u8,
    length: usize,
    applied: f64,
    /// Whether a squash that ends here has a row where it could, and whether that is all.
    recorded: bool,
    pruned: bool,
}

fn chance() -> impl Strategy<Value = Chance> {
    let reference = (0.0..1.0_f64, prop::bool::weighted(0.2));
    let graph = (
        0..APPS.len(),
        any::<u8>(),
        prop::collection::vec(reference, 0..3),
        prop::bool::weighted(0.4),
    );
    let squash = (
        any::<u8>(),
        2..7_usize,
        any::<bool>(),
        prop::bool::weighted(0.2),
    );
    (graph, squash, 0.0..1.0_f64).prop_map(|(graph, squash, applied)| {
        let (app, kind, references, written) = graph;
        let (squash, length, recorded, pruned) = squash;
        Chance {
            app,
            kind,
            references,
            written,
            squash,
            length,
            applied,
            recorded,
            pruned,
        }
    })
}

#[derive(Clone)]
pub(super) struct Case {
    chances: Vec<Chance>,
    pub(super) squashes: bool,
    /// Whether replaced steps may be gone from the binary.
    pub(super) gone: bool,
    /// Whether squashes may have lost their line `replaces`.
    retired: bool,
    /// Whether an app may end in several files.
    pub(super) forks: bool,
    goal: (u8, f64, usize),
    /// How much is applied, and whether what it depends on is as well.
    applied: f64,
    pub(super) closed: bool,
    /// Steps that are in the middle of something, or were edited since.
    pub(super) amid: Vec<(f64, u8)>,
    /// Rows of steps that the binary does not have.
    pub(super) strangers: Vec<(f64, u8)>,
    request: (u8, [u8; 4]),
}

/// What a failure shows is the scene that comes of it.
impl fmt::Debug for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} steps", self.chances.len())
    }
}

pub(super) fn cases(longest: usize) -> impl Strategy<Value = Case> {
    let some = || prop::collection::vec((0.0..1.0_f64, any::<u8>()), 1..4);
    let rows = (
        0.0..1.2_f64,
        prop::bool::weighted(0.7),
        prop::option::weighted(0.25, some()),
        prop::option::weighted(0.25, some()),
    );
    (
        prop::collection::vec(chance(), 1..longest),
        (any::<bool>(), any::<bool>(), any::<bool>()),
        prop::bool::weighted(0.2),
        (any::<u8>(), 0.0..1.0_f64, 1..40_usize),
        rows,
        (any::<u8>(), any::<[u8; 4]>()),
    )
        .prop_map(
            |(chances, (squashes, gone, retired), forks, goal, rows, request)| {
                let (applied, closed, amid, strangers) = rows;
                Case {
                    chances,
                    squashes,
                    gone,
                    retired,
                    forks,
                    goal,
                    applied,
                    closed,
                    amid: amid.unwrap_or_default(),
                    strangers: strangers.unwrap_or_default(),
                    request,
                }
            },
        )
}

impl Case {
    /// Without what no run of this binary alone leaves behind.
    pub(super) fn undisturbed(mut self) -> Self {
        (self.closed, self.forks, self.retired) = (true, false, false);
        self.amid.clear();
        self.strangers.clear();
        self
    }
}

fn pick(share: f64, of: usize) -> usize {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a small index"
    )]
    let place = (share * of as f64) as usize;
    place.min(of.saturating_sub(1))
}

/// The steps as written, each after those that it refers to.
fn specs(case: &Case) -> Vec<Spec> {
    let mut specs: Vec<Spec> = Vec::new();
    for (i, chance) in case.chances.iter().enumerate() {
        let function = chance.kind % 4 == 3;
        let day = (i * 7) % 200;
        let mut spec = Spec {
            name: match function {
                true => format!("f{i:03}_v1_2026_{:02}_{:02}", 1 + day / 20, 1 + day % 20),
                false => format!("{:04}_x", i + 1),
            },
            app: APPS[chance.app].to_owned(),
            function,
            manual: chance.kind % 16 == 15,
            one_way: chance.kind % 16 == 2,
            ..Spec::default()
        };
        let mut after = Vec::new();
        for &(share, before) in &chance.references {
            let earlier = pick(share, i);
            // Manual steps are depended upon seldom, or nearly every plan needs one.
            if i == 0 || (specs[earlier].manual && share < 0.8) {
                continue;
            }
            let named = id(&specs[earlier]);
            if before && !specs[earlier].before.contains(&id(&spec)) {
                specs[earlier].before.push(id(&spec));
            } else if !before && !after.contains(&named) {
                after.push(named);
            }
        }
        // A file that names one of its own app need not follow the last.
        let fork = |named: &String| !function && app(named) == spec.app;
        after.retain(|named| case.forks || !fork(named));
        if function || chance.written {
            spec.after = Some(after);
        }
        let free = free_to_run(&specs);
        if let (false, Some(run), true) = (function, free, chance.kind % 8 == 4) {
            spec.run.push(run);
        }
        specs.push(spec);
    }
    specs
}

/// A manual step that a file may run: what stands between the two would be a circle.
fn free_to_run(specs: &[Spec]) -> Option<String> {
    let bound = |run: &String| {
        let of = |spec: &Spec| {
            let named = spec.after.iter().flatten().any(|name| name == run);
            named || spec.run.contains(run) || (id(spec) == *run && !spec.before.is_empty())
        };
        specs.iter().any(of)
    };
    let mut manual = specs.iter().filter(|spec| spec.manual).map(id);
    manual.find(|run| !bound(run))
}

/// Squashes of steps that stand beside each other, some of squashes, and what they replace taken
/// out of the binary in a share of them.
fn squash(case: &Case, specs: &mut Vec<Spec>) {
    let count = specs.len();
    let mut from = 0;
    let mut last: Option<usize> = None;
    let mut gone = Names::new();
    while from < count {
        let chance = &case.chances[from];
        let until = (from + chance.length).min(count);
        let one_app = chance.squash.is_multiple_of(2);
        let of = |spec: &&Spec| !one_app || spec.app == APPS[chance.app];
        // What a step runs is squashed with it or not at all.
        let mut parts: Vec<&Spec> = specs[from..until].iter().filter(of).collect();
        let inside: Names = parts.iter().map(|spec| id(spec)).collect();
        parts.retain(|part| {
            let runs = |spec: &&Spec| spec.run.contains(&id(part));
            specs.iter().filter(runs).all(|by| inside.contains(&id(by)))
        });
        let file = parts.iter().rfind(|spec| !spec.function).copied().cloned();
        from = until;
        let (Some(file), true) = (file, chance.squash % 4 < 3) else {
            continue;
        };
        let mut replaces: Vec<String> = parts.iter().map(|spec| id(spec)).collect();
        // What a replaced file ran is run by the squash.
        let run = parts.iter().flat_map(|spec| spec.run.clone());
        let run: Vec<String> = run.filter(|run| !replaces.contains(run)).collect();
        let lose = case.gone && chance.squash >= 160;
        if let Some(inner) = last.filter(|_| chance.squash % 16 >= 10) {
            replaces.push(id(&specs[inner]));
            if lose {
                // The inner one may go, and then this one stands for what that did.
                let mut open = specs[inner].replaces.clone();
                while let Some(name) = open.pop() {
                    let squash = specs.iter().find(|spec| id(spec) == name);
                    open.extend(squash.iter().flat_map(|spec| spec.replaces.clone()));
                    if !replaces.contains(&name) {
                        replaces.push(name);
                    }
                }
            }
        }
        if lose {
            let some = |(place, _): &(usize, &String)| chance.squash >= 200 || place % 2 == 0;
            let lost = replaces.iter().enumerate().filter(some);
            gone.extend(lost.map(|(_, name)| name.clone()));
        }
        let number = &file.name[..4];
        last = Some(specs.len());
        specs.push(Spec {
            name: format!("{number}_squash{}", specs.len()),
            app: file.app.clone(),
            after: file.after.as_ref().map(|_| Vec::new()),
            replaces,
            run,
            one_way: chance.kind % 16 == 2,
            ..Spec::default()
        });
    }
    // Nothing may run what is gone.
    let run: Names = specs.iter().flat_map(|spec| spec.run.clone()).collect();
    specs.retain(|spec| !gone.contains(&id(spec)) || run.contains(&id(spec)));
    if case.retired {
        retire(case, specs);
    }
}

/// Takes the line `replaces` out of some squashes of which nothing is in the binary, and what it
/// named out of all other lines.
fn retire(case: &Case, specs: &mut [Spec]) {
    for place in 0..specs.len() {
        let (squash, parts) = (id(&specs[place]), specs[place].replaces.clone());
        let free = |name: &String| {
            let other = |(other, spec): (usize, &Spec)| {
                id(spec) == *name || (other != place && spec.replaces.contains(name))
            };
            !specs.iter().enumerate().any(other)
        };
        let chance = &case.chances[place % case.chances.len()];
        let alone = specs.iter().all(|spec| !spec.replaces.contains(&squash));
        if parts.is_empty() || !chance.pruned || !alone || !parts.iter().all(free) {
            continue;
        }
        specs[place].replaces.clear();
        for spec in specs.iter_mut() {
            let itself = id(spec) == squash;
            for list in spec.after.iter_mut().chain([&mut spec.before]) {
                let named = list.iter().any(|name| parts.contains(name));
                list.retain(|name| !parts.contains(name));
                if named && !itself && !list.contains(&squash) {
                    list.push(squash.clone());
                }
            }
        }
    }
}

pub(super) struct Scene {
    pub(super) specs: Vec<Spec>,
    pub(super) history: History,
    pub(super) rows: Rows,
}

/// Builds the history; without its squashes where they make a circle.
pub(super) fn scene(case: &Case) -> Scene {
    let plain = specs(case);
    let whole = build(&plain).unwrap_or_else(|error| panic!("{error}\n{plain:#?}"));
    let mut specs = plain.clone();
    if case.squashes {
        squash(case, &mut specs);
    }
    let history = match build(&specs) {
        Ok(history) => history,
        Err(error) => {
            assert!(
                case.squashes && error.code() == ErrorCode::DependencyCycle,
                "{error}"
            );
            specs = plain.clone();
            whole.clone()
        }
    };
    let mut rows = rows(case, &plain, &whole, &specs);
    disturb(case, &specs, &mut rows);
    Scene {
        specs,
        history,
        rows,
    }
}

/// The steps that are applied as they were before there were squashes.
fn applied(case: &Case, plain: &[Spec], whole: &History) -> Names {
    let mut wanted = Names::new();
    for (spec, chance) in plain.iter().zip(&case.chances) {
        if chance.applied < case.applied {
            wanted.insert(id(spec));
        }
    }
    if !case.closed {
        return wanted;
    }
    // From the last to the first: what a wanted step needs is wanted.
    for step in whole.steps.iter().rev() {
        if wanted.contains(&step.id().to_string()) {
            wanted.extend(step.after().iter().map(StepId::to_string));
        }
    }
    // What a file runs is applied with it.
    for spec in plain {
        for run in &spec.run {
            match wanted.contains(&id(spec)) {
                true => wanted.insert(run.clone()),
                false => wanted.remove(run),
            };
        }
    }
    wanted
}

/// Rows for those, and for some squashes.
fn rows(case: &Case, plain: &[Spec], whole: &History, specs: &[Spec]) -> Rows {
    let wanted = applied(case, plain, whole);
    let kinds: BTreeMap<String, &str> = plain.iter().map(|spec| (id(spec), kind(spec))).collect();
    let mut rows = Rows::new();
    let mut seq = 0;
    for name in whole.steps.iter().map(|step| step.id().to_string()) {
        if wanted.contains(&name) {
            seq += 10;
            let kind = kinds[&name];
            rows.insert(name, Row::applied(seq, kind));
        }
    }
    for (spec, chance) in specs.iter().zip(case.chances.iter().cycle()) {
        if !spec.name.contains("squash") {
            continue;
        }
        let world = World::new(specs, &rows, None);
        // Of one whose line `replaces` is gone nothing says what it stood for.
        let whole = spec.replaces.is_empty() || world.there(&id(spec));
        if chance.recorded && (whole || !case.closed) {
            seq += 10;
            rows.insert(id(spec), Row::applied(seq, kind(spec)));
            if chance.pruned {
                rows.retain(|name, _| !spec.replaces.contains(name));
            }
        }
    }
    rows
}

/// Steps in the middle of something, and rows that only the database knows.
fn disturb(case: &Case, specs: &[Spec], rows: &mut Rows) {
    for (place, &(share, kind)) in case.strangers.iter().enumerate() {
        let number = pick(share, 210);
        let (name, kind_text) = match kind % 3 {
            0 => (format!("{number:04}_lost"), "sql"),
            1 => (format!("lost_v1_2026_{:02}_15", 1 + number / 20), "data"),
            _ => (format!("{number:04}_other"), "squash"),
        };
        let app = APPS.get(usize::from(kind / 3) % 7).unwrap_or(&"other");
        let seq = number * 10 + place + 1;
        let mut row = Row::applied(i64::try_from(seq).unwrap(), kind_text);
        if kind >= 220 {
            stop(&mut row, kind);
        }
        rows.insert(format!("{app}.{name}"), row);
    }
    for (place, &(share, what)) in (5..).zip(&case.amid) {
        let mut names: Vec<String> = rows.keys().cloned().collect();
        names.extend(specs.iter().map(id).filter(|name| !rows.contains_key(name)));
        let name = &names[pick(share, names.len())];
        let kind = specs
            .iter()
            .find(|spec| id(spec) == *name)
            .map_or("sql", kind);
        let row = rows.entry(name.clone());
        let row = row.or_insert_with(|| Row::applied(place, kind));
        stop(row, what);
    }
}

fn stop(row: &mut Row, what: u8) {
    let what = usize::from(what);
    let states = [RowState::Reverting, RowState::Failed, RowState::Running];
    match states.get(what % 4) {
        Some(state) => row.state = *state,
        None => row.edited = true,
    }
    row.done = [0, 0, 2, 4][what / 4 % 4];
    row.intent = what / 16 % 3 == 0;
    row.total = [5, 5, 5, 0][what / 48 % 4];
    if row.total == 0 {
        (row.done, row.intent) = (0, false);
    }
}

pub(super) fn ledger_rows(rows: &Rows) -> LedgerRows {
    let row = |(name, row): (&String, &Row)| {
        let (app, step) = name.split_once('.').unwrap();
        let mut bare = LedgerRow::bare(&StepId::new(app, step), row.kind, row.state, row.seq);
        (bare.done, bare.total) = (row.done, row.total);
        bare.intent = row.intent.then_some(row.done);
        if row.edited {
            "v1:sha256:edited".clone_into(&mut bare.checksum);
        }
        bare
    };
    LedgerRows::new(rows.iter().map(row).collect())
}

impl Scene {
    pub(super) fn request(&self, asked: &Asked) -> Request {
        Request::to(asked.goal.clone()).fake(asked.fake)
    }

    pub(super) fn asked(&self, case: &Case) -> Asked {
        let (fake, policies) = case.request;
        let policy = |what: u8| match what % 4 {
            0 => Policy::Warn,
            1 => Policy::Allow,
            _ => Policy::Deny,
        };
        let [edited, missing, newer, out_of_order] = policies.map(policy);
        Asked {
            goal: self.goal(case.goal),
            fake: match fake % 4 {
                0 => Fake::All,
                1 => Fake::Initial,
                _ => Fake::No,
            },
            policies: match fake >= 128 {
                true => Policies::default(),
                false => Policies {
                    edited,
                    missing,
                    newer,
                    out_of_order,
                },
            },
        }
    }

    fn goal(&self, (kind, one, typed): (u8, f64, usize)) -> Goal {
        // An app and a name that there are, gone ones included.
        let mut names: Names = self.specs.iter().map(id).collect();
        names.extend(self.specs.iter().flat_map(|spec| spec.replaces.clone()));
        let name = names.iter().nth(pick(one, names.len())).unwrap();
        let (app, name) = name.split_once('.').unwrap();
        // The beginning of a name is enough, if it is the only one.
        let typed = name.get(..typed).unwrap_or(name);
        match kind % 8 {
            0 => Goal::Latest,
            1 => Goal::Zero(app.to_owned()),
            2 => Goal::App(app.to_owned()),
            3 => Goal::Undo,
            _ => Goal::Step {
                app: app.to_owned(),
                name: typed.to_owned(),
            },
        }
    }

    /// The history and the ledger, for people.
    pub(super) fn told(&self) -> String {
        let mut lines = Vec::new();
        for spec in &self.specs {
            let mut line = id(spec);
            let words = [
                (spec.function, " fn"),
                (spec.manual, " manual"),
                (spec.one_way, " one_way"),
            ];
            line.extend(words.iter().filter(|word| word.0).map(|word| word.1));
            let after = spec.after.clone().unwrap_or_default();
            let lists = [
                after,
                spec.before.clone(),
                spec.replaces.clone(),
                spec.run.clone(),
            ];
            for (word, list) in ["after", "before", "replaces", "run"].iter().zip(lists) {
                if !list.is_empty() {
                    line += &format!(" {word} {}", list.join(","));
                }
            }
            lines.push(line);
        }
        let mut rows: Vec<(&String, &Row)> = self.rows.iter().collect();
        rows.sort_by_key(|(_, row)| row.seq);
        for (name, row) in rows {
            let Row {
                state,
                seq,
                done,
                total,
                intent,
                edited,
                kind,
            } = row;
            lines.push(format!(
                "row {name} {kind} {state:?} {seq} {done}/{total} intent {intent} edited {edited}"
            ));
        }
        lines.join("\n")
    }
}
