migrate_core::embed_migrations! { users => "ui/squash_after_what_it_replaces" }

fn main() {}
