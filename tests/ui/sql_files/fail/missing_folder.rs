migrate_core::embed_migrations!("ui/no_such_folder");

fn main() {}
