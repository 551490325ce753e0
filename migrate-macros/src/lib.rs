//! The two macros of `migrate-core`.
