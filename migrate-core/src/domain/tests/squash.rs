//! Squashes: which steps a ledger leaves in the graph.

use std::collections::BTreeSet;

use super::*;

/// Two apps; the first three steps of one are squashed.
const SHOP: [&str; 7] = [
    "a.0001_w",
    "a.0002_x after a.0001_w,b.0001_w",
    "a.0003_y",
    "a.0001_squashed replaces a.0001_w,a.0002_x,a.0003_y",
    "a.0004_z",
    "b.0001_w",
    "b.0002_x after b.0001_w,a.0003_y",
];

#[test]
fn none_applied_the_squash_runs() {
    let history = history(&SHOP);
    assert_eq!(
        moves(&history, "", ""),
        "+b.0001_w +a.0001_squashed +a.0004_z +b.0002_x"
    );
}

#[test]
fn edges_go_to_the_squash() {
    let history = history(&SHOP);
    // What one replaced step needs of another app, and who follows one.
    assert_eq!(
        moves(&history, "", "a 0001_squashed"),
        "+b.0001_w +a.0001_squashed"
    );
    assert_eq!(
        moves(&history, "", "b"),
        "+b.0001_w +a.0001_squashed +b.0002_x"
    );
}

#[test]
fn all_applied_the_squash_is_recorded() {
    let history = history(&SHOP);
    let rows = "a.0001_w b.0001_w a.0002_x a.0003_y";
    assert_eq!(
        moves(&history, rows, ""),
        "=a.0001_squashed +a.0004_z +b.0002_x"
    );
    let rows = format!("{rows} a.0004_z b.0002_x");
    for words in ["", "a", "b", "a 0004"] {
        assert_eq!(moves(&history, &rows, words), "=a.0001_squashed", "{words}");
    }
    assert_eq!(moves(&history, &format!("{rows} a.0001_squashed"), ""), "");
    let rows = ledger(&rows);
    let effective = super::super::Effective::new(&history, &rows, None);
    let squash = StepId::new("a", "0001_squashed");
    assert!(effective.unrecorded(&squash) && effective.applied(&squash));
    let folded = effective.folded_into(&StepId::new("a", "0002_x"));
    assert_eq!(folded.map(|step| step.id()), Some(&squash));
}

#[test]
fn partly_applied_the_rest_runs() {
    let history = history(&SHOP);
    assert_eq!(
        moves(&history, "a.0001_w", ""),
        "+b.0001_w +a.0002_x +a.0003_y =a.0001_squashed +a.0004_z +b.0002_x"
    );
    assert_eq!(
        moves(&history, "a.0001_w", "a 0001_squashed"),
        "+b.0001_w +a.0002_x +a.0003_y =a.0001_squashed"
    );
    let rows = ledger("a.0001_w");
    let effective = super::super::Effective::new(&history, &rows, None);
    assert!(effective.split(&StepId::new("a", "0001_squashed")));
    assert!(effective.folded_into(&StepId::new("a", "0002_x")).is_none());
}

#[test]
fn every_length_of_history() {
    let steps = ["a.0001_w", "a.0002_x", "a.0003_y", "a.0004_z", "a.0005_v"];
    let squash = "a.0003_squashed replaces a.0003_y,a.0004_z";
    let mut with_files = steps.to_vec();
    with_files.push(squash);
    let with_files = history(&with_files);
    let without = history(&["a.0001_w", "a.0002_x", squash, "a.0005_v"]);
    let squashed = "+a.0003_squashed +a.0005_v";
    let expected = [
        format!("+a.0001_w +a.0002_x {squashed}"),
        format!("+a.0002_x {squashed}"),
        squashed.to_owned(),
        "+a.0004_z =a.0003_squashed +a.0005_v".to_owned(),
        "=a.0003_squashed +a.0005_v".to_owned(),
        "=a.0003_squashed".to_owned(),
    ];
    for (applied, expected) in expected.iter().enumerate() {
        let rows = steps[..applied].join(" ");
        assert_eq!(
            &moves(&with_files, &rows, ""),
            expected,
            "{applied} applied"
        );
        if applied != 3 {
            assert_eq!(
                &moves(&without, &rows, ""),
                expected,
                "{applied}, files gone"
            );
        }
    }
}

