migrate_core::embed_migrations! { users => "ui/name_without_number" }

fn main() {}
