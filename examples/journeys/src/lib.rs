//! Five apps in one service: people, what they read, the journeys they are on, the conversations
//! they have on the way, and what is remembered of those.
//!
//! Each app keeps its own history in `src/APP/migrations`; headers say which step of another app
//! one of its own waits for. The data migrations stand beside the code that they serve:
//! `llmchat/checkpointer.rs`, `memory/store.rs`, `journeys/load.rs`, `users/mod.rs`.

pub mod checklist;
mod database;
mod evidence;
mod journeys;
mod llmchat;
mod memory;
mod users;

pub use database::Database;

migrate_core::embed_migrations! {
    users    => "src/users/migrations",
    evidence => "src/evidence/migrations",
    journeys => "src/journeys/migrations",
    llmchat  => "src/llmchat/migrations",
    memory   => "src/memory/migrations",
}
