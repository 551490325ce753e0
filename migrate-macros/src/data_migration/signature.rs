//! The rules for the function's signature. Types are rustc's to judge: only what is certainly
//! wrong is refused here, because rustc would speak of generated code.

use proc_macro2::{TokenStream, TokenTree};
use quote::ToTokens;
use syn::{FnArg, GenericParam, ReturnType, Signature, Type};

use crate::errors::Errors;

const ARGUMENT: &str = "cx: &mut Context<'_, Sqlite>";

/// Checks everything before the body.
pub(super) fn check(signature: &Signature, errors: &mut Errors) {
    qualifiers(signature, errors);
    generics(signature, errors);
    arguments(signature, errors);
    if let ReturnType::Default = signature.output {
        errors.at(
            signature.paren_token.span.close(),
            "a data migration returns a result, and this function returns nothing",
            "write `-> migrate_core::Result<()>` after the arguments, or `Result<u64>` for the rows changed",
        );
    }
}

fn qualifiers(signature: &Signature, errors: &mut Errors) {
    let name = &signature.ident;
    if signature.asyncness.is_none() {
        errors.on(
            signature.fn_token,
            "a data migration must be async, and this function is not",
            format!("write `async fn {name}`"),
        );
    }
    if let Some(token) = &signature.constness {
        refuse(token, "const", errors);
    }
    if let Some(abi) = &signature.abi {
        refuse(abi, "extern", errors);
    }
    if let syn::Safety::Unsafe(token) = &signature.safety {
        refuse(token, "unsafe", errors);
    }
}

fn refuse(token: impl ToTokens, word: &str, errors: &mut Errors) {
    errors.on(
        token,
        format!("a data migration is an ordinary async function, and this one is `{word}`"),
        format!("remove `{word}`"),
    );
}

fn generics(signature: &Signature, errors: &mut Errors) {
    for param in &signature.generics.params {
        if !matches!(param, GenericParam::Lifetime(_)) {
            errors.on(
                param,
                "a data migration cannot be generic: the runtime calls it by name, with no types to choose",
                format!("name the database, `{ARGUMENT}`, or write `Context<'_, Portable>` for every database"),
            );
        }
    }
}

fn arguments(signature: &Signature, errors: &mut Errors) {
    let mut inputs = signature.inputs.iter();
    match inputs.next() {
        None => errors.at(
            signature.paren_token.span.join(),
            "a data migration takes its context, and this function takes nothing",
            format!("write `({ARGUMENT})`"),
        ),
        Some(FnArg::Receiver(receiver)) => {
            errors.on(
                receiver,
                "a data migration cannot be a method: the runtime has no value to call it on",
                format!("move it out of the `impl` block and write `({ARGUMENT})`"),
            );
            return;
        }
        Some(FnArg::Typed(argument)) => context(&argument.ty, errors),
    }
    for extra in inputs {
        errors.on(
            extra,
            "a data migration takes its context and nothing else",
            "remove this argument; read settings inside the function",
        );
    }
}

fn context(ty: &Type, errors: &mut Errors) {
    let ty = ungroup(ty);
    if contains(ty.to_token_stream(), "impl") {
        errors.on(
            ty,
            "a data migration cannot be generic, and `impl` makes it so",
            format!("name the database, `{ARGUMENT}`, or write `Context<'_, Portable>` for every database"),
        );
        return;
    }
    let is_exclusive = matches!(ty, Type::Reference(reference) if reference.mutability.is_some());
    if !is_exclusive {
        errors.on(
            ty,
            "a data migration takes `&mut Context<'_, DB>`, and this argument is something else",
            format!("write `{ARGUMENT}`"),
        );
    }
}

fn contains(tokens: TokenStream, word: &str) -> bool {
    tokens.into_iter().any(|token| match token {
        TokenTree::Group(group) => contains(group.stream(), word),
        TokenTree::Ident(ident) => ident == word,
        _ => false,
    })
}

fn ungroup(mut ty: &Type) -> &Type {
    while let Type::Group(group) = ty {
        ty = &group.elem;
    }
    ty
}
