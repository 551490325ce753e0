migrate_core::embed_migrations! { users => "ui/name_with_short_number" }

fn main() {}
