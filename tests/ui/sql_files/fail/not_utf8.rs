migrate_core::embed_migrations! { users => "ui/not_utf8" }

fn main() {}
