migrate_core::embed_migrations! { users => "ui/squash_beside_a_step" }

fn main() {}
