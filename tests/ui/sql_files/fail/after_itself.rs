migrate_core::embed_migrations! { users => "ui/after_itself" }

fn main() {}
