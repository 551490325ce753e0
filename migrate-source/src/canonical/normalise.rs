//! The rules on syntax trees. Each undoes one freedom of formatting: two sources that rustfmt turns
//! into one another become the same tree.

use proc_macro2::Span;
use syn::punctuated::Punctuated;
use syn::token::{Brace, Paren};
use syn::visit_mut::{self, VisitMut};
use syn::{
    Abi, Arm, Attribute, Block, Expr, ExprMacro, FieldPat, FieldValue, ItemMod, LitStr, Macro,
    MacroDelimiter, Member, Meta, Pat, Path, ReturnType, Stmt, StmtMacro, Token, Type, Visibility,
};

use super::imports::{sort_items, sort_statements};
use super::macros::{normalise_macro, normalise_rules, without_trailing_commas};

/// Brings a syntax tree into its canonical form.
pub(super) struct Normaliser;

/// Takes the comma after the last element away; printing gives `(x,)` its own back.
fn pop_trailing<T, P: Default>(list: &mut Punctuated<T, P>) {
    if list.trailing_punct() {
        list.pop_punct();
    }
}

/// A comma before the `..` of a structure, and none before its end: `a ..b` is a range.
fn set_trailing<T, P: Default>(list: &mut Punctuated<T, P>, wanted: bool) {
    pop_trailing(list);
    if wanted && !list.is_empty() {
        list.push_punct(P::default());
    }
}

/// Visits the children, then drops the trailing separator of each list named.
macro_rules! without_trailing {
    ($($method:ident $node:ty: $($field:ident).+;)+) => {
        $(fn $method(&mut self, node: &mut $node) {
            visit_mut::$method(self, node);
            pop_trailing(&mut node.$($field).+);
        })+
    };
}

impl VisitMut for Normaliser {
    without_trailing! {
        visit_expr_array_mut syn::ExprArray: elems;
        visit_expr_call_mut syn::ExprCall: args;
        visit_expr_method_call_mut syn::ExprMethodCall: args;
        visit_expr_tuple_mut syn::ExprTuple: elems;
        visit_pat_slice_mut syn::PatSlice: elems;
        visit_pat_tuple_mut syn::PatTuple: elems;
        visit_pat_tuple_struct_mut syn::PatTupleStruct: elems;
        visit_type_tuple_mut syn::TypeTuple: elems;
        visit_type_fn_ptr_mut syn::TypeFnPtr: inputs;
        visit_type_impl_trait_mut syn::TypeImplTrait: bounds;
        visit_type_trait_object_mut syn::TypeTraitObject: bounds;
        visit_angle_bracketed_generic_arguments_mut syn::AngleBracketedGenericArguments: args;
        visit_parenthesized_generic_arguments_mut syn::ParenthesizedGenericArguments: inputs;
        visit_bound_lifetimes_mut syn::BoundLifetimes: lifetimes;
        visit_lifetime_param_mut syn::LifetimeParam: bounds;
        visit_type_param_mut syn::TypeParam: bounds;
        visit_predicate_type_mut syn::PredicateType: bounds;
        visit_predicate_lifetime_mut syn::PredicateLifetime: bounds;
        visit_precise_capture_mut syn::PreciseCapture: params;
        visit_fields_named_mut syn::FieldsNamed: named;
        visit_fields_unnamed_mut syn::FieldsUnnamed: unnamed;
        visit_item_enum_mut syn::ItemEnum: variants;
        visit_item_trait_mut syn::ItemTrait: supertraits;
        visit_trait_item_type_mut syn::TraitItemType: bounds;
    }

    fn visit_attributes_mut(&mut self, attributes: &mut Vec<Attribute>) {
        attributes.retain(|attribute| !is_doc_comment(attribute));
        *attributes = attributes.drain(..).flat_map(split_derive).collect();
        for attribute in attributes {
            self.visit_attribute_mut(attribute);
            if let Meta::List(list) = &mut attribute.meta {
                list.tokens = without_trailing_commas(std::mem::take(&mut list.tokens));
            }
        }
    }

    fn visit_abi_mut(&mut self, abi: &mut Abi) {
        visit_mut::visit_abi_mut(self, abi);
        abi.name
            .get_or_insert_with(|| LitStr::new("C", Span::call_site()));
    }

