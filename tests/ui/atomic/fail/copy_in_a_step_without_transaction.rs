migrate_core::embed_migrations! { users => "ui/copy_in_a_step_without_transaction" }

fn main() {}
