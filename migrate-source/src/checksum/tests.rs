use proptest::prelude::*;

use super::*;

/// Fixed by publication: a change here breaks every ledger.
#[test]
fn golden_vectors() {
    let cases = [
        (
            "",
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        ),
        (
            "abc",
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
        ),
        (
            "CREATE TABLE t (id int);\n",
            "32a1db02f656154be7fa359e4878a6f2770ee9269d598f0557c940690d614a23",
        ),
        (
            "-- migrate: up\nCREATE TABLE t (id int);\n\n-- migrate: down\nDROP TABLE t;\n",
            "9419726308e7d9d048b96dd96acad20bac2cbc0b797f81cceda3bb6c0150bbac",
        ),
        (
            "INSERT INTO t VALUES ('größe');",
            "8984f4ee9759f18e8a9be56807945c04bfcb9896870f4a40d5e67dc3d6ef24c0",
        ),
        (
            "-- migrate: after = \"0001_a\"\n-- migrate: replaces = [\"0002_b\"], before = \"0009_c\"\nabc\n",
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
        ),
    ];
    for (text, hex) in cases {
        assert_eq!(
            of_sql(text).to_string(),
            format!("v1:sha256:{hex}"),
            "{text}"
        );
    }
    let canonical = "v1:sha256:9834876dcfb05cb167a5c24953eba58c4ac89b1adf57f28f2f9d09af107ee8f0";
    assert_eq!(of_canonical("aaa").to_string(), canonical);
}

#[test]
fn byte_order_mark_line_ends_and_trailing_blanks_do_not_count() {
    let expected = of_sql("SELECT 1;\n\nSELECT 2;");
    for text in [
        "\u{feff}SELECT 1;\n\nSELECT 2;",
        "SELECT 1;\r\n\r\nSELECT 2;\r\n",
        "SELECT 1;  \n\t\nSELECT 2;\t \n \n\n",
        "SELECT 1; \r\n\nSELECT 2;\r\n\r\n",
    ] {
        assert_eq!(of_sql(text), expected, "{text:?}");
        assert_eq!(normalise(text), "SELECT 1;\n\nSELECT 2;");
        assert_eq!(normalise(&normalise(text)), normalise(text));
    }
}

#[test]
fn everything_else_counts() {
    let checksum = of_sql("SELECT 1;\n\nSELECT 2;");
    for text in [
        "SELECT 1;\nSELECT 2;",
        " SELECT 1;\n\nSELECT 2;",
        "\nSELECT 1;\n\nSELECT 2;",
        "select 1;\n\nSELECT 2;",
        "SELECT 1;\n\nSELECT 2",
        "SELECT 1;\r\rSELECT 2;",
        "SELECT 1;\n\nSELECT 2;\u{a0}",
        "-- c\nSELECT 1;\n\nSELECT 2;",
        "SELECT 1;\n\n\u{feff}SELECT 2;",
    ] {
        assert_ne!(of_sql(text), checksum, "{text:?}");
    }
}

/// The documented limit: such a change is not seen.
#[test]
fn blanks_at_a_line_end_inside_a_string_do_not_count() {
    assert_eq!(of_sql("SELECT 'a  \nb'"), of_sql("SELECT 'a\nb'"));
}

#[test]
fn checksums_parse_back() {
    let checksum = of_sql("SELECT 1");
    assert_eq!(checksum.to_string().parse(), Ok(checksum));
    let shown = checksum.to_string();
    for wrong in [
        "",
        "v1:sha256:",
        &shown[..shown.len() - 1],
        &format!("{shown}0"),
        &shown.to_uppercase(),
        &shown.replace("v1", "v2"),
        &shown.replace("v1:", ""),
        &format!("v1:sha256:+{}", &shown[11..]),
        &format!("v1:sha256:{}", "é".repeat(32)),
    ] {
        let error = wrong.parse::<Checksum>().expect_err(wrong);
        assert!(error.to_string().contains("v1:sha256:"));
    }
}

/// The rule as it is meant, line by line.
fn plainly(text: &str) -> String {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let lines = text.split('\n');
    let lines: Vec<&str> = lines
        .map(|line| line.trim_end_matches([' ', '\t', '\r']))
        .collect();
    lines.join("\n").trim_end_matches('\n').to_owned()
}

proptest::proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..Default::default() })]

    #[test]
    fn normalise_is_the_plain_rule(text in "[a\u{feff}é \t\r\n\0]{0,24}") {
        proptest::prop_assert_eq!(normalise(&text), plainly(&text));
    }
}

/// Where a step stands among the others is not what it does.
#[test]
fn lines_of_order_alone_do_not_count() {
    let expected = of_sql("SELECT 1;\n");
    for line in [
        "-- migrate: replaces = [\"0001_a\", \"0002_b\"]",
        "-- migrate: replaces = \"0001_a\", \"0002_b\"",
        "--migrate:after=\"b.0001_x\"",
        "  -- Migrate : before = [ \"b.0001_x\" , ]",
        "-- migrate: after = []",
        "--- migrate: after = \"0001_a\", before = [\"0003_c\"], replaces = \"0001_b\", \"0002_b\"",
        "-- migrate: after = \"0001_a\"\n-- migrate: before = \"0003_c\"",
        "-- migrate: after = \"0001_a\" \t\r",
        "# migrate: after = \"0001_a\"",
    ] {
        for text in [
            format!("{line}\nSELECT 1;\n"),
            format!("\u{feff}{line}\r\nSELECT 1;\r\n"),
        ] {
            assert_eq!(of_sql(&text), expected, "{text}");
        }
    }
    let header = |order: &str| {
        format!(
            "/* of\n us */\n\n-- prose\n-- migrate: atomic = false\n{order}/* x */\n-- migrate: up\nSELECT 1;\n-- migrate: down\nSELECT 2;\n"
        )
    };
    assert_eq!(
        of_sql(&header("-- migrate: after = \"b.0001_x\"\n")),
        of_sql(&header(""))
    );
    let joined = "-- joins two branches\n-- migrate: after = [\"0002_b\", \"0003_c\"]\n";
    assert_eq!(of_sql(joined), of_sql("-- joins two branches\n"));
}

