//! What is to be done for a goal, and what stands in the way.

use super::{Names, Row, Rows, World, app, kind};
use crate::domain::row::RowState;
use crate::domain::tests::Spec;
use crate::error::ErrorCode;
use crate::goal::{Fake, Goal};
use crate::policy::{Policies, Policy};
use crate::report::Direction;

/// What is asked.
#[derive(Clone, Debug)]
pub(in super::super) struct Asked {
    pub(in super::super) goal: Goal,
    pub(in super::super) fake: Fake,
    pub(in super::super) policies: Policies,
}

/// A plan.
#[derive(Debug)]
pub(in super::super) struct Answer {
    pub(in super::super) direction: Direction,
    /// In order: `+` applies, `-` undoes, `=` records; then the data migrations that go along.
    pub(in super::super) moves: Vec<(String, Vec<String>)>,
    /// Steps of other apps that go back only because they depend on what was named.
    pub(in super::super) dependents: Vec<String>,
    pub(in super::super) problems: Vec<(ErrorCode, String)>,
    /// What each warning is about.
    pub(in super::super) warnings: Vec<String>,
}

/// The plan, or the code of what is wrong with the goal.
pub(in super::super) fn answer(
    specs: &[Spec],
    rows: &Rows,
    asked: &Asked,
) -> Result<Answer, ErrorCode> {
    let (world, target) = world(specs, rows, &asked.goal)?;
    let mut planner = Planner {
        world: &world,
        asked,
        target: target.as_deref(),
        problems: Vec::new(),
        warnings: Vec::new(),
    };
    planner.everywhere();
    Ok(planner.plan())
}

/// What is there for a goal, and the step that it names.
pub(in super::super) fn world<'w>(
    specs: &'w [Spec],
    rows: &'w Rows,
    goal: &Goal,
) -> Result<(World<'w>, Option<String>), ErrorCode> {
    let world = World::new(specs, rows, None);
    let (Goal::Zero(app) | Goal::App(app) | Goal::Step { app, .. }) = goal else {
        return Ok((world, None));
    };
    world.known(app)?;
    let Goal::Step { app, name } = goal else {
        return Ok((world, None));
    };
    let target = world.named(app, name)?;
    if world.is_manual(&target) {
        return Err(ErrorCode::NotPossible);
    }
    if world.stands(&target) == target {
        return Ok((world, Some(target)));
    }
    world.open(&target)?;
    Ok((World::new(specs, rows, Some(target.clone())), Some(target)))
}

