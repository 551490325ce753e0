//! What runs leave in the ledger, without a database.

use super::{Graph, Names, Row, Rows, World, kind};
use crate::domain::row::RowState;
use crate::domain::tests::Spec;

/// One move as a plan tells it: `+` applies, `-` undoes, `=` records.
pub(in super::super) type Move = (String, Vec<String>);

/// A ledger that is written to.
#[derive(Clone)]
pub(in super::super) struct Ledger<'s> {
    specs: &'s [Spec],
    parts: Graph,
    pub(in super::super) rows: Rows,
}

impl<'s> Ledger<'s> {
    pub(in super::super) fn new(specs: &'s [Spec], rows: &Rows) -> Self {
        Self {
            specs,
            parts: World::new(specs, rows, None).parts,
            rows: rows.clone(),
        }
    }

    fn spec(&self, name: &str) -> Option<&'s Spec> {
        self.specs.iter().find(|spec| super::id(spec) == name)
    }

    fn is_applied(&self, name: &str) -> bool {
        let row = self.rows.get(name);
        row.is_some_and(|row| row.state == RowState::Applied)
    }

    fn applied(&mut self, name: &str) {
        let last = self.rows.values().map(|row| row.seq).max();
        let kind = self.spec(name).map_or("sql", kind);
        let row = Row::applied(last.unwrap_or(0).max(0) + 1, kind);
        self.rows.insert(name.to_owned(), row);
    }

    /// Does the moves of one run.
    pub(in super::super) fn run(&mut self, moves: &[Move]) {
        for (place, (of, _)) in moves.iter().enumerate() {
            let along = self.along(moves, place);
            let (sign, name) = of.split_at(1);
            let runs = self.spec(name).unwrap().run.iter();
            match sign {
                "+" => {
                    let runs: Vec<&String> = runs.filter(|run| !self.is_applied(run)).collect();
                    let parts = self.parts.get(name).cloned().unwrap_or_default();
                    for part in runs.into_iter().chain(&parts) {
                        self.applied(part);
                    }
                    self.applied(name);
                }
                "=" => self.applied(name),
                _ => {
                    for gone in runs.chain(&along).chain([&name.to_owned()]) {
                        self.rows.remove(gone);
                    }
                }
            }
        }
    }

    /// Does a part of the last of some moves, statement by statement.
    pub(in super::super) fn stop_in(&mut self, moves: &[Move], done: usize) {
        let Some(place) = moves.len().checked_sub(1) else {
            return;
        };
        let (sign, name) = moves[place].0.split_at(1);
        let state = match sign {
            "+" => RowState::Running,
            "-" => RowState::Reverting,
            _ => return,
        };
        if state == RowState::Reverting {
            if !self.rows.contains_key(name) {
                self.applied(name);
            }
            for gone in self.along(moves, place) {
                self.rows.remove(&gone);
            }
        }
        let kind = self.spec(name).map_or("sql", kind);
        let row = self.rows.entry(name.to_owned());
        let row = row.or_insert_with(|| Row::applied(0, kind));
        // What an earlier attempt did is not done again.
        if row.state == RowState::Applied {
            (row.done, row.total) = (done, 5);
        }
        row.state = state;
    }

    /// The rows that go along with one move: with a squash those of all that it stands for, with a
    /// part of a squash the squash's own; each with the first that could take it.
    fn along(&self, moves: &[Move], place: usize) -> Names {
        let (sign, name) = moves[place].0.split_at(1);
        if sign != "-" {
            return Names::new();
        }
        let mut along = self.parts.get(name).cloned().unwrap_or_default();
        let around = self.parts.iter().filter(|(_, parts)| parts.contains(name));
        along.extend(around.map(|(squash, _)| squash.clone()));
        along.retain(|name| moves.iter().all(|(of, _)| of[1..] != *name));
        along
    }
}
