//! Cuts a range of an app's SQL steps into as few parts as the order allows. Pure: it knows steps
//! and what they come after, and neither files nor text.
//!
//! A part becomes one step, so whatever ran between two of its members would run before or after
//! all of it. Where that would change the order, a new part begins. Data migrations may be allowed to
//! run later; files still come after what they name.

use std::collections::HashSet;

use migrate_core::report::{StepId, StepKind};
use migrate_core::{History, Step};

/// What the text of a SQL step says about joining it with others.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Traits {
    /// Why it cannot be joined with any other.
    pub(super) alone: Option<&'static str>,
    /// Why no other can follow it in one step.
    pub(super) last: Option<&'static str>,
    /// Whether SQLite runs it with foreign keys switched off.
    pub(super) foreign_keys_off: bool,
}

/// Steps that become one, in order of execution.
#[derive(Clone, Debug)]
pub(super) struct Part<'h> {
    /// SQL steps, and the elidable data migrations that are dropped.
    pub(super) members: Vec<&'h Step>,
    /// Data migrations that run before it, and that its own steps need not name.
    pub(super) behind: Vec<&'h StepId>,
    /// Why it is not joined with the part before.
    pub(super) why: Option<String>,
}

impl<'h> Part<'h> {
    /// Its SQL steps.
    pub(super) fn files(&self) -> impl Iterator<Item = &'h Step> {
        self.members.iter().copied().filter(|step| is_sql(step))
    }

    /// The data migrations that it makes superfluous.
    pub(super) fn dropped(&self) -> impl Iterator<Item = &'h Step> {
        self.members.iter().copied().filter(|step| !is_sql(step))
    }

    /// Whether there is something to join.
    pub(super) fn is_squash(&self) -> bool {
        self.files().nth(1).is_some()
    }
}

pub(super) fn is_sql(step: &Step) -> bool {
    step.kind() == StepKind::Sql
}

/// Cuts the range, which is in order of execution.
pub(super) fn cut<'h>(
    history: &'h History,
    range: &[&'h Step],
    functions_last: bool,
    traits: impl Fn(&Step) -> Traits,
) -> Vec<Part<'h>> {
    let mut cutter = Cutter {
        range: range.iter().map(|step| step.id()).collect(),
        app: range.first().map_or("", |step| step.id().app.as_str()),
        own: HashSet::new(),
        tied: HashSet::new(),
        through: HashSet::new(),
        functions_last,
        between: Vec::new(),
        last: None,
        parts: Vec::new(),
    };
    for step in history.iter() {
        if cutter.range.contains(step.id()) {
            cutter.file(step, &traits(step));
        } else if cutter.parts.is_empty() || !cutter.can_drop(history, step) {
            cutter.outside(step);
        } else {
            cutter.join(step);
        }
    }
    cutter.parts
}

struct Cutter<'h> {
    range: HashSet<&'h StepId>,
    app: &'h str,
    /// The members of the current part.
    own: HashSet<&'h StepId>,
    /// Data migrations that come after a step of the range, or after one that does.
    tied: HashSet<&'h StepId>,
    /// What comes after a member of the current part without being one.
    through: HashSet<&'h StepId>,
    /// Whether data migrations may run after files that they ran before.
    functions_last: bool,
    /// Data migrations behind the last file that must stay there.
    between: Vec<&'h StepId>,
    /// What the last file says about the next.
    last: Option<Traits>,
    parts: Vec<Part<'h>>,
}

impl<'h> Cutter<'h> {
    fn file(&mut self, step: &'h Step, traits: &Traits) {
        let why = self.why_cut(step, traits);
        if self.parts.is_empty() || why.is_some() {
            self.own.clear();
            self.through.clear();
            self.parts.push(Part {
                members: Vec::new(),
                behind: std::mem::take(&mut self.between),
                why,
            });
        }
        self.last = Some(traits.clone());
        self.join(step);
    }

    fn why_cut(&self, step: &'h Step, traits: &Traits) -> Option<String> {
        let last = self.last.as_ref()?;
        let id = step.id();
        if let Some(why) = traits.alone {
            return Some(format!("`{id}` {why}"));
        }
        if let Some(why) = last.alone.or(last.last) {
            let before = self.parts.last().and_then(|part| part.files().last());
            let before = before.map(|step| step.id().to_string()).unwrap_or_default();
            return Some(format!("`{before}` {why}"));
        }
        if last.foreign_keys_off != traits.foreign_keys_off {
            return Some("foreign keys are off in one part and on in the other".to_owned());
        }
        if let Some(function) = self.between.first() {
            return Some(format!(
                "the data migration `{function}` runs between; `--functions-last` lets it run later"
            ));
        }
        let between = step.after().iter().find(|id| self.through.contains(id))?;
        Some(format!(
            "`{id}` comes after `{between}`, which comes after the part before"
        ))
    }

    fn join(&mut self, step: &'h Step) {
        self.own.insert(step.id());
        if !is_sql(step) {
            self.tied.insert(step.id());
        }
        if let Some(part) = self.parts.last_mut() {
            part.members.push(step);
        }
    }

    /// Whether a data migration is the range's own, may be dropped, and stands in no other's way.
    fn can_drop(&self, history: &History, step: &Step) -> bool {
        let id = step.id();
        if is_sql(step) || !step.elidable() || step.manual() || id.app != self.app {
            return false;
        }
        let later_file = |needed: &StepId| {
            let is_file = history.get(needed).is_some_and(is_sql);
            is_file
                && needed.app == self.app
                && !self.range.contains(needed)
                && !self.is_before(history, needed)
        };
        self.is_tied(step)
            && !step
                .after()
                .iter()
                .any(|needed| self.through.contains(needed))
            && !step.after().iter().any(later_file)
    }

    /// Whether a step outside of the range runs before it.
    fn is_before(&self, history: &History, id: &StepId) -> bool {
        let first = history
            .iter()
            .find(|step| self.range.contains(step.id()) || step.id() == id);
        first.is_some_and(|step| step.id() == id)
    }

    fn is_tied(&self, step: &Step) -> bool {
        let mut needed = step.after().iter();
        needed.any(|id| self.range.contains(id) || self.tied.contains(id))
    }

    fn outside(&mut self, step: &'h Step) {
        let mut needed = step.after().iter();
        if needed.any(|id| self.own.contains(id) || self.through.contains(id)) {
            self.through.insert(step.id());
        }
        // It reads the schema of its time, which is the one between two files.
        if !is_sql(step) && !step.manual() && self.is_tied(step) {
            self.tied.insert(step.id());
            if !self.functions_last {
                self.between.push(step.id());
            }
        }
    }
}
