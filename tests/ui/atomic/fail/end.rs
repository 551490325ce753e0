migrate_core::embed_migrations! { users => "ui/end" }

fn main() {}
