migrate_core::embed_migrations! { users => "ui/squash_replaces_itself" }

fn main() {}
