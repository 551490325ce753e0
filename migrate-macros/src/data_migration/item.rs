//! The annotated item as a model: the function, what of its attributes the expansion repeats, and
//! its description. No rules here, except that it must be a function at all.

use proc_macro2::TokenStream;
use quote::ToTokens;
use syn::{Attribute, Expr, ExprLit, Item, ItemFn, Lit, Meta};

use crate::errors::Errors;

/// The annotated function.
pub(crate) struct Function {
    pub(crate) item: ItemFn,
    /// The first paragraph of its documentation, on one line.
    pub(crate) description: String,
}

impl Function {
    /// `#[cfg]`s below our attribute: what we generate exists only where the function does.
    pub(crate) fn cfgs(&self) -> impl Iterator<Item = &Attribute> {
        self.item.attrs.iter().filter(|attr| is_cfg(attr))
    }
}

/// Reads the item, or says what else it is.
pub(crate) fn parse(item: TokenStream, errors: &mut Errors) -> Option<Function> {
    match syn::parse2::<ItemFn>(item.clone()) {
        Ok(item) => {
            let description = description(&item.attrs);
            Some(Function { item, description })
        }
        Err(error) => {
            match syn::parse2::<Item>(item) {
                Ok(other) => errors.on(
                    head(&other),
                    format!("`data_migration` stands on an async function, and this is {}", kind(&other)),
                    "write `async fn name(cx: &mut Context<'_, Sqlite>) -> migrate_core::Result<()>`",
                ),
                Err(_) => errors.add(error),
            }
            None
        }
    }
}

/// The first token: an error over a whole item would hide it.
fn head(item: &Item) -> TokenStream {
    item.to_token_stream().into_iter().take(1).collect()
}

fn kind(item: &Item) -> &'static str {
    match item {
        Item::Struct(_) => "a struct",
        Item::Enum(_) => "an enum",
        Item::Impl(_) => "an `impl` block",
        Item::Mod(_) => "a module",
        Item::Const(_) => "a constant",
        Item::Static(_) => "a static",
        Item::Trait(_) => "a trait",
        Item::Macro(_) => "a macro",
        _ => "something else",
    }
}

fn is_cfg(attr: &Attribute) -> bool {
    if attr.path().is_ident("cfg") {
        return true;
    }
    // `cfg_attr(a, cfg(b))` removes the function as well.
    let Meta::List(list) = &attr.meta else {
        return false;
    };
    list.path.is_ident("cfg_attr")
        && list
            .tokens
            .clone()
            .into_iter()
            .skip(1)
            .any(|token| token.to_string() == "cfg")
}

fn description(attrs: &[Attribute]) -> String {
    let lines = attrs.iter().filter_map(|attr| match &attr.meta {
        Meta::NameValue(doc) if doc.path.is_ident("doc") => match &doc.value {
            Expr::Lit(ExprLit {
                lit: Lit::Str(text),
                ..
            }) => Some(text.value()),
            _ => None,
        },
        _ => None,
    });
    let text = lines.collect::<Vec<_>>().join("\n");
    let first = text
        .lines()
        .map(str::trim)
        .skip_while(|line| line.is_empty());
    first
        .take_while(|line| !line.is_empty())
        .collect::<Vec<_>>()
        .join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use quote::quote;

    fn described(item: TokenStream) -> String {
        parse(item, &mut Errors::default())
            .map(|function| function.description)
            .unwrap_or_default()
    }

    #[test]
    fn description_is_the_first_paragraph() {
        let item = quote! {
            /// Lower-cases
            /// every address.
            ///
            /// More.
            async fn f() {}
        };
        assert_eq!(described(item), "Lower-cases every address.");
        assert_eq!(
            described(quote!(
                async fn f() {}
            )),
            ""
        );
        assert_eq!(
            described(quote!(
                #[doc = "\n a\n b\n\n c"]
                async fn f() {}
            )),
            "a b"
        );
    }

    #[test]
    fn only_cfgs_are_repeated() {
        let item = quote! {
            #[cfg(test)]
            #[allow(dead_code)]
            #[cfg_attr(test, cfg(unix))]
            #[cfg_attr(test, inline)]
            async fn f() {}
        };
        let function = parse(item, &mut Errors::default()).unwrap();
        assert_eq!(function.cfgs().count(), 2);
    }
}
