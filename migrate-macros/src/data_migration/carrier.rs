//! The closures that take the user's functions to `StepFn`.
//!
//! The macro never needs the database's type: rustc infers it from the function's argument. What is
//! wrong with the types is reported where they stand: the argument of the call is quoted at the
//! argument's type, and everything else at the return type.

use proc_macro2::{Span, TokenStream, TokenTree};
use quote::{ToTokens, quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{ExprPath, FnArg, Ident, ReturnType};

use super::attr::Attr;
use super::item::Function;

/// Where rustc reports what.
#[derive(Clone, Copy)]
struct Places {
    argument: Span,
    output: Span,
}

impl Places {
    fn of(function: &Function) -> Self {
        let signature = &function.item.sig;
        let name = signature.ident.span();
        Self {
            argument: match signature.inputs.first() {
                Some(FnArg::Typed(argument)) => longest_word(argument.ty.to_token_stream(), name),
                _ => name,
            },
            output: match &signature.output {
                ReturnType::Type(_, ty) => ty.span(),
                ReturnType::Default => name,
            },
        }
    }
}

/// The span of a whole type is not to be had, and its first token may be a mere `&`.
fn longest_word(ty: TokenStream, default: Span) -> Span {
    let words = ty.into_iter().filter_map(|token| match token {
        TokenTree::Ident(ident) => Some(ident),
        _ => None,
    });
    words
        .max_by_key(|ident| ident.to_string().len())
        .map_or(default, |ident| ident.span())
}

/// `StepFn::new(|cx| Box::pin(async move { .. }))`
fn step_fn(attr: &Attr, function: &TokenStream, places: Places) -> TokenStream {
    let Places { argument, output } = places;
    let runtime = attr.runtime().at(output);
    let cx = Ident::new("cx", Span::mixed_site().located_at(output));
    let mut passed = cx.clone();
    passed.set_span(cx.span().located_at(argument));
    quote_spanned! {output=>
        #runtime::StepFn::new(|#cx| #runtime::Box::pin(async move {
            #runtime::StepReturn::into_step_result(#function(#passed).await)
        }))
    }
}

/// `reverse = ..` or `verify = ..`, with everything reported there.
pub(super) fn optional(attr: &Attr, function: Option<&ExprPath>) -> TokenStream {
    let Some(path) = function else {
        return quote!(::core::option::Option::None);
    };
    let step_fn = step_fn(
        attr,
        &path.to_token_stream(),
        Places {
            argument: path.span(),
            output: path.span(),
        },
    );
    quote!(::core::option::Option::Some(&#step_fn))
}

/// The check that `reverse` or `verify` is written for the database of the step itself.
pub(super) fn same_database(attr: &Attr, function: &Function) -> TokenStream {
    let ident = function.item.sig.ident.to_token_stream();
    let others = [("reverse", &attr.reverse), ("verify", &attr.verify)];
    let checks = others.into_iter().filter_map(|(key, path)| {
        let path = path.as_ref()?;
        let places = Places {
            argument: path.span(),
            output: path.span(),
        };
        let own = step_fn(attr, &ident, places);
        let other = step_fn(attr, &path.to_token_stream(), places);
        let runtime = attr.runtime().at(path.span());
        let message = format!(
            "`{key}` is written for another database than the step\n\
             help: let both take the same `Context<'_, DB>`"
        );
        Some(quote_spanned! {path.span()=>
            const _: () = #runtime::refuse_other_database(&#own, &#other, #message);
        })
    });
    checks.collect()
}

/// The function of the step, found in a way that tells whether it stands inside another: there,
/// `super::*` does not have it, and its name means the constant that stands further out.
pub(super) fn place(attr: &Attr, function: &Function) -> TokenStream {
    let places = Places::of(function);
    let ident = &function.item.sig.ident;
    let call = Ident::new(&ident.to_string(), places.output.resolved_at(ident.span()));
    let step_fn = step_fn(attr, &call.into_token_stream(), places);
    let (span, runtime) = (ident.span(), attr.runtime().at(ident.span()));
    let check = quote_spanned!(span=> #runtime::refuse_inside_function(&#ident));
    quote! {
        mod place {
            #[allow(unused_imports)]
            use #runtime::INSIDE_FUNCTION as #ident;
            pub(super) static RUN: &dyn #runtime::ErasedStepFn = {
                #[allow(unused_imports)]
                use super::*;
                &#step_fn
            };
            const _: () = {
                #[allow(unused_imports)]
                use super::*;
                #check
            };
        }
    }
}
