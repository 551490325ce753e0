//! The canonical form over a corpus of functions: what rustfmt does to them changes no checksum,
//! and what an author does to a single token changes it.

#![allow(clippy::expect_used, reason = "a test that cannot go on must stop")]

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};
use std::str::FromStr;

use migrate_source::canonical::{canonical_function, checksum_of_function};
use proc_macro2::{Delimiter, Group, Ident, Literal, Punct, Span, TokenStream, TokenTree};
use quote::ToTokens;
use syn::visit_mut::{self, VisitMut};
use syn::{ItemFn, Stmt};

/// Stable settings of rustfmt that change how a function is laid out.
const SETTINGS: [(&str, &str); 7] = [
    ("the defaults", "max_width=100"),
    ("narrow", "max_width=60,use_small_heuristics=Max"),
    ("heuristics off", "use_small_heuristics=Off"),
    ("wide", "max_width=200,use_small_heuristics=Max"),
    (
        "short widths",
        "fn_call_width=20,attr_fn_like_width=20,struct_lit_width=0,struct_variant_width=0,array_width=10,\
         chain_width=10,single_line_if_else_max_width=0,single_line_let_else_max_width=0,\
         short_array_element_width_threshold=1",
    ),
    (
        "other choices",
        "use_field_init_shorthand=true,match_block_trailing_comma=true,match_arm_leading_pipes=Always,\
         fn_params_layout=Vertical,newline_style=Windows,tab_spaces=2",
    ),
    (
        "nothing rearranged",
        "reorder_imports=false,reorder_modules=false,merge_derives=false,force_explicit_abi=false,\
         remove_nested_parens=false,match_arm_leading_pipes=Never,style_edition=2024",
    ),
];

/// Every function of the corpus file, inner ones included, by order.
fn functions(text: &str) -> Vec<ItemFn> {
    struct Collect(Vec<ItemFn>);
    impl VisitMut for Collect {
        fn visit_item_fn_mut(&mut self, function: &mut ItemFn) {
            self.0.push(function.clone());
            visit_mut::visit_item_fn_mut(self, function);
        }
    }
    let mut collect = Collect(Vec::new());
    collect.visit_file_mut(&mut syn::parse_file(text).expect("the corpus is Rust"));
    collect.0
}

fn corpus() -> BTreeMap<String, String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus");
    let entries = fs::read_dir(folder).expect("the corpus");
    entries
        .map(|entry| {
            let path = entry.expect("an entry").path();
            (
                path.display().to_string(),
                fs::read_to_string(path).expect("a corpus file"),
            )
        })
        .collect()
}

fn rustfmt(text: &str, settings: &str) -> String {
    let mut child = Command::new("rustfmt")
        .args(["--edition", "2024", "--config", settings])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("rustfmt must be installed: `rustup component add rustfmt`");
    let mut input = child.stdin.take().expect("a pipe");
    input
        .write_all(text.as_bytes())
        .expect("rustfmt reads all of its input");
    drop(input);
    let output = child.wait_with_output().expect("rustfmt ends");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).expect("UTF-8")
}

#[test]
fn the_corpus_is_large_enough() {
    let count: usize = corpus().values().map(|text| functions(text).len()).sum();
    assert!(count >= 150, "{count}");
}

#[test]
fn formatting_changes_no_checksum() {
    let mut layouts_changed = 0;
    for (path, text) in corpus() {
        let before = functions(&text);
        for (name, settings) in SETTINGS {
            let formatted = rustfmt(&text, settings);
            let after = functions(&formatted);
            assert_eq!(before.len(), after.len(), "{path}, {name}");
            for (old, new) in before.iter().zip(&after) {
                let function = &old.sig.ident;
                assert_eq!(
                    canonical_function(old),
                    canonical_function(new),
                    "{path}, {function}, {name}"
                );
                let raw = |function: &ItemFn| function.to_token_stream().to_string();
                layouts_changed += usize::from(raw(old) != raw(new));
            }
        }
    }
    assert!(
        layouts_changed > 300,
        "rustfmt changed the tokens of only {layouts_changed} functions"
    );
}

#[test]
fn formatting_twice_changes_no_checksum() {
    for (path, text) in corpus() {
        let before = functions(&text);
        for pair in SETTINGS.windows(2) {
            let after = functions(&rustfmt(&rustfmt(&text, pair[0].1), pair[1].1));
            for (old, new) in before.iter().zip(&after) {
                assert_eq!(
                    canonical_function(old),
                    canonical_function(new),
                    "{path}, {}",
                    old.sig.ident
                );
            }
        }
    }
}

/// The canonical text is Rust, and its own canonical text: it says all there is to say.
#[test]
fn the_canonical_text_is_its_own_canonical_text() {
    for text in corpus().values() {
        for function in functions(text) {
            let canonical = canonical_function(&function);
            let again: ItemFn = syn::parse_str(&canonical).expect(&canonical);
            assert_eq!(
                canonical_function(&again),
                canonical,
                "{}",
                function.sig.ident
            );
        }
    }
}

#[test]
fn no_two_functions_of_the_corpus_collide() {
    let mut seen: BTreeMap<String, String> = BTreeMap::new();
    let same_meaning = ["one_expression", "no_block"];
    for function in corpus().values().flat_map(|text| functions(text)) {
        let name = function.sig.ident.to_string();
        if let Some(other) = seen.insert(checksum_of_function(&function).to_string(), name.clone())
        {
            let known = [name.as_str(), other.as_str()]
                .iter()
                .all(|name| same_meaning.contains(name));
            assert!(known, "{name} and {other}");
        }
    }
}

