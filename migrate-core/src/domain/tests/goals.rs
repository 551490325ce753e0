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
fn names_that_mean_one_squash_are_not_ambiguous() {
    let history = history(&["a.0001_squashed_0002_x replaces a.0001_w,a.0002_x"]);
    assert_eq!(moves(&history, "", "a 0001"), "+a.0001_squashed_0002_x");
    assert_eq!(moves(&history, "", "a 000"), "+a.0001_squashed_0002_x");
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

#[test]
fn names_that_nothing_has_say_what_was_meant() {
    let two = history(&[
        "users.0001_initial",
        "users.0002_add_email",
        "cart.0001_items",
    ]);
    let one = history(&["users.0001_initial", "users.0002_add_email"]);
    for (history, typed, expected) in [
        (
            &two,
            "cart.nope",
            "`migrate status cart` shows what there is",
        ),
        (&two, "users.0002_add_emial", "`0002_add_email`"),
        (&two, "users.0002_add_emi", "`0002_add_email`"),
        (&two, "users.0009", "its last SQL step is `0002_add_email`"),
        (&two, "users.7", "its last SQL step is `0002_add_email`"),
        (&two, "users.", "`migrate status users` shows what there is"),
        (&two, "usres.0002", "`users.0002_add_email`"),
        (&two, "\u{fc}sers.0002", "`users.0002_add_email`"),
        (
            &two,
            "usres.nope",
            "`migrate status users` shows what it has",
        ),
        (&two, "shop.0001_items", "in another app: `cart.0001_items`"),
        (&two, "shop.nope", "the apps are: users, cart"),
        (&two, "users", "`users` is an app"),
        (&two, "0002_add_emial", "`0002_add_email`"),
        (&two, "0009", "`migrate status` shows what there is"),
        (&two, "7", "`migrate status` shows what there is"),
        (&two, "", "`migrate status` shows what there is"),
        (
            &two,
            "\u{1f600}\u{1b}",
            "`migrate status` shows what there is",
        ),
        (&two, ".", "the apps are: users, cart"),
        (&one, "7", "its last SQL step is `0002_add_email`"),
        (&one, "0002_add_emial", "`0002_add_email`"),
    ] {
        let error = history.find(typed).unwrap_err();
        assert_eq!(error.code(), ErrorCode::UnknownStep, "{typed}");
        assert_eq!(error.helps().len(), 1, "{error}");
        assert!(error.helps()[0].contains(expected), "{typed}: {error}");
        assert!(!error.to_string().contains('\u{1b}'), "{error:?}");
    }
}
