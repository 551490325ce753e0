migrate_core::embed_migrations! { users => "ui/begin" }

fn main() {}
