//! Random histories of up to 200 steps in 6 apps, with squashes in a share of them, random
//! ledgers, closed under dependencies and not, and random goals.

use std::collections::BTreeMap;

use proptest::prelude::*;
use proptest::test_runner::TestCaseResult;

use super::reference::{Names, Rows, World, id};
use super::*;

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
}

fn chance() -> impl Strategy<Value = Chance> {
    (
        0..APPS.len(),
        any::<u8>(),
        prop::collection::vec((0.0..1.0_f64, prop::bool::weighted(0.2)), 0..3),
        prop::bool::weighted(0.4),
        any::<u8>(),
        2..7_usize,
        0.0..1.0_f64,
    )
        .prop_map(
            |(app, kind, references, written, squash, length, applied)| Chance {
                app,
                kind,
                references,
                written,
                squash,
                length,
                applied,
            },
        )
}

#[derive(Clone, Debug)]
struct Case {
    chances: Vec<Chance>,
    squashes: bool,
    goal: (u8, f64),
    /// How much is applied, and whether what it depends on is as well.
    applied: f64,
    closed: bool,
    /// Whether one row is in the middle of something.
    amid: Option<(f64, u8)>,
}

fn cases(longest: usize) -> impl Strategy<Value = Case> {
    (
        prop::collection::vec(chance(), 1..longest),
        any::<bool>(),
        (any::<u8>(), 0.0..1.0_f64),
        0.0..1.2_f64,
        prop::bool::weighted(0.7),
        prop::option::weighted(0.15, (0.0..1.0_f64, any::<u8>())),
    )
        .prop_map(|(chances, squashes, goal, applied, closed, amid)| Case {
            chances,
            squashes,
            goal,
            applied,
            closed,
            amid,
        })
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

/// The steps as written, each after those that it refers to, and squashes at the end.
fn specs(case: &Case) -> Vec<Spec> {
    let mut specs: Vec<Spec> = Vec::new();
    for (i, chance) in case.chances.iter().enumerate() {
        let function = chance.kind.is_multiple_of(4);
        let manual = function && chance.kind.is_multiple_of(16);
        let app = APPS[chance.app].to_owned();
        let mut spec = Spec {
            name: match function {
                true => format!("f{:03}_v1", (i * 7) % 200),
                false => format!("{:04}_x", i + 1),
            },
            app,
            function,
            manual,
            one_way: chance.kind % 32 == 1,
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
        if function || chance.written {
            spec.after = Some(after);
        }
        let runnable: Vec<String> = specs.iter().filter(|spec| spec.manual).map(id).collect();
        // What stands between a step and what runs it would be a circle.
        let free = runnable.iter().find(|run| {
            let of = |spec: &Spec| {
                let named = spec.after.iter().flatten().any(|name| name == *run);
                named || spec.run.contains(run) || (id(spec) == **run && !spec.before.is_empty())
            };
            !specs.iter().any(of)
        });
        if let (false, Some(run), true) = (function, free, chance.kind % 8 == 3) {
            spec.run.push(run.clone());
        }
        specs.push(spec);
    }
    specs
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
        if let Some(inner) = last.filter(|_| chance.squash % 16 >= 10) {
            replaces.push(id(&specs[inner]));
            if chance.squash >= 160 {
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
        if chance.squash >= 160 {
            let lost = |name: &&String| chance.squash >= 200 || name.len().is_multiple_of(2);
            gone.extend(replaces.iter().filter(lost).cloned());
        }
        let number = &file.name[..4];
        last = Some(specs.len());
        specs.push(Spec {
            name: format!("{number}_squash{}", specs.len()),
            app: file.app.clone(),
            after: file.after.as_ref().map(|_| Vec::new()),
            replaces,
            run,
            ..Spec::default()
        });
    }
    // Nothing may run what is gone.
    let run: Names = specs.iter().flat_map(|spec| spec.run.clone()).collect();
    specs.retain(|spec| !gone.contains(&id(spec)) || run.contains(&id(spec)));
}

struct Scene {
    specs: Vec<Spec>,
    history: History,
    rows: Rows,
}

/// Builds the history; without its squashes where they make a circle.
fn scene(case: &Case) -> Scene {
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
    let rows = rows(case, &plain, &whole, &specs);
    Scene {
        specs,
        history,
        rows,
    }
}

/// Rows for some of the steps as they were before there were squashes, and for some squashes.
fn rows(case: &Case, plain: &[Spec], whole: &History, specs: &[Spec]) -> Rows {
    let mut wanted = Names::new();
    for (spec, chance) in plain.iter().zip(&case.chances) {
        if chance.applied < case.applied {
            wanted.insert(id(spec));
        }
    }
    let mut rows = BTreeMap::new();
    if case.closed {
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
    }
    let mut seq = 0;
    for step in &whole.steps {
        let name = step.id().to_string();
        if wanted.contains(&name) {
            seq += 1;
            rows.insert(name, ("applied", seq));
        }
    }
    let squashes = specs.iter().filter(|spec| !spec.replaces.is_empty());
    for spec in squashes {
        let world = World::new(specs, &rows, None);
        let own = world.applied(&id(spec)) || !case.closed;
        if own && spec.name.len().is_multiple_of(2) {
            seq += 1;
            rows.insert(id(spec), ("applied", seq));
        }
    }
    if let Some((share, kind)) = case.amid {
        let states = ["reverting", "failed", "running"];
        let place = pick(share, rows.len());
        if let Some(row) = rows.values_mut().nth(place) {
            row.0 = states[usize::from(kind) % states.len()];
        }
    }
    rows
}

impl Scene {
    fn world(&self) -> World<'_> {
        World::new(&self.specs, &self.rows, None)
    }

    fn ledger(&self) -> LedgerRows {
        let row = |(name, (state, seq)): (&String, &(&str, i64))| {
            let (app, step) = name.split_once('.').unwrap();
            let state = RowState::parse(state).unwrap();
            LedgerRow::bare(&StepId::new(app, step), "sql", state, *seq)
        };
        LedgerRows::new(self.rows.iter().map(row).collect())
    }

    fn route(&self, goal: &Goal) -> Result<Route<'_>, Error> {
        let request = Request::to(goal.clone());
        let policies = Policies::default();
        route(
            &self.history,
            &self.ledger(),
            &request,
            policies,
            Database::Postgres,
        )
    }

    /// The history and the ledger, for people.
    fn told(&self) -> String {
        let mut lines = Vec::new();
        for spec in &self.specs {
            let mut line = id(spec);
            let words = [(spec.function, " fn"), (spec.manual, " manual")];
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
        format!("{}\n{:?}", lines.join("\n"), self.rows)
    }

    fn goal(&self, (kind, one): (u8, f64)) -> Goal {
        // An app and a name that there are, gone ones included.
        let mut names: Names = self.specs.iter().map(id).collect();
        names.extend(self.specs.iter().flat_map(|spec| spec.replaces.clone()));
        let name = names.iter().nth(pick(one, names.len())).unwrap();
        let (app, name) = name.split_once('.').unwrap();
        match kind % 8 {
            0 => Goal::Latest,
            1 => Goal::Zero(app.to_owned()),
            2 => Goal::App(app.to_owned()),
            3 => Goal::Undo,
            _ => Goal::Step {
                app: app.to_owned(),
                name: name.to_owned(),
            },
        }
    }

    /// What a plan leaves of the ledger.
    fn after(&mut self, moves: &[(Action, StepId)]) {
        let mut seq = self.rows.values().map(|(_, seq)| *seq).max().unwrap_or(0);
        for (action, step) in moves {
            let mut names: Vec<StepId> = self.history.replaced_by(step);
            let runs = self.history.get(step).unwrap().runs(Database::Postgres);
            names.extend(runs.iter().cloned());
            names.push(step.clone());
            for name in &names {
                if *action == Action::Revert {
                    self.rows.remove(&name.to_string());
                } else {
                    seq += 1;
                    let row = self
                        .rows
                        .entry(name.to_string())
                        .or_insert(("applied", seq));
                    *row = ("applied", if row.0 == "applied" { row.1 } else { seq });
                }
            }
            if *action == Action::Revert {
                for squash in self.history.squashes_of(step) {
                    self.rows.remove(&squash.to_string());
                }
            }
        }
    }

    fn go(&mut self, goal: &Goal) -> Vec<(Action, StepId)> {
        let route = self.route(goal).unwrap();
        let moves = route.moves.iter();
        let moves: Vec<_> = moves.map(|of| (of.action, of.step.id().clone())).collect();
        self.after(&moves);
        moves
    }
}

/// The moves that the reference plans, and the world that it plans them in.
fn planned<'s>(scene: &'s Scene, goal: &Goal) -> Option<(World<'s>, Names)> {
    let mut world = scene.world();
    let nodes = |world: &World<'_>| -> Names { world.graph.keys().cloned().collect() };
    let moves = match goal {
        Goal::Latest => world.forwards(&nodes(&world)),
        Goal::App(app) => {
            let manual = |name: &String| world.spec(name).is_some_and(|spec| spec.manual);
            let mut of = world.of_app(app);
            of.retain(|name| !manual(name));
            world.forwards(&world.ancestors(of))
        }
        Goal::Zero(app) => {
            let back = world.backwards(world.of_app(app));
            match back.is_empty() {
                true => world.forwards(&Names::new()),
                false => back,
            }
        }
        Goal::Step { app, name } => {
            let typed = format!("{app}.{name}");
            let target = match world.spec(&typed) {
                Some(_) => typed,
                None => world.around(&typed).first()?.clone(),
            };
            if world.spec(&target)?.manual {
                return None;
            }
            if world.stands(&target) != target {
                let own = |squash: &String| world.state(squash).is_some();
                if world.around(&target).iter().any(own) {
                    return None;
                }
                world = World::new(&scene.specs, &scene.rows, Some(target.clone()));
            }
            let forwards = || world.forwards(&world.ancestors(Names::from([target.clone()])));
            let back = || world.backwards(world.files_after(&target));
            match world.split(&target) || !world.applied(&target) {
                true => forwards(),
                false if back().is_empty() => forwards(),
                false => back(),
            }
        }
        _ => return None,
    };
    Some((world, moves))
}

/// Before each node come those that it needs, or after it if the plan goes back.
fn in_order(world: &World<'_>, route: &Route<'_>) -> TestCaseResult {
    let graph = &world.graph;
    let ids: Vec<String> = route
        .moves
        .iter()
        .map(|of| of.step.id().to_string())
        .collect();
    let place: BTreeMap<&String, usize> = ids.iter().zip(0..).collect();
    prop_assert_eq!(place.len(), ids.len(), "a step twice: {:?}", ids);
    for (node, at) in &place {
        for earlier in world.ancestors(Names::from([(*node).clone()])) {
            if let Some(other) = place.get(&earlier)
                && earlier != **node
            {
                let right = match route.direction {
                    Direction::Forwards => other < at,
                    Direction::Backwards => other > at,
                };
                prop_assert!(right, "{} and {} in {:?}", earlier, node, ids);
            }
        }
    }
    // Nothing is applied without what it needs, but for what only a person can do.
    for of in route.moves.iter().filter(|of| of.action == Action::Apply) {
        for needed in &graph[&of.step.id().to_string()] {
            let there = place.contains_key(needed) || world.applied(needed);
            let person = world.spec(needed).unwrap().manual
                || world.state(needed) == Some("reverting")
                || world.split(needed);
            prop_assert!(there || person, "{} without {needed}", of.step.id());
        }
    }
    Ok(())
}

fn agrees(scene: &Scene, goal: &Goal) -> TestCaseResult {
    if let Goal::Zero(app) | Goal::App(app) | Goal::Step { app, .. } = goal
        && !scene.history.apps().contains(app)
    {
        // All that it had is part of a squash of another app.
        prop_assert_eq!(scene.route(goal).unwrap_err().code(), ErrorCode::UnknownApp);
        return Ok(());
    }
    let Some((world, moves)) = planned(scene, goal) else {
        return Ok(());
    };
    let route = scene.route(goal).unwrap();
    let found: Names = told(&route).split_whitespace().map(str::to_owned).collect();
    prop_assert_eq!(&found, &moves, "{:?}\n{}", goal, scene.told());
    in_order(&world, &route)
        .map_err(|error| TestCaseError::fail(format!("{error}\n{goal:?}\n{}", scene.told())))?;
    let about = |code: ErrorCode| -> Names {
        let of = route.problems.iter().filter(|problem| problem.code == code);
        of.filter_map(|problem| problem.step.as_ref().map(StepId::to_string))
            .collect()
    };
    prop_assert_eq!(about(ErrorCode::InconsistentHistory), world.inconsistent());
    prop_assert_eq!(about(ErrorCode::SquashIncomplete), world.incomplete());
    if route.direction == Direction::Backwards {
        let one_way: Vec<&str> = scene
            .specs
            .iter()
            .filter(|spec| moves.contains(&format!("-{}", id(spec))) && spec.one_way)
            .map(|spec| spec.name.as_str())
            .collect();
        let told: String = route
            .problems
            .iter()
            .filter(|problem| problem.code == ErrorCode::Irreversible)
            .map(|problem| problem.message.clone())
            .collect();
        for name in one_way {
            prop_assert!(told.contains(name), "{name} is not in {told:?}");
        }
    }
    Ok(())
}

fn config(cases: u32) -> ProptestConfig {
    ProptestConfig {
        cases,
        max_shrink_iters: 400,
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}

proptest! {
    #![proptest_config(config(400))]

    #[test]
    fn the_reference_plans_the_same(case in cases(40)) {
        let scene = scene(&case);
        agrees(&scene, &scene.goal(case.goal))?;
    }
}

proptest! {
    #![proptest_config(config(12))]

    #[test]
    fn the_reference_plans_the_same_for_long_histories(case in cases(200)) {
        let scene = scene(&case);
        agrees(&scene, &scene.goal(case.goal))?;
    }
}

proptest! {
    #![proptest_config(config(100))]

    /// What a run does, as many undos take back, one by one.
    #[test]
    fn undos_take_a_run_back(mut case in cases(200)) {
        case.closed = true;
        case.amid = None;
        case.squashes = false;
        let mut scene = scene(&case);
        let before = scene.rows.clone();
        let goal = scene.goal(case.goal);
        let goal = match goal {
            Goal::Zero(_) | Goal::Undo => Goal::Latest,
            goal => goal,
        };
        let Ok(route) = scene.route(&goal) else { return Ok(()) };
        if route.direction == Direction::Backwards {
            return Ok(());
        }
        let moves = scene.go(&goal);
        for (_, step) in moves.iter().rev() {
            let undone = scene.go(&Goal::Undo);
            prop_assert_eq!(undone, [(Action::Revert, step.clone())]);
        }
        let names = |rows: &BTreeMap<String, _>| rows.keys().cloned().collect::<Vec<_>>();
        prop_assert_eq!(names(&scene.rows), names(&before), "{}", scene.told());
    }

    /// There and back again: an app taken to zero loses what depends on it and nothing else, and
    /// what it loses comes back.
    #[test]
    fn an_app_to_zero_and_back(mut case in cases(120)) {
        case.amid = None;
        case.closed = true;
        let mut scene = scene(&case);
        let app = APPS[case.chances[0].app].to_owned();
        // What only the database knows cannot go.
        if !scene.history.apps().contains(&app) || !scene.world().incomplete().is_empty() {
            return Ok(());
        }
        scene.go(&Goal::Latest);
        let latest = scene.rows.clone();
        let more = told(&scene.route(&Goal::Latest).unwrap());
        prop_assert!(more.is_empty(), "{more}: {}", scene.told());
        let zero = scene.route(&Goal::Zero(app.clone())).unwrap();
        if zero.problems.iter().any(|problem| problem.code == ErrorCode::StepMissing) {
            // Of a squash that is not whole.
            return Ok(());
        }
        scene.go(&Goal::Zero(app.clone()));
        let left = scene.rows.keys().any(|name| name.split('.').next() == Some(app.as_str()));
        prop_assert!(!left, "{app}: {}", scene.told());
        prop_assert!(scene.route(&Goal::Zero(app)).unwrap().direction == Direction::Forwards);
        scene.go(&Goal::Latest);
        let left: Names = scene.rows.keys().cloned().collect();
        let manual = |name: &&String| scene.specs.iter().any(|s| id(s) == **name && s.manual);
        let names: Names = latest.keys().filter(|name| left.contains(*name) || !manual(name)).cloned().collect();
        if case.squashes {
            // A squash that runs as one brings the manual steps that it replaces along.
            prop_assert!(left.is_superset(&names), "{}", scene.told());
        } else {
            prop_assert_eq!(left, names);
        }
    }
}