impl World<'_> {
    fn known(&self, app: &str) -> Result<(), ErrorCode> {
        match self.apps.contains(&app) {
            true => Ok(()),
            false => Err(ErrorCode::UnknownApp),
        }
    }

    /// The step of this name, or of the only one that begins so.
    fn named(&self, app: &str, typed: &str) -> Result<String, ErrorCode> {
        let mut names = self.gone();
        names.extend(self.specs.keys().cloned());
        let typed = format!("{app}.{typed}");
        if names.contains(&typed) {
            return Ok(self.meant(&typed));
        }
        names.retain(|name| name.starts_with(&typed) && !typed.ends_with('.'));
        match names.len() {
            0 => Err(ErrorCode::UnknownStep),
            1 => Ok(self.meant(names.first().unwrap())),
            _ => Err(ErrorCode::AmbiguousStep),
        }
    }

    /// There is a state between only where all that the squash stands for has a record.
    fn open(&self, step: &str) -> Result<(), ErrorCode> {
        let closed = |squash: &String| {
            let row = self.row(squash);
            row.is_some_and(|row| row.state != RowState::Applied || !self.whole(squash))
        };
        match self.around(step).iter().any(closed) {
            true => Err(ErrorCode::NotPossible),
            false => Ok(()),
        }
    }

    /// All that a step comes after.
    pub(in super::super) fn needs(&self, node: &str) -> Names {
        let mut needs = self.ancestors(Names::from([node.to_owned()]));
        needs.remove(node);
        needs
    }

    fn is_reverting(&self, node: &str) -> bool {
        self.in_state(node, RowState::Reverting)
    }

    /// Whether something of the node is there that can be undone.
    fn goes(&self, node: &str) -> bool {
        self.is_step(node) && (self.applied(node) || self.is_reverting(node))
    }

    /// What data migrations some steps run.
    fn run_by(&self, steps: &Names) -> Names {
        let specs = steps.iter().filter_map(|node| self.spec(node));
        specs.flat_map(|spec| spec.run.clone()).collect()
    }

    /// Rows of this binary's apps that nothing in it has or stands for.
    fn lost(&self) -> Vec<(&String, &Row)> {
        let gone = self.gone();
        let lost = self.rows.iter().filter(|(name, _)| {
            self.apps.contains(&app(name)) && self.spec(name).is_none() && !gone.contains(*name)
        });
        lost.collect()
    }

    /// Squashes that are split and of which something is neither there nor applied.
    fn incomplete(&self) -> Names {
        let lost = |squash: &&String| {
            let direct = self.direct(squash);
            let mut gone = direct.iter().filter(|part| self.spec(part).is_none());
            self.stands(squash) == **squash && gone.any(|part| !self.applied(part))
        };
        self.splits.iter().filter(lost).cloned().collect()
    }

    /// Whether a node is a step of an app, or stands for one.
    fn is_of(&self, node: &str, wanted: &str) -> bool {
        app(node) == wanted || self.parts(node).iter().any(|part| app(part) == wanted)
    }

    /// Whether a file of its app comes after a node, perhaps through data migrations of the app; a
    /// split squash joins what it stands for.
    fn followed(&self, node: &str) -> bool {
        let joins = |child: &String| {
            let own = self.is_of(child, app(node));
            self.split(child) || (own && (self.is_file(child) || self.followed(child)))
        };
        self.children(node).iter().any(joins)
    }

    /// What comes after a step in its app: the files, and not the data migrations on the way.
    fn files_after(&self, target: &str) -> Names {
        let mut files = Names::new();
        let mut walked = Names::from([target.to_owned()]);
        let mut open = vec![target.to_owned()];
        while let Some(node) = open.pop() {
            for child in self.children(&node) {
                let own = self.is_of(&child, app(target));
                if self.split(&child) || (own && !self.is_file(&child)) {
                    if walked.insert(child.clone()) {
                        open.push(child);
                    }
                } else if own {
                    files.insert(child);
                }
            }
        }
        files
    }
}

impl World<'_> {
    /// The files that are applied, by themselves or with a squash, each with the node of a file that
    /// it comes after. A squash of which all is applied says nothing itself, unless nothing else can.
    fn applied_after(&self) -> Vec<(String, String)> {
        let mut pairs = Vec::new();
        for (name, earlier) in &self.written {
            let node = self.stands(name);
            let told = self
                .direct(name)
                .iter()
                .any(|part| self.spec(part).is_some());
            let applied = self.is_step(&node) && self.applied(&node);
            if !applied || !self.is_file(name) || (told && self.whole(name)) {
                continue;
            }
            let mut others: Names = earlier.iter().map(|other| self.stands(other)).collect();
            others.retain(|other| *other != node && self.is_file(other));
            pairs.extend(others.into_iter().map(|other| (name.clone(), other)));
        }
        pairs
    }
}

struct Planner<'p, 'w> {
    world: &'p World<'w>,
    asked: &'p Asked,
    target: Option<&'p str>,
    problems: Vec<(ErrorCode, String)>,
    warnings: Vec<String>,
}

impl Planner<'_, '_> {
    fn problem(&mut self, code: ErrorCode, about: &str) {
        self.problems.push((code, about.to_owned()));
    }

    fn judge(&mut self, policy: Policy, code: ErrorCode, about: &str) {
        match policy {
            Policy::Allow => {}
            Policy::Warn => self.warnings.push(about.to_owned()),
            Policy::Deny => self.problem(code, about),
        }
    }

    /// What is said of a row that the binary lacks.
    fn policy_of(&self, name: &str, row: &Row) -> Policy {
        // A data migration's place is its date, with which its name ends.
        let place = |name: &str| match row.kind {
            "data" => name[name.len() - 10..].to_owned(),
            _ => name.split_once('.').unwrap().1.to_owned(),
        };
        let specs = self.world.specs.iter();
        let mut others = specs.filter(|(other, spec)| {
            let squash = kind(spec) == "squash" && row.kind == "sql";
            app(other) == app(name) && (kind(spec) == row.kind || squash)
        });
        let policies = self.asked.policies;
        let newer = row.kind == "squash" || others.all(|(other, _)| place(other) < place(name));
        match (newer, row.kind, policies.missing) {
            (true, ..) => policies.newer,
            (false, "data", Policy::Deny) => Policy::Warn,
            (false, _, missing) => missing,
        }
    }

