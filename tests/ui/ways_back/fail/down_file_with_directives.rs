migrate_core::embed_migrations! { users => "ui/down_file_with_directives" }

fn main() {}
