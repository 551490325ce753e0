migrate_core::embed_migrations! { 1 => "ui/common" }

fn main() {}
