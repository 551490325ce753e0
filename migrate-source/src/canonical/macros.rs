//! Macro calls: where the arguments are expressions, types or patterns, rustfmt formats them, so
//! they are normalised as such. A macro cannot see its own delimiters, so those do not count.
//! So are the bodies in a `macro_rules!` that can be read as statements.

use proc_macro2::{Delimiter, Group, Ident, Punct, Spacing, TokenStream, TokenTree};
use quote::{ToTokens, quote};
use syn::ext::IdentExt;
use syn::parse::{Parse, ParseStream, Parser};
use syn::punctuated::Punctuated;
use syn::visit_mut::VisitMut;
use syn::{Block, Expr, Item, Macro, MacroDelimiter, Pat, Token, Type, TypeParamBound, token};

use super::normalise::Normaliser;

/// Normalises the arguments of a macro call.
pub(super) fn normalise_macro(call: &mut Macro) {
    call.delimiter = MacroDelimiter::Paren(token::Paren::default());
    call.tokens = normalise_arguments(&call.tokens);
}

fn normalise_arguments(tokens: &TokenStream) -> TokenStream {
    // `A<B,>` starts with the expression `A < B` and a comma: then types go first.
    for parse in [Argument::parse_value, Argument::parse_type] {
        let list = |input: ParseStream<'_>| {
            Punctuated::<Argument, Token![,]>::parse_terminated_with(input, parse)
        };
        if let Ok(arguments) = list.parse2(tokens.clone()) {
            let mut arguments: Vec<Argument> = arguments.into_iter().collect();
            for argument in &mut arguments {
                argument.normalise();
            }
            return quote!(#(#arguments),*);
        }
    }
    if let Ok(Repeat(mut value, mut length)) = syn::parse2(tokens.clone()) {
        Normaliser.visit_expr_mut(&mut value);
        Normaliser.visit_expr_mut(&mut length);
        return quote!(#value; #length);
    }
    tokens.clone()
}

/// An argument of a macro call that can be read as Rust.
enum Argument {
    Expr(Box<Expr>),
    Type(Box<Type>),
    Pat(Box<Pat>),
    Item(Box<Item>),
    Bound(Box<TypeParamBound>),
    Keyword(Ident),
}

impl Argument {
    fn normalise(&mut self) {
        match self {
            Self::Expr(expr) => Normaliser.visit_expr_mut(expr),
            Self::Type(ty) => Normaliser.visit_type_mut(ty),
            Self::Pat(pat) => Normaliser.visit_pat_mut(pat),
            Self::Item(item) => Normaliser.visit_item_mut(item),
            Self::Bound(bound) => Normaliser.visit_type_param_bound_mut(bound),
            Self::Keyword(_) => {}
        }
    }
}

/// Parses a node that must end at a comma or at the end of the arguments.
fn parse_whole<T>(
    input: ParseStream<'_>,
    parse: fn(ParseStream<'_>) -> syn::Result<T>,
) -> Option<T> {
    let ahead = input.fork();
    parse(&ahead).ok()?;
    if !ahead.is_empty() && !ahead.peek(Token![,]) {
        return None;
    }
    parse(input).ok()
}

impl Argument {
    /// Reads an argument in the order in which rustfmt tries.
    fn parse_value(input: ParseStream<'_>) -> syn::Result<Self> {
        if let Some(expr) = parse_whole(input, Expr::parse) {
            return Ok(Self::Expr(Box::new(expr)));
        }
        Self::parse_type(input)
    }

    fn parse_type(input: ParseStream<'_>) -> syn::Result<Self> {
        if let Some(ty) = parse_whole(input, Type::parse) {
            return Ok(Self::Type(Box::new(ty)));
        }
        if let Some(bound) = parse_whole(input, TypeParamBound::parse) {
            return Ok(Self::Bound(Box::new(bound)));
        }
        if let Some(pat) = parse_whole(input, Pat::parse_multi) {
            return Ok(Self::Pat(Box::new(pat)));
        }
        if let Some(item) = parse_whole(input, Item::parse) {
            return Ok(Self::Item(Box::new(item)));
        }
        parse_whole(input, Ident::parse_any)
            .map(Self::Keyword)
            .ok_or_else(|| input.error("not an argument that can be read"))
    }
}

impl ToTokens for Argument {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        match self {
            Self::Expr(expr) => expr.to_tokens(tokens),
            Self::Type(ty) => ty.to_tokens(tokens),
            Self::Pat(pat) => pat.to_tokens(tokens),
            Self::Item(item) => item.to_tokens(tokens),
            Self::Bound(bound) => bound.to_tokens(tokens),
            Self::Keyword(word) => word.to_tokens(tokens),
        }
    }
}

/// `value; length`, as in `vec![0; 10]`.
struct Repeat(Expr, Expr);

impl Parse for Repeat {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let value = input.parse()?;
        input.parse::<Token![;]>()?;
        let length = input.parse()?;
        Ok(Self(value, length))
    }
}

