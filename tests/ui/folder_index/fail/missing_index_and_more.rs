migrate_core::embed_migrations! { users => "ui/missing_index_and_more" }

fn main() {}
