migrate_core::embed_migrations! { users => "ui/down_without_up" }

fn main() {}
