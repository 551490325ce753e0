migrate_core::embed_migrations! { users => "ui/down_file_in_a_transaction_of_a_step_without" }

fn main() {}