#[test]
fn lines_that_only_look_like_order_count() {
    for text in [
        "-- migrate: replaces = [\"0001_a\"], atomic = false\nSELECT 1;",
        "-- migrate: atomic = false, after = \"0001_a\"\nSELECT 1;",
        "-- migrate: run = \"fill_2026_11_20\"\nSELECT 1;",
        "-- replaces = \"0001_a\"\nSELECT 1;",
        "-- after = [\"0001_a\"]\nSELECT 1;",
        "-- see migrate: after = \"0001_a\"\nSELECT 1;",
        "-- migrate: after = 0001_a\nSELECT 1;",
        "-- migrate: after\nSELECT 1;",
        "-- migrate: after = \"0001_a\" and more\nSELECT 1;",
        "/* of us */ -- migrate: after = \"0001_a\"\nSELECT 1;",
        "/*\n-- migrate: after = \"0001_a\"\n*/\nSELECT 1;",
        "/* a /* b */\n-- migrate: after = \"0001_a\"\n*/\nSELECT 1;",
        "SELECT 1;\n-- migrate: after = \"0001_a\"",
        "SELECT '\n-- migrate: after = \"0001_a\"\n';",
        "SELECT $$\n-- migrate: after = \"0001_a\"\n$$;",
        "'\n-- migrate: after = \"0001_a\"\n'",
        "SELECT 1 -- migrate: after = \"0001_a\"",
        "-- migrate: up\nSELECT 1;\n-- migrate: down\n-- migrate: after = \"0001_a\"\nSELECT 2;",
    ] {
        assert_eq!(without_order(text), text);
        assert_eq!(of_sql(text), of_canonical(text), "{text}");
    }
}

/// What the header of a file may have above the first statement, and what follows.
fn parts() -> impl Strategy<Value = (Vec<&'static str>, Vec<&'static str>, &'static str)> {
    let head = prop::sample::select(vec![
        "-- prose about after",
        "",
        "/* after\n-- migrate: after = \"0001_a\"\n*/",
        "-- migrate: up",
        "/* x */ -- migrate: allow = [\"a: b\"]",
        "-- no-transaction",
    ]);
    let order = prop::sample::select(vec![
        "-- migrate: after = \"0001_a\"",
        "--migrate:before=[\"b.0001_a\", \"0002_b\"]",
        "  -- Migrate: replaces = \"0001_a\", \"0002_b\", after = []",
        "-- migrate: replaces = []",
    ]);
    let body = prop::sample::select(vec![
        "",
        "SELECT 1;",
        "SELECT '\n-- migrate: after = \"0001_a\"\n';\n-- after = []",
        "INSERT INTO t VALUES (1);\n-- migrate: down\nDELETE FROM t;",
    ]);
    (
        prop::collection::vec(head, 0..5),
        prop::collection::vec(order, 0..4),
        body,
    )
}

/// The order lines at places among the others.
fn mixed(head: &[&str], order: &[(usize, &str)], body: &str) -> String {
    let mut lines: Vec<&str> = head.to_vec();
    for (place, line) in order {
        lines.insert(place % (lines.len() + 1), line);
    }
    lines.push(body);
    lines.join("\n")
}

proptest::proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..Default::default() })]

    #[test]
    fn lines_of_order_may_come_and_go((head, order, body) in parts(), places in prop::collection::vec(any::<usize>(), 4)) {
        let order: Vec<(usize, &str)> = places.into_iter().zip(order).collect();
        let with = mixed(&head, &order, body);
        prop_assert_eq!(of_sql(&with), of_sql(&mixed(&head, &[], body)), "{}", with);
    }

    /// One character that is neither in such a line nor a blank at an end of a line.
    #[test]
    fn any_other_character_counts((head, order, body) in parts(), at in any::<prop::sample::Index>(), to in "[x0\"',=/*;-]") {
        let order: Vec<(usize, &str)> = order.into_iter().map(|line| (head.len(), line)).collect();
        let text = normalise(&mixed(&head, &order, body));
        let lines = order_lines(&text);
        let free: Vec<usize> = text
            .char_indices()
            .map(|(at, _)| at)
            .filter(|at| !lines.iter().any(|line| line.contains(at)))
            .collect();
        prop_assume!(!free.is_empty());
        let at = free[at.index(free.len())];
        // Without the lines of order, an empty line may be one at the end.
        prop_assume!(!body.is_empty() || !text[at..].starts_with('\n'));
        let mut altered = text.clone();
        altered.replace_range(at..at + 1, &to);
        prop_assume!(normalise(&altered) != text);
        prop_assert_ne!(of_sql(&altered), of_sql(&text), "{:?} at {}", text, at);
    }
}
