//! Scenarios of planning, each a small history, what is applied, a goal, and what follows.
//!
//! They are those that Django's tests of its graph, loader, executor and `migrate` command play,
//! written anew from the specification, with the points where this project differs on purpose.
//! What holds of every history, ledger and goal is in [`properties`], where a second planner, slow
//! and simple ([`reference`]), has to plan the same for random ones ([`random`]).
//!
//! | scenario | where |
//! |---|---|
//! | a graph of one app, forwards to each node and back to each | `graph::one_app_there_and_back` |
//! | a graph of several apps with a diamond | `graph::a_diamond_over_two_apps` |
//! | circles: of two steps, of three, of a step with itself, over apps | `graph::circles_are_told` |
//! | a long chain does not exhaust the stack | `graph::a_chain_of_ten_thousand` |
//! | a graph of many paths is walked once | `graph::many_paths_are_walked_once` |
//! | an unknown node as goal | `goals::unknown_steps_offer_the_nearest` |
//! | a parent or a child (`before`) that does not exist | `graph::references_to_nothing` |
//! | replaced nodes leave the graph, their edges go to the squash | `squash::edges_go_to_the_squash` |
//! | a squash leaves the graph, its dependents follow the last replaced step | `squash::partly_applied_the_rest_runs` |
//! | a squash and what it replaces in one circle | `squash::a_step_in_the_middle_makes_a_circle` |
//! | loading: order of files, dependencies over apps | `graph::files_follow_each_other` |
//! | `before` (run_before) | `graph::before_another_step` |
//! | first and last of another app as dependency | names only: the compiler resolves them |
//! | a name by its beginning; ambiguous; nothing like it | `goals::*` |
//! | an app without steps, an app that is unknown | `goals::unknown_apps_offer_the_nearest` |
//! | files that are no steps, folders that do not exist, import errors | ui tests of `embed_migrations!` |
//! | squash: none applied, all applied, some applied | `squash::none_applied_*`, `all_applied_*`, `partly_applied_*` |
//! | squash: each length of history applied, with the files there and gone | `squash::every_length_of_history` |
//! | squash over several apps, also partly applied | `squash::over_two_apps` |
//! | the same, between files of those apps: no second leaf, no step left behind a goal | `squash::a_squash_is_in_line_in_each_app_that_it_stands_for` |
//! | squash: replaced files gone, partly applied, something depends on them | `squash::gone_and_partly_applied_is_an_error` |
//! | the same, nothing depends on them (Django: silently nothing) | `squash::gone_and_partly_applied_is_an_error` |
//! | a squash of a squash: none, inner, all, with the files there and gone | `squash::a_squash_of_a_squash` |
//! | squashes that replace each other | `squash::squashes_in_a_circle` |
//! | a squash recorded without what it replaces (Django: not applied; here: applied) | `squash::its_own_row_is_enough` |
//! | consistent and inconsistent histories | `trouble::inconsistent_history` |
//! | a squash as parent whose replaced steps are all applied is consistent | `trouble::a_squash_unrecorded_is_consistent` |
//! | unknown rows are skipped by the check of consistency | `trouble::rows_of_others_are_skipped` |
//! | `--fake` does not pass an inconsistent history | `trouble::inconsistent_history` |
//! | the executor's run forwards and back, empty plan, nothing to do backwards | `back::*` |
//! | back to a squash, back from a squash | `squash::back_to_it_and_before_it` |
//! | a partly applied squash as goal | `squash::partly_applied_the_rest_runs` |
//! | a squash retired: no files, no line `replaces`, old records pruned | `squash::retired_it_leaves_old_records_to_be_pruned` |
//! | back through as few apps as needed; branches | `back::dependents_of_what_stays_stay`, `back::branches` |
//! | a goal inside a squash: planned without it | `squash::a_goal_inside` |
//! | running the replaced steps by name records the squash too | `squash::a_goal_inside` |
//! | forwards and backwards in one plan | cannot be asked for: a request has one goal |
//! | conflicts: two leaves, also in another app than the one asked for | `trouble::conflicting_leaves` |
//! | data migrations are no leaves | `trouble::data_migrations_are_no_leaves` |
//! | irreversible steps: the whole plan is refused first, with `--fake` not | `back::irreversible_steps_refuse_the_plan` |
//! | an app to zero takes its dependents along | `back::zero_takes_dependents_along` |
//! | an app to zero of which only the database knows steps | `back::an_app_of_which_only_lost_steps_are_left_is_not_at_zero` |
//! | forwards and back to the state before, prefixes of a plan, nothing left of it | `properties::*` |
//! | effect and record together, failure half-way, non-atomic steps | conformance tests (tests/databases) |
//! | `--fake`, `--fake-initial`, `--prune`, `--check`, `--plan`, `status` | conformance tests and goldens of the command line |
//! | `migrate sql`, squashed and ambiguous names | goldens of the command line |