/// Normalises the rules of a `macro_rules!`: bodies stand in braces, and each rule ends in `;`.
pub(super) fn normalise_rules(call: &mut Macro) {
    call.delimiter = MacroDelimiter::Brace(token::Brace::default());
    let mut trees = call.tokens.clone().into_iter().peekable();
    let mut rules = TokenStream::new();
    while trees.peek().is_some() {
        let rule = [trees.next(), trees.next(), trees.next(), trees.next()];
        let [
            Some(TokenTree::Group(matcher)),
            Some(TokenTree::Punct(equals)),
            Some(TokenTree::Punct(greater)),
            Some(TokenTree::Group(body)),
        ] = rule
        else {
            return;
        };
        if (equals.as_char(), greater.as_char()) != ('=', '>') {
            return;
        }
        let matcher = Group::new(Delimiter::Parenthesis, matcher.stream());
        let body = Group::new(Delimiter::Brace, normalise_body(body.stream()));
        rules.extend(quote!(#matcher => #body;));
        trees.next_if(|tree| matches!(tree, TokenTree::Punct(punct) if punct.as_char() == ';'));
    }
    call.tokens = rules;
}

/// A body whose variables can stand for names; with repetitions rustfmt leaves it alone.
fn normalise_body(body: TokenStream) -> TokenStream {
    let Some(named) = name_variables(body.clone()) else {
        return body;
    };
    let Ok(stmts) = Block::parse_within.parse2(named) else {
        return body;
    };
    let mut block = Block {
        brace_token: token::Brace::default(),
        stmts,
    };
    Normaliser.visit_block_mut(&mut block);
    let stmts = block.stmts;
    restore_variables(quote!(#(#stmts)*))
}

/// Stands in front of the name of a variable while the body is read as Rust.
const VARIABLE: &str = "__migrate_variable_";

fn name_variables(tokens: TokenStream) -> Option<TokenStream> {
    let mut named = Vec::new();
    let mut trees = tokens.into_iter();
    while let Some(tree) = trees.next() {
        named.push(match tree {
            TokenTree::Punct(punct) if punct.as_char() == '$' => match trees.next() {
                Some(TokenTree::Ident(name)) => TokenTree::Ident(Ident::new(
                    &format!("{VARIABLE}{}", name.unraw()),
                    name.span(),
                )),
                _ => return None,
            },
            TokenTree::Group(group) => TokenTree::Group(Group::new(
                group.delimiter(),
                name_variables(group.stream())?,
            )),
            other => other,
        });
    }
    Some(named.into_iter().collect())
}

fn restore_variables(tokens: TokenStream) -> TokenStream {
    let restore = |tree| match tree {
        TokenTree::Ident(ident) => match ident.to_string().strip_prefix(VARIABLE) {
            Some(name) => vec![
                TokenTree::Punct(Punct::new('$', Spacing::Alone)),
                TokenTree::Ident(Ident::new(name, ident.span())),
            ],
            None => vec![TokenTree::Ident(ident)],
        },
        TokenTree::Group(group) => {
            let inner = restore_variables(group.stream());
            vec![TokenTree::Group(Group::new(group.delimiter(), inner))]
        }
        other => vec![other],
    };
    tokens.into_iter().flat_map(restore).collect()
}

/// Tokens without the commas before a closing delimiter, for the arguments of attributes.
pub(super) fn without_trailing_commas(tokens: TokenStream) -> TokenStream {
    let mut trees: Vec<TokenTree> = tokens
        .into_iter()
        .map(|tree| match tree {
            TokenTree::Group(group) => TokenTree::Group(Group::new(
                group.delimiter(),
                without_trailing_commas(group.stream()),
            )),
            other => other,
        })
        .collect();
    if matches!(trees.last(), Some(TokenTree::Punct(punct)) if punct.as_char() == ',') {
        trees.pop();
    }
    trees.into_iter().collect()
}
