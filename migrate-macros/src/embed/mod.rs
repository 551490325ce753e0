//! `embed_migrations!`: the arguments are read (`input`), then the folders (`load`), the references between
//! steps are resolved and ordered (`migrate_source::graph`), and all becomes
//! one module of apps and their steps and one static (`expand`, `steps`, `aliases`, `old_names`).

mod aliases;
mod expand;
mod input;
mod load;
mod old_names;
mod steps;

use migrate_source::graph::{Graph, Mistake, Others};
use proc_macro2::TokenStream;

use crate::errors::Errors;

/// The expansion, whatever is wrong with the input: apps and steps are always in it.
pub(crate) fn expand(input: TokenStream) -> TokenStream {
    let mut errors = Errors::default();
    let input = input::Input::parse(input, &mut errors);
    let apps = load::load(&input, &mut errors);
    let others = input.externs.iter().flat_map(|krate| &krate.apps);
    let others = Others::Named(others.map(ToString::to_string).collect());
    let mut graph = Graph::new(apps.iter().map(|loaded| &loaded.app), others);
    let ranks = graph.ranks(errors.is_empty());
    if errors.is_empty() && graph.mistakes.is_empty() {
        graph.refuse_several_leaves();
    }
    for mistake in &graph.mistakes {
        report(&apps, mistake, &mut errors);
    }
    let tokens = if errors.is_empty() {
        expand::migrations(&input, &apps, &graph, &ranks)
    } else {
        expand::fallback(&input, &apps, &graph)
    };
    tokens.into_iter().chain(errors.into_tokens()).collect()
}

fn report(apps: &[load::LoadedApp], mistake: &Mistake, errors: &mut Errors) {
    let message = match &mistake.place {
        Some((file, Some(line))) => format!("{file}:{line}: {}", mistake.message),
        Some((file, None)) => format!("{file}: {}", mistake.message),
        None => mistake.message.clone(),
    };
    errors.at(apps[mistake.app].span, message, &mistake.help);
}
