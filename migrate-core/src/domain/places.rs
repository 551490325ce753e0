//! Where steps stand among those of their app and kind, by their names alone: what a row that the
//! binary does not know is compared with.

use std::collections::HashMap;

use super::history::History;
use super::step::Body;

/// Where a step stands among those of its app and kind.
pub(super) fn place<'n>(kind: &str, name: &'n str) -> &'n str {
    match kind {
        // A data migration's date is what its name ends with.
        "data" => name.get(name.len().saturating_sub(10)..).unwrap_or(name),
        _ => name,
    }
}

/// The last place of each app and kind in the binary.
pub(super) fn last_places(history: &History) -> HashMap<(&str, &str), &str> {
    let mut places: HashMap<(&str, &str), &str> = HashMap::new();
    for step in history.iter() {
        let kind = match step.body {
            Body::Sql { .. } => "sql",
            Body::Function(_) => "data",
        };
        let this = place(kind, &step.id.name);
        let last = places.entry((&step.id.app, kind)).or_insert(this);
        *last = this.max(last);
    }
    places
}