    fn visit_arm_mut(&mut self, arm: &mut Arm) {
        visit_mut::visit_arm_mut(self, arm);
        unwrap_block(&mut arm.body);
        arm.comma = Some(Token![,](Span::call_site()));
    }

    fn visit_block_mut(&mut self, block: &mut Block) {
        visit_mut::visit_block_mut(self, block);
        block
            .stmts
            .retain(|statement| !is_empty_statement(statement));
        end_with_expression(block);
        if let Some(Stmt::Expr(Expr::Return(_) | Expr::Break(_) | Expr::Continue(_), semicolon)) =
            block.stmts.last_mut()
        {
            *semicolon = None;
        }
        sort_statements(&mut block.stmts);
    }

    fn visit_expr_mut(&mut self, expr: &mut Expr) {
        visit_mut::visit_expr_mut(self, expr);
        loop {
            let inner = match expr {
                Expr::Group(group) if group.attrs.is_empty() => &mut group.expr,
                Expr::Paren(outer) if outer.attrs.is_empty() && is_parenthesised(&outer.expr) => {
                    &mut outer.expr
                }
                _ => return,
            };
            *expr = take_expr(inner);
        }
    }

    fn visit_expr_closure_mut(&mut self, closure: &mut syn::ExprClosure) {
        visit_mut::visit_expr_closure_mut(self, closure);
        pop_trailing(&mut closure.inputs);
        if matches!(closure.output, ReturnType::Default) {
            unwrap_block(&mut closure.body);
        }
    }

    fn visit_expr_struct_mut(&mut self, value: &mut syn::ExprStruct) {
        visit_mut::visit_expr_struct_mut(self, value);
        set_trailing(&mut value.fields, value.dot2_token.is_some());
    }

    fn visit_field_value_mut(&mut self, field: &mut FieldValue) {
        visit_mut::visit_field_value_mut(self, field);
        if let (Member::Named(name), Expr::Path(path)) = (&field.member, &field.expr)
            && path.attrs.is_empty()
            && path.qself.is_none()
            && path.path.is_ident(name)
        {
            field.colon_token = None;
        }
    }

    fn visit_field_pat_mut(&mut self, field: &mut FieldPat) {
        visit_mut::visit_field_pat_mut(self, field);
        if let (Member::Named(name), Pat::Ident(pat)) = (&field.member, &*field.pat)
            && pat.attrs.is_empty()
            && pat.subpat.is_none()
            && pat.ident == *name
        {
            field.colon_token = None;
        }
    }

    fn visit_generics_mut(&mut self, generics: &mut syn::Generics) {
        visit_mut::visit_generics_mut(self, generics);
        pop_trailing(&mut generics.params);
        if let Some(clause) = &mut generics.where_clause {
            pop_trailing(&mut clause.predicates);
            if clause.predicates.is_empty() {
                generics.where_clause = None;
            }
        }
    }

    fn visit_item_macro_mut(&mut self, item: &mut syn::ItemMacro) {
        self.visit_attributes_mut(&mut item.attrs);
        if item.mac.path.is_ident("macro_rules") {
            normalise_rules(&mut item.mac);
            item.semi_token = None;
        } else {
            self.visit_macro_mut(&mut item.mac);
            if item.semi_token.is_none() {
                put_in_braces(&mut item.mac);
            }
        }
    }

    fn visit_stmt_macro_mut(&mut self, statement: &mut StmtMacro) {
        visit_mut::visit_stmt_macro_mut(self, statement);
        if statement.semi_token.is_none() {
            put_in_braces(&mut statement.mac);
        }
    }

    fn visit_item_mod_mut(&mut self, module: &mut ItemMod) {
        visit_mut::visit_item_mod_mut(self, module);
        if let Some((_, items)) = &mut module.content {
            sort_items(items);
        }
    }

    fn visit_macro_mut(&mut self, call: &mut Macro) {
        visit_mut::visit_macro_mut(self, call);
        normalise_macro(call);
    }

    fn visit_pat_mut(&mut self, pat: &mut Pat) {
        visit_mut::visit_pat_mut(self, pat);
        if let Pat::Or(alternatives) = pat {
            alternatives.leading_vert = None;
            if alternatives.cases.len() == 1
                && let Some(only) = alternatives.cases.pop()
            {
                *pat = only;
            }
        }
        while let Pat::Paren(outer) = pat
            && matches!(*outer.pat, Pat::Paren(_))
        {
            *pat = (*outer.pat).clone();
        }
    }

