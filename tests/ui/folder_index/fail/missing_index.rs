migrate_core::embed_migrations! { users => "ui/missing_index" }

fn main() {}
