use proptest::prelude::*;

use super::*;

#[test]
fn data_names_that_follow_the_convention() {
    let cases = [
        (
            "lower_emails_2026_11_20",
            "lower_emails",
            None,
            (2026, 11, 20),
        ),
        (
            "lower_emails_v1_2026_11_20",
            "lower_emails",
            Some(1),
            (2026, 11, 20),
        ),
        ("a_v12_2024_02_29", "a", Some(12), (2024, 2, 29)),
        ("x2_v3_y_2000_02_29", "x2_v3_y", None, (2000, 2, 29)),
        ("v1_2026_01_31", "", None, (0, 0, 0)),
        ("vat_2026_12_31", "vat", None, (2026, 12, 31)),
        ("a_1_2_3_2026_04_30", "a_1_2_3", None, (2026, 4, 30)),
    ];
    for (name, description, version, date) in cases {
        if description.is_empty() {
            assert!(parse_data_name(name).is_err(), "{name}");
            continue;
        }
        let parsed = parse_data_name(name).expect(name);
        assert_eq!(
            (parsed.description.as_str(), parsed.version, parsed.date),
            (description, version, date)
        );
        assert_eq!(parsed.to_string(), name);
    }
}

#[test]
fn each_break_of_the_convention_says_what_is_wrong_and_how_to_correct_it() {
    let cases = [
        ("", "the name is empty", None),
        ("lower_emails", "must end with a date", None),
        ("lower_emails_v1", "must end with a date", None),
        ("2026_11_20", "starts with a letter", None),
        (
            "_lower_2026_11_20",
            "starts with a letter",
            Some("lower_2026_11_20"),
        ),
        (
            "lower__emails_2026_11_20",
            "single `_`",
            Some("lower_emails_2026_11_20"),
        ),
        (
            "lower_emails_2026_11_20_",
            "single `_`",
            Some("lower_emails_2026_11_20"),
        ),
        (
            "LowerEmails_2026_11_20",
            "lower-case letters",
            Some("lower_emails_2026_11_20"),
        ),
        (
            "lower-emails-2026-11-20",
            "not '-'",
            Some("lower_emails_2026_11_20"),
        ),
        (
            "lower emails 2026.11.20",
            "not ' '",
            Some("lower_emails_2026_11_20"),
        ),
        (
            "lower_emails_2026_1_5",
            "two for month and day",
            Some("lower_emails_2026_01_05"),
        ),
        ("lower_emails_26_11_20", "four digits for the year", None),
        (
            "lower_emails_20261120",
            "must end with a date",
            Some("lower_emails_2026_11_20"),
        ),
        (
            "lower_emails_v1_20261120",
            "must end with a date",
            Some("lower_emails_v1_2026_11_20"),
        ),
        (
            "lower_emails_v01_2026_11_20",
            "leading zero",
            Some("lower_emails_v1_2026_11_20"),
        ),
        ("lower_emails_v0_2026_11_20", "versions start at `v1`", None),
        ("lower_emails_v99999999999_2026_11_20", "too large", None),
        ("lower_emails_2026_13_01", "no month 13", None),
        ("lower_emails_2026_00_01", "no month 00", None),
        (
            "lower_emails_2026_11_31",
            "2026-11 has no day 31; it has 30 days",
            None,
        ),
        ("lower_emails_2026_01_00", "no day 00", None),
        (
            "lower_emails_2026_02_29",
            "2026-02 has no day 29; it has 28 days",
            None,
        ),
        ("lower_emails_1900_02_29", "it has 28 days", None),
        ("lower_emails_2100_02_29", "it has 28 days", None),
        ("lower_emails_0000_01_01", "no year 0000", None),
        ("v1_2026_11_20", "a description", None),
        ("größe_2026_11_20", "not 'ö'", None),
    ];
    for (name, problem, correction) in cases {
        let error = parse_data_name(name).expect_err(name);
        let shown = error.to_string();
        assert!(shown.contains(problem), "{name}: {shown}");
        assert_eq!(error.correction(), correction, "{name}");
        if let Some(correction) = error.correction() {
            assert!(shown.ends_with(&format!("write `{correction}`")), "{shown}");
        }
    }
    assert!(parse_data_name("lower_emails_2024_02_29").is_ok());
    assert!(parse_data_name(&format!("{}_2026_11_20", "a".repeat(200))).is_err());
}

