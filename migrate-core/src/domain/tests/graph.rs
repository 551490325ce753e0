//! Order and reach in graphs without squashes.

use super::*;

const SHOP: [&str; 4] = ["a.0001_w", "a.0002_x", "a.0003_y", "a.0004_z"];

#[test]
fn one_app_there_and_back() {
    let history = history(&SHOP);
    let all = SHOP.join(" ");
    assert_eq!(moves(&history, "", "a 0001"), "+a.0001_w");
    assert_eq!(
        moves(&history, "", "a 0003"),
        "+a.0001_w +a.0002_x +a.0003_y"
    );
    assert_eq!(moves(&history, "a.0001_w", "a 0003"), "+a.0002_x +a.0003_y");
    assert_eq!(moves(&history, &all, "a 0002"), "-a.0004_z -a.0003_y");
    assert_eq!(moves(&history, &all, "a 0004"), "");
    assert_eq!(
        moves(&history, &all, "a zero"),
        "-a.0004_z -a.0003_y -a.0002_x -a.0001_w"
    );
}

#[test]
fn a_diamond_over_two_apps() {
    let history = history(&[
        "a.0001_w",
        "a.0002_x after a.0001_w,b.0002_y",
        "a.0003_y",
        "b.0001_w after a.0001_w",
        "b.0002_y",
    ]);
    assert_eq!(
        moves(&history, "", "a 0003"),
        "+a.0001_w +b.0001_w +b.0002_y +a.0002_x +a.0003_y"
    );
    assert_eq!(
        moves(&history, "", "b"),
        "+a.0001_w +b.0001_w +b.0002_y",
        "of the other app only what is needed"
    );
    assert_eq!(
        moves(
            &history,
            "a.0001_w b.0001_w b.0002_y a.0002_x a.0003_y",
            "b 0001"
        ),
        "-a.0003_y -a.0002_x -b.0002_y"
    );
}

#[test]
fn circles_are_told() {
    let circles: [&[&str]; 4] = [
        &["a.0001_w after a.0002_x", "a.0002_x"],
        &[
            "a.f1 fn after a.f2",
            "a.f2 fn after a.f3",
            "a.f3 fn after a.f1",
        ],
        &["a.f1 fn after a.f1"],
        &[
            "a.0001_w after b.0001_w",
            "b.0001_w after c.0001_w",
            "c.0001_w after a.0001_w",
        ],
    ];
    for lines in circles {
        let error = try_history(lines).unwrap_err();
        assert_eq!(error.code(), ErrorCode::DependencyCycle, "{lines:?}");
        for line in lines {
            let id = line.split(' ').next().unwrap();
            assert!(error.message().contains(id), "{id}: {error}");
        }
    }
}

#[test]
fn a_chain_of_ten_thousand() {
    let lines: Vec<String> = (1..10_000).map(|i| format!("a.{i:04}_x")).collect();
    let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
    let history = history(&lines);
    let route = try_route(&history, "", "a 9999").unwrap();
    assert_eq!(route.moves.len(), lines.len());
    let back = try_route(&history, &lines.join(" "), "a zero").unwrap();
    assert_eq!(back.moves.len(), lines.len());
}

#[test]
fn many_paths_are_walked_once() {
    // Fifty diamonds on each other: 2^50 paths.
    let mut lines = vec!["a.f000 fn".to_owned()];
    for i in 0..50 {
        lines.push(format!("a.l{i:03} fn after a.f{i:03}"));
        lines.push(format!("a.r{i:03} fn after a.f{i:03}"));
        lines.push(format!("a.f{:03} fn after a.l{i:03},a.r{i:03}", i + 1));
    }
    let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
    let history = history(&lines);
    // Walked one by one, they would never come to an end.
    assert_eq!(
        try_route(&history, "", "a f050").unwrap().moves.len(),
        lines.len()
    );
}

#[test]
fn references_to_nothing() {
    for line in [
        "a.0002_x after a.0001_v",
        "a.0002_x before a.0003_y",
        "a.0002_x run a.fill",
        "a.fill fn after a.0001_v",
    ] {
        let error = try_history(&["a.0001_w", line]).unwrap_err();
        assert_eq!(error.code(), ErrorCode::UnknownReference, "{line}");
    }
    let error = try_history(&["a.0001_w", "a.0002_x after c.0001_w"]).unwrap_err();
    assert!(error.to_string().contains("extern c"), "{error}");
}

#[test]
fn files_follow_each_other() {
    let history = history(&[
        "b.0002_x",
        "b.0001_w",
        "a.0001_w after b.0002_x",
        "a.0002_x",
    ]);
    assert_eq!(
        moves(&history, "", ""),
        "+b.0001_w +b.0002_x +a.0001_w +a.0002_x"
    );
}

#[test]
fn before_another_step() {
    let history = history(&["a.0001_w", "a.0002_x", "b.0001_w before a.0002_x"]);
    assert_eq!(moves(&history, "", "a"), "+a.0001_w +b.0001_w +a.0002_x");
    assert_eq!(
        moves(&history, "a.0001_w b.0001_w a.0002_x", "b zero"),
        "-a.0002_x -b.0001_w"
    );
}

#[test]
fn what_a_step_runs_comes_with_it() {
    let history = history(&[
        "a.0001_w",
        "b.0001_w",
        "a.fill fn manual after b.0001_w",
        "a.0002_x run a.fill",
        "a.after_fill fn after a.fill",
    ]);
    // Everything but the manual one, which the second file runs.
    assert_eq!(
        moves(&history, "", "a"),
        "+a.0001_w +b.0001_w +a.0002_x +a.after_fill"
    );
    assert_eq!(
        moves(&history, "", "a after_fill"),
        moves(&history, "", "a")
    );
}
