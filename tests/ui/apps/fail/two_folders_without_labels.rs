migrate_core::embed_migrations!("ui/common", "ui/memory");

fn main() {}