    /// What stands in the way whatever the goal is.
    fn everywhere(&mut self) {
        let world = self.world;
        let policies = self.asked.policies;
        for name in world.specs.keys() {
            let edited = world.row(name).is_some_and(|row| row.edited);
            if edited && world.in_state(name, RowState::Applied) {
                self.judge(policies.edited, ErrorCode::StepEdited, name);
            }
        }
        for (name, row) in world.lost() {
            let policy = self.policy_of(name, row);
            self.judge(policy, ErrorCode::StepMissing, name);
        }
        self.left_out();
        self.inconsistent();
        for squash in world.incomplete() {
            self.problem(ErrorCode::SquashIncomplete, &squash);
        }
        self.conflicts();
    }

    /// A squash that is recorded, without some of what it stands for, although not all was pruned.
    fn left_out(&mut self) {
        let world = self.world;
        for squash in world.graph.keys() {
            let parts = world.direct(squash);
            let recorded = world.in_state(squash, RowState::Applied);
            if recorded && parts.iter().any(|part| world.applied(part)) {
                let left = parts.into_iter().filter(|part| !world.applied(part));
                let left = left.filter(|part| world.spec(part).is_some());
                self.warnings.extend(left);
            }
        }
    }

    /// Applied files with a file of another app before them that is not applied.
    fn inconsistent(&mut self) {
        let incomplete = self.world.incomplete();
        for (file, other) in self.world.applied_after() {
            let missing = app(&other) != app(&file) && !self.world.applied(&other);
            if missing && !incomplete.contains(&other) {
                let node = self.world.stands(&file);
                self.problem(ErrorCode::InconsistentHistory, &node);
            }
        }
    }

    /// Apps that end in several files.
    fn conflicts(&mut self) {
        let world = self.world;
        let order = world.order();
        for wanted in &world.apps {
            let leaf = |node: &&String| {
                let file = world.is_file(node) && !world.split(node);
                file && app(node) == *wanted && !world.followed(node)
            };
            let leaves: Vec<&String> = order.iter().filter(leaf).collect();
            if leaves.len() > 1 {
                self.problem(ErrorCode::ConflictingLeaves, wanted);
            }
        }
    }

    fn plan(mut self) -> Answer {
        let (world, target) = (self.world, self.target);
        let back = match (&self.asked.goal, target) {
            (Goal::Undo, _) => return self.undo(),
            (Goal::Zero(app), _) => world.descendants(world.of_app(app)),
            (_, Some(target)) if world.applied(target) && !world.split(target) => {
                world.descendants(world.files_after(target))
            }
            _ => Names::new(),
        };
        let stuck = |node: &String| world.row(node).is_some_and(Row::begun);
        if back.iter().any(|node| world.goes(node) || stuck(node)) {
            let goes = back
                .iter()
                .filter(|node| world.goes(node))
                .cloned()
                .collect();
            return self.back(&back, &goes);
        }
        // There is nothing to go back; what stays all the same is not at zero.
        if let Goal::Zero(_) = self.asked.goal {
            self.stays(&Names::new(), &Names::new());
        }
        let near = match (&self.asked.goal, target) {
            (Goal::Zero(_), _) => Names::new(),
            (_, Some(target)) => Names::from([target.to_owned()]),
            (Goal::App(app), _) => {
                let mut near = world.of_app(app);
                near.retain(|node| !world.is_manual(node));
                near
            }
            _ => world.graph.keys().cloned().collect(),
        };
        self.forwards(&world.ancestors(near))
    }

    fn answer(self, direction: Direction, moves: Vec<(String, Vec<String>)>) -> Answer {
        Answer {
            direction,
            moves,
            dependents: Vec::new(),
            problems: self.problems,
            warnings: self.warnings,
        }
    }

