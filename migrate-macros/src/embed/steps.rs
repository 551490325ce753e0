//! The names of SQL steps, and the questions about other steps that rustc answers.
//!
//! A crate may embed thousands of files, and rustc types and checks a constant as it does a function's
//! body. So only a step that waits for something rustc knows is a constant, which it can find to
//! wait for itself; every other one is a variant of the app's enum, which has no body. Both are numbers
//! under `as u32`. They are handed over as text: that is faster than building tokens one by one.

use std::collections::BTreeMap;

use migrate_source::graph::{Graph, Node, Rank, SqlStep, Unknown};
use migrate_source::name::step_ident;
use proc_macro2::{Ident, Span, TokenStream};
use quote::{format_ident, quote, quote_spanned};

use super::load::LoadedApp;
use crate::runtime::Runtime;
use crate::text::tokens;

/// The steps of one app.
pub(super) struct Names {
    /// `m0001_initial, m0002_add_email,`
    pub(super) variants: TokenStream,
    /// `pub const m0003_index: u32 = ..;`
    pub(super) constants: TokenStream,
}

/// The names of all steps, and nothing about what each comes after.
pub(super) fn plain_names(app: &LoadedApp) -> Names {
    Names {
        variants: variants(app.steps.iter()),
        constants: TokenStream::new(),
    }
}

/// The names of the steps of one app, the computed ones as constants.
pub(super) fn names(apps: &[LoadedApp], at: usize, graph: &Graph<'_>, ranks: &[Rank]) -> Names {
    let of_app = graph.nodes.iter().zip(ranks);
    let of_app = of_app.filter(|(node, _)| node.app == at);
    let (computed, plain): (Vec<_>, Vec<_>) =
        of_app.partition(|(node, rank)| node.is_base() || !rank.bases.is_empty());
    let constants = computed.into_iter();
    Names {
        variants: variants(plain.iter().map(|(node, _)| &apps[at].steps[node.step])),
        constants: constants
            .map(|(node, rank)| computed_constant(apps, node, rank, graph))
            .collect(),
    }
}

fn variants<'s>(steps: impl Iterator<Item = &'s SqlStep>) -> TokenStream {
    let mut text = String::new();
    for step in steps {
        text.push_str(&step_ident(&step.name));
        text.push(',');
    }
    tokens(&text)
}

/// A constant whose rank rustc computes.
fn computed_constant(
    apps: &[LoadedApp],
    node: &Node,
    rank: &Rank,
    graph: &Graph<'_>,
) -> TokenStream {
    let app = &apps[node.app];
    let step = &app.steps[node.step];
    let (span, literal) = (place(app), rank.literal);
    let ident = Ident::new(&step_ident(&step.name), span);
    let bases = rank.bases.iter().map(|(&base, offset)| {
        let path = own_path(apps, &graph.nodes[base], span);
        quote_spanned!(span=> __rank(#path as u32) + #offset)
    });
    let waits = node.waits().map(|unknown| {
        let path = unknown_path(unknown, span);
        quote_spanned!(span=> __rank(#path as u32) + 1)
    });
    quote_spanned! {span=>
        #[allow(deprecated)]
        pub const #ident: u32 = __highest([#literal, #(#bases,)* #(#waits,)*]);
    }
}

/// Makes rustc compute the ranks it has to, and check the functions that SQL steps run.
pub(super) fn checks(apps: &[LoadedApp], graph: &Graph<'_>, runtime: &Runtime) -> TokenStream {
    let mut tokens = TokenStream::new();
    for node in graph.nodes.iter().filter(|node| node.is_base()) {
        let span = place(&apps[node.app]);
        let path = own_path(apps, node, span);
        tokens.extend(quote_spanned!(span=> const _: u32 = #path;));
        for (function, message) in &node.runs_in_transaction {
            let path = unknown_path(function, span);
            tokens.extend(quote_spanned! {span=>
                #[allow(deprecated)]
                const _: () = #runtime::refuse_unless(__is_atomic(#path), #message);
            });
        }
    }
    // Here and nowhere else rustc reports a name that a squash of another crate has replaced.
    for (unknown, reference) in &graph.unknown {
        let path = unknown_path(unknown, place(&apps[reference.app]));
        tokens.extend(quote!(const _: u32 = #path as u32;));
    }
    tokens
}

/// What the name of a step means that does not exist: a constant of a trait, which gives way to the
/// constant of the type itself. rustc evaluates it only where it is used, and then shows the
/// message with file and line, which its own message for an unknown name could not.
pub(super) fn missing(graph: &Graph<'_>) -> TokenStream {
    let mut by_app: BTreeMap<&str, Vec<(&Unknown, &str)>> = BTreeMap::new();
    for (unknown, reference) in &graph.unknown {
        if let Some(message) = &reference.message {
            by_app
                .entry(&unknown.app)
                .or_default()
                .push((unknown, message));
        }
    }
    let traits = by_app.into_iter().map(|(app, steps)| {
        let name = format_ident!("__Missing_{app}");
        let app = Ident::new(app, Span::call_site());
        let idents: Vec<Ident> = steps
            .iter()
            .map(|(step, _)| Ident::new(&step.ident, Span::call_site()))
            .collect();
        let messages = steps.iter().map(|(_, message)| message);
        quote! {
            trait #name { #(const #idents: u32;)* }
            impl #name for #app { #(const #idents: u32 = __missing(#messages);)* }
        }
    });
    traits.collect()
}

fn own_path(apps: &[LoadedApp], node: &Node, span: Span) -> TokenStream {
    let app = Ident::new(&apps[node.app].label, span);
    let step = &apps[node.app].steps[node.step];
    let ident = Ident::new(&step_ident(&step.name), span);
    quote_spanned!(span=> #app::#ident)
}

fn unknown_path(unknown: &Unknown, span: Span) -> TokenStream {
    let app = Ident::new(&unknown.app, span);
    let ident = Ident::new(&unknown.ident, span);
    quote_spanned!(span=> #app::#ident)
}

/// Where rustc reports mistakes of an app.
fn place(app: &LoadedApp) -> Span {
    app.span.resolved_at(Span::call_site())
}
