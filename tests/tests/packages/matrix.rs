//! The packages: every way of putting a history together that is meant to work.

use crate::workspace::Package;

/// Each binary with the steps that it must have.
pub(crate) const EXPECTED: &[(&str, &[&str])] = &[
    ("strict-library", STRICT),
    ("strict-2021", STRICT_2021),
    (
        "only-binary",
        &["only_binary.0001_initial", "only_binary.fill_2026_11_20"],
    ),
    (
        "several-apps",
        &[
            "memory.0001_initial",
            "memory.fill_2026_11_20",
            "users.0001_initial",
            "users.fill_2026_11_20",
        ],
    ),
    (
        "functions-only",
        &[
            "functions_only.one_2026_11_20",
            "functions_only.two_2026_11_20",
        ],
    ),
    (
        "service",
        &[
            "billing.0001_initial",
            "billing.fill_2026_11_20",
            "left.0001_initial",
            "left.fill_2026_11_20",
            "right.0001_initial",
            "service.0001_initial",
            "service.fill_2026_11_20",
        ],
    ),
    (
        "aggregate",
        &[
            "billing.0001_initial",
            "billing.fill_2026_11_20",
            "tax.0001_initial",
            "tax.fill_2026_11_20",
        ],
    ),
    (
        "through-facade",
        &[
            "through_facade.0001_initial",
            "through_facade.fill_2026_11_20",
        ],
    ),
];

const STRICT: &[&str] = &[
    "strict_library.0001_initial",
    "strict_library.0002_fill",
    "strict_library.0003_end",
    "strict_library.before_macro_2026_11_20",
    "strict_library.by_macro_rules_a_2026_11_20",
    "strict_library.by_macro_rules_b_2026_11_20",
    "strict_library.in_module_v2_2026_11_20",
    "strict_library.manual_2026_11_20",
    "strict_library.portable_2026_11_20",
];

const STRICT_2021: &[&str] = &[
    "strict_2021.0001_initial",
    "strict_2021.0002_fill",
    "strict_2021.0003_end",
    "strict_2021.before_macro_2026_11_20",
    "strict_2021.by_macro_rules_a_2026_11_20",
    "strict_2021.by_macro_rules_b_2026_11_20",
    "strict_2021.in_module_v2_2026_11_20",
    "strict_2021.manual_2026_11_20",
    "strict_2021.portable_2026_11_20",
];

/// Every lint that users are known to deny, and a function in every place where one may stand.
const STRICT_SOURCE: &str = r#"//! A library under strict lints.
#![forbid(unsafe_code)]
#![deny(missing_docs, unused_qualifications, nonstandard_style, unreachable_pub, trivial_casts, trivial_numeric_casts, warnings)]
#![deny(missing_debug_implementations, clippy::all, clippy::pedantic)]

use migrate_core::{Context, Portable, Result, data_migration};
use sqlx::{Postgres, Sqlite};

/// Stands before the macro.
///
/// This is not part of its description.
#[data_migration(after = ["0001_initial"], before = ["0003_end"], reverse = restore, verify = check)]
async fn before_macro_2026_11_20(cx: &mut Context<'_, Sqlite>) -> Result<u64> {
    // A comment.
    let done = sqlx::query("UPDATE t SET a = 1").execute(cx.conn()).await?;
    Ok(done.rows_affected())
}

async fn restore(_cx: &mut Context<'_, Sqlite>) -> Result<()> {
    Ok(())
}

async fn check(cx: &mut Context<'_, Portable>) -> Result<Option<String>> {
    Ok(Some(cx.step().to_owned()))
}

migrate_core::embed_migrations!();

#[data_migration(after = ["0002_fill"], disable_audit, elidable, atomic = false)]
pub(crate) async fn portable_2026_11_20(cx: &mut Context<'_, Portable>) -> Result<u64> {
    Ok(cx.execute("UPDATE t SET a = ?", &[1_i64.into()]).await?)
}

#[data_migration(manual)]
async fn manual_2026_11_20(_cx: &mut Context<'_, Postgres>) -> Result<()> {
    Ok(())
}

mod inner {
    pub(super) mod deeper {
        use crate::migrations;
        use migrate_core::data_migration;

        pub(crate) fn name() -> String {
            migrations::@APP@::in_module_v2_2026_11_20.to_string()
        }

