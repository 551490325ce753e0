//! `replaces` in headers: which steps a squash stands for, and how they are ordered as one.
//!
//! A replaced step may still have its file, and then both histories are in the binary; or it is a name
//! alone, which goes on to mean the squash. Whether a function is there is unknown here, so the
//! name of a data migration is both: it means the function if there is one, or else the squash.

use std::collections::{BTreeMap, BTreeSet};

use super::mistakes::{Mistake, list};
use super::resolve::{Directive, Resolver};
use super::{Graph, Node, Unknown};
use crate::file_name::FileName;
use crate::name::{Reference, nearest, parse_data_name, step_ident};

/// What `replaces` says, for all apps together.
#[derive(Debug, Default)]
pub(super) struct Squashes {
    /// By replaced node: the squashes that name it.
    by_node: BTreeMap<usize, Vec<usize>>,
    /// By app and name, for names without a file: the squashes that name them.
    by_name: BTreeMap<(usize, String), Vec<usize>>,
    /// By replaced name of a data migration: the squash that stands for it in the end.
    functions: BTreeMap<Unknown, usize>,
}

/// A replaced name without a file, and the squash that it means.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct Alias<'a> {
    /// The app, as a place in the list of apps.
    pub app: usize,
    /// The name.
    pub name: &'a str,
    /// The node of the squash.
    pub squash: usize,
}

impl Alias<'_> {
    /// Whether the name is that of a data migration, whose function may still be there.
    #[must_use]
    pub fn is_data(&self) -> bool {
        !is_sql(self.name)
    }
}

pub(super) fn is_sql(name: &str) -> bool {
    name.starts_with(|first: char| first.is_ascii_digit())
}

impl Squashes {
    /// Every replaced name without a file.
    pub(super) fn aliases(&self) -> impl Iterator<Item = Alias<'_>> {
        self.by_name.iter().filter_map(|((app, name), squashes)| {
            Some(Alias {
                app: *app,
                name,
                squash: self.top(*squashes.first()?),
            })
        })
    }

    /// The squash that a replaced name without a file means.
    pub(super) fn alias(&self, app: usize, name: &str) -> Option<usize> {
        let squashes = self.by_name.get(&(app, name.to_owned()))?;
        squashes.first().map(|&squash| self.top(squash))
    }

    /// Whether a squash stands for a step, at once or through other squashes.
    pub(super) fn replaces(&self, squash: usize, node: usize) -> bool {
        self.above(node).contains(&squash)
    }

    /// Whether a squash stands for a step of an app, with or without a file.
    fn stands_in(&self, squash: usize, app: usize, nodes: &[Node]) -> bool {
        let by_node = self.by_node.keys();
        let mut files = by_node.filter(|&&node| nodes[node].app == app);
        let mut names = self.by_name.iter().filter(|((of, _), _)| *of == app);
        files.any(|&node| self.replaces(squash, node))
            || names.any(|(_, by)| {
                by.iter()
                    .any(|&by| by == squash || self.replaces(squash, by))
            })
    }

    /// The squash that stands for a step in the end; the step itself if it is not replaced.
    fn top(&self, node: usize) -> usize {
        let above = self.above(node);
        let is_top = |squash: &&usize| !self.by_node.contains_key(squash);
        above.iter().find(is_top).copied().unwrap_or(node)
    }

    /// The squashes that stand for a step, at once or through others; itself among them in a cycle.
    fn above(&self, node: usize) -> BTreeSet<usize> {
        let direct = |node: usize| self.by_node.get(&node).into_iter().flatten().copied();
        let mut above = BTreeSet::new();
        let mut next: Vec<usize> = direct(node).collect();
        while let Some(squash) = next.pop() {
            if above.insert(squash) {
                next.extend(direct(squash));
            }
        }
        above
    }
}