#[test]
fn gone_and_partly_applied_is_an_error() {
    let squash = "a.0001_squashed replaces a.0001_w,a.0002_x,a.0003_y";
    for lines in [
        vec![squash],
        vec![squash, "a.0004_z"],
        vec![squash, "b.0001_w after a.0002_x"],
        // The first is there still; what is missing is not.
        vec![squash, "a.0001_w"],
    ] {
        let history = history(&lines);
        for words in ["", "a", "a zero"] {
            let text = refused(
                &history,
                "a.0001_w",
                words,
                ErrorCode::SquashIncomplete,
                &[
                    "`a.0001_squashed`",
                    "has `a.0001_w` but not `a.0002_x`, `a.0003_y`",
                    "postgres",
                    "migrate mark a.0001_squashed",
                    "migrate unmark a.0001_w",
                ],
            );
            assert!(text.contains("deploy the release"), "{text}");
        }
    }
    // What is applied may be gone, as long as the rest can run.
    let history = history(&[squash, "a.0003_y"]);
    assert_eq!(
        moves(&history, "a.0001_w a.0002_x", ""),
        "+a.0003_y =a.0001_squashed"
    );
}

#[test]
fn names_that_are_gone_mean_the_squash() {
    let history = history(&[
        "a.0001_squashed replaces a.0001_w,a.0002_x,a.fill_v1",
        "a.0003_y",
        "a.later fn after a.0002_x",
        "b.0001_w after a.0001_w",
        "b.0002_x before a.0003_y",
        "c.0001_w before a.0002_x",
    ]);
    assert_eq!(
        moves(&history, "", ""),
        "+c.0001_w +a.0001_squashed +a.later +b.0001_w +b.0002_x +a.0003_y"
    );
    let after = history.get(&StepId::new("b", "0001_w")).unwrap().after();
    assert_eq!(after, [StepId::new("a", "0001_squashed")]);
    // As goals too.
    let rows = "c.0001_w a.0001_w a.0002_x a.fill_v1 a.0001_squashed b.0001_w b.0002_x a.0003_y";
    assert_eq!(moves(&history, rows, "a 0002"), "-a.0003_y");
    assert_eq!(moves(&history, rows, "a fill_v1"), "-a.0003_y");
}

#[test]
fn its_own_row_is_enough() {
    let history = history(&SHOP);
    assert_eq!(
        moves(&history, "b.0001_w a.0001_squashed", "a"),
        "+a.0004_z"
    );
    // There is no state between that it could go back to.
    let error = try_route(&history, "b.0001_w a.0001_squashed", "a 0002").unwrap_err();
    assert_eq!(error.code(), ErrorCode::NotPossible);
    assert!(
        error.to_string().contains("migrate a 0001_squashed"),
        "{error}"
    );
}

#[test]
fn back_to_it_and_before_it() {
    let history = history(&SHOP);
    let rows = "b.0001_w a.0001_w a.0002_x a.0003_y a.0001_squashed a.0004_z b.0002_x";
    assert_eq!(moves(&history, rows, "a 0001_squashed"), "-a.0004_z");
    assert_eq!(
        moves(&history, rows, "a zero"),
        "-b.0002_x -a.0004_z -a.0001_squashed"
    );
    let unrecorded = "a.0001_w b.0001_w a.0002_x a.0003_y a.0004_z";
    assert_eq!(
        moves(&history, unrecorded, "a zero"),
        "-a.0004_z -a.0001_squashed"
    );
    assert_eq!(
        history
            .replaced_by(&StepId::new("a", "0001_squashed"))
            .len(),
        3
    );
}

#[test]
fn recorded_late_it_is_not_what_was_applied_last() {
    let history = history(&SHOP);
    let rows = "a.0001_w b.0001_w a.0002_x a.0003_y a.0004_z b.0002_x a.0001_squashed";
    assert_eq!(moves(&history, rows, "undo"), "-b.0002_x");
}

