migrate_core::embed_migrations! { users => "ui/down_part_pragma" }

fn main() {}
