//! `embed_migrations!`: the arguments are read (`input`), then the folders (`load`, `check`), the
//! references between steps are resolved (`resolve`) and ordered (`rank`, `leaves`), and all becomes
//! one module of apps and their steps and one static (`expand`, `steps`, `aliases`, `old_names`).

mod aliases;
mod check;
mod expand;
mod input;
mod leaves;
mod load;
mod old_names;
mod rank;
mod resolve;
mod steps;

use proc_macro2::TokenStream;

use crate::errors::Errors;

/// The expansion, whatever is wrong with the input: apps and steps are always in it.
pub(crate) fn expand(input: TokenStream) -> TokenStream {
    let mut errors = Errors::default();
    let input = input::Input::parse(input, &mut errors);
    let apps = load::load(&input, &mut errors);
    let mut graph = resolve::resolve(&apps, &input.externs, &mut errors);
    let ranks = rank::ranks(&apps, &mut graph, &mut errors);
    if errors.is_empty() {
        leaves::refuse_several(&apps, &graph, &mut errors);
    }
    let tokens = if errors.is_empty() {
        expand::migrations(&input, &apps, &graph, &ranks)
    } else {
        expand::fallback(&input, &apps, &graph)
    };
    tokens.into_iter().chain(errors.into_tokens()).collect()
}
