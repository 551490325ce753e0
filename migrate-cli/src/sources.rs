//! What needs only the sources: finding migration folders, checking them, starting new steps.
//!
//! Nothing here connects to a database or needs a service that compiles.

pub(crate) mod branches;
pub(crate) mod calendar;
pub(crate) mod check;
pub(crate) mod discover;
pub(crate) mod invocation;
pub(crate) mod new_step;
pub(crate) mod renumber;
pub(crate) mod squash;

/// Names as a header or an attribute lists them.
fn quoted(names: &[String]) -> String {
    let quoted: Vec<String> = names.iter().map(|name| format!("\"{name}\"")).collect();
    quoted.join(", ")
}
