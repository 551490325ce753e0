//! The grammar of `embed_migrations!`: a folder, or apps with their folders, and `extern` apps.
//!
//! An entry that cannot be read is reported and left out; the ones after it are still read.

use migrate_source::name::check_app_label;
use proc_macro2::{Span, TokenStream, TokenTree};
use syn::ext::IdentExt;
use syn::parse::{ParseStream, Parser};
use syn::punctuated::Punctuated;
use syn::{Ident, LitStr, Path, Token, braced, token};

use crate::errors::Errors;
use crate::runtime::Runtime;

/// The folder of a crate with one app that names none.
const DEFAULT_FOLDER: &str = "migrations";

/// What the entries look like, for messages.
const GRAMMAR: &str =
    "write `label => \"folder\"`, `extern billing` or `extern acme::{billing, tax}`";

/// An app of this crate.
pub(super) struct AppInput {
    pub(super) label: Ident,
    /// Relative to the package's Cargo.toml.
    pub(super) folder: String,
    /// Where the folder was written, or the whole macro call.
    pub(super) span: Span,
}

/// `extern acme::{billing, tax}`: a crate, and the apps that are taken from it.
pub(super) struct ExternInput {
    pub(super) krate: Ident,
    pub(super) apps: Vec<Ident>,
}

/// The arguments.
#[derive(Default)]
pub(super) struct Input {
    pub(super) apps: Vec<AppInput>,
    pub(super) externs: Vec<ExternInput>,
    krate: Option<Path>,
}

impl Input {
    /// Reads the arguments; mistakes go to `errors`.
    pub(super) fn parse(tokens: TokenStream, errors: &mut Errors) -> Self {
        let mut input = Self::default();
        if tokens.is_empty() {
            input.only_app(DEFAULT_FOLDER.to_owned(), Span::call_site(), errors);
            return input;
        }
        let parser = |stream: ParseStream<'_>| {
            while !stream.is_empty() {
                if let Err(error) = input.entry(stream, errors) {
                    errors.add(error);
                    skip_entry(stream)?;
                }
                if !stream.is_empty() {
                    separator(stream, errors)?;
                }
            }
            Ok(())
        };
        if let Err(error) = parser.parse2(tokens) {
            errors.add(error);
        }
        input.remove_duplicates(errors);
        input
    }

    /// The path of the runtime.
    pub(super) fn runtime(&self) -> Runtime {
        Runtime::new(self.krate.clone())
    }

    fn entry(&mut self, stream: ParseStream<'_>, errors: &mut Errors) -> syn::Result<()> {
        if stream.peek(LitStr) {
            let folder: LitStr = stream.parse()?;
            if self.apps.is_empty() {
                self.only_app(folder.value(), folder.span(), errors);
            } else {
                errors.on(
                    &folder,
                    "a second folder without the label of its app",
                    GRAMMAR,
                );
            }
            return Ok(());
        }
        if stream.peek(Token![extern]) {
            stream.parse::<Token![extern]>()?;
            self.externs.push(extern_entry(stream)?);
            return Ok(());
        }
        if stream.peek(Token![crate]) {
            stream.parse::<Token![crate]>()?;
            stream.parse::<Token![=]>()?;
            self.krate = Some(stream.call(Path::parse_mod_style)?);
            return Ok(());
        }
        if !stream.peek(Ident::peek_any) {
            errors.at(stream.span(), "neither an app nor a folder", GRAMMAR);
            return skip_entry(stream);
        }
        let label = stream.call(Ident::parse_any)?;
        if !stream.peek(Token![=>]) {
            errors.on(
                &label,
                format!("the app `{label}` has no folder"),
                format!("write `{label} => \"src/{label}/migrations\"`, or `extern {label}` for the app of another crate"),
            );
            return skip_entry(stream);
        }
        stream.parse::<Token![=>]>()?;
        if !stream.peek(LitStr) {
            errors.at(
                stream.span(),
                "the folder of an app is a text, relative to the package's Cargo.toml",
                format!("write `{label} => \"src/{label}/migrations\"`"),
            );
            return skip_entry(stream);
        }
        let folder: LitStr = stream.parse()?;
        check_label(&label, errors);
        self.apps.push(AppInput {
            label,
            folder: folder.value(),
            span: folder.span(),
        });
        Ok(())
    }

    /// The one app of a crate, named after the package.
    fn only_app(&mut self, folder: String, span: Span, errors: &mut Errors) {
        let package = std::env::var("CARGO_PKG_NAME").unwrap_or_default();
        let label = package.replace('-', "_");
        if let Err(error) = check_app_label(&label) {
            errors.at(
                span,
                format!("the name of the package cannot be the label of its app: {error}"),
                format!("name the app: `embed_migrations! {{ my_app => {folder:?} }}`"),
            );
        }
        let label = syn::parse_str::<Ident>(&label).map_or_else(
            |_| Ident::new("app", Span::call_site()),
            |_| Ident::new(&label, Span::call_site()),
        );
        self.apps.push(AppInput {
            label,
            folder,
            span,
        });
    }

    /// Every label may stand once, whether the app is ours or another crate's; keeps the first.
    fn remove_duplicates(&mut self, errors: &mut Errors) {
        let mut seen: Vec<Ident> = Vec::new();
        let mut is_first = |label: &Ident| {
            if seen.contains(label) {
                errors.on(
                    label,
                    format!("the app `{label}` is named twice"),
                    "keep one of them, or give one of the two another label",
                );
                return false;
            }
            seen.push(label.clone());
            true
        };
        self.apps.retain(|app| is_first(&app.label));
        for krate in &mut self.externs {
            krate.apps.retain(&mut is_first);
        }
    }
}

fn extern_entry(stream: ParseStream<'_>) -> syn::Result<ExternInput> {
    let krate = stream.call(Ident::parse_any)?;
    if !stream.peek(Token![::]) {
        return Ok(ExternInput {
            apps: vec![krate.clone()],
            krate,
        });
    }
    stream.parse::<Token![::]>()?;
    if !stream.peek(token::Brace) {
        let app = stream.call(Ident::parse_any)?;
        return Ok(ExternInput {
            krate,
            apps: vec![app],
        });
    }
    let list;
    braced!(list in stream);
    let apps = Punctuated::<Ident, Token![,]>::parse_terminated(&list)?;
    Ok(ExternInput {
        krate,
        apps: apps.into_iter().collect(),
    })
}

fn check_label(label: &Ident, errors: &mut Errors) {
    if let Err(error) = check_app_label(&label.to_string()) {
        errors.on(label, error, "write a label such as `users`");
    }
}

fn separator(stream: ParseStream<'_>, errors: &mut Errors) -> syn::Result<()> {
    if stream.peek(Token![,]) {
        return stream.parse::<Token![,]>().map(drop);
    }
    errors.at(
        stream.span(),
        "a comma is missing between two entries",
        "write `,` before this",
    );
    skip_entry(stream)?;
    if stream.peek(Token![,]) {
        stream.parse::<Token![,]>()?;
    }
    Ok(())
}

/// Goes on to the next comma.
fn skip_entry(stream: ParseStream<'_>) -> syn::Result<()> {
    while !stream.is_empty() && !stream.peek(Token![,]) {
        stream.parse::<TokenTree>()?;
    }
    Ok(())
}
