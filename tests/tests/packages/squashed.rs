//! Packages around squashes: what they replace is deleted, and still named.

use crate::workspace::Package;

const OLD_FILE: &str =
    "ledger::m0002_add_tax`: replaced by `0001_squashed_0003_end`; write that instead";
const OLD_FUNCTION: &str =
    "::fill_tax_2026_11_20`: replaced by `0001_squashed_0003_end`; write that instead";
const OLD_OWN_FILE: &str =
    "dependent::m0001_initial`: replaced by `0001_squashed_0002_x`; write that instead";

/// The ends of warnings for headers of the package that has the squash itself.
const OLD_IN_OWN_HEADER: &str = "`_::m0003_end`: ledger/0004_index.sql:2 names it in `after`: replaced by `0001_squashed_0003_end`; write that instead";
const OLD_FUNCTION_IN_OWN_HEADER: &str = "::fill_tax_2026_11_20`: ledger/0004_index.sql:2 names it in `after`: replaced by `0001_squashed_0003_end`; write that instead";
const OLD_IN_OTHER_APP: &str = "`_::m0001_initial`: bills/0001_initial.sql:1 names it in `before`: replaced by `ledger.0001_squashed_0003_end`; write that instead";

/// Each package with the warnings that rustc gives for it: the place, and how the text ends. cargo
/// repeats the warnings of a package that is built already.
pub(crate) const WARNINGS: &[(&str, &[(&str, &str)])] = &[
    ("ledger", &[]),
    ("careful-dependent", &[]),
    ("half-deleted", &[]),
    (
        "old-headers",
        &[
            ("\"ledger\"", OLD_IN_OWN_HEADER),
            ("\"bills\"", OLD_IN_OTHER_APP),
            ("\"ledger\"", OLD_FUNCTION_IN_OWN_HEADER),
        ],
    ),
    (
        "dependent",
        &[
            ("\"migrations\"", OLD_FUNCTION),
            ("\"migrations\"", OLD_FILE),
            ("\"ledger.0002_add_tax\"", OLD_FILE),
            ("\"ledger.fill_tax_2026_11_20\"", OLD_FUNCTION),
            ("\"0001_initial\"", OLD_OWN_FILE),
        ],
    ),
    (
        "far-dependent",
        &[("\"ledger.fill_tax_2026_11_20\"", OLD_FUNCTION)],
    ),
    ("both-histories", &[]),
];

/// Each binary with the steps that it must have.
pub(crate) const EXPECTED: &[(&str, &[&str])] = &[
    (
        "dependent",
        &[
            "dependent.0001_squashed_0002_x",
            "dependent.later_2026_11_20",
            "ledger.0001_squashed_0003_end",
            "ledger.0004_index",
            "ledger.new_2026_11_20",
        ],
    ),
    (
        "far-dependent",
        &[
            "dependent.0001_squashed_0002_x",
            "dependent.later_2026_11_20",
            "far_dependent.later_2026_11_20",
            "ledger.0001_squashed_0003_end",
            "ledger.0004_index",
            "ledger.new_2026_11_20",
        ],
    ),
    (
        "careful-dependent",
        &[
            "careful_dependent.0001_initial",
            "ledger.0001_squashed_0003_end",
            "ledger.0004_index",
            "ledger.new_2026_11_20",
        ],
    ),
    (
        "half-deleted",
        &[
            "half_deleted.0001_squashed_0003_c",
            "half_deleted.0002_b",
            "half_deleted.0003_c",
            "half_deleted.0004_d",
        ],
    ),
    (
        "old-headers",
        &[
            "bills.0001_initial",
            "ledger.0001_squashed_0003_end",
            "ledger.0004_index",
            "ledger.kept_2026_11_20",
        ],
    ),
    (
        "both-histories",
        &[
            "both_histories.0001_initial",
            "both_histories.0001_squashed_0002_index",
            "both_histories.0001_squashed_0003_drop",
            "both_histories.0002_index",
            "both_histories.0003_drop",
            "both_histories.fill_2026_11_20",
        ],
    ),
];

/// What users are known to deny, warnings of deprecated names among them.
const STRICT: &str = "//! Strict.\n#![forbid(unsafe_code)]\n\
    #![deny(missing_docs, unused_qualifications, nonstandard_style, unreachable_pub, warnings)]\n\
    #![deny(missing_debug_implementations, deprecated, clippy::all, clippy::pedantic)]\n";

fn function(after: &str, name: &str) -> String {
    format!(
        "#[migrate_core::data_migration(after = [{after}])]\n\
         async fn {name}_2026_11_20(_cx: &mut migrate_core::Context<'_, migrate_core::Portable>) -> migrate_core::Result<()> {{ Ok(()) }}\n"
    )
}

const SQUASH: &str = "-- migrate: replaces = [\"0001_initial\", \"0002_add_tax\", \"fill_tax_2026_11_20\", \"kept_2026_11_20\", \"0003_end\"]\n\
    CREATE TABLE ledger (a int, tax int);\n";