#[test]
fn a_goal_inside() {
    let history = history(&SHOP);
    assert_eq!(
        moves(&history, "", "a 0002"),
        "+a.0001_w +b.0001_w +a.0002_x"
    );
    assert_eq!(
        moves(&history, "", "a 0003"),
        "+a.0001_w +b.0001_w +a.0002_x +a.0003_y =a.0001_squashed"
    );
    let rows = "a.0001_w b.0001_w a.0002_x a.0003_y a.0001_squashed a.0004_z";
    assert_eq!(moves(&history, rows, "a 0002"), "-a.0004_z -a.0003_y");
    assert_eq!(moves(&history, rows, "a 0003"), "-a.0004_z");
    // The record of the squash goes with one of its parts.
    let around = history.squashes_of(&StepId::new("a", "0003_y"));
    assert_eq!(around, [&StepId::new("a", "0001_squashed")]);
}

#[test]
fn retired_it_leaves_old_records_to_be_pruned() {
    // The replaced files are gone, and the line `replaces` as well.
    let history = history(&["a.0001_squashed", "a.0003_y"]);
    let kept = "a.0001_squashed a.0003_y";
    let rows = format!("a.0001_w a.0002_x {kept}");
    let lost = ["a.0001_w", "a.0002_x"].map(|name| (ErrorCode::StepMissing, name.to_owned()));
    assert_eq!(problems(&history, &rows, ""), lost);
    let route = try_route(&history, &rows, "").unwrap();
    let help = route.problems[0].help.join("; ");
    assert!(help.contains("migrate a --prune"), "{help}");
    assert_eq!(moves(&history, kept, ""), "");
}

#[test]
fn over_two_apps() {
    let history = history(&[
        "a.0001_w",
        "b.0001_w after a.0001_w",
        "a.0002_x after b.0001_w,a.0001_w",
        "a.0001_all replaces a.0001_w,b.0001_w,a.0002_x",
        "a.0003_y",
        "b.0002_x",
    ]);
    assert_eq!(moves(&history, "", ""), "+a.0001_all +a.0003_y +b.0002_x");
    assert_eq!(moves(&history, "", "b"), "+a.0001_all +b.0002_x");
    assert_eq!(
        moves(&history, "a.0001_w", ""),
        "+b.0001_w +a.0002_x =a.0001_all +a.0003_y +b.0002_x"
    );
    let rows = "a.0001_w b.0001_w a.0002_x a.0003_y b.0002_x";
    assert_eq!(moves(&history, rows, ""), "=a.0001_all");
}

#[test]
fn a_squash_is_in_line_in_each_app_that_it_stands_for() {
    let history = history(&[
        "b.0001_w",
        "b.0002_x",
        "a.0001_w after b.0002_x",
        "a.0001_all replaces b.0002_x,a.0001_w",
        "b.0003_y",
    ]);
    // No branch: what follows one of its steps follows the squash.
    assert_eq!(moves(&history, "", ""), "+b.0001_w +a.0001_all +b.0003_y");
    let rows = "b.0001_w b.0002_x a.0001_w a.0001_all b.0003_y";
    assert_eq!(moves(&history, rows, ""), "");
    // And nothing of the app is left behind a goal.
    let back = "-b.0003_y -a.0001_all";
    assert_eq!(moves(&history, rows, "b 0001"), back);
    assert_eq!(
        moves(&history, "b.0001_w a.0001_all b.0003_y", "b 0001"),
        back
    );
}

