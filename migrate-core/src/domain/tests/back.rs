//! The way back.

use super::*;

#[test]
fn dependents_of_what_stays_stay() {
    let history = history(&[
        "a.0001_w",
        "a.0002_x",
        "a.0003_y",
        "b.0001_w after a.0002_x",
    ]);
    let rows = "a.0001_w a.0002_x a.0003_y b.0001_w";
    assert_eq!(moves(&history, rows, "a 0002"), "-a.0003_y");
    assert_eq!(
        moves(&history, rows, "a 0001"),
        "-b.0001_w -a.0003_y -a.0002_x"
    );
}

#[test]
fn zero_takes_dependents_along() {
    let history = history(&[
        "a.0001_w",
        "a.0002_x",
        "b.0001_w after a.0001_w",
        "b.0002_x",
        "c.0001_w",
    ]);
    let route = try_route(
        &history,
        "a.0001_w a.0002_x b.0001_w b.0002_x c.0001_w",
        "a zero",
    );
    let route = route.unwrap();
    assert_eq!(told(&route), "-b.0002_x -b.0001_w -a.0002_x -a.0001_w");
    let also: Vec<String> = route.dependents.iter().map(StepId::to_string).collect();
    assert_eq!(also, ["b.0002_x", "b.0001_w"]);
    assert_eq!(
        moves(&history, "a.0001_w", "a zero"),
        "-a.0001_w",
        "what is not applied does not go"
    );
    assert_eq!(moves(&history, "", "a zero"), "");
}

#[test]
fn the_one_applied_last_goes_first() {
    let history = history(&[
        "a.0001_w",
        "a.f1 fn after a.0001_w",
        "a.f2 fn after a.0001_w",
    ]);
    assert_eq!(
        moves(&history, "a.0001_w a.f1 a.f2", "a zero"),
        "-a.f2 -a.f1 -a.0001_w"
    );
    assert_eq!(
        moves(&history, "a.0001_w a.f2 a.f1", "a zero"),
        "-a.f1 -a.f2 -a.0001_w"
    );
}

#[test]
fn branches() {
    // Two branches of another app on two steps of this one.
    let history = history(&[
        "a.0001_w",
        "a.0002_x",
        "b.0001_w after a.0001_w",
        "c.0001_w after a.0002_x",
        "c.0002_x after c.0001_w,b.0001_w",
    ]);
    let rows = "a.0001_w b.0001_w a.0002_x c.0001_w c.0002_x";
    assert_eq!(
        moves(&history, rows, "a 0001"),
        "-c.0002_x -c.0001_w -a.0002_x"
    );
    assert_eq!(moves(&history, rows, "b zero"), "-c.0002_x -b.0001_w");
}

#[test]
fn data_migrations_of_what_stays_stay() {
    let history = history(&[
        "a.0001_w",
        "a.0002_x",
        "a.0003_y",
        "a.f2 fn after a.0002_x",
        "a.f3 fn after a.0003_y",
    ]);
    let rows = "a.0001_w a.0002_x a.f2 a.0003_y a.f3";
    assert_eq!(moves(&history, rows, "a 0002"), "-a.f3 -a.0003_y");
    assert_eq!(
        moves(&history, rows, "a 0001"),
        "-a.f3 -a.0003_y -a.f2 -a.0002_x"
    );
}

#[test]
fn files_that_follow_a_data_migration_go() {
    let history = history(&[
        "a.0001_w",
        "a.fill fn after a.0001_w",
        "a.0002_x after a.fill",
    ]);
    assert_eq!(
        moves(&history, "a.0001_w a.fill a.0002_x", "a 0001"),
        "-a.0002_x"
    );
}

#[test]
fn a_data_migration_as_goal() {
    let history = history(&[
        "a.0001_w",
        "a.fill fn after a.0001_w",
        "a.0002_x after a.0001_w,a.fill",
    ]);
    assert_eq!(
        moves(&history, "a.0001_w a.fill a.0002_x", "a fill"),
        "-a.0002_x"
    );
    assert_eq!(moves(&history, "a.0001_w", "a fill"), "+a.fill");
}