impl Resolver<'_> {
    /// Reads every `replaces`; those that cannot be go to the errors.
    pub(super) fn squashes(&mut self) {
        for node in 0..self.graph.nodes.len() {
            let step = self.graph.step(node);
            let mut seen = BTreeSet::new();
            for (file, header) in &step.headers {
                let directive = self.directive(node, file, header, "replaces");
                let mut in_header = BTreeSet::new();
                for reference in &header.replaces {
                    let Some(key) = self.replaced(&directive, reference) else {
                        continue;
                    };
                    if !in_header.insert(key.clone()) {
                        self.twice(&directive, reference);
                    } else if seen.insert(key.clone()) {
                        self.replace(node, key);
                    }
                }
                self.misspelt(&directive, &in_header);
            }
        }
        self.refuse_cycles();
        self.refuse_two_for_one();
        let squashes = &self.graph.squashes;
        let functions = squashes.aliases().filter(Alias::is_data).map(|alias| {
            let function = Unknown {
                app: self.graph.apps[alias.app].label.clone(),
                ident: step_ident(alias.name),
            };
            (function, alias.squash)
        });
        self.graph.squashes.functions = functions.collect();
    }

    /// A replaced step as app and name; none for another crate's, which is not ours to judge.
    fn replaced(
        &mut self,
        directive: &Directive,
        reference: &Reference,
    ) -> Option<(usize, String)> {
        let apps = &self.graph.apps;
        let label = reference.app.as_deref();
        let label = label.unwrap_or(&self.graph.app(directive.node).label);
        let Some(app) = apps.iter().position(|app| app.label == label) else {
            self.known_label(directive, reference);
            return None;
        };
        let (label, name) = (&apps[app].label, &reference.name);
        let file = FileName::parse(&format!("{name}.sql"));
        if !file.is_ok_and(|file| file.step == *name) && parse_data_name(name).is_err() {
            self.mistake(
                directive,
                "unknown_reference",
                format!("`replaces` names `{reference}`, and it is neither a SQL step nor the name of a data migration, which ends in a date"),
                "write the names of the replaced steps: a SQL file's without `.sql`, or a data migration's",
            );
            return None;
        }
        if self.ids.get(&(label.as_str(), name.as_str())) == Some(&directive.node) {
            self.mistake(
                directive,
                "unknown_reference",
                "the step stands in its own `replaces`",
                "remove it: the others are what it stands for",
            );
            return None;
        }
        Some((app, name.clone()))
    }

    fn twice(&mut self, directive: &Directive, reference: &Reference) {
        self.mistake(
            directive,
            "bad_directive_value",
            format!("`{reference}` stands in `replaces` twice, with its app and without"),
            "keep one of them",
        );
    }

    fn replace(&mut self, squash: usize, (app, name): (usize, String)) {
        let label = self.graph.apps[app].label.as_str();
        let known = self.ids.get(&(label, name.as_str()));
        let squashes = &mut self.graph.squashes;
        match known {
            Some(&node) => squashes.by_node.entry(node).or_default().push(squash),
            None => squashes
                .by_name
                .entry((app, name))
                .or_default()
                .push(squash),
        }
    }

    /// As long as files of replaced steps are there, a name without a file that is much like a file of
    /// the same number is a slip. Later the numbers of the replaced steps may come again.
    fn misspelt(&mut self, directive: &Directive, replaced: &BTreeSet<(usize, String)>) {
        let has_file = |&(app, ref name): &(usize, String)| {
            let label = &self.graph.apps[app].label;
            self.ids.contains_key(&(label.as_str(), name.as_str()))
        };
        if !replaced.iter().any(has_file) {
            return;
        }
        let gone = replaced.iter().filter(|key| !has_file(key));
        let gone: Vec<_> = gone.filter(|key| is_sql(&key.1)).collect();
        for (app, name) in gone {
            let number = |name: &str| name.split('_').next().map(str::to_owned);
            let files = self.graph.apps[*app]
                .steps
                .iter()
                .filter(|step| !step.is_squash() && number(&step.name) == number(name));
            let near = nearest(name, files.map(|step| step.name.as_str()));
            if let Some(near) = near {
                let message = format!(
                    "`replaces` names `{name}`, and the file of that number is `{near}.sql`"
                );
                self.mistake(
                    directive,
                    "unknown_reference",
                    message,
                    format!("write `{near}`"),
                );
            }
        }
    }

    fn refuse_cycles(&mut self) {
        let squashes = &self.graph.squashes;
        let cycle: Vec<usize> = (0..self.graph.nodes.len())
            .filter(|&node| squashes.replaces(node, node))
            .collect();
        let Some(&first) = cycle.first() else {
            return;
        };
        let names = list(cycle.iter().map(|&node| self.graph.name(node)));
        let places: Vec<String> = cycle.iter().map(|&node| self.place(node)).collect();
        self.graph.mistakes.push(Mistake {
            app: self.graph.nodes[first].app,
            place: None,
            code: "dependency_cycle",
            message: format!("these squashes replace each other: {names}"),
            help: format!("change one of the directives at {}", places.join(", ")),
        });
        // What follows from a cycle is not to be reported as well.
        self.graph.squashes = Squashes::default();
    }

    /// A step may be replaced by two squashes only if one of them replaces the other.
    fn refuse_two_for_one(&mut self) {
        let squashes = &self.graph.squashes;
        let apps = &self.graph.apps;
        let name = |(app, name): &(usize, String)| match apps[*app].label.as_str() {
            "" => name.clone(),
            label => format!("{label}.{name}"),
        };
        let by_node = squashes.by_node.iter();
        let by_node = by_node.map(|(&node, squashes)| (self.graph.name(node), squashes));
        let by_name = squashes.by_name.iter();
        let by_name = by_name.map(|(key, squashes)| (name(key), squashes));
        let mut problems: BTreeMap<(usize, usize), Vec<String>> = BTreeMap::new();
        for (name, by) in by_node.chain(by_name) {
            let pairs = by.iter().enumerate();
            let pairs =
                pairs.flat_map(|(at, &one)| by[at + 1..].iter().map(move |&two| (one, two)));
            for (one, two) in pairs {
                if !squashes.replaces(one, two) && !squashes.replaces(two, one) {
                    problems.entry((one, two)).or_default().push(name.clone());
                }
            }
        }
        for ((one, two), names) in problems {
            let (one_name, two_name) = (self.graph.name(one), self.graph.name(two));
            let places = [self.place(one), self.place(two)].join(", ");
            self.graph.mistakes.push(Mistake {
                app: self.graph.nodes[one].app,
                place: None,
                code: "replaced_twice",
                message: format!("`{one_name}` and `{two_name}` both replace {}", list(names)),
                help: format!(
                    "remove it from one of the directives at {places}, or let one squash replace the other: `replaces = [.., \"{}\"]`",
                    self.graph.step(one).name,
                ),
            });
        }
    }

    /// Where the header of a step says what it replaces.
    fn place(&self, node: usize) -> String {
        let headers = self.graph.step(node).headers.iter();
        let mut places = headers
            .filter_map(|(place, header)| Some(format!("{place}:{}", header.line_of("replaces")?)));
        places.next().unwrap_or_default()
    }
}

