//! What stands in the way of a run.

use super::*;

#[test]
fn inconsistent_history() {
    let history = history(&["a.0001_w", "a.0002_x", "b.0001_w after a.0002_x"]);
    for words in ["", "a", "b", "a zero", "a 0001"] {
        refused(
            &history,
            "a.0001_w b.0001_w",
            words,
            ErrorCode::InconsistentHistory,
            &[
                "`b.0001_w`",
                "`a.0002_x`",
                "postgres",
                "migrate mark a.0002_x",
                "migrate unmark b.0001_w",
            ],
        );
    }
    let policies = Policies::default();
    let rows = ledger("a.0001_w b.0001_w");
    let route = route(&history, &rows, &faked("b"), policies, Database::Postgres).unwrap();
    assert_eq!(route.problems[0].code, ErrorCode::InconsistentHistory);
    assert_eq!(moves(&history, "a.0001_w a.0002_x b.0001_w", ""), "");
}

#[test]
fn within_an_app_the_order_is_a_policy() {
    let history = history(&["a.0001_w", "a.0002_x", "a.0003_y"]);
    refused(
        &history,
        "a.0001_w a.0003_y",
        "",
        ErrorCode::OutOfOrder,
        &["`a.0002_x`", "`a.0003_y`", "--out-of-order allow"],
    );
    // It is not in the way of what does not apply it.
    assert_eq!(moves(&history, "a.0001_w a.0003_y", "a 0001"), "-a.0003_y");
}

#[test]
fn data_migrations_may_be_taken_out_of_the_ledger() {
    let history = history(&[
        "a.0001_w",
        "a.fill fn after a.0001_w",
        "b.0001_w after a.fill",
    ]);
    assert_eq!(moves(&history, "a.0001_w b.0001_w", ""), "+a.fill");
}

#[test]
fn rows_of_others_are_skipped() {
    let history = history(&["a.0001_w"]);
    assert_eq!(moves(&history, "other.0007_x", ""), "+a.0001_w");
}

#[test]
fn a_squash_unrecorded_is_consistent() {
    let history = history(&[
        "a.0001_w",
        "a.0002_x",
        "a.0001_squashed replaces a.0001_w,a.0002_x",
        "b.0001_w after a.0001_squashed",
    ]);
    assert_eq!(
        moves(&history, "a.0001_w a.0002_x b.0001_w", "b"),
        "=a.0001_squashed"
    );
    assert_eq!(
        problems(&history, "a.0001_w b.0001_w", "b"),
        [(ErrorCode::InconsistentHistory, "b.0001_w".to_owned())]
    );
}

#[test]
fn conflicting_leaves() {
    let lines = [
        "a.0001_w",
        "a.0002_x",
        "a.0003_y after a.0001_w",
        "b.0001_w",
    ];
    let forked = history(&lines);
    for words in ["", "a", "b", "a 0002"] {
        refused(
            &forked,
            "",
            words,
            ErrorCode::ConflictingLeaves,
            &["`a.0002_x` (a/0002_x.sql)", "`a.0003_y`", "migrate merge a"],
        );
    }
    let mut lines = lines.to_vec();
    lines.push("a.0004_merge after a.0002_x,a.0003_y");
    let merged = history(&lines);
    assert_eq!(
        moves(&merged, "", "a"),
        "+a.0001_w +a.0002_x +a.0003_y +a.0004_merge"
    );
}

#[test]
fn data_migrations_are_no_leaves() {
    let lines = [
        "a.0001_w",
        "a.f1 fn after a.0001_w",
        "a.f2 fn after a.0001_w",
        "a.0002_x after a.f1",
        "b.0001_w after a.0001_w",
    ];
    assert_eq!(problems(&history(&lines), "", ""), []);
}

#[test]
fn a_fork_inside_a_squash_is_gone_with_it() {
    let history = history(&[
        "a.0001_w",
        "a.0002_x",
        "a.0003_y after a.0001_w",
        "a.0001_squashed replaces a.0001_w,a.0002_x,a.0003_y",
    ]);
    assert_eq!(moves(&history, "", ""), "+a.0001_squashed");
    assert_eq!(
        moves(&history, "a.0001_w", ""),
        "+a.0002_x +a.0003_y =a.0001_squashed"
    );
}

#[test]
fn replaced_steps_are_neither_missing_nor_out_of_order() {
    let history = history(&["a.0001_squashed replaces a.0001_w,a.0002_x", "a.0003_y"]);
    assert_eq!(
        moves(&history, "a.0001_w a.0002_x a.0003_y", ""),
        "=a.0001_squashed"
    );
    let rows = "a.0001_w a.0002_x a.0001_squashed a.0003_y";
    let route = try_route(&history, rows, "").unwrap();
    assert!(
        route.problems.is_empty() && route.warnings.is_empty(),
        "{route:?}"
    );
}

