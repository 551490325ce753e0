//! The tokens of `embed_migrations!`: one module with an enum per app, and one static.
//!
//! Names of ours start with two underscores, which no label and no step can.

use std::collections::BTreeSet;
use std::fmt::Write;

use migrate_source::folder::INDEX_FILE;
use migrate_source::graph::{Graph, Rank};
use migrate_source::name::step_ident;
use proc_macro2::{Ident, Span, TokenStream};
use quote::{format_ident, quote, quote_spanned};

use super::aliases;
use super::input::{ExternInput, Input};
use super::load::LoadedApp;
use super::old_names;
use super::steps::{self, Names};
use crate::errors::list;
use crate::text::tokens;

/// The module with the apps and their steps, and the static.
pub(super) fn migrations(
    input: &Input,
    apps: &[LoadedApp],
    graph: &Graph<'_>,
    ranks: &[Rank],
) -> TokenStream {
    let runtime = input.runtime();
    let types = apps.iter().enumerate().map(|(at, app)| {
        let mut names = steps::names(apps, at, graph, ranks);
        names.constants.extend(aliases::constants(at, graph));
        let ty = app_type(app, &names, true);
        let files = files(app);
        quote!(#ty #files)
    });
    let replaced = aliases::traits(input, apps, graph);
    let (missing, checks) = (steps::missing(graph), steps::checks(apps, graph, &runtime));
    let externs = input
        .externs
        .iter()
        .enumerate()
        .map(|(at, krate)| extern_crate(at, krate));
    let (values, folders) = (apps.iter().map(value), apps.iter().map(folder));
    let externals = input
        .externs
        .iter()
        .enumerate()
        .map(|(at, krate)| external(at, krate));
    let items = quote! {
        use #runtime::{App as __App, AppFolder as __Folder, External as __External};
        use #runtime::{highest as __highest, is_atomic as __is_atomic, missing as __missing, rank as __rank};
        use ::core::include_str as __text;
        #(#externs)*
        #(#types)*
        #replaced
        #missing
        #checks
        pub(super) static __APPS: &[__App] = &[#(#values),*];
        pub(super) static __FOLDERS: &[__Folder] =
            if ::core::cfg!(debug_assertions) { &[#(#folders),*] } else { &[] };
        pub(super) static __EXTERNALS: &[__External] = &[#(#externals),*];
    };
    let arguments = quote!(
        migrations::__APPS,
        migrations::__FOLDERS,
        migrations::__EXTERNALS
    );
    let (module, old_names) = (
        module(input, apps, &items, &arguments),
        old_names::uses(apps, graph),
    );
    quote!(#module #old_names)
}

/// The module without anything that could be a second error: no step comes after another, and
/// there is no file and no other crate.
pub(super) fn fallback(input: &Input, apps: &[LoadedApp], graph: &Graph<'_>) -> TokenStream {
    let types = apps.iter().enumerate().map(|(at, app)| {
        let mut names = steps::plain_names(app);
        names.constants.extend(aliases::constants(at, graph));
        app_type(app, &names, false)
    });
    let externs = input
        .externs
        .iter()
        .enumerate()
        .map(|(at, krate)| extern_crate(at, krate));
    let replaced = aliases::traits(input, apps, graph);
    module(
        input,
        apps,
        &quote!(#(#externs)* #(#types)* #replaced),
        &quote!(&[], &[], &[]),
    )
}

fn module(
    input: &Input,
    apps: &[LoadedApp],
    items: &TokenStream,
    arguments: &TokenStream,
) -> TokenStream {
    let runtime = input.runtime();
    let only_app = only_app(apps);
    let labels = apps
        .iter()
        .map(|app| Ident::new(&app.label, Span::call_site()));
    quote! {
        /// The apps of this crate, one type each, with the names of its steps.
        #[allow(
            nonstandard_style, dead_code, missing_docs, unreachable_pub, unused_imports,
            unused_qualifications, missing_debug_implementations, trivial_numeric_casts, clippy::all, clippy::pedantic
        )]
        pub mod migrations {
            #items
            #only_app
            #[doc(hidden)]
            pub use super::MIGRATIONS as __MIGRATIONS;
        }
        #[allow(unused_qualifications, missing_docs)]
        const _: () = {
            // At the root of the crate the path of the module is the crate's name.
            #(impl migrations::#labels {
                #[doc(hidden)]
                pub const __CRATE: &'static str = ::core::module_path!();
            })*
            #runtime::refuse_inside_module(::core::module_path!())
        };
        /// Everything that this crate embeds: its own apps and those it takes from other crates.
        pub static MIGRATIONS: #runtime::Migrations =
            #runtime::Migrations::new(::core::env!("CARGO_PKG_NAME"), #arguments);
    }
}

/// The type of one app, with its steps.
fn app_type(app: &LoadedApp, names: &Names, complete: bool) -> TokenStream {
    let Names {
        variants,
        constants,
    } = names;
    let label = Ident::new(&app.label, Span::call_site());
    let text = &app.label;
    let docs = format!("The app `{text}`, with the name of each step.");
    let after_missing = match app.steps.last().filter(|_| complete) {
        None => quote!(::core::option::Option::None),
        Some(step) => {
            let message = format!(
                "a data migration must say which step it comes after, because the app `{text}` has SQL files\n\
                 help: write `after = [\"{}\"]` or the earliest step that it needs, \
                 or `manual` if it is run by name only",
                step.name,
            );
            quote!(::core::option::Option::Some(#message))
        }
    };
    quote! {
        #[doc = #docs]
        pub enum #label { #variants }
        impl #label {
            #[doc(hidden)]
            pub const __LABEL: &'static str = #text;
            #[doc(hidden)]
            pub const __AFTER_MISSING: ::core::option::Option<&'static str> = #after_missing;
            #[doc(hidden)]
            pub const __NOT_AN_APP: ::core::option::Option<&'static str> =
                ::core::option::Option::None;
            #constants
        }
    }
}

/// The files of one app and its index, all of them inputs of the build.
///
/// Neither the name nor the checksum of a file has a character that a literal would escape.
fn files(app: &LoadedApp) -> TokenStream {
    let (mut names, mut texts) = (String::new(), String::new());
    // With a separator at its end and without the quote: it is escaped once and not for each file.
    let folder = format!("{:?}", app.path.join("").display().to_string());
    let folder = folder.trim_end_matches('"');
    for file in &app.files {
        // Writing to a String does not fail.
        let _ = writeln!(names, "{} {}", file.file_name, file.checksum);
        let _ = write!(texts, "__text!({folder}{}\"),", file.file_name);
    }
    let (names_of, texts_of) = (names_of(app), texts_of(app));
    let files = tokens(&format!(
        "const {names_of}:&str=\"{names}\";static {texts_of}:&[&str]=&[{texts}];"
    ));
    let index = app.has_index.then(|| {
        let index = app.path.join(INDEX_FILE).display().to_string();
        quote!(
            const _: &str = __text!(#index);
        )
    });
    quote!(#files #index)
}

fn names_of(app: &LoadedApp) -> Ident {
    format_ident!("__NAMES_{}", app.label)
}

fn texts_of(app: &LoadedApp) -> Ident {
    format_ident!("__TEXTS_{}", app.label)
}

fn value(app: &LoadedApp) -> TokenStream {
    let (names, texts) = (names_of(app), texts_of(app));
    let label = Ident::new(&app.label, Span::call_site());
    quote!(__App::new(#label::__LABEL, #label::__CRATE, #names, #texts))
}

/// Where the folder is, for a debug build's check whether it is stale.
fn folder(app: &LoadedApp) -> TokenStream {
    let (label, path) = (&app.label, app.path.display().to_string());
    quote!(__Folder::new(#label, #path))
}

/// The name under which another crate's static is known here.
fn crate_alias(at: usize, span: Span) -> Ident {
    Ident::new(&format!("__extern_{at}"), span)
}

/// Everything of another crate is reached through imports at one place: if they do not resolve, that is
/// one error.
fn extern_crate(at: usize, input: &ExternInput) -> TokenStream {
    let (krate, apps) = (&input.krate, &input.apps);
    let (alias, replaced) = (
        crate_alias(at, krate.span()),
        aliases::extern_module(at, krate.span()),
    );
    let imports = quote_spanned! {krate.span()=>
        use ::#krate::migrations::{__MIGRATIONS as #alias, __replaced as #replaced};
    };
    let apps = apps
        .iter()
        .map(|app| quote_spanned!(krate.span()=> pub use ::#krate::migrations::#app;));
    quote!(#imports #(#apps)*)
}

fn external(at: usize, input: &ExternInput) -> TokenStream {
    let alias = crate_alias(at, input.krate.span());
    let labels = input.apps.iter().map(ToString::to_string);
    quote!(__External::new(&#alias, &[#(#labels),*]))
}

/// What a function without `app = ..` belongs to: the one app, or a type that says why it is none. That
/// type knows the steps of every app, so that references to them are not errors as well.
fn only_app(apps: &[LoadedApp]) -> TokenStream {
    if let [app] = apps {
        let label = Ident::new(&app.label, Span::call_site());
        return quote! {
            #[doc(hidden)]
            pub type __default_app = #label;
        };
    }
    let message = match apps.first() {
        Some(first) => format!(
            "this crate embeds several apps, {}, and the step does not say which one it belongs to\n\
             help: write `app = \"{}\"`, for example",
            list(apps.iter().map(|app| &app.label)),
            first.label,
        ),
        None => "this crate embeds no app of its own\n\
                 help: name one with its folder: `embed_migrations! { users => \"migrations\" }`"
            .to_owned(),
    };
    let steps: BTreeSet<String> = apps
        .iter()
        .flat_map(|app| &app.steps)
        .map(|step| step_ident(&step.name))
        .collect();
    let text = steps
        .iter()
        .fold(String::new(), |text, step| text + step + ",");
    let steps = tokens(&text);
    quote! {
        #[doc(hidden)]
        pub enum __default_app { #steps }
        impl __default_app {
            pub const __LABEL: &'static str = "";
            pub const __CRATE: &'static str = "";
            pub const __AFTER_MISSING: ::core::option::Option<&'static str> =
                ::core::option::Option::None;
            pub const __NOT_AN_APP: ::core::option::Option<&'static str> =
                ::core::option::Option::Some(#message);
        }
    }
}
