migrate_core::embed_migrations! { users => "ui/copy_from_stdin" }

fn main() {}
