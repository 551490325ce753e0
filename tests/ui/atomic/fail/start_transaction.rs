migrate_core::embed_migrations! { users => "ui/start_transaction" }

fn main() {}
