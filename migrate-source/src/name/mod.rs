//! Names: of data migrations with their convention, of apps, and of steps that refer to others.
//! File names stand in `file_name`.

mod convention;
mod nearest;
mod reference;

pub use convention::{DataName, NameError, check_app_label, parse_data_name};
pub use nearest::nearest;
pub use reference::Reference;

/// The Rust identifier that stands for a step: SQL steps start with a digit and get an `m`.
///
/// ```
/// use migrate_source::name::step_ident;
///
/// assert_eq!(step_ident("0001_initial"), "m0001_initial");
/// assert_eq!(step_ident("lower_emails_2026_11_20"), "lower_emails_2026_11_20");
/// ```
#[must_use]
pub fn step_ident(step_name: &str) -> String {
    if step_name.starts_with(|first: char| first.is_ascii_digit()) {
        format!("m{step_name}")
    } else {
        step_name.to_owned()
    }
}

#[cfg(test)]
mod tests;
