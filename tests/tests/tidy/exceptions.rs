//! What may break a rule of the tidy test, and why.

/// Files over the budget: path, reason.
pub(crate) const LONG_FILES: &[(&str, &str)] = &[];

/// Functions over the budget: path, name, reason.
pub(crate) const LONG_FUNCTIONS: &[(&str, &str, &str)] = &[];

/// Files in which a line that can panic is right: path, what the line holds, reason.
pub(crate) const PANICS: &[(&str, &str, &str)] = &[];
