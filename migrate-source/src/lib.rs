//! How a migration is written down.
