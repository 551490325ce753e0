//! Headers of SQL files that name replaced steps of this crate whose files are gone: rustc reports each as
//! the use of a deprecated constant, whose note says the file and what to write.
//!
//! Names of other crates' steps are not here: rustc alone knows which of those are replaced (`steps`).

use migrate_source::graph::{Graph, OldName};
use proc_macro2::{Ident, Span, TokenStream};
use quote::{quote, quote_spanned};

use super::load::LoadedApp;

/// One use of a deprecated constant for each name.
pub(super) fn uses(apps: &[LoadedApp], graph: &Graph<'_>) -> TokenStream {
    let names = graph.old_names.iter();
    names.map(|name| one(apps, graph, name)).collect()
}

fn one(apps: &[LoadedApp], graph: &Graph<'_>, name: &OldName) -> TokenStream {
    let OldName {
        file, line, key, ..
    } = name;
    let written = graph.written(name.squash, name.node);
    let note =
        format!("{file}:{line} names it in `{key}`: replaced by `{written}`; write that instead");
    let span = apps[graph.nodes[name.node].app].span;
    let span = span.resolved_at(Span::call_site());
    let ident = Ident::new(&name.step.ident, span);
    let app = Ident::new(&name.step.app, span);
    // A function that is still there is a constant of the app's type, and wins over that of a trait.
    let (constant, usage) = match name.is_data {
        true => (
            quote! {
                trait Header { #[deprecated(note = #note)] const #ident: u32 = 0; }
                impl Header for migrations::#app {}
            },
            quote_spanned!(span=> migrations::#app::#ident),
        ),
        false => (
            quote!(#[deprecated(note = #note)] const #ident: u32 = 0;),
            quote!(#ident),
        ),
    };
    quote! {
        #[allow(nonstandard_style, unused_qualifications, dead_code)]
        const _: () = {
            #constant
            const _: u32 = #usage;
        };
    }
}
