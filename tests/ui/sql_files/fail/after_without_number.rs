migrate_core::embed_migrations! { users => "ui/after_without_number" }

fn main() {}
