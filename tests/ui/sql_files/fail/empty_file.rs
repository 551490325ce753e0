migrate_core::embed_migrations! { users => "ui/empty_file" }

fn main() {}
