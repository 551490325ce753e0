migrate_core::embed_migrations! { users => "ui/squash_with_a_misspelt_name" }

fn main() {}