mod back;
mod goals;
mod graph;
mod properties;
mod random;
mod reference;
mod squash;
mod trouble;

use migrate_source::Database;

use super::history::History;
use super::route::{Route, route};
use super::row::{LedgerRow, LedgerRows, RowState};
use crate::context::{BoxFuture, ErasedStepFn, StepOutput, StepRequestHandle};
use crate::embedded::FunctionStep;
use crate::error::{Error, ErrorCode};
use crate::goal::{Fake, Goal, Request};
use crate::policy::Policies;
use crate::report::{Action, Direction, StepId};
use crate::session::Session;

/// A function that planning never calls.
struct Nothing;

impl ErasedStepFn for Nothing {
    fn database(&self) -> Option<Database> {
        None
    }

    fn call<'a>(
        &self,
        _: &'a mut dyn Session,
        _: StepRequestHandle<'a>,
    ) -> Option<BoxFuture<'a, crate::context::Result<StepOutput>>> {
        None
    }
}

fn leak(text: &str) -> &'static str {
    Box::leak(text.to_owned().into_boxed_str())
}

fn leak_all(texts: &[String]) -> &'static [&'static str] {
    let texts: Vec<&str> = texts.iter().map(|text| leak(text)).collect();
    Box::leak(texts.into_boxed_slice())
}

/// One step as the tests write it: its identity, then words and what they name:
/// `a.0002_y after a.0001_x,b.0001_z`, `a.fill fn manual after a.0001_x`, `a.0003_w one_way`.
#[derive(Clone, Debug, Default)]
struct Spec {
    app: String,
    name: String,
    after: Option<Vec<String>>,
    before: Vec<String>,
    replaces: Vec<String>,
    run: Vec<String>,
    function: bool,
    manual: bool,
    one_way: bool,
}

impl Spec {
    fn parse(line: &str) -> Self {
        let mut words = line.split_whitespace();
        let (app, name) = words.next().unwrap().split_once('.').unwrap();
        let mut spec = Self {
            app: app.to_owned(),
            name: name.to_owned(),
            ..Self::default()
        };
        while let Some(word) = words.next() {
            let mut names = || -> Vec<String> {
                words
                    .next()
                    .unwrap()
                    .split(',')
                    .map(str::to_owned)
                    .collect()
            };
            match word {
                "after" => spec.after = Some(names()),
                "before" => spec.before = names(),
                "replaces" => spec.replaces = names(),
                "run" => spec.run = names(),
                "fn" => spec.function = true,
                "manual" => spec.manual = true,
                "one_way" => spec.one_way = true,
                other => panic!("{other} in {line}"),
            }
        }
        spec
    }

    fn text(&self) -> String {
        let list = |key: &str, names: &[String]| {
            let names: Vec<String> = names.iter().map(|name| format!("{name:?}")).collect();
            format!("-- migrate: {key} = [{}]\n", names.join(", "))
        };
        let mut text = String::new();
        if let Some(after) = &self.after {
            text += &list("after", after);
        }
        for (key, names) in [
            ("before", &self.before),
            ("replaces", &self.replaces),
            ("run", &self.run),
        ] {
            if !names.is_empty() {
                text += &list(key, names);
            }
        }
        text += "-- migrate: up\nSELECT 1;\n";
        if !self.one_way {
            text += "-- migrate: down\nSELECT 2;\n";
        }
        text
    }

    fn function(&self) -> &'static FunctionStep {
        static NOTHING: Nothing = Nothing;
        Box::leak(Box::new(FunctionStep {
            app: leak(&self.app),
            name: leak(&self.name),
            crate_name: "",
            file: "src/lib.rs",
            line: 7,
            description: "",
            checksum: "",
            source: "",
            after: leak_all(self.after.as_deref().unwrap_or_default()),
            before: leak_all(&self.before),
            formerly: &[],
            rank: 0,
            atomic: true,
            disable_audit: false,
            manual: self.manual,
            elidable: false,
            run: &NOTHING,
            reverse: if self.one_way { None } else { Some(&NOTHING) },
            verify: None,
        }))
    }
}

