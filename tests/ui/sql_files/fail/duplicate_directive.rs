migrate_core::embed_migrations! { users => "ui/duplicate_directive" }

fn main() {}
