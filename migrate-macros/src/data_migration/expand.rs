//! The tokens of a data migration that is in order.
//!
//! Each part is quoted at the place the user wrote it, because that is where rustc reports:
//!
//! - `RANK` uses the names of the steps in `after`: an unknown step is E0599, a cycle E0391;
//! - the `impl` adds the step's own constant to the type of its app: a second step of the
//!   same name is E0592, an unknown app E0425, another crate's app E0116;
//! - the closures (`carrier`) take the user's types to `StepFn`, which infers the database.

use migrate_source::canonical::checksum_of_function;
use proc_macro2::{Span, TokenStream};
use quote::{format_ident, quote, quote_spanned};
use syn::Ident;

use super::attr::{Attr, Strings};
use super::carrier;
use super::item::Function;
use super::source::source_of;
use super::valid::{Step, StepPath};

/// The constant and the registered step.
pub(super) fn step(attr: &Attr, function: &Function, step: &Step) -> TokenStream {
    let runtime = attr.runtime();
    let replaced = replaced_names(step);
    let rank = rank(attr, step);
    let constant = constant(attr, function, step, &quote!(RANK));
    let registration = registration(attr, function, step);
    let place = carrier::place(attr, function);
    let checks = checks(attr, function, step);
    wrapped(
        function,
        step,
        &quote! {
            #replaced
            #rank
            #constant
            #place
            #runtime::inventory::submit! { #registration }
            #checks
        },
    )
}

/// One constant around everything, so that no name of ours meets one of the user's. It has a name
/// because `const _` is an error of its own inside an `impl` block, where `place` has a better one.
pub(super) fn wrapped(function: &Function, step: &Step, items: &TokenStream) -> TokenStream {
    let cfgs = function.cfgs();
    let name = format_ident!("__data_migration_{}", function.item.sig.ident);
    let app = app_alias(step.app.as_ref());
    quote! {
        #(#cfgs)*
        #[allow(
            nonstandard_style, dead_code, missing_docs, non_local_definitions,
            unused_qualifications, unreachable_pub
        )]
        const #name: () = {
            #app
            #items
        };
    }
}

/// The names of data migrations that a squash has replaced are constants of traits.
fn replaced_names(step: &Step) -> Option<TokenStream> {
    let mut references = step.after.iter().chain(&step.before);
    references.any(|path| path.is_data).then(|| {
        quote! {
            #[allow(unused_imports)]
            use crate::migrations::__replaced::*;
        }
    })
}

/// `type App = crate::migrations::users;`: the path stands in one place only, so that an unknown app
/// is one error.
fn app_alias(app: Option<&Ident>) -> TokenStream {
    match app {
        Some(app) => quote_spanned!(app.span()=> type App = crate::migrations::#app;),
        None => quote!(
            type App = crate::migrations::__default_app;
        ),
    }
}

fn step_path(path: &StepPath) -> TokenStream {
    let ident = &path.ident;
    match &path.app {
        Some(app) => quote_spanned!(ident.span()=> crate::migrations::#app::#ident),
        None => quote_spanned!(ident.span()=> App::#ident),
    }
}

/// `const RANK: u32 = after([..]);`, at the first step it comes after: there rustc reports a cycle.
fn rank(attr: &Attr, step: &Step) -> TokenStream {
    let span = step
        .after
        .first()
        .map_or_else(Span::call_site, |path| path.ident.span());
    let runtime = attr.runtime().at(span);
    let after = step.after.iter().map(|path| {
        let step = step_path(path);
        let runtime = attr.runtime().at(path.ident.span());
        quote_spanned!(path.ident.span()=> #runtime::rank(#step as u32))
    });
    // A function is a number already.
    quote_spanned! {span=>
        #[allow(trivial_numeric_casts, clippy::unnecessary_cast)]
        const RANK: u32 = #runtime::after([#(#after),*]);
    }
}

/// `impl users { pub const lower_emails_2026_11_20: u32 = ..; }`
pub(super) fn constant(
    attr: &Attr,
    function: &Function,
    step: &Step,
    rank: &TokenStream,
) -> TokenStream {
    let runtime = attr.runtime();
    let (name, ident) = (&step.name, &step.ident);
    let app = Ident::new(
        "App",
        step.app.as_ref().map_or_else(Span::call_site, Ident::span),
    );
    let atomic = attr.atomic.unwrap_or(true);
    let description = match function.description.as_str() {
        "" => name,
        text => text,
    };
    let constant = quote_spanned! {ident.span()=>
        #[doc = #description]
        pub const #ident: u32 = #runtime::step(#rank, #atomic);
    };
    quote_spanned!(app.span()=> impl #app { #constant })
}

fn texts(list: Option<&Strings>) -> TokenStream {
    let items = list.map(|list| list.items.as_slice()).unwrap_or_default();
    quote!(&[#(#items),*])
}

fn registration(attr: &Attr, function: &Function, step: &Step) -> TokenStream {
    let runtime = attr.runtime();
    let (name, description) = (&step.name, &function.description);
    let checksum = checksum_of_function(&function.item).to_string();
    let source = source_of(&function.item);
    let after = texts(attr.after.as_ref());
    let before = texts(attr.before.as_ref());
    let formerly = texts(attr.formerly.as_ref());
    let atomic = attr.atomic.unwrap_or(true);
    let disable_audit = attr.disable_audit.unwrap_or(false);
    let manual = attr.manual.unwrap_or(false);
    let elidable = attr.elidable.unwrap_or(false);
    let reverse = carrier::optional(attr, attr.reverse.as_ref());
    let verify = carrier::optional(attr, attr.verify.as_ref());
    quote! {
        #runtime::FunctionStep {
            app: App::__LABEL,
            name: #name,
            crate_name: App::__CRATE,
            file: ::core::file!(),
            line: ::core::line!(),
            description: #description,
            checksum: #checksum,
            source: #source,
            after: #after,
            before: #before,
            formerly: #formerly,
            rank: RANK,
            atomic: #atomic,
            disable_audit: #disable_audit,
            manual: #manual,
            elidable: #elidable,
            run: place::RUN,
            reverse: #reverse,
            verify: #verify,
        }
    }
}

/// What constants of the app's type say about the attribute.
fn checks(attr: &Attr, function: &Function, step: &Step) -> TokenStream {
    let runtime = attr.runtime();
    let mut checks = carrier::same_database(attr, function);
    if attr.app.is_none() {
        checks.extend(quote!(const _: () = #runtime::refuse(App::__NOT_AN_APP);));
    }
    let no_after = attr
        .after
        .as_ref()
        .is_none_or(|after| after.items.is_empty());
    if no_after && attr.manual != Some(true) {
        let span = attr
            .after
            .as_ref()
            .map_or_else(Span::call_site, |after| after.span);
        let runtime = attr.runtime().at(span);
        checks.extend(quote_spanned! {span=>
            const _: () = #runtime::refuse(App::__AFTER_MISSING);
        });
    }
    if !step.before.is_empty() {
        let before = step.before.iter().map(step_path);
        // In a function that nobody calls: only that the steps exist matters here.
        checks.extend(quote!(const _: fn() = || { #(let _ = #before;)* };));
    }
    checks
}
