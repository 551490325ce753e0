migrate_core::embed_migrations! { users => "ui/commit" }

fn main() {}
