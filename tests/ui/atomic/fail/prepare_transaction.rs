migrate_core::embed_migrations! { users => "ui/prepare_transaction" }

fn main() {}
