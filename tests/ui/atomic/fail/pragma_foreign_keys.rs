migrate_core::embed_migrations! { users => "ui/pragma_foreign_keys" }

fn main() {}
