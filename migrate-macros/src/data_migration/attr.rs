//! The grammar of the attribute's arguments. Which values make sense together is `valid`'s matter.
//!
//! An argument that cannot be read is reported and left out; the ones after it are still read.

use proc_macro2::{Span, TokenStream};
use syn::ext::IdentExt;
use syn::parse::{ParseStream, Parser};
use syn::spanned::Spanned;
use syn::{Expr, ExprLit, ExprPath, Ident, Lit, LitStr, Token};

use crate::errors::{Errors, list};
use crate::runtime::Runtime;

/// Every argument, with an example that can be pasted.
const ARGUMENTS: [(&str, &str); 12] = [
    ("name", "name = \"lower_emails_v1_2026_11_20\""),
    ("app", "app = \"users\""),
    ("after", "after = [\"0002_add_email\"]"),
    ("before", "before = [\"0005_drop_old_email\"]"),
    ("atomic", "atomic = false"),
    ("disable_audit", "disable_audit = true"),
    ("reverse", "reverse = restore_emails"),
    ("verify", "verify = no_upper_case_left"),
    ("manual", "manual"),
    ("elidable", "elidable"),
    ("formerly", "formerly = [\"v1:sha256:..\"]"),
    ("crate", "crate = my_facade::migrate_core"),
];

/// A list of strings, and the place of the whole list.
pub(crate) struct Strings {
    pub(crate) span: Span,
    pub(crate) items: Vec<LitStr>,
}

/// The arguments as written. None means not given.
#[derive(Default)]
pub(crate) struct Attr {
    pub(crate) name: Option<LitStr>,
    pub(crate) app: Option<LitStr>,
    pub(crate) after: Option<Strings>,
    pub(crate) before: Option<Strings>,
    pub(crate) formerly: Option<Strings>,
    pub(crate) atomic: Option<bool>,
    pub(crate) disable_audit: Option<bool>,
    pub(crate) manual: Option<bool>,
    pub(crate) elidable: Option<bool>,
    pub(crate) reverse: Option<ExprPath>,
    pub(crate) verify: Option<ExprPath>,
    pub(crate) krate: Option<syn::Path>,
    /// The arguments seen, known ones only.
    seen: Vec<String>,
}

impl Attr {
    /// Reads the arguments; mistakes go to `errors`.
    pub(crate) fn parse(args: TokenStream, errors: &mut Errors) -> Self {
        let mut attr = Self::default();
        let parser = |input: ParseStream<'_>| {
            while !input.is_empty() {
                if let Err(error) = attr.argument(input, errors) {
                    errors.add(error);
                    skip_argument(input)?;
                }
                if !input.is_empty() {
                    separator(input, errors)?;
                }
            }
            Ok(())
        };
        if let Err(error) = parser.parse2(args) {
            errors.add(error);
        }
        attr
    }

    /// The path of the runtime.
    pub(crate) fn runtime(&self) -> Runtime {
        Runtime::new(self.krate.clone())
    }

    fn argument(&mut self, input: ParseStream<'_>, errors: &mut Errors) -> syn::Result<()> {
        if input.peek(LitStr) {
            let text: LitStr = input.parse()?;
            errors.on(
                &text,
                "a text without the name of its argument",
                format!("write `name = {:?}`", text.value()),
            );
            return Ok(());
        }
        let key = input.call(Ident::parse_any)?;
        let value = if input.peek(Token![=]) {
            input.parse::<Token![=]>()?;
            Some(input.parse::<Expr>()?)
        } else {
            None
        };
        let name = key.to_string();
        let Some((_, example)) = ARGUMENTS.into_iter().find(|(known, _)| *known == name) else {
            errors.on(
                &key,
                format!("`{name}` is not an argument of `data_migration`"),
                unknown(&name),
            );
            return Ok(());
        };
        if self.seen.contains(&name) {
            errors.on(&key, format!("`{name}` is given twice"), "keep one of them");
            return Ok(());
        }
        self.seen.push(name);
        if let Err(problem) = self.set(&key.to_string(), value.as_ref()) {
            let place = value.map_or(key.span(), |value| value.span());
            errors.at(place, problem, format!("write `{example}`"));
        }
        Ok(())
    }

    fn set(&mut self, key: &str, value: Option<&Expr>) -> Result<(), String> {
        match key {
            "name" => self.name = Some(string(key, value)?),
            "app" => self.app = Some(name(key, value)?),
            "after" => self.after = Some(strings(key, value)?),
            "before" => self.before = Some(strings(key, value)?),
            "formerly" => self.formerly = Some(strings(key, value)?),
            "atomic" => self.atomic = Some(switch(key, value)?),
            "disable_audit" => self.disable_audit = Some(switch(key, value)?),
            "manual" => self.manual = Some(switch(key, value)?),
            "elidable" => self.elidable = Some(switch(key, value)?),
            "reverse" => self.reverse = Some(path(key, value)?),
            "verify" => self.verify = Some(path(key, value)?),
            _ => self.krate = Some(path(key, value)?.path),
        }
        Ok(())
    }
}

