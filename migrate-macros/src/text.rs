//! Tokens from text of ours, for what a crate has by the thousand: one call instead of one per token.

use proc_macro2::TokenStream;

/// The tokens of a text that is valid Rust; nothing for any other, which `text` never is.
pub(crate) fn tokens(text: &str) -> TokenStream {
    // proc_macro2 would lex the text by itself before it asks rustc to, and without optimisation.
    if proc_macro::is_available() {
        let tokens: Result<proc_macro::TokenStream, _> = text.parse();
        return tokens.map(TokenStream::from).unwrap_or_default();
    }
    text.parse().unwrap_or_default()
}
