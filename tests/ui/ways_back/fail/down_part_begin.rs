migrate_core::embed_migrations! { users => "ui/down_part_begin" }

fn main() {}
