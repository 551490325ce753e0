migrate_core::embed_migrations! { users => "ui/squash_of_an_unknown_app" }

fn main() {}
