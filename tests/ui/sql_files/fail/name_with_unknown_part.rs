migrate_core::embed_migrations! { users => "ui/name_with_unknown_part" }

fn main() {}
