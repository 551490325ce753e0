//! A small service with users and teams. Its tables, its rows and every correction of them come
//! from one history: the SQL files in `migrations/` and the functions in `backfills`.
//!
//! Start with `migrations/0001_initial.sql`, then `backfills.rs`, then `main.rs`.

mod backfills;

migrate_core::embed_migrations!();
