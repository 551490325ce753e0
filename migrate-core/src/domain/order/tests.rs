//! Random graphs against a slow reference: at each place the best of all steps that could run.

use proptest::prelude::*;

use super::super::History;
use crate::context::{BoxFuture, ErasedStepFn, StepOutput, StepRequestHandle};
use crate::embedded::FunctionStep;
use crate::error::{Error, ErrorCode};
use crate::session::Session;
use migrate_source::Database;

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

/// One step of a random history: its app, whether it is a function, what it refers to.
#[derive(Clone, Debug)]
struct Spec {
    app: usize,
    function: bool,
    after: Vec<usize>,
    before: Vec<usize>,
}

const APPS: [&str; 3] = ["zoo", "shop", "billing"];

fn specs() -> impl Strategy<Value = Vec<Spec>> {
    (1_usize..24).prop_flat_map(|count| {
        let references = || {
            prop::collection::btree_set(0..count, 0..3).prop_map(|set| set.into_iter().collect())
        };
        let spec = (0..APPS.len(), any::<bool>(), references(), references()).prop_map(
            |(app, function, after, before): (_, _, _, Vec<usize>)| Spec {
                app,
                function,
                after,
                // Few, or nearly every graph is a circle.
                before: before.into_iter().take(1).collect(),
            },
        );
        prop::collection::vec(spec, count)
    })
}

fn name(specs: &[Spec], i: usize) -> String {
    if specs[i].function {
        format!("f{}_v1_2026_01_02", (i * 7) % 24)
    } else {
        format!("{:04}_step", i + 1)
    }
}

fn id(specs: &[Spec], i: usize) -> String {
    format!("{}.{}", APPS[specs[i].app], name(specs, i))
}

fn leak<T>(value: T) -> &'static T {
    Box::leak(Box::new(value))
}

fn leak_all(specs: &[Spec], places: &[usize]) -> &'static [&'static str] {
    let texts = places.iter().map(|&i| leak(id(specs, i)).as_str());
    leak(texts.collect::<Vec<_>>())
}

fn build(specs: &[Spec]) -> Result<History, Error> {
    let mut builder = History::builder();
    // Every app has a file, so that the order in which they are named does not depend on luck.
    for app in APPS {
        builder = builder.sql(app, "0000_first.sql", "-- migrate: after = []\nSELECT 1;\n");
    }
    for (i, spec) in specs.iter().enumerate() {
        if spec.function {
            builder = builder.function(leak(FunctionStep {
                app: APPS[spec.app],
                name: leak(name(specs, i)),
                crate_name: "",
                file: "",
                line: 0,
                description: "",
                checksum: "",
                source: "",
                after: leak_all(specs, &spec.after),
                before: leak_all(specs, &spec.before),
                formerly: &[],
                rank: 0,
                atomic: true,
                disable_audit: false,
                manual: false,
                elidable: false,
                run: &Nothing,
                reverse: None,
                verify: None,
            }));
            continue;
        }
        let list = |places: &[usize]| {
            let ids: Vec<String> = places
                .iter()
                .map(|&i| format!("{:?}", id(specs, i)))
                .collect();
            ids.join(", ")
        };
        let mut header = String::new();
        if !spec.after.is_empty() {
            header += &format!("-- migrate: after = [{}]\n", list(&spec.after));
        }
        if !spec.before.is_empty() {
            header += &format!("-- migrate: before = [{}]\n", list(&spec.before));
        }
        let text = header + "SELECT 1;\n";
        builder = builder.sql(APPS[spec.app], &format!("{}.sql", name(specs, i)), &text);
    }
    builder.build()
}

/// What each step comes directly after, by the rules as the documentation tells them.
fn needs(specs: &[Spec]) -> Vec<Vec<usize>> {
    let mut needs: Vec<Vec<usize>> = specs.iter().map(|spec| spec.after.clone()).collect();
    for (i, spec) in specs.iter().enumerate() {
        for &later in &spec.before {
            needs[later].push(i);
        }
        let of_own_app = spec.after.iter().any(|&other| specs[other].app == spec.app);
        if !spec.function && !of_own_app {
            let before = (0..i)
                .rev()
                .find(|&j| !specs[j].function && specs[j].app == spec.app);
            needs[i].extend(before);
        }
    }
    needs
}

/// Takes, again and again, the first of all steps that could run: functions before files, apps
/// in the order of their names in the history, files by number and functions by name.
fn reference(specs: &[Spec]) -> Option<Vec<String>> {
    let needs = needs(specs);
    let mut left: Vec<usize> = (0..specs.len()).collect();
    let mut order = Vec::new();
    while !left.is_empty() {
        let next = left
            .iter()
            .copied()
            .filter(|&i| needs[i].iter().all(|needed| !left.contains(needed)))
            .min_by_key(|&i| {
                let spec = &specs[i];
                let number = if spec.function { 0 } else { i + 1 };
                (!spec.function, spec.app, number, name(specs, i))
            })?;
        left.retain(|&i| i != next);
        order.push(id(specs, next));
    }
    Some(order)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn the_order_is_that_of_the_reference(specs in specs()) {
        let found = build(&specs);
        match reference(&specs) {
            Some(order) => {
                let history = found.unwrap();
                let ids = history.iter().map(|step| step.id().to_string());
                let ids: Vec<String> = ids.filter(|id| !id.ends_with(".0000_first")).collect();
                prop_assert_eq!(ids, order);
            }
            None => prop_assert_eq!(found.unwrap_err().code(), ErrorCode::DependencyCycle),
        }
    }
}

#[test]
fn a_circle_is_told_step_by_step() {
    let specs: Vec<Spec> = [vec![1], vec![2], vec![0]]
        .into_iter()
        .map(|after| Spec {
            app: 0,
            function: true,
            after,
            before: Vec::new(),
        })
        .collect();
    let error = build(&specs).unwrap_err();
    assert_eq!(error.code(), ErrorCode::DependencyCycle);
    for i in 0..3 {
        assert!(error.message().contains(&id(&specs, i)), "{error}");
    }
}