#[test]
fn a_squash_of_a_squash() {
    let steps = ["a.0001_w", "a.0002_x", "a.0003_y", "a.0004_z"];
    let inner = "a.0001_inner replaces a.0001_w,a.0002_x";
    let outer = "a.0001_outer replaces a.0001_inner,a.0003_y";
    // One that names what the inner one replaces as well.
    let flat = "a.0001_outer replaces a.0001_inner,a.0001_w,a.0002_x,a.0003_y";
    for outer in [outer, flat] {
        let mut lines = steps.to_vec();
        lines.extend([inner, outer]);
        let all = history(&lines);
        assert_eq!(moves(&all, "", ""), "+a.0001_outer +a.0004_z");
        assert_eq!(
            moves(&all, "a.0001_w", ""),
            "+a.0002_x =a.0001_inner +a.0003_y =a.0001_outer +a.0004_z"
        );
        for rows in ["a.0001_w a.0002_x", "a.0001_w a.0002_x a.0001_inner"] {
            let recorded = if rows.contains("inner") {
                ""
            } else {
                "=a.0001_inner "
            };
            assert_eq!(
                moves(&all, rows, ""),
                format!("{recorded}+a.0003_y =a.0001_outer +a.0004_z")
            );
        }
        for rows in [
            "a.0001_w a.0002_x a.0003_y",
            "a.0001_w a.0002_x a.0001_inner a.0003_y",
        ] {
            assert_eq!(moves(&all, rows, ""), "=a.0001_outer +a.0004_z");
        }
        let names = all.replaced_by(&StepId::new("a", "0001_outer"));
        assert_eq!(names.len(), 4, "{names:?}");
        assert_eq!(all.squashes_of(&StepId::new("a", "0002_x")).len(), 2);
    }
    // The files that the inner one replaced are gone.
    let inner_left = history(&["a.0003_y", inner, outer, "a.0004_z"]);
    assert_eq!(moves(&inner_left, "", ""), "+a.0001_outer +a.0004_z");
    assert_eq!(
        moves(&inner_left, "a.0001_w a.0002_x", ""),
        "=a.0001_inner +a.0003_y =a.0001_outer +a.0004_z"
    );
    refused(
        &inner_left,
        "a.0001_w",
        "",
        ErrorCode::SquashIncomplete,
        &["`a.0001_inner`", "`a.0002_x`"],
    );
    // And the inner one as well.
    let outer_left = history(&[flat, "a.0004_z"]);
    assert_eq!(
        moves(&outer_left, "a.0001_w a.0002_x a.0001_inner a.0003_y", ""),
        "=a.0001_outer +a.0004_z"
    );
}

#[test]
fn squashes_in_a_circle() {
    let error = try_history(&[
        "a.0001_w",
        "a.0002_one replaces a.0001_w,a.0003_other",
        "a.0003_other replaces a.0002_one",
    ])
    .unwrap_err();
    assert_eq!(error.code(), ErrorCode::DependencyCycle);
    for name in ["a.0002_one", "a.0003_other"] {
        assert!(error.message().contains(name), "{error}");
    }
    let itself = try_history(&["a.0001_w replaces a.0001_w"]).unwrap_err();
    assert_eq!(itself.code(), ErrorCode::DependencyCycle, "{itself}");
}

#[test]
fn two_squashes_of_one_step() {
    let error = try_history(&[
        "a.0001_w",
        "a.0002_one replaces a.0001_w",
        "a.0003_other replaces a.0001_w",
    ])
    .unwrap_err();
    assert_eq!(error.code(), ErrorCode::InvalidStep);
    for name in ["a.0002_one", "a.0003_other", "a.0001_w"] {
        assert!(error.message().contains(name), "{error}");
    }
}

#[test]
fn what_a_step_runs_is_squashed_with_it() {
    let lines = [
        "a.0001_w",
        "a.fill fn manual after a.0001_w",
        "a.0002_x run a.fill",
    ];
    let mut apart = lines.to_vec();
    apart.push("a.0001_squashed replaces a.0001_w,a.fill");
    let error = try_history(&apart).unwrap_err();
    assert_eq!(error.code(), ErrorCode::InvalidStep);
    for name in ["a.0001_squashed", "a.fill", "a.0002_x"] {
        assert!(error.message().contains(name), "{error}");
    }
    let mut together = lines.to_vec();
    together.push("a.0001_squashed replaces a.0001_w,a.fill,a.0002_x");
    let together = history(&together);
    assert_eq!(moves(&together, "", ""), "+a.0001_squashed");
    assert_eq!(
        moves(&together, "a.0001_w", ""),
        "+a.0002_x =a.0001_squashed"
    );
}

#[test]
fn what_a_squash_ran_goes_with_it() {
    let history = history(&[
        "a.0001_w",
        "a.fill fn manual after a.0001_w",
        "a.0002_x run a.fill",
        "a.0001_squashed replaces a.0001_w,a.0002_x run a.fill",
    ]);
    assert_eq!(moves(&history, "", ""), "+a.0001_squashed");
    // It comes after a part of the squash, but is no reason to keep the squash.
    let rows = "a.fill a.0001_w a.0002_x a.0001_squashed";
    for words in ["undo", "a zero"] {
        assert_eq!(moves(&history, rows, words), "-a.0001_squashed");
    }
}

