migrate_core::embed_migrations! { users => "ui/after_unknown_function" }

fn main() {}