#[test]
fn a_binary_from_before_a_squash_goes_on() {
    // The newer binary has recorded its squash; this one knows only the steps.
    let history = history(&["a.0001_w", "a.0002_x", "a.0003_y"]);
    let mut rows: Vec<LedgerRow> = ledger("a.0001_w a.0002_x a.0001_squashed").to_vec();
    for row in &mut rows {
        if row.name == "0001_squashed" {
            row.kind = super::super::Step::SQUASH.to_owned();
        }
    }
    let rows = LedgerRows::new(rows);
    let policies = Policies::default();
    let route = route(&history, &rows, &request(""), policies, Database::Postgres).unwrap();
    assert!(route.problems.is_empty(), "{:?}", route.problems);
    assert_eq!(told(&route), "+a.0003_y");
    assert_eq!(route.warnings.len(), 1, "{:?}", route.warnings);
}

#[test]
fn a_binary_from_before_a_squash_does_not_go_back_into_it() {
    let history = history(&["a.0001_w", "a.0002_x", "a.0003_y"]);
    let plan = |rows: &str, words: &str| {
        let mut rows: Vec<LedgerRow> = ledger(rows).to_vec();
        for row in rows.iter_mut().filter(|row| row.name.contains("squashed")) {
            row.kind = super::super::Step::SQUASH.to_owned();
        }
        let rows = LedgerRows::new(rows);
        let policies = Policies::default();
        let found = route(
            &history,
            &rows,
            &request(words),
            policies,
            Database::Postgres,
        );
        let found = found.unwrap();
        let codes: Vec<ErrorCode> = found.problems.iter().map(|problem| problem.code).collect();
        (told(&found), codes)
    };
    // The squash would go on saying that `0002_x` is applied.
    for words in ["a 0001", "a zero", "undo"] {
        let (_, codes) = plan("a.0001_w a.0002_x a.0001_squashed", words);
        assert_eq!(codes, [ErrorCode::StepMissing], "{words}");
    }
    // What was applied after it is no part of it.
    let rows = "a.0001_w a.0002_x a.0001_squashed a.0003_y";
    for words in ["a 0002", "undo"] {
        assert_eq!(plan(rows, words), ("-a.0003_y".to_owned(), Vec::new()));
    }
    // Nor is what another app's squash stands for.
    let rows = "a.0001_w a.0002_x b.0001_squashed";
    assert_eq!(plan(rows, "undo"), ("-a.0002_x".to_owned(), Vec::new()));
}

#[test]
fn a_squash_without_a_part_of_what_it_stands_for_is_told() {
    let history = history(&[
        "a.0001_w",
        "a.0002_x",
        "a.0001_squashed replaces a.0001_w,a.0002_x",
    ]);
    let warnings = |rows: &str| try_route(&history, rows, "").unwrap().warnings;
    let told = warnings("a.0001_w a.0001_squashed");
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(told[0].contains("migrate mark a.0002_x"), "{told:?}");
    assert_eq!(warnings("a.0001_squashed"), [""; 0]);
    assert_eq!(warnings("a.0001_w a.0002_x a.0001_squashed"), [""; 0]);
}

#[test]
fn what_another_binary_left_half_undone_stands_in_the_way() {
    let history = history(&["a.0001_w", "a.0002_x", "b.0001_w"]);
    let half = "a.0009_later:reverting:2";
    let text = refused(
        &history,
        &format!("a.0001_w {half} b.0001_w"),
        "",
        ErrorCode::HalfReverted,
        &[
            "`a.0009_later`",
            "2 of its 5",
            "migrate unmark a.0009_later",
        ],
    );
    assert!(text.contains("does not have it"), "{text}");
    let undo = problems(&history, &format!("a.0001_w a.0002_x {half}"), "undo");
    assert_eq!(undo[0].0, ErrorCode::StepMissing);
    // Another app goes on.
    let rows = format!("a.0001_w a.0002_x {half}");
    assert_eq!(moves(&history, &rows, ""), "+b.0001_w");
}

#[test]
fn everything_in_the_way_is_named_at_once() {
    let history = history(&[
        "a.0001_w",
        "a.0002_x",
        "a.0003_y",
        "b.0001_w after a.0002_x",
        "c.0001_w",
        "c.0002_x",
        "c.0003_y after c.0001_w",
    ]);
    let found = problems(&history, "a.0001_w a.0003_y b.0001_w", "");
    let codes: Vec<ErrorCode> = found.into_iter().map(|(code, _)| code).collect();
    assert_eq!(
        codes,
        [
            ErrorCode::InconsistentHistory,
            ErrorCode::ConflictingLeaves,
            ErrorCode::OutOfOrder,
        ]
    );
}
