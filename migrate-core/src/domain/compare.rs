//! Binary against ledger: what is pending, what is in the way, what is worth a warning.

use std::collections::{HashMap, HashSet};

use migrate_source::Database;

use super::history::History;
use super::row::LedgerRow;
use super::step::{Body, Step};
use crate::error::ErrorCode;
use crate::policy::{Policies, Policy};
use crate::report::{Problem, StepId};

/// The result of comparing a history with the rows of a ledger.
#[derive(Debug)]
pub(crate) struct Comparison<'h> {
    /// What a run would apply, in order; interrupted steps included.
    pub(crate) pending: Vec<&'h Step>,
    /// What a run refuses.
    pub(crate) problems: Vec<Problem>,
    /// What the policies let pass.
    pub(crate) warnings: Vec<String>,
}

/// Compares a history with a ledger. Pure, and linear in both.
pub(crate) fn compare<'h>(
    history: &'h History,
    rows: &[LedgerRow],
    policies: Policies,
    database: Database,
) -> Comparison<'h> {
    let mut comparing = Comparing {
        database,
        policies,
        history,
        by_id: rows
            .iter()
            .map(|row| ((row.app.as_str(), row.name.as_str()), row))
            .collect(),
        last_places: last_places(history),
        problems: Vec::new(),
        warnings: Vec::new(),
    };
    let pending: Vec<&Step> = history
        .iter()
        .filter(|step| !step.manual && !comparing.row(step).is_some_and(LedgerRow::is_applied))
        .collect();
    comparing.edited();
    for row in rows {
        comparing.missing(row);
    }
    comparing.out_of_order(&pending);
    comparing.manual_needed(&pending);
    let Comparing {
        problems, warnings, ..
    } = comparing;
    Comparison {
        pending,
        problems,
        warnings,
    }
}

struct Comparing<'h, 'r> {
    database: Database,
    policies: Policies,
    history: &'h History,
    by_id: HashMap<(&'r str, &'r str), &'r LedgerRow>,
    last_places: HashMap<(&'h str, &'h str), &'h str>,
    problems: Vec<Problem>,
    warnings: Vec<String>,
}

