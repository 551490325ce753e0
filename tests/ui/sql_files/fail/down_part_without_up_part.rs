migrate_core::embed_migrations! { users => "ui/down_part_without_up_part" }

fn main() {}
