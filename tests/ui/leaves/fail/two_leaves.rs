migrate_core::embed_migrations! { users => "ui/two_leaves" }

fn main() {}
