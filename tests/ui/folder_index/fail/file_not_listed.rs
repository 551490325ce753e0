migrate_core::embed_migrations! { users => "ui/file_not_listed" }

fn main() {}