        #[data_migration(
            name = "in_module_v2_2026_11_20",
            app = "@APP@",
            after = ["before_macro_2026_11_20", "@APP@.0002_fill"],
            formerly = ["v1:sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"],
        )]
        async fn fill<'c>(_cx: &mut migrate_core::Context<'c, sqlx::MySql>) -> migrate_core::Result<&'static str> {
            Ok("done")
        }
    }
}

macro_rules! step {
    ($name:ident, $after:literal, $sql:expr) => {
        #[data_migration(after = [$after])]
        async fn $name(cx: &mut Context<'_, Sqlite>) -> Result<u64> {
            Ok(sqlx::query($sql).execute(cx.conn()).await?.rows_affected())
        }
    };
}

step!(by_macro_rules_a_2026_11_20, "0001_initial", "UPDATE t SET a = 2");
step!(by_macro_rules_b_2026_11_20, "0001_initial", "UPDATE t SET a = 3");

#[cfg(test)]
#[data_migration(after = ["0001_initial"])]
async fn only_in_tests_2026_11_20(_cx: &mut Context<'_, Sqlite>) -> Result<()> {
    Ok(())
}

#[data_migration(after = ["0001_initial"])]
#[cfg(feature = "extra")]
async fn only_with_feature_2026_11_20(_cx: &mut Context<'_, Sqlite>) -> Result<()> {
    Ok(())
}

/// Uses a constant of the module that the macro writes.
#[must_use]
pub fn name() -> String {
    inner::deeper::name()
}
"#;

const FILL: &str = r#"
use migrate_core::{Context, Portable, Result, data_migration};

#[data_migration(@ATTR@)]
async fn fill_2026_11_20(_cx: &mut Context<'_, Portable>) -> Result<()> {
    Ok(())
}
"#;

fn fill(attribute: &str) -> String {
    FILL.replace("@ATTR@", attribute)
}

const INITIAL: (&str, &str) = ("0001_initial.sql", "CREATE TABLE t (a int);\n");

fn strict(name: &str, edition: &'static str) -> Package {
    let run = "-- migrate: run = \"manual_2026_11_20\"\nSELECT 1;\n";
    Package::library(
        name,
        &STRICT_SOURCE.replace("@APP@", &name.replace('-', "_")),
    )
    .edition(edition)
    .sql(
        "migrations",
        &[
            INITIAL,
            ("0002_fill.sql", run),
            ("0003_end.sql", "SELECT 2;\n"),
        ],
    )
}

/// A library with one app.
fn app(name: &str, embed: &str, source: &str) -> Package {
    Package::new(name)
        .file("src/lib.rs", &format!("{embed}\n{source}"))
        .sql("migrations", &[INITIAL])
}

pub(crate) fn packages() -> Vec<Package> {
    let one = "migrate_core::embed_migrations!();";
    let after = "after = [\"0001_initial\"]";
    let mut packages = vec![
        strict("strict-library", "2024"),
        strict("strict-2021", "2021"),
    ];
    packages.push(
        Package::binary(
            "only-binary",
            &format!(
                "migrate_core::embed_migrations!(\"db/sql\");{}",
                fill(after)
            ),
        )
        .sql("db/sql", &[INITIAL]),
    );
    packages.push(several_apps());
    let two = fill("").replace("fill", "one")
        + "#[data_migration]\nasync fn two_2026_11_20(_cx: &mut Context<'_, Portable>) -> Result<()> { Ok(()) }\n";
    packages
        .push(Package::library("functions-only", &format!("{one}{two}")).sql("migrations", &[]));

    packages.push(app("billing", one, &fill(after)));
    let extern_billing = |label: &str| {
        format!("migrate_core::embed_migrations! {{ {label} => \"migrations\", extern billing }}")
    };
    let other = "after = [\"billing.fill_2026_11_20\", \"0001_initial\"]";
    packages.push(app("left", &extern_billing("left"), &fill(other)).depends_on("billing"));
    packages.push(app("right", &extern_billing("right"), "").depends_on("billing"));
    packages.push(service());
    packages.push(two_app_library());
    packages.push(
        Package::binary(
            "aggregate",
            "migrate_core::embed_migrations! { extern billing, extern two_apps::{tax} }",
        )
        .depends_on("billing")
        .depends_on("two-apps"),
    );
    packages.push(Package::new("facade").file("src/lib.rs", "pub use migrate_core;\n"));
    packages.push(through_facade());
    packages
}