#[test]
fn equal_numbers_only_where_one_replaces_the_other() {
    let error =
        try_history(&["a.0001_w", "a.0002_x", "a.0002_squashed replaces a.0001_w"]).unwrap_err();
    assert_eq!(error.code(), ErrorCode::DuplicateStep);
}

#[test]
fn a_step_in_the_middle_makes_a_circle() {
    let error = try_history(&[
        "a.0001_w",
        "a.fill fn after a.0001_w",
        "a.0002_x after a.fill",
        "a.0001_squashed replaces a.0001_w,a.0002_x",
    ])
    .unwrap_err();
    assert_eq!(error.code(), ErrorCode::DependencyCycle);
    for name in ["a.0001_squashed", "a.fill"] {
        assert!(error.message().contains(name), "{error}");
    }
    assert!(error.to_string().contains("squash fewer steps"), "{error}");
    // Two squashes with the step between them can be ordered.
    let history = history(&[
        "a.0001_w",
        "a.fill fn after a.0001_w",
        "a.0002_x after a.fill",
        "a.0003_y",
        "a.0001_squashed replaces a.0001_w",
        "a.0002_squashed after a.fill replaces a.0002_x,a.0003_y",
    ]);
    assert_eq!(
        moves(&history, "", ""),
        "+a.0001_squashed +a.fill +a.0002_squashed"
    );
    assert_eq!(
        moves(&history, "a.0001_w", ""),
        "=a.0001_squashed +a.fill +a.0002_squashed"
    );
    assert_eq!(
        moves(&history, "a.0001_w a.fill a.0002_x", ""),
        "=a.0001_squashed +a.0003_y =a.0002_squashed"
    );
}

#[test]
fn replaced_steps_keep_their_places_of_before() {
    // The data migration ran between the two files, and does so where they run.
    let lines = ["a.0001_w", "a.fill fn after a.0001_w", "a.0002_x"];
    let squash = "a.0001_squashed replaces a.0001_w,a.0002_x";
    let mut with = lines.to_vec();
    with.push(squash);
    assert_eq!(
        moves(&history(&lines), "", ""),
        "+a.0001_w +a.fill +a.0002_x"
    );
    assert_eq!(
        moves(&history(&with), "a.0001_w", ""),
        "+a.fill +a.0002_x =a.0001_squashed"
    );
}

#[test]
fn a_squash_with_a_later_number() {
    let history = history(&[
        "a.0001_w",
        "a.0002_x",
        "a.0003_squash replaces a.0001_w,a.0002_x",
        "a.0004_y",
    ]);
    assert_eq!(moves(&history, "", ""), "+a.0003_squash +a.0004_y");
    assert_eq!(
        moves(&history, "a.0001_w", ""),
        "+a.0002_x =a.0003_squash +a.0004_y"
    );
}

#[test]
fn a_squash_that_is_half_undone_is_finished() {
    let history = history(&SHOP);
    let rows = "b.0001_w a.0001_w a.0002_x a.0003_y a.0001_squashed:reverting:1";
    assert_eq!(moves(&history, rows, "undo"), "-a.0001_squashed");
    assert_eq!(
        problems(&history, rows, ""),
        [(ErrorCode::HalfReverted, "a.0001_squashed".to_owned())]
    );
}

#[test]
fn a_squash_that_failed_at_its_first_statement_says_nothing() {
    let history = history(&[
        "a.0001_w",
        "a.0002_x",
        "a.0001_squashed replaces a.0001_w,a.0002_x",
    ]);
    let squash = "a.0001_squashed";
    for state in ["failed", "running"] {
        let none = format!("{squash}:{state}");
        assert_eq!(moves(&history, &none, ""), format!("+{squash}"));
        let all = format!("{squash}:{state} a.0001_w a.0002_x");
        assert_eq!(moves(&history, &all, ""), format!("={squash}"));
        let some = format!("{squash}:{state} a.0001_w");
        assert_eq!(moves(&history, &some, ""), format!("+a.0002_x ={squash}"));
        // What it did is its own to finish.
        let begun = format!("{squash}:{state}:1");
        assert_eq!(moves(&history, &begun, ""), format!("+{squash}"));
    }
}

