//! The ways into the command line, and its settings.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use clap::{CommandFactory, Parser};
use migrate_cli::{Cli, MigrateArgs, Output};
use migrate_core::__private::{App, AppFolder, Migrations};
use migrate_core::{Event, Policies, Policy, Target};

use crate::support::history;
use crate::support::{Database, Ran, TempFolder};

#[derive(Debug, Parser)]
#[command(name = "shop")]
enum Service {
    /// Serve requests.
    Serve,
    /// Migrate the database.
    Migrate(MigrateArgs),
}

fn parsed(words: &[&str]) -> MigrateArgs {
    match Service::try_parse_from(words).expect("words that fit") {
        Service::Migrate(args) => args,
        Service::Serve => panic!("not migrate"),
    }
}

#[test]
fn fits_into_a_parser_of_the_service() {
    Service::command().debug_assert();
    assert!(matches!(
        Service::try_parse_from(["shop", "serve"]),
        Ok(Service::Serve)
    ));
}

#[tokio::test]
async fn a_misspelt_verb_is_no_app() {
    let database = Database::new();
    let output = Output::memory();
    let cli = database.cli(history::shop(), &output);
    let exit = cli.run(parsed(&["shop", "migrate", "statsu"])).await;
    assert_eq!(exit.code(), 2);
    let said = output.stderr();
    assert!(said.contains("`shop migrate status`"), "{said}");
}

#[tokio::test]
async fn parsed_arguments_run() {
    let database = Database::new();
    let output = Output::memory();
    let cli = database.cli(history::shop(), &output);
    let exit = cli
        .run(parsed(&["shop", "migrate", "status", "--json"]))
        .await;
    assert_eq!(exit.code(), 0);
    assert!(
        output
            .stdout()
            .starts_with(r#"{"schema":"migrate/1","command":"status","ok":true"#)
    );
}

#[test]
fn the_future_can_move_between_threads() {
    fn is_send<F: Future + Send>(_: F) {}
    is_send(Cli::new(history::shop()).run_from(["status"]));
    is_send(parsed(&["shop", "migrate"]).run(history::shop()));
}

#[test]
fn debug_hides_the_url() {
    let args = parsed(&[
        "shop",
        "migrate",
        "--database-url",
        "postgres://me:geheim@host/shop",
    ]);
    assert!(!format!("{args:?}").contains("geheim"));
}

#[tokio::test]
async fn the_flag_goes_before_the_settings() {
    let by_flag = Database::new();
    let by_setting = Database::new();
    let output = Output::memory();
    let url = by_flag.url();
    let exit = by_setting
        .cli(history::shop(), &output)
        .run_from(["--database-url", &url])
        .await;
    assert_eq!(exit.code(), 0);
    assert_eq!(by_flag.count("SELECT count(*) FROM users").await, 3);
    assert_eq!(
        by_setting.count("SELECT count(*) FROM sqlite_schema").await,
        0
    );
}

/// Pasted without the options, it would delete a record of the service's own database.
#[tokio::test]
async fn suggested_commands_are_for_the_same_database() {
    let database = Database::new();
    let url = database.url();
    let ran = async |words: &[&str]| {
        let output = Output::memory();
        let options = ["--database-url", &url, "--ledger-prefix", "other"];
        let exit = Cli::new(history::shop())
            .program("shop migrate")
            .output(output.clone())
            .run_from(words.iter().chain(&options))
            .await;
        (exit.code(), output.stderr())
    };
    assert_eq!(ran(&[]).await.0, 0);
    let (code, said) = ran(&["unmark", "users.0001_initial"]).await;
    assert_eq!(code, 2);
    let help =
        "`shop migrate unmark users.0001_initial --yes --database-url .. --ledger-prefix other`";
    assert!(said.contains(help), "{said}");
}

#[tokio::test]
async fn a_pool_of_the_service_is_a_target() {
    let database = Database::new();
    let pool = sqlx::SqlitePool::connect(&database.url())
        .await
        .expect("a pool");
    let cli = Cli::new(history::shop())
        .target(Target::from(&pool))
        .output(Output::memory());
    assert_eq!(cli.run_from::<&str>([]).await.code(), 0);
    assert_eq!(database.count("SELECT count(*) FROM users").await, 3);
}

#[tokio::test]
async fn configure_and_policies_are_the_services_own() {
    let database = Database::new();
    database.migrate("").await;
    let audited = Arc::new(AtomicUsize::new(0));
    let seen = Arc::clone(&audited);
    let output = Output::memory();
    let cli = database
        .cli(history::edited(), &output)
        .policies(edited_allowed())
        .configure(move |migrator| {
            migrator.audit_hook(move |_| {
                seen.fetch_add(1, Ordering::SeqCst);
            })
        });
    let exit = cli.run_from(["run", "tidy_names_2026_11_20"]).await;
    assert_eq!(exit.code(), 0, "{}", output.stderr());
    assert_eq!(audited.load(Ordering::SeqCst), 2, "called before and after");
}

#[tokio::test]
async fn one_typed_policy_keeps_the_others_of_the_service() {
    let database = Database::new();
    database.migrate("").await;
    let run = async |words: &[&str]| {
        let output = Output::memory();
        let policies = edited_allowed();
        let cli = database.cli(history::edited(), &output).policies(policies);
        cli.run_from(words.iter().copied()).await.code()
    };
    assert_eq!(run(&["--missing", "warn"]).await, 0);
    assert_eq!(run(&["--edited", "deny"]).await, 4);
}

#[tokio::test]
async fn color_can_be_forced_and_changes_nothing_else() {
    let database = Database::new();
    database.migrate("").await;
    let plain = database.migrate("status").await;
    let colored = database.migrate("status --color always").await;
    assert!(
        colored.stdout.contains("\u{1b}[32m[X]"),
        "{}",
        colored.stdout
    );
    assert_eq!(without_color(&colored.stdout), plain.stdout);
    assert_eq!(without_color(&colored.stderr), plain.stderr);
}

fn without_color(text: &str) -> String {
    let mut parts = text.split("\u{1b}[");
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |out, part| {
        out + part.split_once('m').map_or("", |(_, rest)| rest)
    })
}

