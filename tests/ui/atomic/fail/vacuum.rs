migrate_core::embed_migrations! { users => "ui/vacuum" }

fn main() {}
