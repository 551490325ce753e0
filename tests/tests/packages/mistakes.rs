//! Mistakes that are reported in rustc's words, or whose text changes from day to day.

use crate::workspace::Package;

/// One binary with one mistake.
pub(crate) struct Mistake {
    pub(crate) name: &'static str,
    pub(crate) code: Option<&'static str>,
    /// The source text below the error's span.
    pub(crate) place: &'static str,
    /// A part of the message.
    pub(crate) text: &'static str,
}

pub(crate) const MISTAKES: &[Mistake] = &[
    Mistake {
        name: "cycle-of-functions",
        code: Some("E0391"),
        place: "\"b_2026_11_20\"",
        text: "cycle detected",
    },
    Mistake {
        name: "cycle-of-function-and-file",
        code: Some("E0391"),
        place: "\"cycle\"",
        text: "cycle detected",
    },
    Mistake {
        name: "cycle-through-run",
        code: Some("E0391"),
        place: "\"run\"",
        text: "cycle detected",
    },
    Mistake {
        name: "function-between-the-steps-of-a-squash",
        code: Some("E0391"),
        place: "\"squashed\"",
        text: "cycle detected",
    },
    Mistake {
        name: "function-that-a-squash-waits-for-and-replaced",
        code: None,
        place: "\"squashed_alone\"",
        text: "which the step replaces",
    },
    Mistake {
        name: "app-of-another-crate",
        code: Some("E0116"),
        place: "\"acme\"",
        text: "outside of the crate",
    },
    Mistake {
        name: "extern-app-that-does-not-exist",
        code: Some("E0432"),
        place: "acme::{tax",
        text: "acme::migrations::tax",
    },
    Mistake {
        name: "step-of-an-extern-app-that-does-not-exist",
        code: Some("E0599"),
        place: "\"acme.0009_none\"",
        text: "item named `m0009_none`",
    },
    Mistake {
        name: "name-without-date",
        code: None,
        place: "lower_emails",
        text: "help: write `name = \"lower_emails_2",
    },
];

const HEAD: &str = "use migrate_core::{Context, Result, data_migration};\nuse sqlx::Sqlite;\n";

fn function(attribute: &str, name: &str) -> String {
    format!(
        "#[data_migration({attribute})]\nasync fn {name}(_cx: &mut Context<'_, Sqlite>) -> Result<()> {{ Ok(()) }}\n"
    )
}

/// The source of a binary.
fn binary(embed: &str, functions: &[String]) -> String {
    format!(
        "{HEAD}migrate_core::embed_migrations! {{ {embed} }}\n{}fn main() {{}}\n",
        functions.concat()
    )
}

/// The package of all mistakes, and the crate with the app that some of them name.
pub(crate) fn packages() -> Vec<Package> {
    let plain = "users => \"plain\"";
    let acme = "users => \"plain\", extern acme";
    let name = "lower_2026_11_20";
    let sources = [
        (
            "cycle-of-functions",
            binary(
                plain,
                &[
                    function("after = [\"b_2026_11_20\"]", "a_2026_11_20"),
                    function("after = [\"a_2026_11_20\"]", "b_2026_11_20"),
                ],
            ),
        ),
        (
            "cycle-of-function-and-file",
            binary(
                "users => \"cycle\"",
                &[function("after = [\"0003_b\"]", name)],
            ),
        ),
        (
            "cycle-through-run",
            binary(
                "users => \"run\"",
                &[function("manual, after = [\"0002_a\"]", name)],
            ),
        ),
        (
            "function-between-the-steps-of-a-squash",
            binary(
                "users => \"squashed\"",
                &[function("after = [\"0002_a\"]", name)],
            ),
        ),
        (
            "function-that-a-squash-waits-for-and-replaced",
            binary("users => \"squashed_alone\"", &[]),
        ),
        (
            "app-of-another-crate",
            binary(
                acme,
                &[function("app = \"acme\", after = [\"0001_initial\"]", name)],
            ),
        ),
        (
            "extern-app-that-does-not-exist",
            binary("users => \"plain\", extern acme::{tax}", &[]),
        ),
        (
            "step-of-an-extern-app-that-does-not-exist",
            binary(acme, &[function("after = [\"acme.0009_none\"]", name)]),
        ),
        (
            "name-without-date",
            binary(
                plain,
                &[function("after = [\"0001_initial\"]", "lower_emails")],
            ),
        ),
    ];
    let mut mistakes = Package::new("mistakes").depends_on("acme");
    for (name, source) in sources {
        mistakes = mistakes.file(&format!("src/bin/{name}.rs"), &source);
    }
    let initial = ("0001_initial.sql", "SELECT 1;\n");
    let after = "-- migrate: after = \"lower_2026_11_20\"\nSELECT 1;\n";
    let run = "-- migrate: run = \"lower_2026_11_20\"\nSELECT 1;\n";
    let squash = "-- migrate: replaces = [\"0001_initial\", \"0002_a\", \"0003_b\"]\nSELECT 1;\n";
    let alone =
        "-- migrate: after = \"lower_2026_11_20\", replaces = [\"lower_2026_11_20\"]\nSELECT 1;\n";
    vec![
        mistakes
            .sql(
                "squashed",
                &[
                    initial,
                    ("0001_squashed_0003_b.sql", squash),
                    ("0002_a.sql", "SELECT 1;\n"),
                    ("0003_b.sql", after),
                ],
            )
            .sql("squashed_alone", &[("0001_squashed.sql", alone)])
            .sql("plain", &[initial])
            .sql(
                "cycle",
                &[
                    initial,
                    ("0002_a.sql", after),
                    ("0003_b.sql", "SELECT 1;\n"),
                ],
            )
            .sql("run", &[initial, ("0002_a.sql", run)]),
        Package::new("acme")
            .file("src/lib.rs", "migrate_core::embed_migrations!();\n")
            .sql("migrations", &[initial]),
    ]
}
