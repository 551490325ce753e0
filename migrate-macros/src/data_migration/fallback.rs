//! What stands in for a step with a mistake: its constant, so that steps which refer to it are not
//! reported as well. It registers nothing; the compilation fails anyway.

use proc_macro2::TokenStream;
use quote::quote;

use super::attr::Attr;
use super::expand::{constant, wrapped};
use super::item::Function;
use super::valid::Step;

/// The constant alone, without its dependencies.
pub(super) fn step(attr: &Attr, function: &Function, step: &Step) -> TokenStream {
    wrapped(function, step, &constant(attr, function, step, &quote!(0)))
}