fn build(specs: &[Spec]) -> Result<History, Error> {
    let add = |builder: super::HistoryBuilder, spec: &Spec| match spec.function {
        true => builder.function(spec.function()),
        false => builder.sql(&spec.app, &format!("{}.sql", spec.name), &spec.text()),
    };
    specs.iter().fold(History::builder(), add).build()
}

fn try_history(lines: &[&str]) -> Result<History, Error> {
    let specs: Vec<Spec> = lines.iter().map(|line| Spec::parse(line)).collect();
    build(&specs)
}

#[track_caller]
fn history(lines: &[&str]) -> History {
    match try_history(lines) {
        Ok(history) => history,
        Err(error) => panic!("{error}"),
    }
}

/// Rows in the order of their application: `a.0001_x b.0001_z`; with a state and how far it got,
/// `a.0003_w:failed:2`.
fn ledger(rows: &str) -> LedgerRows {
    let row = |(text, seq): (&str, i64)| {
        let mut parts = text.split(':');
        let (app, name) = parts.next().unwrap().split_once('.').unwrap();
        let state = RowState::parse(parts.next().unwrap_or("applied")).unwrap();
        let mut row = LedgerRow::bare(&StepId::new(app, name), "sql", state, seq);
        row.done = parts.next().map_or(0, |done| done.parse().unwrap());
        row.total = 5;
        row
    };
    LedgerRows::new(rows.split_whitespace().zip(1..).map(row).collect())
}

/// `migrate` with these words behind it, or `undo`.
fn request(words: &str) -> Request {
    if words == "undo" {
        return Request::to(Goal::Undo);
    }
    let mut words = words.split_whitespace();
    Request::to(Goal::typed(words.next(), words.next()))
}

fn try_route<'h>(history: &'h History, rows: &str, words: &str) -> Result<Route<'h>, Error> {
    let policies = Policies::default();
    route(
        history,
        &ledger(rows),
        &request(words),
        policies,
        Database::Postgres,
    )
}

/// What is done, in order: `+` applies, `-` undoes, `=` records. Nothing may stand in the way.
#[track_caller]
fn moves(history: &History, rows: &str, words: &str) -> String {
    let route = try_route(history, rows, words).unwrap();
    assert!(route.problems.is_empty(), "{:?}", route.problems);
    told(&route)
}

fn told(route: &Route<'_>) -> String {
    let told: Vec<String> = route
        .moves
        .iter()
        .map(|of| {
            let sign = match of.action {
                Action::Apply => '+',
                Action::Revert => '-',
                Action::Record => '=',
            };
            assert_eq!(
                route.direction == Direction::Backwards,
                of.action == Action::Revert,
                "a plan has one direction"
            );
            format!("{sign}{}", of.step.id)
        })
        .collect();
    told.join(" ")
}

/// The problems of a plan: codes, each with the step that it is about.
fn problems(history: &History, rows: &str, words: &str) -> Vec<(ErrorCode, String)> {
    let route = try_route(history, rows, words).unwrap();
    let about = |step: &Option<StepId>| step.as_ref().map(StepId::to_string).unwrap_or_default();
    let of = route.problems.iter();
    of.map(|problem| (problem.code, about(&problem.step)))
        .collect()
}

/// Asserts that a plan has one problem and what its texts name, and returns all of its text.
#[track_caller]
fn refused(history: &History, rows: &str, words: &str, code: ErrorCode, named: &[&str]) -> String {
    let route = try_route(history, rows, words).unwrap();
    let [problem] = route.problems.as_slice() else {
        panic!("not one problem: {:?}", route.problems);
    };
    assert_eq!(problem.code, code, "{problem:?}");
    assert!(!problem.help.is_empty(), "nothing leads out: {problem:?}");
    let text = format!("{}\n{}", problem.message, problem.help.join("\n"));
    for named in named {
        assert!(text.contains(named), "{named} is not in\n{text}");
    }
    text
}

fn faked(words: &str) -> Request {
    request(words).fake(Fake::All)
}