#[test]
fn a_step_between_that_is_not_applied_keeps_the_order() {
    // The data migration was taken out of the ledger to run again.
    let history = history(&["a.0001_w", "a.f1 fn after a.0001_w", "b.0001_w after a.f1"]);
    assert_eq!(
        moves(&history, "b.0001_w a.0001_w", "a zero"),
        "-b.0001_w -a.0001_w"
    );
}

#[test]
fn what_a_file_ran_goes_with_it() {
    let history = history(&[
        "a.0001_w",
        "a.fill fn manual after a.0001_w",
        "a.0002_x run a.fill",
    ]);
    assert_eq!(
        moves(&history, "a.0001_w a.0002_x a.fill", "a zero"),
        "-a.0002_x -a.0001_w"
    );
    assert_eq!(
        moves(&history, "a.0001_w a.0002_x a.fill", "undo"),
        "-a.0002_x"
    );
    assert_eq!(
        moves(&history, "a.0001_w a.fill", "a zero"),
        "-a.fill -a.0001_w",
        "run by hand, it goes by itself"
    );
}

#[test]
fn irreversible_steps_refuse_the_plan() {
    let history = history(&[
        "a.0001_w one_way",
        "a.0002_x",
        "a.fill fn one_way after a.0002_x",
        "a.once fn one_way manual",
        "a.0003_y run a.once",
    ]);
    let rows = "a.0001_w a.0002_x a.fill a.once a.0003_y";
    let text = refused(
        &history,
        rows,
        "a zero",
        ErrorCode::Irreversible,
        &[
            "3 steps",
            "`a.0001_w`",
            "`a.fill`",
            "`a.0003_y`",
            "`a.once`",
            "`down`",
            "`reverse`",
            "--fake",
        ],
    );
    assert!(!text.contains("a.0002_x"), "{text}");
    let policies = Policies::default();
    let route = route(
        &history,
        &ledger(rows),
        &faked("a zero"),
        policies,
        Database::Postgres,
    );
    assert!(route.unwrap().problems.is_empty());
    // Not in the way where they are not on it.
    assert_eq!(moves(&history, "a.0001_w a.0002_x", "a 0001"), "-a.0002_x");
}

#[test]
fn a_step_that_does_nothing_needs_no_way_back() {
    let history = History::builder()
        .sql("a", "0001_w.sql", "SELECT 1;")
        .sql(
            "a",
            "0002_x.sql",
            "-- migrate: after = [\"0001_w\"]\nSELECT 1;",
        )
        .sql(
            "a",
            "0003_y.sql",
            "-- migrate: after = [\"0001_w\"]\nSELECT 1;",
        )
        .sql(
            "a",
            "0004_merge.sql",
            "-- migrate: after = [\"0002_x\", \"0003_y\"]\n",
        )
        .build()
        .unwrap();
    let rows = "a.0001_w a.0002_x a.0003_y a.0004_merge";
    let back = moves(&history, rows, "undo");
    assert_eq!(back, "-a.0004_merge");
    assert!(problems(&history, rows, "undo").is_empty());
}

#[test]
fn undo_takes_the_last_one() {
    let history = history(&["a.0001_w", "a.0002_x", "b.0001_w"]);
    assert_eq!(
        moves(&history, "a.0001_w b.0001_w a.0002_x", "undo"),
        "-a.0002_x"
    );
    assert_eq!(
        moves(&history, "a.0001_w a.0002_x b.0001_w", "undo"),
        "-b.0001_w"
    );
    assert_eq!(moves(&history, "", "undo"), "");
}

#[test]
fn undo_under_something_applied_is_refused() {
    let history = history(&["a.0001_w", "b.0001_w after a.0001_w"]);
    refused(
        &history,
        "b.0001_w a.0001_w",
        "undo",
        ErrorCode::InconsistentHistory,
        &["`a.0001_w`", "`b.0001_w`", "postgres", "migrate a TARGET"],
    );
}

#[test]
fn undo_does_not_pass_over_what_it_lacks() {
    let history = history(&["a.0001_w", "a.0002_x"]);
    refused(
        &history,
        "a.0001_w a.0003_later",
        "undo",
        ErrorCode::StepMissing,
        &["`a.0003_later`", "migrate unmark a.0003_later"],
    );
    assert_eq!(
        moves(&history, "a.0001_w other.0001_w", "undo"),
        "-a.0001_w",
        "another service's steps are its own"
    );
}

