migrate_core::embed_migrations! { users => "ui/create_index_concurrently" }

fn main() {}
