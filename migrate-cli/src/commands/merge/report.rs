//! What a merge did, for programs and for people.

use serde::Serialize;

use super::Dialog;
use crate::view::View;

/// What was merged.
#[derive(Debug, Default, Serialize)]
pub(super) struct Merged {
    pub(super) changes: Vec<Change>,
}

/// What became of one conflict.
#[derive(Debug, Serialize)]
pub(super) struct Change {
    pub(super) app: Option<String>,
    /// `number` or `leaves`.
    pub(super) conflict: &'static str,
    /// The files that were renamed.
    pub(super) renamed: Vec<FromTo>,
    /// The merge step that was written.
    pub(super) written: Option<String>,
    /// Other files whose headers were mended.
    pub(super) headers: Vec<String>,
    /// Places in Rust sources that name a renamed step.
    pub(super) mentions: Vec<String>,
}

#[derive(Debug, Serialize)]
pub(super) struct FromTo {
    pub(super) from: String,
    pub(super) to: String,
}

/// The files that changed, for stdout, and what is left to do, for stderr.
pub(super) fn view(merged: &Merged, dialog: &Dialog<'_>) -> View {
    let paint = dialog.output.paint_err();
    let mut view = View::of(merged);
    if merged.changes.is_empty() {
        return view.note("There is nothing to merge.");
    }
    let mut data = String::new();
    for change in &merged.changes {
        for FromTo { from, to } in &change.renamed {
            data.push_str(&format!("renamed  {from}\n      -> {to}\n"));
        }
        for path in &change.headers {
            data.push_str(&format!("mended   {path}\n"));
        }
        if let Some(path) = &change.written {
            data.push_str(&format!("written  {path}\n"));
        }
        for place in &change.mentions {
            let warning = paint.warn("warning");
            view = view.note(format!(
                "{warning}: {place} has the old name; change it there"
            ));
        }
    }
    let next = paint.lead("next");
    view.data(data).note(format!(
        "{next}: look at both branches once more, then `cargo migrate check`"
    ))
}
