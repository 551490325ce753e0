migrate_core::embed_migrations! { users => "ui/run_unknown_function" }

fn main() {}
