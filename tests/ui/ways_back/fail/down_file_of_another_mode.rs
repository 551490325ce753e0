migrate_core::embed_migrations! { users => "ui/down_file_of_another_mode" }

fn main() {}
