//! The canonical form of a function: a text that stays the same when rustfmt reformats the function,
//! under any of its stable settings, or when its comments are edited, and that changes when its
//! meaning may. `normalise` has the rules on syntax trees, `text` writes the tokens down.
//!
//! Covered are the function's qualifiers, generics, parameters, return type and body. Not covered
//! are its name, visibility, attributes and comments, and whatever it calls. Inside macro calls
//! whose arguments are not expressions, types or patterns, tokens count as they are.

use proc_macro2::{Ident, Span};
use quote::ToTokens;
use syn::visit_mut::VisitMut;
use syn::{ItemFn, Visibility};

use crate::checksum::{Checksum, of_canonical};

mod imports;
mod macros;
mod normalise;
mod text;

/// The canonical text of a function, version 1.
///
/// ```
/// use migrate_source::canonical::canonical_function;
///
/// let one: syn::ItemFn = syn::parse_str("async fn a(x: u8) { call(x, 0xFF,); }")?;
/// let other: syn::ItemFn = syn::parse_str("/// Doc.\npub async fn b(x: u8,) { call(x, 255) ; }")?;
/// assert_eq!(canonical_function(&one), canonical_function(&other));
/// # Ok::<(), syn::Error>(())
/// ```
#[must_use]
pub fn canonical_function(function: &ItemFn) -> String {
    let mut function = function.clone();
    function.attrs.clear();
    function.vis = Visibility::Inherited;
    function.sig.ident = Ident::new("f", Span::call_site());
    normalise::Normaliser.visit_item_fn_mut(&mut function);
    text::render(function.to_token_stream())
}

/// The checksum of a function's canonical text.
///
/// ```
/// use migrate_source::canonical::checksum_of_function;
///
/// let one: syn::ItemFn = syn::parse_str("async fn a() { call(1) }")?;
/// let other: syn::ItemFn = syn::parse_str("async fn a() { call(2) }")?;
/// assert_ne!(checksum_of_function(&one), checksum_of_function(&other));
/// # Ok::<(), syn::Error>(())
/// ```
#[must_use]
pub fn checksum_of_function(function: &ItemFn) -> Checksum {
    of_canonical(&canonical_function(function))
}

#[cfg(test)]
mod tests;