    fn visit_pat_struct_mut(&mut self, pat: &mut syn::PatStruct) {
        visit_mut::visit_pat_struct_mut(self, pat);
        set_trailing(&mut pat.fields, pat.rest.is_some());
    }

    fn visit_signature_mut(&mut self, signature: &mut syn::Signature) {
        visit_mut::visit_signature_mut(self, signature);
        pop_trailing(&mut signature.inputs);
        if let ReturnType::Type(_, ty) = &signature.output
            && matches!(&**ty, Type::Tuple(tuple) if tuple.elems.is_empty())
        {
            signature.output = ReturnType::Default;
        }
    }

    fn visit_type_mut(&mut self, ty: &mut Type) {
        visit_mut::visit_type_mut(self, ty);
        loop {
            let inner = match &*ty {
                Type::Group(group) => &group.elem,
                Type::Paren(outer) if matches!(*outer.elem, Type::Paren(_)) => &outer.elem,
                _ => return,
            };
            *ty = (**inner).clone();
        }
    }

    fn visit_visibility_mut(&mut self, visibility: &mut Visibility) {
        visit_mut::visit_visibility_mut(self, visibility);
        if let Visibility::Restricted(restricted) = visibility
            && ["crate", "self", "super"]
                .iter()
                .any(|word| restricted.path.is_ident(word))
        {
            restricted.in_token = None;
        }
    }
}

/// `///`, `//!` and what they stand for.
fn is_doc_comment(attribute: &Attribute) -> bool {
    matches!(&attribute.meta, Meta::NameValue(pair) if pair.path.is_ident("doc"))
}

/// rustfmt joins neighbouring derives.
fn split_derive(attribute: Attribute) -> Vec<Attribute> {
    let Meta::List(list) = &attribute.meta else {
        return vec![attribute];
    };
    if !list.path.is_ident("derive") {
        return vec![attribute];
    }
    let Ok(traits) = list.parse_args_with(Punctuated::<Path, Token![,]>::parse_terminated) else {
        return vec![attribute];
    };
    let single = |path: Path| {
        let mut attribute = attribute.clone();
        if let Meta::List(list) = &mut attribute.meta {
            list.tokens = quote::quote!(#path);
        }
        attribute
    };
    traits.into_iter().map(single).collect()
}

fn is_empty_statement(statement: &Stmt) -> bool {
    matches!(statement, Stmt::Expr(Expr::Verbatim(tokens), Some(_)) if tokens.is_empty())
}

fn is_parenthesised(expr: &Expr) -> bool {
    matches!(expr, Expr::Paren(_))
}

/// Moves an expression out of its place.
fn take_expr(place: &mut Expr) -> Expr {
    std::mem::replace(place, Expr::Verbatim(proc_macro2::TokenStream::new()))
}

/// Replaces a block that only holds an expression by that expression.
fn unwrap_block(expr: &mut Expr) {
    while let Expr::Block(outer) = expr
        && outer.attrs.is_empty()
        && outer.label.is_none()
        && let [statement] = outer.block.stmts.as_mut_slice()
    {
        let Stmt::Expr(inner, None) = statement else {
            return;
        };
        *expr = take_expr(inner);
    }
}

/// A macro call that ends a statement by its braces alone keeps them: `m! {} -1` is no subtraction.
fn put_in_braces(call: &mut Macro) {
    call.delimiter = MacroDelimiter::Brace(Brace::default());
}

/// A macro call in the last place is the value of the block, with braces or parentheses.
fn end_with_expression(block: &mut Block) {
    let last = block.stmts.pop_if(|last| {
        matches!(
            last,
            Stmt::Macro(StmtMacro {
                semi_token: None,
                ..
            })
        )
    });
    if let Some(Stmt::Macro(StmtMacro { attrs, mut mac, .. })) = last {
        mac.delimiter = MacroDelimiter::Paren(Paren::default());
        block
            .stmts
            .push(Stmt::Expr(Expr::Macro(ExprMacro { attrs, mac }), None));
    }
}
