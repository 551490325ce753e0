//! What holds of every plan, whatever the history and the ledger.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use proptest::test_runner::{RngSeed, TestCaseResult};

use super::random::{Scene, cases, ledger_rows, scene};
use super::reference::{Answer, Asked, Ledger, Move, Names, Rows, World, answer, app, id, world};
use super::*;
use crate::report::Plan;

/// The plan of the planner itself, in the words of the reference.
fn planned(scene: &Scene, rows: &Rows, asked: &Asked) -> Result<(Answer, Plan), ErrorCode> {
    let rows = ledger_rows(rows);
    let request = scene.request(asked);
    let (history, database) = (&scene.history, Database::Postgres);
    let route = route(history, &rows, &request, asked.policies, database);
    let route = route.map_err(|error| error.code())?;
    let told = told(&route);
    let plan = route.plan(history, &rows, asked.fake, database);
    let runs = plan.steps.iter().map(|step| names(&step.runs));
    let moves = told
        .split_whitespace()
        .map(str::to_owned)
        .zip(runs)
        .collect();
    let about = |step: &Option<StepId>| step.as_ref().map(StepId::to_string);
    let problems = plan.problems.iter();
    let answer = Answer {
        direction: plan.direction,
        moves,
        dependents: names(&plan.dependents),
        problems: problems
            .map(|problem| (problem.code, about(&problem.step).unwrap_or_default()))
            .collect(),
        warnings: plan.warnings.clone(),
    };
    Ok((answer, plan))
}

fn names(ids: &[StepId]) -> Vec<String> {
    ids.iter().map(StepId::to_string).collect()
}

/// What is done for a goal where nothing is in the way.
fn clear(scene: &Scene, rows: &Rows, asked: &Asked) -> Option<Answer> {
    let (answer, _) = planned(scene, rows, asked).ok()?;
    answer.problems.is_empty().then_some(answer)
}

fn to(goal: Goal) -> Asked {
    Asked {
        goal,
        fake: Fake::All,
        policies: Policies::default(),
    }
}

/// The problems as a set, and their codes in order: the first is that of the refusal.
fn compared(problems: &[(ErrorCode, String)]) -> (Vec<ErrorCode>, Names) {
    let mut codes: Vec<ErrorCode> = problems.iter().map(|(code, _)| *code).collect();
    codes.dedup();
    let about = |(code, about): &(ErrorCode, String)| match code {
        // Named by one of its branches.
        ErrorCode::ConflictingLeaves => format!("{code:?} {}", app(about)),
        _ => format!("{code:?} {about}"),
    };
    (codes, problems.iter().map(about).collect())
}

fn agrees(scene: &Scene, asked: &Asked) -> TestCaseResult {
    let expected = answer(&scene.specs, &scene.rows, asked);
    let (expected, (found, plan)) = match (expected, planned(scene, &scene.rows, asked)) {
        (Ok(expected), Ok(found)) => (expected, found),
        (expected, found) => {
            prop_assert_eq!(found.err(), expected.err());
            return Ok(());
        }
    };
    prop_assert_eq!(found.direction, expected.direction);
    prop_assert_eq!(&found.moves, &expected.moves);
    prop_assert_eq!(&found.dependents, &expected.dependents);
    prop_assert_eq!(compared(&found.problems), compared(&expected.problems));
    let (found, about) = (&found.warnings, &expected.warnings);
    prop_assert_eq!(found.len(), about.len(), "{:?} {:?}", found, about);
    for about in about {
        let told = found
            .iter()
            .any(|text| text.contains(&format!("`{about}`")));
        prop_assert!(told, "{about} is not in {found:?}");
    }
    // All that has no way back is named at once.
    let one_way = plan.steps.iter().filter(|step| step.irreversible.is_some());
    let problems = plan.problems.iter();
    let irreversible = problems.filter(|problem| problem.code == ErrorCode::Irreversible);
    let told: String = irreversible
        .map(|problem| problem.message.clone())
        .collect();
    for step in one_way.filter(|_| asked.fake != Fake::All) {
        let named = format!("`{}`", step.step);
        prop_assert!(told.contains(&named), "{named} is not in {told:?}");
    }
    Ok(())
}