fn several_apps() -> Package {
    let source = "migrate_core::embed_migrations! { users => \"src/users/sql\", memory => \"src/memory/sql\" }\nmod users;\nmod memory;\n";
    Package::library("several-apps", source)
        .file(
            "src/users.rs",
            &fill("app = users, after = [memory::fill_2026_11_20, m0001_initial]"),
        )
        .file(
            "src/memory.rs",
            &fill("app = \"memory\", after = [\"0001_initial\"]"),
        )
        .sql("src/users/sql", &[INITIAL])
        .sql("src/memory/sql", &[INITIAL])
}

/// The top of a diamond: `left` and `right` both take `billing`, and so does the service itself.
fn service() -> Package {
    let embed = "migrate_core::embed_migrations! {\n    service => \"migrations\",\n    extern left,\n    extern right::{right, billing},\n}\n";
    let header = "-- migrate: after = [\"left.fill_2026_11_20\", \"right.0001_initial\"]\n";
    let sql = format!("{header}SELECT 1;\n");
    let source = embed.to_owned() + &fill("after = [\"0001_initial\", \"billing.0001_initial\"]");
    Package::library("service", &source)
        .sql("migrations", &[("0001_initial.sql", &sql)])
        .depends_on("left")
        .depends_on("right")
}

/// `aggregate` takes one of the two apps; nothing of the other may be in its history.
fn two_app_library() -> Package {
    let source = "migrate_core::embed_migrations! { invoices => \"invoices\", tax => \"tax\" }\nmod invoices;\nmod tax;\n";
    Package::new("two-apps")
        .file("src/lib.rs", source)
        .file(
            "src/invoices.rs",
            &fill("app = \"invoices\", after = [\"0001_initial\"]"),
        )
        .file(
            "src/tax.rs",
            &fill("app = \"tax\", after = [\"0001_initial\"]"),
        )
        .sql("invoices", &[INITIAL])
        .sql("tax", &[INITIAL])
}

/// A crate that knows `migrate-core` under the path of another only.
fn through_facade() -> Package {
    let source = "use facade::migrate_core;\nfacade::migrate_core::embed_migrations! { through_facade => \"migrations\", crate = facade::migrate_core }\n";
    let source = source.to_owned()
        + &fill("after = [\"0001_initial\"], crate = facade::migrate_core")
            .replace("use migrate_core", "use facade::migrate_core");
    Package::binary("through-facade", &source)
        .dependencies("facade = { path = \"../facade\" }\n")
        .sql("migrations", &[INITIAL])
}

/// SQL files and functions that wait for each other in turn.
pub(crate) fn alternations(count: usize) -> Package {
    let mut source = "use migrate_core::{Context, Portable, Result, data_migration};\nmigrate_core::embed_migrations!();\n".to_owned();
    let mut files = Vec::new();
    for n in 1..=count {
        let after = match n {
            1 => String::new(),
            _ => format!("-- migrate: after = \"fill_v{}_2026_11_20\"\n", n - 1),
        };
        files.push((format!("{n:04}_step.sql"), format!("{after}SELECT {n};\n")));
        source += &format!(
            "#[data_migration(after = [\"{n:04}_step\"])]\nasync fn fill_v{n}_2026_11_20(_cx: &mut Context<'_, Portable>) -> Result<()> {{ Ok(()) }}\n"
        );
    }
    let files: Vec<(&str, &str)> = files
        .iter()
        .map(|(name, text)| (name.as_str(), text.as_str()))
        .collect();
    Package::binary("alternations", &source).sql("migrations", &files)
}

/// A service and a library for the release build: no database, so that it is built in reasonable time.
pub(crate) fn without_database() -> Vec<Package> {
    let core = "migrate-core = { path = \"@ROOT@/migrate-core\", default-features = false }\n";
    let library = app(
        "lto-library",
        "migrate_core::embed_migrations!();",
        &fill("after = [\"0001_initial\"]"),
    );
    let clean = fill("after = [\"lto_library.0001_initial\"]").replace("fill", "clean");
    let embed =
        "migrate_core::embed_migrations! { lto_service => \"migrations\", extern lto_library }\n";
    vec![
        library.dependencies(core),
        Package::binary("lto-service", &(embed.to_owned() + &clean))
            .dependencies(core)
            .depends_on("lto-library")
            .sql("migrations", &[]),
    ]
}
