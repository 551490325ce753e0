//! What a squash replaces, what it leaves alone, and what to do next; how it differs from what it
//! replaces.

use migrate_core::report::{SquashReport, StepId};

use crate::render::paint::Paint;
use crate::render::units;
use crate::sources::squash::{NewStep, Squash};

/// What is to be done next.
pub(crate) enum Advice<'a> {
    /// Nothing was written.
    Nothing,
    /// The replaced files are still there.
    Replace(&'a [&'a Squash]),
    /// They are gone.
    Reset(&'a [&'a Squash]),
}

/// Describes a squash that is planned or written.
pub(crate) fn render_parts(paint: Paint, squash: &Squash) -> String {
    let mut text = String::new();
    for step in &squash.steps {
        text.push_str(&describe(paint, step));
    }
    if !squash.kept.is_empty() {
        let kept: Vec<String> = squash.kept.iter().map(ToString::to_string).collect();
        text.push_str(&format!("Stays as it is: {}.\n", kept.join(", ")));
    }
    if !squash.cuts.is_empty() {
        text.push_str(&format!("Not all of {} in one step:\n", squash.app));
    }
    for cut in &squash.cuts {
        text.push_str(&format!("  {cut}\n"));
    }
    text
}

/// The way from here to a history without the replaced steps.
pub(crate) fn render_advice(paint: Paint, advice: &Advice<'_>) -> String {
    let next = paint.lead("next");
    match advice {
        Advice::Nothing => "Nothing was written.\n".to_owned(),
        Advice::Replace(squashes) => render_replace(&next, squashes),
        Advice::Reset(squashes) => format!(
            "{next}:\n  \
             1. build again; `after` in functions may still name what was replaced{}\n  \
             2. where there is data to keep, `migrate` records the squashes if all that they replace is applied; \
             if only some of it is, put the replaced files back first\n  \
             3. elsewhere drop the database, create it and run `migrate`; `migrate status` shows every step applied\n  \
             4. once no `after` names them any more, remove the lines `replaces`\n",
            superfluous(squashes, "")
        ),
    }
}

/// The functions that nothing runs any more, as the end of a sentence.
fn superfluous(squashes: &[&Squash], when: &str) -> String {
    let steps = squashes.iter().flat_map(|squash| &squash.steps);
    let dropped: Vec<StepId> = steps.flat_map(|step| step.dropped.clone()).collect();
    match dropped.as_slice() {
        [] => String::new(),
        [only] => format!("; the function of {} may be deleted{when}", only.name),
        several => format!("; the functions of {} may be deleted{when}", names(several)),
    }
}

fn render_replace(next: &str, squashes: &[&Squash]) -> String {
    let steps = || squashes.iter().flat_map(|squash| &squash.steps);
    // Where nothing was joined there is nothing to forget.
    let joined = squashes.iter().filter(|squash| !squash.steps.is_empty());
    let prune: Vec<String> = joined
        .map(|squash| format!("`migrate {} --prune`", squash.app))
        .collect();
    let functions = superfluous(squashes, " then too");
    let (squash, has) = match steps().count() {
        1 => ("the squash", "it"),
        _ => ("the squashes", "them"),
    };
    let (replaces, line) = match has {
        "it" => ("it replaces", "the line `replaces` from the squash"),
        _ => ("they replace", "the lines `replaces` from the squashes"),
    };
    format!(
        "{next}:\n  \
         1. build again\n  \
         2. `migrate squash --verify` runs both histories on new databases and compares them\n  \
         3. deploy: `migrate` records {squash} where all that {replaces} is applied, and runs {has} on new databases\n  \
         4. once every database has {has}, delete the files that {replaces} and run `cargo migrate index`{functions}\n  \
         5. later, once no `after` names what was replaced, remove {line}, and forget the old rows: {}\n",
        prune.join(", ")
    )
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

/// Each difference: without the squash, and with it.
pub(crate) fn render_differences(paint: Paint, report: &SquashReport) -> String {
    let mut text = String::new();
    for difference in &report.differences {
        text.push_str(&format!("{}\n", paint.strong(&difference.what)));
        for (sign, lines) in [("-", &difference.replaced), ("+", &difference.squashed)] {
            for line in lines {
                let line = format!("  {sign} {line}");
                let painted = match sign {
                    "-" => paint.bad(&line),
                    _ => paint.good(&line),
                };
                text.push_str(&format!("{painted}\n"));
            }
        }
    }
    text
}

/// What was compared.
pub(crate) fn render_compared(paint: Paint, report: &SquashReport) -> String {
    let mut text = String::new();
    for warning in &report.warnings {
        text.push_str(&format!("{}: {warning}\n", paint.warn("warning")));
    }
    let squashes: Vec<String> = report.squashes.iter().map(ToString::to_string).collect();
    let compared = format!(
        "{} of the schema and {} in {}",
        units::len(report.facts, "fact"),
        units::len(report.rows, "row"),
        units::len(report.tables, "table")
    );
    let verdict = match report.differences.is_empty() {
        true => "no difference",
        false => "`-` is what only the replaced steps leave, `+` what only the squashes do",
    };
    text.push_str(&format!(
        "Compared {} with what {}: {compared} ({}); {verdict}.\n",
        squashes.join(", "),
        if squashes.len() == 1 {
            "it replaces"
        } else {
            "they replace"
        },
        report.database
    ));
    if report.rows == 0 {
        text.push_str("No table has rows: what steps do to data was not compared. `--seed FILE` fills them.\n");
    }
    text
}
