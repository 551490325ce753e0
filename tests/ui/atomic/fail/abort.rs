migrate_core::embed_migrations! { users => "ui/abort" }

fn main() {}
