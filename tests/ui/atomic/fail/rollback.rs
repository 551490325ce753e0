migrate_core::embed_migrations! { users => "ui/rollback" }

fn main() {}
