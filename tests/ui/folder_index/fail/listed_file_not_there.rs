migrate_core::embed_migrations! { users => "ui/listed_file_not_there" }

fn main() {}
