migrate_core::embed_migrations! { users => "ui/nul_character" }

fn main() {}