/// A stream with one token changed, and what was changed.
struct Mutant {
    tokens: TokenStream,
    change: String,
    /// The canonical form treats the change as formatting, and says so in its documentation.
    is_formatting: bool,
}

fn mutants(tokens: &TokenStream) -> Vec<Mutant> {
    let trees: Vec<TokenTree> = tokens.clone().into_iter().collect();
    let mut found = Vec::new();
    for at in 0..trees.len() {
        let mut put = |replacement: Vec<TokenTree>, change: String, is_formatting: bool| {
            let tokens = trees[..at]
                .iter()
                .cloned()
                .chain(replacement)
                .chain(trees[at + 1..].iter().cloned());
            found.push(Mutant {
                tokens: tokens.collect(),
                change,
                is_formatting,
            });
        };
        let tree = &trees[at];
        match tree {
            TokenTree::Ident(ident) => {
                let changed = Ident::new("changed_name", Span::call_site());
                put(vec![changed.into()], format!("{ident} renamed"), false);
            }
            TokenTree::Literal(literal) => {
                for changed in ["4711", "\"changed\"", "'x'", "0.25"] {
                    let changed = Literal::from_str(changed).expect("a literal");
                    if changed.to_string() != literal.to_string() {
                        let change = format!("{literal} replaced");
                        put(vec![changed.into()], change, is_documentation(&trees, at));
                    }
                }
            }
            TokenTree::Punct(punct) => {
                for changed in "+-*/<>=!&|^%?.,;:"
                    .chars()
                    .filter(|c| *c != punct.as_char())
                {
                    let new = Punct::new(changed, punct.spacing());
                    // A pattern's `...` is the old form of `..=`; a `|` in front and a `+` behind do
                    // not count, just as the comma that they replace.
                    let old_range = changed == '.' && punct.as_char() == '=';
                    let no_matter = matches!(changed, '|' | '+') && is_formatting(&trees, at);
                    let change = format!("{punct} replaced by {changed}");
                    put(vec![new.into()], change, old_range || no_matter);
                }
            }
            TokenTree::Group(group) => {
                for inner in mutants(&group.stream()) {
                    let mut changed = Group::new(group.delimiter(), inner.tokens);
                    changed.set_span(group.span());
                    put(vec![changed.into()], inner.change, inner.is_formatting);
                }
            }
        }
        put(
            vec![],
            format!("`{tree}` removed"),
            is_formatting(&trees, at),
        );
    }
    found
}

fn is_punct(tree: Option<&TokenTree>, wanted: char) -> bool {
    matches!(tree, Some(TokenTree::Punct(punct)) if punct.as_char() == wanted)
}

fn is_word(tree: Option<&TokenTree>, wanted: &[&str]) -> bool {
    matches!(tree, Some(TokenTree::Ident(ident)) if wanted.iter().any(|word| ident == word))
}

fn is_block(tree: Option<&TokenTree>) -> bool {
    matches!(tree, Some(TokenTree::Group(group)) if group.delimiter() == Delimiter::Brace)
}

/// Whether the token is one that rustfmt writes or leaves out as it likes.
fn is_formatting(trees: &[TokenTree], at: usize) -> bool {
    let before = at.checked_sub(1).and_then(|at| trees.get(at));
    let tree = trees.get(at);
    let after = trees.get(at + 1);
    let leaves = trees[..at]
        .iter()
        .any(|tree| is_word(Some(tree), &["return", "break", "continue"]));
    let lonely_block = trees.len() == 1 && is_block(tree);
    let trailing_comma =
        after.is_none() || is_punct(after, '>') || is_block(before) || is_block(after);
    let empty_statement =
        before.is_none() || is_punct(before, ';') || is_punct(after, ';') || is_block(before);
    is_punct(tree, ',') && trailing_comma
        || is_punct(tree, ';') && (empty_statement || after.is_none() && leaves)
        || is_punct(tree, '|')
        || is_word(tree, &["in"]) && is_word(after, &["crate", "self", "super"])
        || matches!(tree, Some(TokenTree::Literal(_))) && is_word(before, &["extern"])
        || lonely_block
}

/// Whether the token stands in a doc comment.
fn is_documentation(trees: &[TokenTree], at: usize) -> bool {
    at > 1 && is_punct(trees.get(at - 1), '=') && is_word(trees.get(at - 2), &["doc"])
}

#[test]
fn changing_one_token_changes_the_checksum() {
    let mut tried = 0;
    let mut failed = Vec::new();
    for function in corpus().values().flat_map(|text| functions(text)) {
        let canonical = canonical_function(&function);
        let body: TokenStream = function
            .block
            .stmts
            .iter()
            .map(Stmt::to_token_stream)
            .collect();
        for mutant in mutants(&body) {
            let tokens = mutant.tokens;
            let Ok(block) = syn::parse2(quote::quote!({ #tokens })) else {
                continue;
            };
            let mutated = ItemFn {
                block: Box::new(block),
                ..function.clone()
            };
            tried += 1;
            if canonical_function(&mutated) == canonical && !mutant.is_formatting {
                failed.push(format!("{}: {}", function.sig.ident, mutant.change));
            }
        }
    }
    assert!(
        failed.is_empty(),
        "{} of {tried}:\n{}",
        failed.len(),
        failed.join("\n")
    );
    assert!(tried > 10_000, "{tried}");
}