fn unknown(name: &str) -> String {
    let known = ARGUMENTS.map(|(known, _)| known);
    match migrate_source::name::nearest(name, known) {
        Some(near) => {
            let example = ARGUMENTS.into_iter().find(|(known, _)| *known == near);
            format!("write `{}`", example.map_or(near, |(_, example)| example))
        }
        None => format!("the arguments are {}", list(known)),
    }
}

fn separator(input: ParseStream<'_>, errors: &mut Errors) -> syn::Result<()> {
    if input.peek(Token![,]) {
        input.parse::<Token![,]>()?;
        return Ok(());
    }
    errors.at(
        input.span(),
        "a comma is missing between two arguments",
        "write `,` before this",
    );
    skip_argument(input)?;
    if input.peek(Token![,]) {
        input.parse::<Token![,]>()?;
    }
    Ok(())
}

/// Goes on to the next comma.
fn skip_argument(input: ParseStream<'_>) -> syn::Result<()> {
    while !input.is_empty() && !input.peek(Token![,]) {
        input.parse::<proc_macro2::TokenTree>()?;
    }
    Ok(())
}

fn string(key: &str, value: Option<&Expr>) -> Result<LitStr, String> {
    match value.map(ungroup) {
        Some(Expr::Lit(ExprLit {
            lit: Lit::Str(text),
            ..
        })) => Ok(text.clone()),
        _ => Err(format!("`{key}` takes a text")),
    }
}

/// A text, or the Rust path of what it names, `billing::m0001_initial` for `"billing.0001_initial"`: for
/// a misspelt name rustc suggests the path, and what it suggests must compile.
fn name(key: &str, value: Option<&Expr>) -> Result<LitStr, String> {
    let Some(Expr::Path(ExprPath { path, .. })) = value.map(ungroup) else {
        return string(key, value);
    };
    let words: Vec<String> = path
        .segments
        .iter()
        .map(|word| step_name(&word.ident))
        .collect();
    Ok(LitStr::new(&words.join("."), path.span()))
}

/// `m0001_initial` stands for `0001_initial`.
fn step_name(ident: &Ident) -> String {
    let text = ident.to_string();
    match text.strip_prefix('m') {
        Some(name) if name.starts_with(|first: char| first.is_ascii_digit()) => name.to_owned(),
        _ => text,
    }
}

fn strings(key: &str, value: Option<&Expr>) -> Result<Strings, String> {
    let Some(Expr::Array(array)) = value.map(ungroup) else {
        return Err(format!("`{key}` takes a list of texts"));
    };
    let items = array
        .elems
        .iter()
        .map(|item| name(key, Some(item)))
        .collect::<Result<_, _>>();
    let items = items.map_err(|_| format!("`{key}` takes a list of texts"))?;
    Ok(Strings {
        span: array.span(),
        items,
    })
}

/// `manual`, `manual = true`
fn switch(key: &str, value: Option<&Expr>) -> Result<bool, String> {
    match value.map(ungroup) {
        None => Ok(true),
        Some(Expr::Lit(ExprLit {
            lit: Lit::Bool(switch),
            ..
        })) => Ok(switch.value),
        Some(_) => Err(format!("`{key}` takes true or false")),
    }
}

fn path(key: &str, value: Option<&Expr>) -> Result<ExprPath, String> {
    match value.map(ungroup) {
        Some(Expr::Path(path)) => Ok(path.clone()),
        _ => Err(format!("`{key}` takes a path, without quotes")),
    }
}

/// A `macro_rules!` fragment arrives inside an invisible group.
fn ungroup(mut expr: &Expr) -> &Expr {
    while let Expr::Group(group) = expr {
        expr = &group.expr;
    }
    expr
}