impl Graph<'_> {
    /// The squash that stands for a step in the end, if it is replaced.
    #[must_use]
    pub fn replaced_by(&self, node: usize) -> Option<usize> {
        Some(self.squashes.top(node)).filter(|top| *top != node)
    }

    /// Whether a step is one of an app, or stands for one: a squash is in line in each app that it
    /// stands for.
    pub(super) fn is_of(&self, node: usize, app: usize) -> bool {
        self.nodes[node].app == app || self.squashes.stands_in(node, app, &self.nodes)
    }

    /// Lets every squash wait for what its steps wait for, and what waits for them wait for it:
    /// the history as it is with the squashes in force. A replaced step has the place of its squash.
    pub(super) fn contract(&mut self) {
        if self.squashes.by_node.is_empty() {
            return;
        }
        let nodes = 0..self.nodes.len();
        let tops: Vec<usize> = nodes.map(|node| self.squashes.top(node)).collect();
        for node in 0..self.nodes.len() {
            let top = tops[node];
            let mut after = std::mem::take(&mut self.nodes[node].after);
            if top != node {
                let mut unknown = std::mem::take(&mut self.nodes[node].after_unknown);
                // A function that the same squash replaces has its place as well.
                unknown.retain(|function| self.squashes.functions.get(function) != Some(&top));
                self.nodes[top].after_unknown.extend(unknown);
                self.nodes[node].after.push(top);
            }
            after.retain_mut(|other| {
                *other = tops[*other];
                *other != top
            });
            self.nodes[top].after.extend(after);
        }
        for node in &mut self.nodes {
            node.after.sort_unstable();
            node.after.dedup();
        }
    }
}
