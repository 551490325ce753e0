migrate_core::embed_migrations! { users => "ui/table_rebuild" }

fn main() {}
