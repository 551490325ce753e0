//! What a squash replaces, what it leaves alone, and what to do next.

use migrate_core::report::StepId;

use crate::render::paint::Paint;
use crate::render::units;
use crate::sources::squash::{NewStep, Squash};

/// Describes a squash that is planned or written.
pub(crate) fn render_squash(paint: Paint, squash: &Squash, written: bool) -> String {
    let mut text = String::new();
    for step in &squash.steps {
        text.push_str(&describe(paint, step));
    }
    if !squash.kept.is_empty() {
        text.push_str(&format!("Stays as it is: {}.\n", names(&squash.kept)));
    }
    if !squash.cuts.is_empty() {
        text.push_str("Not all in one step:\n");
    }
    for cut in &squash.cuts {
        text.push_str(&format!("  {cut}\n"));
    }
    if !written {
        text.push_str("Nothing was written.\n");
        return text;
    }
    let app = &squash.app;
    text.push_str(&format!(
        "{}:\n  \
         1. build again\n  \
         2. `migrate squash --verify` runs both histories on new databases and compares them\n  \
         3. deploy: `migrate` records the squash where its steps are applied, and runs it on new databases\n  \
         4. once every database has it, delete the files it replaces and run `cargo migrate index`\n  \
         5. later, remove the line `replaces` from the squash, and forget the old rows: `migrate {app} --prune`\n",
        paint.lead("next")
    ));
    text
}

fn describe(paint: Paint, step: &NewStep) -> String {
    let mut text = format!(
        "{} replaces {}: {}\n",
        paint.strong(&step.step.to_string()),
        units::len(step.replaces.len(), "step"),
        names(&step.replaces)
    );
    if !step.dropped.is_empty() {
        text.push_str(&format!(
            "  new databases do not run {}, which may be dropped (elidable)\n",
            names(&step.dropped)
        ));
    }
    if let Some(file) = &step.one_way {
        let warning = paint.warn("no way back");
        text.push_str(&format!("  {warning}: {file} has none\n"));
    }
    text
}

fn names(steps: &[StepId]) -> String {
    let names: Vec<&str> = steps.iter().map(|step| step.name.as_str()).collect();
    names.join(", ")
}
