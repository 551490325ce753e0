migrate_core::embed_migrations! { users => "ui/before_unknown_file" }

fn main() {}
