migrate_core::embed_migrations! { users => "ui/misspelt_migrate" }

fn main() {}