#[tokio::test]
async fn bad_urls_are_never_printed() {
    for url in [
        "postgres://me:geheim@localhost/shop",
        "mysql://me:geheim@localhost/shop",
        "oracle://me:geheim@localhost/shop",
        "me:geheim@localhost",
        "sqlite:/nowhere/geheim/shop.sqlite",
    ] {
        for words in [
            vec!["status"],
            vec!["--json"],
            vec!["-v", "3"],
            vec!["lock", "release"],
        ] {
            let output = Output::memory();
            let mut words = words.clone();
            words.extend(["--database-url", url]);
            let exit = Cli::new(history::shop())
                .output(output.clone())
                .run_from(words)
                .await;
            let ran = Ran {
                exit,
                stdout: output.stdout(),
                stderr: output.stderr(),
            };
            assert_ne!(ran.exit.code(), 0, "{url}");
            let said = format!("{}{}", ran.stdout, ran.stderr);
            let path_is_no_secret = url.starts_with("sqlite:");
            assert!(path_is_no_secret || !said.contains("geheim"), "{said}");
            assert!(said.contains("help"), "{said}");
        }
    }
}

#[tokio::test]
async fn ledger_options_move_the_ledger() {
    let database = Database::new();
    let ran = database.migrate("--ledger-prefix shop_history").await;
    assert_eq!(ran.exit.code(), 0, "{}", ran.stderr);
    assert_eq!(
        database
            .count("SELECT count(*) FROM shop_history_steps")
            .await,
        5
    );
    let bad = database.migrate("status --ledger-prefix 'a b;'").await;
    assert_eq!(bad.exit.code(), 2, "{}", bad.stderr);
    assert!(
        bad.stderr.starts_with("error[bad_ledger_name]"),
        "{}",
        bad.stderr
    );
}

#[tokio::test]
async fn the_service_sees_the_events_too() {
    let seen = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&seen);
    let database = Database::new();
    let output = Output::memory();
    let cli = database
        .cli(history::shop(), &output)
        .observer(move |event: &Event| {
            if matches!(event, Event::StepFinished(_)) {
                counted.fetch_add(1, Ordering::SeqCst);
            }
        });
    assert_eq!(cli.run_from(["--json"]).await.code(), 0);
    assert_eq!(seen.load(Ordering::SeqCst), 5);
}

fn edited_allowed() -> Policies {
    let mut policies = Policies::default();
    policies.edited = Policy::Allow;
    policies
}

#[tokio::test]
async fn a_stale_debug_build_says_so() {
    let folder = TempFolder::new();
    folder.write("0001_initial.sql", "SELECT 1;\n");
    let path: &'static str = folder.path().display().to_string().leak();
    let folders: &'static [AppFolder] = vec![AppFolder::new("users", path)].leak();
    let apps: &'static [App] = vec![App::new("users", "shop", "", &[])].leak();
    let migrations = Box::leak(Box::new(Migrations::new("shop", apps, folders, &[])));
    let said = async |words: &[&str]| {
        let output = Output::memory();
        let cli = Cli::new(&*migrations)
            .url("sqlite::memory:")
            .output(output.clone());
        cli.run_from(words.iter().copied()).await;
        output.stderr()
    };
    let stderr = said(&["lock", "status"]).await;
    let expected = "warning: this binary is older than its migration folders\n  \
                    users/0001_initial.sql is not in this binary\n\
                    help: `cargo migrate index`, then build again\n";
    assert!(stderr.starts_with(expected), "{stderr}");
    assert_eq!(said(&["lock", "status", "--json"]).await, "");
}

/// The order does not count for the checksum, but an older binary has another one.
#[tokio::test]
async fn a_debug_build_with_another_order_is_stale() {
    let folder = TempFolder::new();
    let text = "-- migrate: after = []\nSELECT 1;\n";
    folder.write("0001_initial.sql", text);
    let path: &'static str = folder.path().display().to_string().leak();
    let folders: &'static [AppFolder] = vec![AppFolder::new("users", path)].leak();
    let checksum = migrate_source::checksum::of_sql(text);
    let names: &'static str = format!("0001_initial.sql {checksum}\n").leak();
    let said = async |embedded: &'static str| {
        let texts: &'static [&'static str] = vec![embedded].leak();
        let apps: &'static [App] = vec![App::new("users", "shop", names, texts)].leak();
        let migrations = Box::leak(Box::new(Migrations::new("shop", apps, folders, &[])));
        let output = Output::memory();
        let cli = Cli::new(&*migrations)
            .url("sqlite::memory:")
            .output(output.clone());
        cli.run_from(["lock", "status"]).await;
        output.stderr()
    };
    assert!(!said(text).await.contains("older"));
    let expected = "users/0001_initial.sql was changed after this binary was built";
    assert!(said("SELECT 1;\n").await.contains(expected));
}
