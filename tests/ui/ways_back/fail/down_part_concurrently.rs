migrate_core::embed_migrations! { users => "ui/down_part_concurrently" }

fn main() {}