impl<'r> Comparing<'_, 'r> {
    fn row(&self, step: &Step) -> Option<&'r LedgerRow> {
        self.by_id
            .get(&(step.id.app.as_str(), step.id.name.as_str()))
            .copied()
    }

    fn report(
        &mut self,
        policy: Policy,
        code: ErrorCode,
        step: StepId,
        message: String,
        help: Vec<String>,
    ) {
        match policy {
            Policy::Allow => {}
            Policy::Warn => self.warnings.push(message),
            Policy::Deny => self.problems.push(Problem {
                code,
                step: Some(step),
                message,
                help,
            }),
        }
    }

    fn edited(&mut self) {
        for step in self.history.iter() {
            let Some(row) = self.row(step) else { continue };
            if !row.is_applied() || step.accepts(self.database, &row.checksum) {
                continue;
            }
            let (id, now) = (&step.id, step.checksum(self.database));
            let message = format!(
                "`{id}` ({}) was changed after it was applied: the ledger has {}, this binary {now}",
                step.location_on(self.database),
                row.checksum
            );
            let put_back =
                "put the text back as it was applied, and write the change as a new step"
                    .to_owned();
            let accept = match step.body {
                Body::Function(_) => format!(
                    "or accept the change: `formerly = [\"{}\"]` in its attribute, which travels with the deploy, or `migrate accept {id} --why \"..\"`",
                    row.checksum
                ),
                Body::Sql { .. } => {
                    format!("or accept the change: `migrate accept {id} --why \"..\"`")
                }
            };
            self.report(
                self.policies.edited,
                ErrorCode::StepEdited,
                id.clone(),
                message,
                vec![put_back, accept],
            );
        }
    }

    fn missing(&mut self, row: &LedgerRow) {
        let id = StepId::new(&row.app, &row.name);
        // A ledger may serve several services: rows of apps that this binary does not have are
        // theirs, and shown by `status`.
        if self.history.get(&id).is_some() || !self.history.apps.contains(&row.app) {
            return;
        }
        // Later than every step of its app and kind in the binary.
        let last = self.last_places.get(&(row.app.as_str(), row.kind.as_str()));
        if last.is_none_or(|last| *last < place(&row.kind, &row.name)) {
            let message = format!(
                "`{id}` is applied and later than anything in this binary: the binary is older than the database"
            );
            let help = vec!["deploy the newer binary, or go on with `--newer allow`".to_owned()];
            self.report(
                self.policies.newer,
                ErrorCode::StepMissing,
                id,
                message,
                help,
            );
            return;
        }
        // Code of an applied data migration may be deleted; a lost SQL file is a lost history.
        let policy = match (row.kind.as_str(), self.policies.missing) {
            ("data", Policy::Deny) => Policy::Warn,
            (_, policy) => policy,
        };
        let message = format!("`{id}` is applied, but this binary does not have it");
        let help = vec![
            "put the file back (and its line in the index)".to_owned(),
            format!("or forget it for good: `migrate unmark {id}`"),
        ];
        self.report(policy, ErrorCode::StepMissing, id, message, help);
    }

    fn out_of_order(&mut self, pending: &[&Step]) {
        // Applied files in the order of numbers; a header that names its own place is exempt,
        // because there the graph and not the number says what comes first.
        let mut last_applied: HashMap<&str, (u32, &Step)> = HashMap::new();
        for step in self.history.iter() {
            if let Body::Sql { number, .. } = step.body
                && !step.explicit_order
                && self.row(step).is_some_and(LedgerRow::is_applied)
            {
                let last = last_applied.entry(&step.id.app).or_insert((number, step));
                if number > last.0 {
                    *last = (number, step);
                }
            }
        }
        let applied = self.history.iter().filter(|step| {
            matches!(step.body, Body::Sql { .. })
                && self.row(step).is_some_and(LedgerRow::is_applied)
        });
        let followers: HashMap<&StepId, &Step> = applied
            .flat_map(|step| step.after.iter().map(move |earlier| (earlier, step)))
            .filter(|(earlier, step)| earlier.app == step.id.app)
            .collect();
        for step in pending {
            let Body::Sql { number, .. } = step.body else {
                continue;
            };
            let by_number = last_applied
                .get(step.id.app.as_str())
                .filter(|(last, _)| number < *last && !step.explicit_order)
                .map(|(_, later)| *later);
            let Some(later) = by_number.or_else(|| followers.get(&step.id).copied()) else {
                continue;
            };
            let id = step.id.clone();
            let message = format!(
                "`{id}` is pending, but `{}`, which comes after it, is applied",
                later.id
            );
            let help = vec![
                "if it is new (a merged branch): give it the next free number".to_owned(),
                "if it is right as it is: `migrate --out-of-order allow`".to_owned(),
                format!("if its effect is already there: `migrate mark {id}`"),
            ];
            self.report(
                self.policies.out_of_order,
                ErrorCode::OutOfOrder,
                id,
                message,
                help,
            );
        }
    }

    /// A pending step may wait for a manual one that nobody has run and nothing will run.
    fn manual_needed(&mut self, pending: &[&Step]) {
        let will_run: HashSet<&StepId> = pending
            .iter()
            .flat_map(|step| step.runs(self.database))
            .collect();
        for step in pending {
            for needed in &step.after {
                let Some(manual) = self.history.get(needed).filter(|needed| needed.manual) else {
                    continue;
                };
                if will_run.contains(needed) || self.row(manual).is_some_and(LedgerRow::is_applied)
                {
                    continue;
                }
                self.problems.push(Problem {
                    code: ErrorCode::DependencyNotApplied,
                    step: Some(step.id.clone()),
                    message: format!(
                        "`{}` comes after `{needed}`, which is manual and not applied",
                        step.id
                    ),
                    help: vec![format!("run it first: `migrate run {needed}`")],
                });
            }
        }
    }
}

/// Where a step stands among those of its app and kind.
fn place<'n>(kind: &str, name: &'n str) -> &'n str {
    match kind {
        // A data migration's date is what its name ends with.
        "data" => name.get(name.len().saturating_sub(10)..).unwrap_or(name),
        _ => name,
    }
}

/// The last place of each app and kind in the binary.
fn last_places(history: &History) -> HashMap<(&str, &str), &str> {
    let mut places: HashMap<(&str, &str), &str> = HashMap::new();
    for step in history.iter() {
        let kind = step.kind_text();
        let this = place(kind, &step.id.name);
        let last = places.entry((&step.id.app, kind)).or_insert(this);
        *last = this.max(last);
    }
    places
}