#[test]
fn what_only_a_split_squash_has_cannot_go_back() {
    // `0002_x` is gone, and `fill` still waits for somebody to run it.
    let history = history(&[
        "a.0001_w",
        "a.fill fn manual after a.0001_w",
        "a.0002_squashed replaces a.0002_x,a.fill",
        "a.0003_y",
    ]);
    let text = refused(
        &history,
        "a.0001_w a.0002_x",
        "a zero",
        ErrorCode::StepMissing,
        &["`a.0002_x`", "`a.0002_squashed`"],
    );
    assert!(text.contains("only as a part"), "{text}");
    // Whole, it goes as one.
    let rows = "a.0001_w a.0002_x a.fill";
    assert_eq!(
        moves(&history, rows, "a zero"),
        "-a.0002_squashed -a.0001_w"
    );
}

/// Follows a run move by move, and plans anew after each: what is left is what had not been done.
fn goes_on(lines: &[&str], rows: &str, expected: &str) {
    let history = history(lines);
    assert_eq!(moves(&history, rows, ""), expected);
    let mut rows = rows.to_owned();
    let mut left = expected.split(' ');
    while let Some(done) = left.next() {
        rows = format!("{rows} {}", &done[1..]);
        let problems = problems(&history, &rows, "");
        assert_eq!(problems, [], "{rows}");
        // A squash that has become whole is back in its place.
        let again = moves(&history, &rows, "");
        let again: BTreeSet<&str> = again.split_whitespace().collect();
        assert_eq!(again, left.clone().collect(), "{rows}");
    }
}

#[test]
fn whole_half_way_it_is_in_line_where_its_parts_are() {
    // `b.0002_x` has its place in its own app, also once it is part of a squash of another one.
    let lines = [
        "a.0001_w",
        "b.0001_w",
        "c.0001_w",
        "b.0001_first replaces b.0001_w,c.0001_w",
        "b.0002_x",
        "a.0002_x",
        "a.0002_second replaces b.0002_x,a.0002_x",
    ];
    goes_on(
        &lines,
        "a.0001_w b.0001_w b.0002_x",
        "+a.0002_x +c.0001_w =b.0001_first =a.0002_second",
    );
}

#[test]
fn whole_half_way_it_may_have_a_data_migration_that_came_early() {
    let lines = [
        "a.0001_w",
        "b.0001_w",
        "a.fill fn after b.0001_w",
        "a.0001_squashed replaces a.0001_w,a.fill",
    ];
    goes_on(&lines, "a.fill", "+a.0001_w +b.0001_w =a.0001_squashed");
}

#[test]
fn whole_half_way_it_does_not_need_what_its_own_header_names() {
    let lines = [
        "a.0001_w",
        "a.0002_x",
        "b.0001_w",
        "a.0001_squashed after b.0001_w replaces a.0001_w,a.0002_x",
    ];
    goes_on(&lines, "a.0001_w", "+a.0002_x =a.0001_squashed +b.0001_w");
    // Where they are gone, its header alone says what they needed.
    let history = history(&lines[2..]);
    let expected = [(ErrorCode::InconsistentHistory, "a.0001_squashed".to_owned())];
    assert_eq!(problems(&history, "a.0001_w a.0002_x", ""), expected);
}

#[test]
fn whole_half_way_it_is_late_only_where_its_parts_are() {
    // What only a data migration came too early for is not out of order in its squash either.
    let lines = [
        "a.0001_w",
        "a.0002_x",
        "a.0003_y after a.0001_w",
        "a.0004_m after a.0002_x,a.0003_y",
        "a.fill fn after a.0003_y",
        "a.0002_squashed replaces a.0002_x,a.fill",
    ];
    goes_on(
        &lines,
        "a.0001_w a.fill",
        "+a.0002_x +a.0003_y =a.0002_squashed +a.0004_m",
    );
}

#[test]
fn a_squash_needs_of_other_apps_what_its_parts_do() {
    let history = history(&[
        "a.0001_w",
        "b.0001_w after a.0001_w",
        "a.0002_all after a.0001_w replaces b.0001_w",
    ]);
    let found = problems(&history, "b.0001_w", "");
    let expected = (ErrorCode::InconsistentHistory, "a.0002_all".to_owned());
    assert!(found.contains(&expected), "{found:?}");
}
