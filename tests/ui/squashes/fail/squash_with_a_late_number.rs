migrate_core::embed_migrations! { users => "ui/squash_with_a_late_number" }

fn main() {}
