migrate_core::embed_migrations! { users => "ui/squash_of_a_bad_name" }

fn main() {}