/// The app whose first three files and a function are gone. Its fourth file names their squash, and
/// compiles without a word under strict lints.
fn ledger() -> Package {
    let source = format!(
        "{STRICT}migrate_core::embed_migrations!();\n{}",
        function("\"0001_squashed_0003_end\"", "new")
    );
    let index =
        "-- migrate: after = [\"0001_squashed_0003_end\"]\nCREATE INDEX ledger_a ON ledger (a);\n";
    Package::new("ledger").file("src/lib.rs", &source).sql(
        "migrations",
        &[
            ("0001_squashed_0003_end.sql", SQUASH),
            ("0004_index.sql", index),
        ],
    )
}

/// Two apps whose headers name replaced steps; a function that is replaced as well is still there.
fn old_headers() -> Package {
    let source = "migrate_core::embed_migrations! { ledger => \"ledger\", bills => \"bills\" }\n\
        #[migrate_core::data_migration(app = \"ledger\", after = [\"0001_squashed_0003_end\"])]\n\
        async fn kept_2026_11_20(_cx: &mut migrate_core::Context<'_, migrate_core::Portable>) -> migrate_core::Result<()> { Ok(()) }\n";
    let index = "-- The index.\n-- migrate: after = [\"0003_end\", \"fill_tax_2026_11_20\", \"kept_2026_11_20\"]\n\
                 CREATE INDEX ledger_a ON ledger (a);\n";
    let bills = "-- migrate: before = \"ledger.0001_initial\"\nCREATE TABLE bill (a int);\n";
    Package::library("old-headers", source)
        .sql(
            "ledger",
            &[
                ("0001_squashed_0003_end.sql", SQUASH),
                ("0004_index.sql", index),
            ],
        )
        .sql("bills", &[("0001_initial.sql", bills)])
}

/// Of what a squash replaces, some files are deleted and others are not, which name those: they will be
/// deleted as well, so nothing is to be done about them.
fn half_deleted() -> Package {
    let source = format!("{STRICT}migrate_core::embed_migrations!();\n");
    let squash =
        "-- migrate: replaces = [\"0001_a\", \"0002_b\", \"0003_c\"]\nCREATE TABLE t (a int);\n";
    let second = "-- migrate: after = \"0001_a\", before = \"0003_c\"\nSELECT 2;\n";
    Package::library("half-deleted", &source).sql(
        "migrations",
        &[
            ("0001_squashed_0003_c.sql", squash),
            ("0002_b.sql", second),
            ("0003_c.sql", "SELECT 3;\n"),
            ("0004_d.sql", "SELECT 4;\n"),
        ],
    )
}

pub(crate) fn packages() -> Vec<Package> {
    let embed = |label: &str, externs: &str| {
        format!("migrate_core::embed_migrations! {{ {label} => \"migrations\", {externs} }}\n")
    };
    let old_in_header = "-- migrate: after = [\"ledger.0002_add_tax\", \"ledger.fill_tax_2026_11_20\"]\nCREATE TABLE d (a int);\n";
    let squash = format!("-- migrate: replaces = \"0001_initial\", \"0002_x\"\n{old_in_header}");
    let new_in_header = "-- migrate: after = [\"ledger.0001_squashed_0003_end\", \"ledger.0004_index\"]\nCREATE TABLE d (a int);\n";
    let old_in_function =
        "\"ledger.0002_add_tax\", \"ledger.fill_tax_2026_11_20\", \"0001_initial\"";
    vec![
        ledger(),
        Package::library(
            "dependent",
            &(embed("dependent", "extern ledger") + &function(old_in_function, "later")),
        )
        .depends_on("ledger")
        .sql("migrations", &[("0001_squashed_0002_x.sql", &squash)]),
        Package::library(
            "far-dependent",
            &(embed("far_dependent", "extern dependent::{dependent, ledger}")
                + &function("\"ledger.fill_tax_2026_11_20\"", "later")),
        )
        .depends_on("dependent")
        .sql("migrations", &[]),
        Package::library(
            "careful-dependent",
            &(STRICT.to_owned() + &embed("careful_dependent", "extern ledger")),
        )
        .depends_on("ledger")
        .sql("migrations", &[("0001_initial.sql", new_in_header)]),
        old_headers(),
        half_deleted(),
        both_histories(),
    ]
}

/// A squash beside all that it replaces, a function among it, which keeps its own constant; and a squash
/// of that squash.
fn both_histories() -> Package {
    let source = format!(
        "{STRICT}migrate_core::embed_migrations!();\n{}\n\
         /// The step that a name means.\n#[must_use]\npub fn name() -> String {{ migrations::both_histories::fill_2026_11_20.to_string() }}\n",
        function("\"0001_initial\"", "fill")
    );
    let squash = "-- migrate: replaces = [\"0001_initial\", \"0002_index\", \"fill_2026_11_20\"]\nCREATE TABLE t (a int);\n";
    let nested = "-- migrate: replaces = [\"0001_squashed_0002_index\", \"0003_drop\"]\nCREATE TABLE t (a int);\n";
    let header = "-- migrate: after = [\"0002_index\", \"fill_2026_11_20\"]\nSELECT 1;\n";
    Package::library("both-histories", &source).sql(
        "migrations",
        &[
            ("0001_initial.sql", "CREATE TABLE t (a int);\n"),
            ("0001_squashed_0002_index.sql", squash),
            ("0001_squashed_0003_drop.sql", nested),
            ("0002_index.sql", "CREATE INDEX t_a ON t (a);\n"),
            ("0003_drop.sql", header),
        ],
    )
}