/// Before each step come those that it needs, or after it if the plan goes back; none twice.
fn in_order(scene: &Scene, asked: &Asked) -> TestCaseResult {
    let Ok((found, _)) = planned(scene, &scene.rows, asked) else {
        return Ok(());
    };
    let world = world(&scene.specs, &scene.rows, &asked.goal);
    let (world, _) = world.map_err(|code| TestCaseError::fail(format!("{code:?}")))?;
    let moves = found.moves.iter().map(|(of, _)| of[1..].to_owned());
    let moves: Vec<String> = moves.collect();
    let place: BTreeMap<&String, usize> = moves.iter().zip(0..).collect();
    prop_assert_eq!(place.len(), moves.len(), "a step twice: {:?}", moves);
    for (node, at) in &place {
        for earlier in world.needs(node) {
            if let Some(other) = place.get(&earlier) {
                let right = match found.direction {
                    Direction::Forwards => other < at,
                    Direction::Backwards => other > at,
                };
                prop_assert!(right, "{} and {} in {:?}", earlier, node, moves);
            }
        }
    }
    Ok(())
}

/// What is done, without what goes along. A squash inside another that is whole needs no record of
/// its own.
fn steps(scene: &Scene, moves: &[Move]) -> Vec<String> {
    let replaced = scene.specs.iter().flat_map(|spec| &spec.replaces);
    let replaced: BTreeSet<&str> = replaced.map(String::as_str).collect();
    let mut steps: Vec<String> = moves.iter().map(|(of, _)| of.clone()).collect();
    steps.retain(|of| !(of.starts_with('=') && replaced.contains(&of[1..])));
    steps
}

/// A run does what was planned: nothing is left of it, and wherever it stops, between two steps or
/// within one, what is left is what had not been done.
fn what_is_left(scene: &Scene, asked: &Asked, closed: bool) -> TestCaseResult {
    let Some(whole) = clear(scene, &scene.rows, asked) else {
        return Ok(());
    };
    let found = world(&scene.specs, &scene.rows, &asked.goal);
    let split = found.is_ok_and(|(world, _)| world.any_split());
    if split && asked.goal != Goal::Latest {
        // A squash that becomes whole on the way leads to what all of its parts need.
        return Ok(());
    }
    for done in 0..=whole.moves.len() {
        let (before, after) = whole.moves.split_at(done);
        let last = after.iter().all(|(of, _)| of.starts_with('='));
        if last && !closed {
            // What was passed over before the goal, or stands on what was, is found then.
            break;
        }
        let mut ledger = Ledger::new(&scene.specs, &scene.rows);
        ledger.run(before);
        for within in [None, Some(0), Some(2)] {
            let mut ledger = ledger.clone();
            if let (Some(statements), Some(moves)) = (within, whole.moves.get(..=done)) {
                ledger.stop_in(moves, statements);
            }
            let left = planned(scene, &ledger.rows, asked);
            let (left, _) = left.map_err(|code| TestCaseError::fail(format!("{code:?}")))?;
            let at = (done, within);
            prop_assert!(left.problems.is_empty(), "{at:?}: {:?}", left.problems);
            let mut left = steps(scene, &left.moves);
            let mut expected = steps(scene, after);
            if after.is_empty() && whole.direction == Direction::Backwards {
                // And squashes that are complete but not recorded, by a run that goes forwards.
                left.retain(|of| !of.starts_with('='));
            }
            if split {
                // A squash that has become whole is back in its place.
                left.sort_unstable();
                expected.sort_unstable();
            }
            prop_assert_eq!(left, expected, "after {:?}", at);
        }
    }
    Ok(())
}

/// Runs to a goal, whatever has no way back. Nothing may be in the way.
fn go(scene: &Scene, ledger: &mut Ledger<'_>, goal: Goal) -> Result<Answer, TestCaseError> {
    let asked = to(goal);
    let answer = planned(scene, &ledger.rows, &asked);
    let (answer, _) = answer.map_err(|code| TestCaseError::fail(format!("{code:?} {asked:?}")))?;
    let problems = &answer.problems;
    prop_assert!(problems.is_empty(), "{:?} {:?}", asked.goal, problems);
    ledger.run(&answer.moves);
    Ok(answer)
}

/// The steps of the binary that are there, by their own rows or as parts of a squash.
fn there(scene: &Scene, ledger: &Ledger<'_>) -> Names {
    let world = World::new(&scene.specs, &ledger.rows, None);
    let names = scene.specs.iter().map(id);
    names.filter(|name| world.there(name)).collect()
}