    /// Applies what is missing among some nodes, and records the squashes that are complete.
    fn forwards(mut self, near: &Names) -> Answer {
        let world = self.world;
        let pending = |node: &&String| {
            let person = world.is_manual(node) || world.is_reverting(node);
            world.is_step(node) && !person && !world.applied(node)
        };
        let pending: Names = near.iter().filter(pending).cloned().collect();
        self.in_the_way(&pending, near);
        let mut done: Names = world.rows.keys().cloned().collect();
        done.extend(world.specs.keys().cloned());
        done.retain(|name| world.applied(name));
        done.extend(world.run_by(&pending));
        let mut moves = Vec::new();
        for node in world.order() {
            let whole = || {
                let direct = world.direct(&node);
                !direct.is_empty() && direct.iter().all(|part| done.contains(part))
            };
            if pending.contains(&node) {
                let mut runs = world.specs[&node].run.clone();
                runs.retain(|run| !world.in_state(run, RowState::Applied));
                moves.push((format!("+{node}"), runs));
                done.insert(node);
            } else if whole() && world.row(&node).is_none() {
                moves.push((format!("={node}"), Vec::new()));
                done.insert(node);
            }
        }
        self.answer(Direction::Forwards, moves)
    }

    fn in_the_way(&mut self, pending: &Names, near: &Names) {
        let world = self.world;
        let numbered = |node: &str| {
            let spec = world.spec(node).unwrap();
            let own = |name: &String| app(name) == spec.app;
            (!spec.after.iter().flatten().any(own)).then(|| spec.name[..4].to_owned())
        };
        let applied =
            |node: &&String| world.is_step(node) && world.is_file(node) && world.applied(node);
        let followers = world.applied_after();
        for node in pending.iter().filter(|node| world.is_file(node)) {
            let followed = followers
                .iter()
                .any(|(file, other)| other == node && app(file) == app(node));
            let nodes = world.graph.keys().filter(applied);
            let mut of_app = nodes.filter(|other| app(other) == app(node));
            let late = of_app.any(
                |other| matches!((numbered(node), numbered(other)), (Some(a), Some(b)) if a < b),
            );
            if late || followed {
                let policy = self.asked.policies.out_of_order;
                self.judge(policy, ErrorCode::OutOfOrder, node);
            }
        }
        let will_run = world.run_by(pending);
        let waits = |node: &&String| pending.contains(*node) || world.split(node);
        for node in near.iter().filter(waits) {
            for needed in &world.graph[node] {
                let there = world.applied(needed) || will_run.contains(needed);
                if world.is_manual(needed) && !there {
                    self.problem(ErrorCode::DependencyNotApplied, node);
                }
            }
        }
        for node in near.iter().filter(|node| world.is_reverting(node)) {
            self.problem(ErrorCode::HalfReverted, node);
        }
        for (name, row) in world.lost() {
            let own = pending.iter().any(|node| app(node) == app(name));
            if own && row.state == RowState::Reverting {
                self.problem(ErrorCode::HalfReverted, name);
            }
        }
    }

    /// Undoes some steps; `reached` is all that depends on what goes.
    fn back(mut self, reached: &Names, goes: &Names) -> Answer {
        let world = self.world;
        let stuck =
            |node: &&String| !goes.contains(*node) && world.row(node).is_some_and(Row::begun);
        let stuck: Vec<&String> = reached.iter().filter(stuck).collect();
        for node in stuck {
            self.problem(ErrorCode::NotPossible, node);
        }
        let run = world.run_by(goes);
        let mut order = Vec::new();
        let mut left = goes.clone();
        while !left.is_empty() {
            let free = |node: &&String| {
                let mut after = world.descendants(Names::from([(*node).clone()]));
                after.remove(*node);
                after.is_disjoint(&left)
            };
            // What goes along with its runner holds up nothing.
            let key = |node: &&String| {
                (
                    run.contains(*node),
                    world.is_reverting(node),
                    world.seq(node),
                )
            };
            let next = left.iter().filter(free).max_by_key(key).unwrap().clone();
            left.remove(&next);
            order.push(next);
        }
        let named = match &self.asked.goal {
            Goal::Zero(app) => Some(app.as_str()),
            _ => self.target.map(app),
        };
        let mut dependents = order.clone();
        dependents.retain(|node| named.is_some_and(|named| app(node) != named));
        order.retain(|node| !run.contains(node));
        if self.asked.fake != Fake::All {
            let one_way = order.iter().find(|node| self.one_way(node));
            if let Some(first) = one_way.cloned() {
                self.problem(ErrorCode::Irreversible, &first);
            }
        }
        self.stays(reached, goes);
        let moves = order.into_iter().map(|node| {
            let runs = world.specs[&node].run.iter().rev();
            let there = runs.filter(|run| world.row(run).is_some_and(Row::can_go));
            let along = there.cloned().collect();
            (format!("-{node}"), along)
        });
        let moves = moves.collect();
        let mut answer = self.answer(Direction::Backwards, moves);
        answer.dependents = dependents;
        answer
    }

