migrate_core::embed_migrations! { users => "ui/down_file_concurrently" }

fn main() {}