#[test]
fn a_way_back_that_stopped_is_finished_first() {
    let history = history(&[
        "a.0001_w",
        "a.0002_x",
        "a.0003_y",
        "b.0001_w after a.0002_x",
    ]);
    let rows = "a.0001_w a.0002_x a.0003_y:reverting:2 b.0001_w";
    assert_eq!(moves(&history, rows, "undo"), "-a.0003_y");
    assert_eq!(moves(&history, rows, "a 0002"), "-a.0003_y");
    assert_eq!(
        moves(&history, rows, "a 0001"),
        "-a.0003_y -b.0001_w -a.0002_x"
    );
    for words in ["", "a", "a 0003"] {
        refused(
            &history,
            rows,
            words,
            ErrorCode::HalfReverted,
            &["`a.0003_y`", "postgres", "2 of its 5", "migrate undo"],
        );
    }
    assert_eq!(
        moves(&history, "a.0001_w a.0002_x a.0003_y:reverting:2", "b"),
        "+b.0001_w",
        "it does not stand on what is half undone"
    );
}

#[test]
fn interrupted_steps_stand_in_the_way() {
    let history = history(&["a.0001_w", "a.0002_x", "a.0003_y"]);
    let rows = "a.0001_w a.0002_x a.0003_y:failed:2";
    refused(
        &history,
        rows,
        "a 0001",
        ErrorCode::NotPossible,
        &[
            "`a.0003_y`",
            "2 of its 5",
            "`migrate`",
            "migrate unmark a.0003_y",
        ],
    );
    assert_eq!(
        moves(&history, "a.0001_w a.0002_x a.0003_y:failed:0", "a 0001"),
        "-a.0002_x",
        "nothing was done"
    );
}

#[test]
fn an_app_of_which_only_lost_steps_are_left_is_not_at_zero() {
    let all = history(&["a.0001_w", "b.0001_w"]);
    refused(
        &all,
        "b.0001_w a.0003_later",
        "a zero",
        ErrorCode::StepMissing,
        &["`a.0003_later`", "migrate unmark a.0003_later"],
    );
    assert_eq!(moves(&all, "b.0001_w", "a zero"), "");
    // Nor where a squash that is not applied as a whole is all that the binary has of it.
    let part = history(&[
        "a.fill fn manual",
        "a.0002_squashed replaces a.0002_x,a.fill",
    ]);
    refused(
        &part,
        "a.0002_x",
        "a zero",
        ErrorCode::StepMissing,
        &["`a.0002_x`", "`a.0002_squashed`"],
    );
}

#[test]
fn what_only_the_database_knows_stays() {
    let history = history(&["a.0001_w", "a.0002_x", "b.0001_w"]);
    let rows = "a.0001_w a.0002_x b.0001_w a.0003_later";
    let route = try_route(&history, rows, "a 0001").unwrap();
    assert_eq!(told(&route), "-a.0002_x");
    assert!(
        route
            .warnings
            .iter()
            .any(|text| text.contains("`a.0003_later` was applied later")),
        "{:?}",
        route.warnings
    );
    refused(
        &history,
        rows,
        "a zero",
        ErrorCode::StepMissing,
        &["`a.0003_later`", "migrate unmark a.0003_later"],
    );
}

#[test]
fn what_a_step_ran_does_not_hold_up_what_it_came_after() {
    // `a.fill` was applied first and goes with `a.0002_x`, so that `a.0001_w` is free then.
    let history = history(&[
        "c.0001_w",
        "b.0001_w after c.0001_w",
        "a.0001_w after c.0001_w",
        "a.fill fn manual after a.0001_w",
        "a.0002_x run a.fill",
    ]);
    let rows = "c.0001_w a.fill b.0001_w a.0001_w a.0002_x";
    let back = "-a.0002_x -a.0001_w -b.0001_w -c.0001_w";
    assert_eq!(moves(&history, rows, "c zero"), back);
    // So it is after a stop as well.
    let rows = "c.0001_w b.0001_w a.0001_w";
    assert_eq!(moves(&history, rows, "c zero"), &back[10..]);
}
