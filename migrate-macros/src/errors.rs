//! Collects mistakes, so that one compilation shows all of them.
//!
//! Every mistake has a span, says what is wrong and why, and says what to write instead.

use std::fmt::Display;

use proc_macro2::{Span, TokenStream};
use quote::ToTokens;

/// The mistakes found so far. Whoever owns it must turn it into tokens at the end.
#[must_use = "mistakes that are not emitted are lost"]
#[derive(Default)]
pub(crate) struct Errors(Option<syn::Error>);

impl Errors {
    /// A mistake at one token.
    pub(crate) fn at(&mut self, span: Span, problem: impl Display, help: impl Display) {
        self.add(syn::Error::new(span, text(problem, help)));
    }

    /// A mistake that covers all the given tokens.
    pub(crate) fn on(&mut self, tokens: impl ToTokens, problem: impl Display, help: impl Display) {
        self.add(syn::Error::new_spanned(tokens, text(problem, help)));
    }

    /// A mistake that syn found.
    pub(crate) fn add(&mut self, error: syn::Error) {
        match &mut self.0 {
            Some(known) => known.combine(error),
            None => self.0 = Some(error),
        }
    }

    /// Whether nothing is wrong so far.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    /// One `compile_error!` for each mistake.
    pub(crate) fn into_tokens(self) -> TokenStream {
        self.0
            .map(syn::Error::into_compile_error)
            .unwrap_or_default()
    }
}

/// rustc indents the second line, so that the help stands below the problem.
fn text(problem: impl Display, help: impl Display) -> String {
    format!("{problem}\nhelp: {help}")
}

/// `a`, `b` and `c`
pub(crate) fn list<T: Display>(names: impl IntoIterator<Item = T>) -> String {
    let mut names: Vec<String> = names.into_iter().map(|name| format!("`{name}`")).collect();
    match names.pop() {
        None => String::new(),
        Some(last) if names.is_empty() => last,
        Some(last) => format!("{} and {last}", names.join(", ")),
    }
}
