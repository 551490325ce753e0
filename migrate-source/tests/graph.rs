//! The graph of SQL steps, where it takes several apps.

#![allow(clippy::panic, reason = "a test that cannot go on must stop")]

use migrate_source::Database;
use migrate_source::graph::{App, Graph, Others, SqlStep};
use migrate_source::sql_file::parse_sql_file;

/// An app with its steps, each as its name and its header.
fn app(label: &str, steps: &[(&str, &str)]) -> App {
    let steps = steps.iter().map(|&(name, header)| {
        let text = format!("{header}\nSELECT 1;\n");
        let parsed = parse_sql_file(&text, Some(Database::Postgres));
        let parsed = parsed.unwrap_or_else(|error| panic!("{error:?}"));
        SqlStep {
            name: name.to_owned(),
            number: name[..4].parse().unwrap_or_default(),
            headers: vec![(format!("{label}/{name}.sql"), parsed.header)],
        }
    });
    App {
        label: label.to_owned(),
        steps: steps.collect(),
    }
}

/// The codes of what is wrong.
fn mistakes(apps: &[App]) -> Vec<&'static str> {
    let mut graph = Graph::new(apps, Others::Named(Vec::new()));
    let _ = graph.ranks(true);
    graph.refuse_several_leaves();
    let mistakes = graph.mistakes.iter();
    mistakes.map(|mistake| mistake.code).collect()
}

#[test]
fn a_squash_is_in_line_in_each_app_that_it_stands_for() {
    const ALL: (&str, &str) = (
        "0001_all",
        "-- migrate: replaces = [\"b.0002_x\", \"0001_w\"]",
    );
    const WITH_FILE: (&str, &str) = ("0001_w", "-- migrate: after = \"b.0002_x\"");
    let b = |steps: &[(&str, &str)]| app("b", steps);
    let both = b(&[("0001_w", ""), ("0002_x", ""), ("0003_y", "")]);
    assert_eq!(
        mistakes(&[app("a", &[ALL, WITH_FILE]), both]),
        [""; 0],
        "both histories"
    );
    // Its files are deleted: the squash names what it comes after itself.
    let after = (
        ALL.0,
        "-- migrate: after = \"b.0001_w\"\n-- migrate: replaces = [\"b.0002_x\", \"0001_w\"]",
    );
    let last = ("0003_y", "-- migrate: after = \"0002_x\"");
    assert_eq!(
        mistakes(&[app("a", &[after]), b(&[("0001_w", ""), last])]),
        [""; 0],
        "the files are gone"
    );
    // One that stands for nothing of an app joins nothing there.
    let other = (
        "0002_other",
        "-- migrate: after = [\"b.0002_x\", \"b.0003_y\"]",
    );
    let branch = ("0003_y", "-- migrate: after = \"0001_w\"");
    assert_eq!(
        mistakes(&[
            app("a", &[("0001_w", ""), other]),
            b(&[("0001_w", ""), ("0002_x", ""), branch])
        ]),
        ["conflicting_leaves"]
    );
}
