//! The two macros of `migrate-core`, which re-exports them: use them from there.
//!
//! [`embed_migrations!`] puts a crate's SQL files into its binary, and [`data_migration`] makes an
//! async function a step of the same history. This crate is an implementation detail: what its
//! macros write names hidden items of the `migrate-core` of the same version.
//!
//! This file holds the entry points and their documentation only. Each macro is a folder: `attr` and
//! `item`, or `input` and `load`, read; `valid`, or `check` and `resolve`, judge; `expand` writes, and where
//! something is wrong, `fallback` writes what keeps one mistake from becoming many errors.

mod data_migration;
mod embed;
mod errors;
mod runtime;
mod text;
mod today;

use proc_macro::TokenStream;

/// Embeds the SQL files of the crate's apps, and makes their steps known to rustc.
///
/// It stands once, at the root of the crate (`lib.rs`, or `main.rs` of a crate that is only a binary).
/// An app is a label and its own history.
///
/// ```ignore
/// migrate_core::embed_migrations!();                 // ./migrations, one app named after the package
/// migrate_core::embed_migrations!("db/migrations");  // another folder
/// migrate_core::embed_migrations! {                  // several apps, and apps of other crates
///     users  => "src/users/migrations",
///     memory => "src/memory/migrations",
///     extern billing,
///     extern acme::{invoices, tax},
/// }
/// ```
///
/// Folders are relative to the package's `Cargo.toml`. A package `my-app` has the app `my_app`.
///
/// # What it writes
///
/// `pub mod migrations` with one enum per app, with the name of each step, and `pub static MIGRATIONS`, which
/// is what a `Migrator` is given. Only apps that can be reached from that value are run, so a crate
/// that nobody links is a compile error and never an empty history.
///
/// ```
/// migrate_core::embed_migrations! { users => "doc/users" }
///
/// fn main() {
///     let _ = migrations::users::m0001_initial; // Without the file this would not compile.
///     assert_eq!(MIGRATIONS.package(), env!("CARGO_PKG_NAME"));
/// }
/// ```
///
/// # Files
///
/// `0003_add_email.sql`, or `.up.sql` and `.down.sql`, with `.postgres`, `.sqlite` or `.mysql` before that where a
/// database needs its own text. The folder has an `index.txt` that lists its files: it makes cargo
/// notice new ones. `cargo migrate new` and `cargo migrate index` write it. A folder without files
/// belongs to an app that has data migrations only.
///
/// The header of a file may hold directives, such as
///
/// ```sql
/// -- migrate: atomic = false
/// -- migrate: after = ["0001_initial", "billing.0002_add_tax"], run = "fill_tax_2026_11_20"
/// ```
///
/// # Squashes
///
/// A file whose header says `-- migrate: replaces = ["0001_initial", "0002_add_email"]` stands for those steps,
/// which may be data migrations too. Both histories can be in the folder: the squash may have the
/// number of a step that it replaces. Once the files are deleted, their names go on to mean the squash,
/// in this crate and in others; rustc reports them as deprecated where a function or the header of a SQL file
/// names them. Such a header can be changed although it is applied: a line with only `after`, `before` and `replaces`
/// does not count for the checksum. Files that the same squash replaces may name each other.
///
/// # `extern`
///
/// `extern billing` takes the app `billing` of the crate `billing`, which has an `embed_migrations!` of its
/// own; where crate and app have different names, or several apps are wanted, write
/// `extern acme::{invoices, tax}`. What such an app needs of further crates comes with it.
///
/// # Errors
///
/// Files that cannot be steps, two with one number, unknown or misspelt directives, quotes and comments
/// that are never closed, references that lead nowhere, steps that wait for each other, squashes of what
/// cannot be one step, several last steps of one app, and
/// statements that must not stand in a transaction are compile errors, all of them at once, each with
/// file, line and column.
///
/// More than about a hundred steps that wait for each other in turn, SQL files for functions and
/// functions for SQL files, can make rustc ask for a higher `#![recursion_limit]`.
///
/// A crate that re-exports `migrate-core` is named with `crate = my_facade::migrate_core`.
#[proc_macro]
pub fn embed_migrations(input: TokenStream) -> TokenStream {
    embed::expand(input.into()).into()
}

/// Makes an async function a step of the history: a data migration.
///
/// ```
/// use migrate_core::{Context, Result, data_migration};
/// use sqlx::Sqlite;
///
/// migrate_core::embed_migrations! { users => "doc/users" }
///
/// /// Lower-cases every address.
/// #[data_migration(after = ["0002_add_email_lower"])]
/// async fn lower_emails_v1_2026_11_20(cx: &mut Context<'_, Sqlite>) -> Result<u64> {
///     let done = sqlx::query("UPDATE users SET email_lower = lower(email)").execute(cx.conn()).await?;
///     Ok(done.rows_affected())
/// }
/// # fn main() {}
/// ```
///
/// The function may stand in any module of the crate, before or after `embed_migrations!`. It takes
/// `&mut Context<'_, DB>`, where `DB` is `sqlx::Sqlite`, `sqlx::Postgres`, `sqlx::MySql` or `migrate_core::Portable`, and
/// returns `migrate_core::Result` of nothing, a number of rows, a text, or an `Option` of these.
/// The first paragraph of its documentation is its description in `migrate list`.
///
/// # Arguments
///
/// | argument | meaning |
/// |---|---|
/// | `name = ".."` | the step's name, by default the function's: `{description}[_v{N}]_{YYYY_MM_DD}` |
/// | `app = ".."` | the app, by default the crate's only one |
/// | `after = [..]` | the steps it comes after; must be given, unless it is `manual` or the app has no SQL files |
/// | `before = [..]` | steps that wait for it |
/// | `atomic = false` | run it outside a transaction; by default its effect and its ledger row commit together |
/// | `disable_audit = true` | tell audit triggers and the audit hook to leave its changes alone |
/// | `reverse = path` | the function that undoes it |
/// | `verify = path` | a function that checks its result within the same transaction; an error rolls back |
/// | `manual` | never run by a bare `migrate`: by `migrate run NAME`, or by the `run =` of a SQL step |
/// | `elidable` | a squash may drop it |
/// | `formerly = [..]` | earlier checksums of this step that are accepted |
/// | `crate = path` | where `migrate-core` is, if not at `::migrate_core` |
///
/// Steps are named as in `"0002_add_email"`, or `"billing.0001_initial"` for another app's.
///
/// # What rustc finds
///
/// A step that does not exist, an app that is not embedded, two steps with one name, steps that wait
/// for each other, and an app that belongs to another crate are errors at the place where the name is
/// written:
///
/// ```compile_fail,E0599
/// # use migrate_core::{Context, Result, data_migration};
/// # use sqlx::Sqlite;
/// # migrate_core::embed_migrations! { users => "doc/users" }
/// #[data_migration(after = ["0002_add_emial_lower"])] // there is `m0002_add_email_lower` with a similar name
/// async fn lower_emails_v1_2026_11_20(cx: &mut Context<'_, Sqlite>) -> Result<()> {
///     Ok(())
/// }
/// # fn main() {}
/// ```
///
/// # Checksum
///
/// The types and the body of the function are hashed in a form that rustfmt and comments do not
/// change. Its name, visibility, documentation and the arguments of the attribute are not
/// part of it, and neither are the functions that it calls.
#[proc_macro_attribute]
pub fn data_migration(args: TokenStream, item: TokenStream) -> TokenStream {
    data_migration::expand(args.into(), item.into()).into()
}
