//! The names of replaced steps whose files are gone: deprecated constants that are equal to the squash's.
//!
//! A SQL step's is a constant of the app's type. A data migration's is one of a trait, because
//! it must give way to that of a function which is still there; the traits stand in a module
//! of their own, from which a function of any crate that names a data migration imports them.

use std::fmt::Write;

use migrate_source::graph::{Alias, Graph};
use migrate_source::name::step_ident;
use proc_macro2::{Ident, Span, TokenStream};
use quote::{format_ident, quote};

use super::input::Input;
use super::load::LoadedApp;
use crate::text::tokens;

/// The constants of one app for replaced SQL steps.
pub(super) fn constants(at: usize, graph: &Graph<'_>) -> TokenStream {
    let aliases = graph.aliases();
    let of_app = aliases.filter(|alias| alias.app == at && !alias.is_data());
    let text = of_app.fold(String::new(), |mut text, alias| {
        constant(&mut text, "pub ", "", &alias, graph);
        text
    });
    tokens(&text)
}

/// The module of traits, with those of the crates that this one names, whose steps ours may name.
pub(super) fn traits(input: &Input, apps: &[LoadedApp], graph: &Graph<'_>) -> TokenStream {
    let own = (0..apps.len()).map(|at| own_trait(apps, at, graph));
    let others = input.externs.iter().enumerate().map(|(at, krate)| {
        let module = extern_module(at, krate.krate.span());
        quote!(pub use super::#module::*;)
    });
    quote! {
        #[doc(hidden)]
        pub mod __replaced {
            #(#own)*
            #(#others)*
        }
        use __replaced::*;
    }
}

/// The name under which another crate's module of traits is known here.
pub(super) fn extern_module(at: usize, span: Span) -> Ident {
    Ident::new(&format!("__extern_{at}_replaced"), span)
}

/// `pub trait __Replaced_crate_users { const fill_2026_11_20: u32 = super::users::m0001_squashed as u32; }`
fn own_trait(apps: &[LoadedApp], at: usize, graph: &Graph<'_>) -> TokenStream {
    let aliases = graph.aliases();
    let of_app = aliases.filter(|alias| alias.app == at && alias.is_data());
    let text = of_app.fold(String::new(), |mut text, alias| {
        constant(&mut text, "", "super::", &alias, graph);
        text
    });
    if text.is_empty() {
        return TokenStream::new();
    }
    // Another crate may import the traits of several.
    let package = std::env::var("CARGO_PKG_NAME").unwrap_or_default();
    let app = format_ident!("{}", apps[at].label);
    let name = format_ident!("__Replaced_{}_{app}", package.replace('-', "_"));
    let constants = tokens(&text);
    quote! {
        pub trait #name { #constants }
        impl #name for super::#app {}
    }
}

/// `#[deprecated(note = "..")] pub const m0002_x: u32 = users::m0001_squashed as u32;`
fn constant(
    text: &mut String,
    visibility: &str,
    parent: &str,
    alias: &Alias<'_>,
    graph: &Graph<'_>,
) {
    let squash = graph.step(alias.squash);
    let label = &graph.app(alias.squash).label;
    let written = match graph.nodes[alias.squash].app == alias.app {
        true => squash.name.clone(),
        false => graph.name(alias.squash),
    };
    let note = format!("replaced by `{written}`; write that instead");
    let (ident, squash) = (step_ident(alias.name), step_ident(&squash.name));
    // Writing to a String does not fail.
    let _ = write!(
        text,
        "#[deprecated(note={note:?})]{visibility}const {ident}:u32={parent}{label}::{squash} as u32;"
    );
}
