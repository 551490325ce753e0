//! `use` declarations: rustfmt sorts them within a run and within their braces, so each becomes one
//! declaration per imported name, and a run of them is sorted.

use quote::ToTokens;
use syn::{Item, ItemUse, Stmt, UseGroup, UsePath, UseTree};

use super::text::render;

/// What can stand in a run that rustfmt sorts.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Run {
    Use,
    ExternCrate,
    Module,
}

fn run_of(item: &Item) -> Option<Run> {
    match item {
        Item::Use(_) => Some(Run::Use),
        Item::ExternCrate(_) => Some(Run::ExternCrate),
        Item::Mod(module) if module.content.is_none() => Some(Run::Module),
        _ => None,
    }
}

/// Flattens and sorts the declarations among the statements of a block.
pub(super) fn sort_statements(statements: &mut Vec<Stmt>) {
    let flat = statements.drain(..).flat_map(|statement| match statement {
        Stmt::Item(item) => flatten(item).into_iter().map(Stmt::Item).collect(),
        other => vec![other],
    });
    *statements = flat.collect();
    sort_runs(statements, |statement| match statement {
        Stmt::Item(item) => run_of(item),
        _ => None,
    });
}

/// Flattens and sorts the declarations among the items of a module.
pub(super) fn sort_items(items: &mut Vec<Item>) {
    *items = items.drain(..).flat_map(flatten).collect();
    sort_runs(items, run_of);
}

fn sort_runs<T: ToTokens>(list: &mut [T], run: impl Fn(&T) -> Option<Run>) {
    for part in list.chunk_by_mut(|a, b| run(a).is_some() && run(a) == run(b)) {
        if part.len() > 1 {
            part.sort_by_cached_key(|node| render(node.to_token_stream()));
        }
    }
}

fn flatten(item: Item) -> Vec<Item> {
    let Item::Use(item) = item else {
        return vec![item];
    };
    single_trees(&item.tree)
        .into_iter()
        .map(|tree| {
            Item::Use(ItemUse {
                tree,
                ..item.clone()
            })
        })
        .collect()
}

/// The tree with one path each, for every leaf.
fn single_trees(tree: &UseTree) -> Vec<UseTree> {
    match tree {
        UseTree::Path(path) => single_trees(&path.tree)
            .into_iter()
            .map(|tree| {
                UseTree::Path(UsePath {
                    tree: Box::new(tree),
                    ..path.clone()
                })
            })
            .collect(),
        UseTree::Group(UseGroup { items, .. }) => items.iter().flat_map(single_trees).collect(),
        leaf => vec![leaf.clone()],
    }
}
