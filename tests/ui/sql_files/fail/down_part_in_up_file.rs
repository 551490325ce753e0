migrate_core::embed_migrations! { users => "ui/down_part_in_up_file" }

fn main() {}
