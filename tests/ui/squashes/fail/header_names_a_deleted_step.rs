#![deny(deprecated)]

migrate_core::embed_migrations! { users => "ui/header_names_a_deleted_step" }

fn main() {}
