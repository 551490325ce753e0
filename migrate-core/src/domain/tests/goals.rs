//! What a goal names.

use super::*;

#[track_caller]
fn error(history: &History, words: &str) -> Error {
    try_route(history, "", words).unwrap_err()
}

#[test]
fn a_beginning_is_enough() {
    let history = history(&[
        "a.0001_w",
        "a.0002_x",
        "b.0001_w",
        "a.fill_v1 fn after a.0001_w",
    ]);
    assert_eq!(moves(&history, "", "a 0001"), "+a.0001_w");
    assert_eq!(moves(&history, "", "a fi"), "+a.0001_w +a.fill_v1");
    assert_eq!(error(&history, "a 00").code(), ErrorCode::AmbiguousStep);
}

#[test]
fn a_whole_name_wins_over_longer_ones() {
    let history = history(&["a.fill fn", "a.fill_again fn after a.fill"]);
    assert_eq!(moves(&history, "", "a fill"), "+a.fill");
    assert_eq!(error(&history, "a fil").code(), ErrorCode::AmbiguousStep);
}

#[test]
fn ambiguous_beginnings_name_all() {
    let history = history(&[
        "a.0001_w",
        "a.0002_x",
        "a.0001_squashed_0002_x replaces a.0001_w,a.0002_x",
    ]);
    let error = error(&history, "a 0001");
    assert_eq!(error.code(), ErrorCode::AmbiguousStep);
    for name in ["0001_w", "0001_squashed_0002_x", "migrate a 0001"] {
        assert!(error.to_string().contains(name), "{error}");
    }
}

#[test]
fn unknown_steps_offer_the_nearest() {
    let history = history(&["a.0001_initial", "a.0002_add_email", "b.0003_only_here"]);
    let found = error(&history, "a 0002_add_emial");
    assert_eq!(found.code(), ErrorCode::UnknownStep);
    assert!(found.to_string().contains("`0002_add_email`"), "{found}");
    // The step of another app is none of this one.
    assert_eq!(error(&history, "a 0003").code(), ErrorCode::UnknownStep);
    assert!(
        error(&history, "a qqqqqqqqqqqq")
            .to_string()
            .contains("migrate status a")
    );
    let evil = error(&history, "a \u{1b}[31m").to_string();
    assert!(!evil.contains('\u{1b}'), "{evil:?}");
}

#[test]
fn unknown_apps_offer_the_nearest() {
    let history = history(&["users.0001_initial", "billing.0001_initial"]);
    for words in ["user", "user zero", "user 0001"] {
        let found = error(&history, words);
        assert_eq!(found.code(), ErrorCode::UnknownApp);
        assert!(found.to_string().contains("`users`"), "{found}");
    }
    let found = error(&history, "qqqqqqqq");
    assert!(found.to_string().contains("users, billing"), "{found}");
    let found = try_route(&history, "gone.0001_initial", "gone").unwrap_err();
    assert!(found.to_string().contains("has 1 steps"), "{found}");
}

#[test]
fn a_manual_step_is_no_goal() {
    let history = history(&["a.0001_w", "a.fill fn manual"]);
    for rows in ["", "a.0001_w", "a.0001_w a.fill"] {
        let found = try_route(&history, rows, "a fill").unwrap_err();
        assert_eq!(found.code(), ErrorCode::NotPossible);
        assert!(found.to_string().contains("migrate run a.fill"), "{found}");
    }
}

#[test]
fn a_manual_step_that_is_needed_must_be_run_first() {
    let history = history(&[
        "a.0001_w",
        "a.fill fn manual after a.0001_w",
        "a.0002_x after a.fill",
    ]);
    refused(
        &history,
        "a.0001_w",
        "a 0002",
        ErrorCode::DependencyNotApplied,
        &["`a.0002_x`", "`a.fill`", "migrate run a.fill"],
    );
    assert_eq!(moves(&history, "a.0001_w", "a 0001"), "");
    assert_eq!(moves(&history, "a.0001_w a.fill", "a 0002"), "+a.0002_x");
}

#[test]
fn an_app_takes_its_data_migrations_along() {
    let history = history(&[
        "a.0001_w",
        "a.fill fn after a.0001_w,b.0001_w",
        "b.0001_w",
        "b.fill fn after b.0001_w",
    ]);
    assert_eq!(moves(&history, "", "a"), "+a.0001_w +b.0001_w +a.fill");
    assert_eq!(moves(&history, "", "b"), "+b.0001_w +b.fill");
}
