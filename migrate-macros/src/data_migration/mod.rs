//! `#[data_migration]`: attribute and function are read (`attr`, `item`), judged (`valid`) and
//! turned into a constant and a registered step (`expand`), or into a harmless stub (`fallback`).

mod attr;
mod carrier;
mod expand;
mod fallback;
mod item;
mod signature;
mod source;
mod valid;

use proc_macro2::TokenStream;

use crate::errors::Errors;

/// The expansion, whatever is wrong with the input: the function itself is always in it.
pub(crate) fn expand(args: TokenStream, item: TokenStream) -> TokenStream {
    let mut errors = Errors::default();
    let attr = attr::Attr::parse(args, &mut errors);
    let mut tokens = item.clone();
    if let Some(function) = item::parse(item, &mut errors) {
        let step = valid::check(&attr, &function, &mut errors);
        tokens.extend(if errors.is_empty() {
            expand::step(&attr, &function, &step)
        } else {
            fallback::step(&attr, &function, &step)
        });
    }
    tokens.extend(errors.into_tokens());
    tokens
}
