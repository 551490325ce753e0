migrate_core::embed_migrations! { users => migrations }

fn main() {}
