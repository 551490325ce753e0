//! The path of `migrate-core` in generated code: `::migrate_core`, or what `crate = ..` says.

use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, quote, quote_spanned};

/// The path of the runtime's hidden module, all that an expansion may touch.
#[derive(Clone)]
pub(crate) struct Runtime(Option<syn::Path>);

impl Runtime {
    /// The runtime as found through the argument `crate = path`.
    pub(crate) fn new(path: Option<syn::Path>) -> Self {
        Self(path)
    }

    /// The hidden module, with every token at one place.
    pub(crate) fn at(&self, span: Span) -> TokenStream {
        match &self.0 {
            Some(path) => quote!(#path::__private),
            None => quote_spanned!(span=> ::migrate_core::__private),
        }
    }
}

impl ToTokens for Runtime {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        tokens.extend(self.at(Span::call_site()));
    }
}
