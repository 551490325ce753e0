migrate_core::embed_migrations! { users => "ui/two_files_with_one_purpose" }

fn main() {}
