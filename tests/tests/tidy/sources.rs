//! The repository's files, and what of a Rust file is code and what is test.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use syn::spanned::Spanned as _;
use syn::visit::Visit;

/// The root of the repository.
pub(crate) fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("tests/ has a parent")
        .to_owned()
}

/// Every Rust file under a `src` folder of a package of ours.
pub(crate) fn rust_sources() -> &'static [Source] {
    static SOURCES: OnceLock<Vec<Source>> = OnceLock::new();
    SOURCES.get_or_init(|| {
        let in_src = |path: &str| path.ends_with(".rs") && path.contains("/src/");
        let texts = texts().into_iter().filter(|(path, _)| in_src(path));
        let mut sources: Vec<_> = texts
            .map(|(path, text)| Source::new(&path, &text))
            .collect();
        sources.sort_by(|a, b| a.path.cmp(&b.path));
        sources
    })
}

/// Every text file that people write, with its path from the root.
pub(crate) fn texts() -> Vec<(String, String)> {
    const KINDS: [&str; 6] = ["rs", "md", "toml", "sql", "yml", "sh"];
    let root = repository();
    let mut found = Vec::new();
    let mut folders = vec![root.clone()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).expect("a folder of ours") {
            let path = entry.expect("a folder of ours").path();
            let name = path
                .file_name()
                .and_then(|name| name.to_str())
                .unwrap_or_default();
            if path.is_dir() {
                // ui tests are made of mistakes.
                if !matches!(name, "target" | ".git" | "ui") {
                    folders.push(path);
                }
            } else if path
                .extension()
                .is_some_and(|kind| KINDS.iter().any(|known| kind == *known))
                && let Ok(text) = std::fs::read_to_string(&path)
            {
                let relative = path.strip_prefix(&root).expect("it is below the root");
                found.push((relative.display().to_string(), text));
            }
        }
    }
    found
}

/// One Rust file.
pub(crate) struct Source {
    pub(crate) path: String,
    pub(crate) text: String,
    functions: Vec<Function>,
    /// Lines of items under `#[cfg(test)]`, from 1.
    tests: Vec<std::ops::RangeInclusive<usize>>,
}

/// A function, wherever it stands.
pub(crate) struct Function {
    pub(crate) name: String,
    pub(crate) first: usize,
    pub(crate) last: usize,
}

impl Source {
    pub(crate) fn new(path: &str, text: &str) -> Self {
        let file = syn::parse_file(text).unwrap_or_else(|error| panic!("{path}: {error}"));
        let mut finder = Finder::default();
        finder.visit_file(&file);
        Self {
            path: path.into(),
            text: text.into(),
            functions: finder.functions,
            tests: finder.tests,
        }
    }

    /// Whether users get it.
    pub(crate) fn is_published(&self) -> bool {
        !self.path.starts_with("tests/") && !self.path.starts_with("examples/")
    }

    pub(crate) fn functions(&self) -> &[Function] {
        &self.functions
    }

    /// Whether a line, from 1, belongs to a test.
    pub(crate) fn is_test(&self, line: usize) -> bool {
        let file = Path::new(&self.path);
        file.file_name().is_some_and(|name| name == "tests.rs")
            || file
                .components()
                .any(|part| part.as_os_str() == "tests" && !self.path.starts_with("tests/"))
            || self.tests.iter().any(|range| range.contains(&line))
    }

    pub(crate) fn lines_without_tests(&self) -> usize {
        (1..=self.text.lines().count())
            .filter(|line| !self.is_test(*line))
            .count()
    }

    /// The lines with code that is no test, with their numbers; comments are left out.
    pub(crate) fn code_lines(&self) -> impl Iterator<Item = (usize, &str)> {
        self.text
            .lines()
            .enumerate()
            .map(|(index, line)| (index + 1, line))
            .filter(|(number, line)| !line.trim_start().starts_with("//") && !self.is_test(*number))
    }
}

#[derive(Default)]
struct Finder {
    functions: Vec<Function>,
    tests: Vec<std::ops::RangeInclusive<usize>>,
}

impl Finder {
    fn function(&mut self, signature: &syn::Signature, block: &syn::Block) {
        self.functions.push(Function {
            name: signature.ident.to_string(),
            first: signature.span().start().line,
            last: block.span().end().line,
        });
    }
}

impl<'ast> Visit<'ast> for Finder {
    fn visit_item(&mut self, item: &'ast syn::Item) {
        let attributes = match item {
            syn::Item::Mod(item) => &item.attrs,
            syn::Item::Fn(item) => &item.attrs,
            syn::Item::Impl(item) => &item.attrs,
            syn::Item::Use(item) => &item.attrs,
            syn::Item::Const(item) => &item.attrs,
            _ => return syn::visit::visit_item(self, item),
        };
        if attributes.iter().any(is_cfg_test) {
            self.tests
                .push(item.span().start().line..=item.span().end().line);
        }
        syn::visit::visit_item(self, item);
    }

    fn visit_item_fn(&mut self, item: &'ast syn::ItemFn) {
        self.function(&item.sig, &item.block);
        syn::visit::visit_item_fn(self, item);
    }

    fn visit_impl_item_fn(&mut self, item: &'ast syn::ImplItemFn) {
        self.function(&item.sig, &item.block);
        syn::visit::visit_impl_item_fn(self, item);
    }

    fn visit_trait_item_fn(&mut self, item: &'ast syn::TraitItemFn) {
        if let Some(block) = &item.default {
            self.function(&item.sig, block);
        }
        syn::visit::visit_trait_item_fn(self, item);
    }
}

fn is_cfg_test(attribute: &syn::Attribute) -> bool {
    attribute.path().is_ident("cfg")
        && attribute
            .parse_args::<syn::Path>()
            .is_ok_and(|path| path.is_ident("test"))
}
