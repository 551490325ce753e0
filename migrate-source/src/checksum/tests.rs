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
    #![proptest_config(proptest::prelude::ProptestConfig { failure_persistence: None, ..Default::default() })]

    #[test]
    fn normalise_is_the_plain_rule(text in "[a\u{feff}é \t\r\n\0]{0,24}") {
        proptest::prop_assert_eq!(normalise(&text), plainly(&text));
    }
}

#[test]
fn what_a_squash_replaces_does_not_count() {
    let with = "-- migrate: after = \"b.0001_x\"\n-- migrate: replaces = [\"0001_a\", \"0002_b\"]\n\nSELECT 1;\n";
    let without = "-- migrate: after = \"b.0001_x\"\n\nSELECT 1;\n";
    assert_eq!(of_sql(with), of_sql(without));
    let one = "-- migrate: replaces = \"0001_a\"\nSELECT 1;\n";
    assert_eq!(of_sql(one), of_sql("SELECT 1;\n"));
    for other in [
        "-- migrate: replaces = [\"0001_a\"], atomic = false\nSELECT 1;\n",
        "-- migrate: replaces = \"0001_a\", atomic = false\nSELECT 1;\n",
        "SELECT 1;\n-- migrate: replaces = \"0001_a\"\n",
        "-- replaces = \"0001_a\"\nSELECT 1;\n",
    ] {
        assert_ne!(of_sql(other), of_sql("SELECT 1;\n"), "{other}");
        assert_eq!(of_sql(other), of_canonical(&normalise(other)), "{other}");
    }
}