/// What a run applies, as many undos take back, one by one, the last one first.
fn undone_one_by_one(scene: &Scene) -> TestCaseResult {
    let mut ledger = Ledger::new(&scene.specs, &scene.rows);
    let before = there(scene, &ledger);
    let split = World::new(&scene.specs, &scene.rows, None).any_split();
    if split || clear(scene, &scene.rows, &to(Goal::Latest)).is_none() {
        return Ok(());
    }
    let run = go(scene, &mut ledger, Goal::Latest)?;
    let applied = run.moves.iter().filter_map(|(of, _)| of.strip_prefix('+'));
    for step in applied.rev() {
        let undone = go(scene, &mut ledger, Goal::Undo)?;
        let moves: Vec<&String> = undone.moves.iter().map(|(of, _)| of).collect();
        prop_assert_eq!(moves, [&format!("-{step}")]);
    }
    prop_assert_eq!(there(scene, &ledger), before);
    Ok(())
}

/// The last file of an app among some steps; a squash is one of each app that it stands for.
fn last_file(scene: &Scene, among: &Names, name: &str) -> Option<String> {
    let of = |spec: &Spec| spec.app == name || spec.replaces.iter().any(|part| app(part) == name);
    let own = scene.specs.iter().filter(|spec| !spec.function && of(spec));
    let own: Names = own.map(id).collect();
    let mut order = scene.history.iter().map(|step| step.id().to_string()).rev();
    order.find(|step| own.contains(step) && among.contains(step))
}

/// From the latest state, each app back to the last file that it had before: what was there is
/// there, and nothing else but data migrations that stand on it alone.
fn back_to_where_it_was(scene: &Scene) -> TestCaseResult {
    let mut ledger = Ledger::new(&scene.specs, &scene.rows);
    let before = there(scene, &ledger);
    let world = World::new(&scene.specs, &scene.rows, None);
    // A squash that has become whole goes as one, unless the goal is inside.
    let inside = |(squash, parts): (&String, &Names)| {
        let one_app = parts.iter().all(|part| app(part) == app(squash));
        let last = last_file(scene, &before, app(squash));
        one_app && last.is_some_and(|last| parts.contains(&last))
    };
    let reachable = world.splits().all(inside);
    if !reachable || clear(scene, &scene.rows, &to(Goal::Latest)).is_none() {
        return Ok(());
    }
    let run = go(scene, &mut ledger, Goal::Latest)?;
    let apps: BTreeSet<&str> = run.moves.iter().map(|(of, _)| app(&of[1..])).collect();
    if world.any_split() && apps.len() > 1 {
        // Nor where another app's way back leads through it.
        return Ok(());
    }
    let data = |spec: &&Spec| spec.function;
    let data: Names = scene.specs.iter().filter(data).map(id).collect();
    for name in scene.history.apps() {
        let goal = match last_file(scene, &before, name) {
            // Several apps go to a squash of theirs at once.
            Some(last) if app(&last) != name => return Ok(()),
            Some(last) => Goal::typed(Some(name), last.split_once('.').map(|(_, name)| name)),
            // Only data migrations are there, and no goal names them all.
            None if before.iter().any(|row| app(row) == name) => return Ok(()),
            None => Goal::Zero(name.clone()),
        };
        go(scene, &mut ledger, goal)?;
    }
    let after = there(scene, &ledger);
    let lost: Names = before.difference(&after).cloned().collect();
    prop_assert!(lost.is_empty(), "lost: {lost:?}");
    let stays = after.clone();
    let after: Names = after.difference(&data).cloned().collect();
    let mut more: Names = after.difference(&before).cloned().collect();
    // A squash may be whole by what such a data migration did.
    for squash in scene.specs.iter().filter(|spec| !spec.replaces.is_empty()) {
        let whole = squash.replaces.iter().all(|part| stays.contains(part));
        more.retain(|name| !(whole && id(squash) == *name));
    }
    prop_assert!(more.is_empty(), "left: {more:?}");
    Ok(())
}

