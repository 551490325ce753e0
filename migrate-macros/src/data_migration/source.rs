//! The function as it was written, which the ledger keeps to show differences later.
//!
//! Comments and line breaks come from the source file. Where that does not say the same as the
//! tokens (a function made by `macro_rules!`, an editor's macro server), the tokens are printed.

use migrate_source::canonical::checksum_of_function;
use proc_macro2::{Span, TokenTree};
use quote::{ToTokens, quote};
use syn::ItemFn;

/// The text of the function from `async` to the last brace, without attributes and visibility.
pub(super) fn source_of(function: &ItemFn) -> String {
    let (signature, block) = (&function.sig, &function.block);
    written(function)
        .filter(|text| says_the_same(text, function))
        .unwrap_or_else(|| quote!(#signature #block).to_string())
}

fn written(function: &ItemFn) -> Option<String> {
    // Outside a compiler, in unit tests, spans have no place.
    if !proc_macro::is_available() {
        return None;
    }
    let mut text = String::new();
    let mut last: Option<Span> = None;
    for token in function.sig.to_token_stream() {
        if last.is_some_and(|last| !touch(last, token.span())) {
            text.push(' ');
        }
        last = Some(token.span());
        text.push_str(&token.span().source_text()?);
        if let TokenTree::Group(group) = &token {
            last = Some(group.span_close());
        }
    }
    let body = function.block.brace_token.span.join().source_text()?;
    Some(format!("{text} {body}"))
}

/// Whether nothing stands between two tokens.
fn touch(left: Span, right: Span) -> bool {
    let place = Span::unwrap;
    let (left, right) = (place(left).end(), place(right).start());
    (left.line(), left.column()) == (right.line(), right.column())
}

fn says_the_same(text: &str, function: &ItemFn) -> bool {
    syn::parse_str::<ItemFn>(text)
        .is_ok_and(|parsed| checksum_of_function(&parsed) == checksum_of_function(function))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_printed_where_there_is_no_source() {
        let function: ItemFn = syn::parse_quote! {
            /// Doc.
            pub async fn f(cx: &mut C) -> R { Ok(()) }
        };
        assert_eq!(
            source_of(&function),
            "async fn f (cx : & mut C) -> R { Ok (()) }"
        );
    }
}
