migrate_core::embed_migrations! { users => "ui/cycle_of_files" }

fn main() {}