/// An app taken to zero loses what depends on it and nothing else, and what it loses comes back.
fn to_zero_and_back(scene: &Scene, name: &str) -> TestCaseResult {
    let mut ledger = Ledger::new(&scene.specs, &scene.rows);
    let ready = clear(scene, &scene.rows, &to(Goal::Latest)).is_some();
    if !ready || !scene.history.apps().iter().any(|known| known == name) {
        return Ok(());
    }
    go(scene, &mut ledger, Goal::Latest)?;
    let latest = there(scene, &ledger);
    let more = go(scene, &mut ledger, Goal::Latest)?.moves;
    prop_assert!(more.is_empty(), "{more:?}");
    let zero = Goal::Zero(name.to_owned());
    if clear(scene, &ledger.rows, &to(zero.clone())).is_none() {
        // A part of a squash that waits for a manual step.
        return Ok(());
    }
    go(scene, &mut ledger, zero.clone())?;
    let left: Vec<&String> = ledger.rows.keys().filter(|row| app(row) == name).collect();
    prop_assert!(left.is_empty(), "{left:?}");
    let more = go(scene, &mut ledger, zero)?.moves;
    prop_assert!(more.iter().all(|(of, _)| of.starts_with('=')), "{more:?}");
    if clear(scene, &ledger.rows, &to(Goal::Latest)).is_none() {
        // A manual step went, and something waits for it.
        return Ok(());
    }
    go(scene, &mut ledger, Goal::Latest)?;
    let manual = |name: &String| {
        scene
            .specs
            .iter()
            .any(|spec| id(spec) == *name && spec.manual)
    };
    let back = there(scene, &ledger);
    let lost = latest.difference(&back).filter(|name| !manual(name));
    let lost: Vec<&String> = lost.collect();
    prop_assert!(lost.is_empty(), "lost: {lost:?}");
    // A squash that runs as one brings the manual steps that it stands for along.
    let more = back.difference(&latest).filter(|name| !manual(name));
    let more: Vec<&String> = more.collect();
    prop_assert!(more.is_empty(), "more: {more:?}");
    Ok(())
}

fn told_with(scene: &Scene, asked: &Asked, result: TestCaseResult) -> TestCaseResult {
    let more = |error| TestCaseError::fail(format!("{error}\n{asked:?}\n{}", scene.told()));
    result.map_err(more)
}

/// How many cases, the same in every run, unless the environment names a number: then that many,
/// and others each time.
fn config(cases: u32) -> ProptestConfig {
    let named = std::env::var("PROPTEST_CASES").ok();
    ProptestConfig {
        cases: named
            .as_ref()
            .and_then(|named| named.parse().ok())
            .unwrap_or(cases),
        max_shrink_iters: 2000,
        failure_persistence: None,
        rng_seed: match named {
            Some(_) => RngSeed::Random,
            None => RngSeed::Fixed(0x6d69_6772),
        },
        ..ProptestConfig::default()
    }
}

proptest! {
    #![proptest_config(config(100))]

    #[test]
    fn the_reference_plans_the_same(case in cases(40)) {
        let scene = scene(&case);
        let asked = scene.asked(&case);
        told_with(&scene, &asked, agrees(&scene, &asked))?;
    }

    #[test]
    fn steps_are_in_order_and_none_comes_twice(case in cases(40)) {
        let scene = scene(&case);
        let asked = scene.asked(&case);
        told_with(&scene, &asked, in_order(&scene, &asked))?;
    }

    #[test]
    fn wherever_a_run_stops_the_rest_is_left(mut case in cases(30)) {
        // A squash has no header that exempts it from the order of numbers, as its parts may have.
        case.forks &= !case.squashes;
        let scene = scene(&case);
        let asked = scene.asked(&case);
        if asked.goal != Goal::Undo {
            let closed = case.closed && case.amid.is_empty();
            told_with(&scene, &asked, what_is_left(&scene, &asked, closed))?;
        }
    }

    #[test]
    fn undos_take_a_run_back(case in cases(40)) {
        let scene = scene(&case.undisturbed());
        told_with(&scene, &to(Goal::Undo), undone_one_by_one(&scene))?;
    }

    #[test]
    fn the_latest_state_and_back(case in cases(40)) {
        let mut case = case.undisturbed();
        // What is gone cannot be a goal.
        case.gone = false;
        let scene = scene(&case);
        told_with(&scene, &to(Goal::Latest), back_to_where_it_was(&scene))?;
    }

    #[test]
    fn an_app_to_zero_and_back(case in cases(40)) {
        let scene = scene(&case.undisturbed());
        let app = &scene.specs[0].app;
        let asked = to(Goal::Zero(app.clone()));
        told_with(&scene, &asked, to_zero_and_back(&scene, app))?;
    }
}

proptest! {
    #![proptest_config(config(4))]

    #[test]
    fn the_reference_plans_the_same_for_long_histories(case in cases(200)) {
        let scene = scene(&case);
        let asked = scene.asked(&case);
        told_with(&scene, &asked, agrees(&scene, &asked))?;
    }
}