    fn one_way(&self, node: &str) -> bool {
        let world = self.world;
        let spec = world.specs[node];
        let ran = |run: &&String| world.in_state(run, RowState::Applied);
        let mut ran = spec.run.iter().filter(ran);
        spec.one_way || ran.any(|run| world.specs[run].one_way)
    }

    /// What only the database knows and may rely on what goes, or would have to go.
    fn stays(&mut self, reached: &Names, goes: &Names) {
        let world = self.world;
        let first = goes.iter().map(|node| world.seq(node)).min();
        let later = |row: &Row| first.is_some_and(|first| row.seq > first);
        let zero = match &self.asked.goal {
            Goal::Zero(app) => Some(app.as_str()),
            _ => None,
        };
        for (name, row) in world.lost() {
            let own = zero == Some(app(name));
            let policy = self.policy_of(name, row);
            let mut of_app = goes.iter().filter(|node| app(node) == app(name));
            let within = row.kind == "squash" && row.can_go();
            let within = within && of_app.any(|node| world.seq(node) < row.seq);
            if within || (own && policy == Policy::Warn) {
                self.problem(ErrorCode::StepMissing, name);
            } else if !own && later(row) && policy != Policy::Allow {
                self.warnings.push(name.clone());
            }
        }
        let lost = world.incomplete();
        let splits = world.splits.iter();
        let splits = splits.filter(|squash| world.graph.contains_key(*squash));
        for squash in splits.filter(|squash| !lost.contains(*squash)) {
            for name in world.direct(squash) {
                let gone = world.spec(&name).is_none();
                let Some(row) = world.rows.get(&name).filter(|row| gone && row.can_go()) else {
                    continue;
                };
                if zero == Some(app(&name)) || (reached.contains(squash) && later(row)) {
                    self.problem(ErrorCode::StepMissing, &name);
                }
            }
        }
    }

    /// Undoes the step that was applied last, or finishes the way back of one.
    fn undo(mut self) -> Answer {
        let world = self.world;
        let steps = world.graph.keys().filter(|node| world.is_step(node));
        let steps: Names = steps.cloned().collect();
        let last = |of: Names| of.into_iter().max_by_key(|node| world.seq(node));
        let half = steps.iter().filter(|node| world.is_reverting(node));
        let half = last(half.cloned().collect());
        let applied: Names = steps
            .into_iter()
            .filter(|node| world.applied(node))
            .collect();
        let run = world.run_by(&applied);
        let whole = last(applied.difference(&run).cloned().collect());
        let finishes = half.is_some();
        let last = half.or(whole);
        if !finishes {
            let seq = last.as_ref().map_or(i64::MIN, |node| world.seq(node));
            let lost = world.lost().into_iter();
            let lost =
                lost.filter(|(_, row)| row.can_go() && row.kind != "squash" && row.seq > seq);
            if let Some((name, _)) = lost.max_by_key(|(_, row)| row.seq) {
                self.problem(ErrorCode::StepMissing, name);
            }
        }
        let Some(last) = last else {
            return self.answer(Direction::Backwards, Vec::new());
        };
        let above = world.descendants(world.children(&last));
        let along = world.run_by(&Names::from([last.clone()]));
        if above.difference(&along).any(|node| world.goes(node)) {
            self.problem(ErrorCode::InconsistentHistory, &last);
        }
        self.back(&above, &Names::from([last]))
    }
}