#[test]
fn app_labels() {
    for label in ["users", "a", "app2", "my_app", &"a".repeat(64)] {
        check_app_label(label).expect(label);
    }
    let cases = [
        ("", "empty", None),
        ("my-app", "not '-'", Some("my_app")),
        ("MyApp", "not 'M'", Some("my_app")),
        ("2fa", "starts with a letter", None),
        ("_x", "starts with a letter", Some("x")),
        ("type", "keyword", None),
        ("async", "keyword", None),
        ("gen", "keyword", None),
        ("größe", "not 'ö'", None),
    ];
    for (label, problem, correction) in cases {
        let error = check_app_label(label).expect_err(label);
        assert!(error.to_string().contains(problem), "{error}");
        assert_eq!(error.correction(), correction, "{label}");
    }
    assert!(check_app_label(&"a".repeat(65)).is_err());
}

#[test]
fn references() {
    let cases = [
        ("0001_initial", None, "0001_initial"),
        ("billing.0002_x", Some("billing"), "0002_x"),
        ("lower_emails_2026_11_20", None, "lower_emails_2026_11_20"),
    ];
    for (text, app, name) in cases {
        let reference: Reference = text.parse().expect(text);
        assert_eq!(
            (reference.app.as_deref(), reference.name.as_str()),
            (app, name)
        );
        assert_eq!(reference.to_string(), text);
    }
    for text in [
        "",
        ".",
        "a.",
        ".a",
        "a.b.c",
        "A.b",
        "a b",
        "my-app.x",
        "0001_initial ",
        "a..b",
    ] {
        assert!(text.parse::<Reference>().is_err(), "{text}");
    }
    let error = "0001_initial.sql"
        .parse::<Reference>()
        .expect_err("a file name");
    assert_eq!(error.correction(), Some("0001_initial"));
    let error = "0001_initial.up.sql"
        .parse::<Reference>()
        .expect_err("a file name");
    assert_eq!(error.correction(), Some("0001_initial"));
}

#[test]
fn identifiers_of_steps() {
    assert_eq!(step_ident("0001_initial"), "m0001_initial");
    assert_eq!(step_ident("a_2026_11_20"), "a_2026_11_20");
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_text_panics_and_every_correction_is_valid(name in "[a-zA-Z0-9_ .vé-]{0,40}") {
        if let Err(error) = parse_data_name(&name)
            && let Some(correction) = error.correction()
        {
            prop_assert!(parse_data_name(correction).is_ok(), "{} -> {}", name, correction);
        }
        if let Err(error) = check_app_label(&name)
            && let Some(correction) = error.correction()
        {
            prop_assert!(check_app_label(correction).is_ok());
        }
        let _ = name.parse::<Reference>();
    }

    #[test]
    fn arbitrary_text_does_not_panic(name in any::<String>(), other in any::<String>()) {
        let _ = (parse_data_name(&name), check_app_label(&name), name.parse::<Reference>());
        let _ = nearest(&name, [other.as_str()]);
    }

    #[test]
    fn valid_parts_make_a_valid_name(
        description in "[a-z][a-z0-9]{0,8}(_[a-z]{2,5}){0,2}",
        version in prop::option::of(1_u32..1000),
        year in 1_u16..=9999, month in 1_u8..=12, day in 1_u8..=28,
    ) {
        // `a_v2` is a description with a version.
        prop_assume!(!description.rsplit('_').next().unwrap_or("").starts_with('v'));
        let name = DataName { description, version, date: (year, month, day) };
        prop_assert_eq!(parse_data_name(&name.to_string()), Ok(name));
    }
}
